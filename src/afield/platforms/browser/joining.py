"""Joins the page's ES modules into one script, since a page from ``file://`` may import no file.

It knows the one form that the sources use: ``import { a, b } from "./x.js";`` at the top, ``export`` before a
declaration. Names at the top of all joined modules must differ; a clash is an error, never a silent renaming.
"""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.-]+)";\n', re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.MULTILINE)
_NAMES = re.compile(r"^(?:async )?(?:function\*?|const|let|class) (?:(\w+)|[\[{]([^=]*)[\]}] =)", re.MULTILINE)


def join_modules(folder: Path, entry: str) -> str:
    """Return one script of ``entry`` and all modules that it imports, each once, those it needs first.

    Raises
    ------
    ValueError
        A module is not written in the form above, or two have one name at the top.
    """
    bodies: dict[str, str] = {}
    _collect(folder, entry, bodies, ())
    owners: dict[str, str] = {}
    for module, body in bodies.items():
        for name in _top_names(body):
            if name in owners:
                raise ValueError(f"{module} and {owners[name]} both have {name!r} at the top")
            owners[name] = module
    return "\n".join(f"// {module}\n{body.strip()}\n" for module, body in bodies.items())


def _collect(folder: Path, module: str, bodies: dict[str, str], above: tuple[str, ...]) -> None:
    if module in bodies:
        return
    if module in above:
        raise ValueError(f"modules import each other: {' -> '.join([*above, module])}")
    text = (folder / module).read_text(encoding="utf-8")
    for match in _IMPORT.finditer(text):
        _collect(folder, match[2], bodies, (*above, module))
        known = _exports((folder / match[2]).read_text(encoding="utf-8"))
        if unknown := {n.strip() for n in match[1].split(",") if n.strip()} - known:
            raise ValueError(f"{module} imports {sorted(unknown)}, which {match[2]} does not export")
    body = _EXPORT.sub("", _IMPORT.sub("", text))
    if found := _OTHER.search(body):
        raise ValueError(f"{module}: not a form that can be joined: {found[0]}")
    bodies[module] = body


def _exports(text: str) -> set[str]:
    return {name for line in re.findall(r"^export .*", text, re.MULTILINE) for name in _top_names(line[7:])}


def _top_names(body: str) -> list[str]:
    return [n for one, many in _NAMES.findall(body) for n in ([one] if one else re.findall(r"\w+", many))]
