"""Writes the pages that follow from the code: errors, findings, operators, commands, parts.

``python docs/build.py`` writes them; ``--check`` writes nothing and fails when one is stale.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "src" / "afield"
MADE = "<!-- Written by docs/build.py. Change the code, then run `make docs`. -->\n\n"

AREAS = {
    "data": "Reading data",
    "problem": "Stating the problem",
    "model": "The model file",
    "output": "Writing output",
    "study": "Studies",
    "engine": "Workers",
    "parts": "Parts",
    "device": "Devices",
    "phone": "Phones",
    "graph": "The graph",
    "dependency": "Packages",
}


def calls(name_ends: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield (name, call) of every call in the sources to something whose name ends so."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith(name_ends):
                yield node.func.id, node


def error_classes() -> dict[str, list[str]]:
    """Return code -> classes that it is raised with."""
    found: dict[str, set[str]] = {}
    for name, call in calls("Error"):
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
            found.setdefault(call.args[0].value, set()).add(name)
    return {code: sorted(names) for code, names in found.items()}


def errors_page() -> str:
    """Return the page of error codes: meaning, class, exit code, what to do."""
    from afield.cli.guard import exit_code
    from afield.core import errors
    from afield.core.codes import CODES

    fixes = tomllib.loads((HERE / "fixes.toml").read_text(encoding="utf-8"))
    if set(fixes) != set(CODES):
        sys.exit(f"docs/fixes.toml and the error codes differ in {sorted(set(fixes) ^ set(CODES))}")
    classes = error_classes()
    lines = [
        "# Errors",
        "",
        "Whatever a user can cause ends in an `afield.AfieldError` with a code, what was found, where (file, column,",
        "row; rows count from 1), and what to do. The command line prints it and turns its class into an exit code;",
        "with `--json` it prints the same fields as one JSON object. In Python the fields are attributes:",
        "",
        "```python",
        "import afield",
        "",
        "try:",
        '    afield.fit("shellfish.csv", target="rigns")',
        "except afield.AfieldError as error:",
        "    print(error.code, error.fix)",
        "```",
        "",
        "```text",
        "problem.target_not_found did you mean 'rings'?",
        "```",
        "",
        "```text",
        *_tree(errors.__doc__ or ""),
        "```",
    ]
    for area, title in AREAS.items():
        lines += ["", f"## {title}"]
        for code, meaning in CODES.items():
            if code.partition(".")[0] == area:
                names = classes.get(code, ["AfieldError"])
                exits = sorted({exit_code(getattr(errors, n)(code, "")) for n in names})
                shown = " or ".join(f"`{n}`" for n in names)
                lines += ["", f"### {code}", "", meaning, "", f"- Class: {shown}; exit code {exits[0]}"]
                lines += [f"- What to do: {fixes[code]}"]
    return "\n".join(lines) + "\n"


def _tree(text: str) -> list[str]:
    start = text.index("AfieldError\n")
    return text[start : text.index("\n\n", start)].splitlines()


def findings_page() -> str:
    """Return the page of findings: every code with what its check says of itself."""
    from afield.checks.registry import CHECKS

    lines = [
        "# Findings",
        "",
        "A finding is one thing that a check found in the data: a code, a severity (`serious`, `warning`, `note`),",
        "the rows that show it, what to do, and its effect on the score. Findings never stop the work; what must stop",
        "it is an [error](errors.md). `fit` prints them, and the report and `afield problem` list them.",
        "",
        "| code | what is looked for |",
        "|---|---|",
    ]
    for code, check in CHECKS.items():
        text = (sys.modules[check.find.__module__].__doc__ or "").partition("\n\n")[0]
        lines.append(f"| `{code}` | {_flat(text.removeprefix(f'``{code}``: '))} |")
    known = {
        keyword.value.value
        for _, call in calls("Finding")
        for keyword in call.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
    }
    others = sorted(known - set(CHECKS))
    lines += ["", "Reading the data and stating the problem give further findings:", ""]
    return "\n".join(lines + [f"- `{code}`" for code in others]) + "\n"


def operators_page() -> str:
    """Return the page of the ONNX operators that a model file may use."""
    from afield.graph.profile import IR_VERSION, MICROSOFT, ML, ML_OPSET, OPERATORS, OPSET

    lines = [
        "# Operators",
        "",
        f"A model file uses opset {OPSET} of standard ONNX, version {ML_OPSET} of `{ML}`, and IR version {IR_VERSION},",
        "and only the operators below. Each of them was run in Python's onnxruntime and in onnxruntime-web's wasm",
        "build, with equal answers (`tests/e2e`). There is no library of custom operators.",
    ]
    titles = {"": "Standard ONNX", ML: f"`{ML}`", MICROSOFT: f"`{MICROSOFT}`"}
    for domain, title in titles.items():
        names = sorted(name for name, where in OPERATORS.items() if where == domain)
        lines += ["", f"## {title}", "", ", ".join(f"`{name}`" for name in names)]
    lines += [
        "",
        f"`{MICROSOFT}` is not standard ONNX, though it is in every build of onnxruntime. Files use it for text",
        'columns only, and their card then says "needs onnxruntime".',
    ]
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Return the page of the command line, from its own help."""
    import typer.main

    from afield.cli.app import app

    lines = [
        "# Command line",
        "",
        "Results go to stdout, progress and errors to stderr. `--json` makes both JSON, one object a line.",
        "`afield --install-completion` completes commands, options and column names in the shell.",
        "",
        "Exit codes: 0 done · 1 a check failed · 2 wrong use, problem or data · 3 a package is missing ·",
        "4 unsupported · 5 model file · 6 workers or study · 7 device limit · 70 a defect of afield ·",
        "130 stopped before there was a model.",
    ]
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
        usage = " ".join([f"afield {name}", *(p.metavar for p in arguments), *(["[OPTIONS]"] if options else [])])
        lines += ["", f"## {name}", "", f"`{usage}`", "", *command.help.splitlines(), ""]
        lines += ["| option | meaning |", "|---|---|"]
        lines += [f"| `{_flat(p.metavar)}` | {_flat(p.help)} |" for p in arguments]
        for option in options:
            value = "" if option.is_flag else f" {option.metavar or ''}".rstrip()
            names = ", ".join(f"`{o}{value}`" for o in sorted(option.opts, key=len, reverse=True))
            lines.append(f"| {names} | {_flat(option.help)} |")
        examples = [line for line in command.epilog.splitlines() if line.startswith("afield ")]
        lines += ["", "```text", *(f"$ {line}" for line in examples), "```"]
    return "\n".join(lines) + "\n"


def parts_page() -> str:
    """Return the page of the built-in parts: manifests and settings."""
    from afield.core.registry import list_parts, load
    from afield.parts.settings import describe

    lines = [
        "# Parts",
        "",
        "What afield brings along. Parts of other packages register in the same way:",
        "see [writing a part](writing_a_part.md).",
    ]
    entries = [e for e in list_parts() if e.point.dist is not None and e.point.dist.name == "afield"]
    for kind, title in (("encoder", "Encoders: columns to features"), ("learner", "Learners: features to answer")):
        lines += ["", f"## {title}"]
        for entry in (e for e in entries if e.manifest["type"] == kind):
            manifest, part = entry.manifest, load("parts", entry.name)
            lines += ["", f"### {entry.name}", "", manifest["summary"].rstrip(".") + ".", ""]
            lines.append(f"- Takes: {', '.join(manifest['inputs'])}; gives: {manifest['output']}")
            if manifest.get("uses_target"):
                lines.append("- Uses the target: fitted without the row's own fold")
            lines.append(f"- Licence: {manifest['licence']}; source: {manifest['source']}")
            if part.space:
                lines += ["", "| setting | default | may be |", "|---|---|---|"]
            for name, setting in part.space.items():
                lines.append(f"| `{name}` | `{setting.default!r}` | {_flat(describe(setting))} |")
    return "\n".join(lines) + "\n"


def cells_page() -> str:
    """Return the page of the rules by which a cell becomes a value: the docstrings that the readers follow."""
    from afield.problem import cells, datetimes

    lines = [
        "# From a cell to a value",
        "",
        "The graph inside a model file takes values: doubles and strings. This page says how a cell, from a text",
        "file or typed, becomes one. Every reader on every platform follows it; the schema inside the file",
        "(`afield.schema`) holds what differs from column to column: see [the model file](model_file.md).",
        "",
        _markdown(cells.__doc__ or ""),
        "",
        "## Dates and times",
        "",
        _markdown(datetimes.__doc__ or ""),
    ]
    return "\n".join(lines) + "\n"


def _markdown(text: str) -> str:
    """Return a docstring as Markdown: double backquotes become single ones, the table of directives a list."""
    body = text.partition("\n\n")[2].strip().replace("``", "`")
    kept = []
    for line in body.splitlines():
        if line.startswith("%"):
            names, _, meaning = line.partition("  ") if "  " in line else line.partition(" a percent")
            kept.append(f"- {' '.join(f'`{n}`' for n in names.split())}: {meaning.strip() or 'a percent sign'}")
        elif not line.startswith("==="):
            kept.append(line)
    return "\n".join(kept)


def _flat(text: str) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "errors.md": errors_page,
    "findings.md": findings_page,
    "cells.md": cells_page,
    "operators.md": operators_page,
    "commands.md": commands_page,
    "parts.md": parts_page,
}


def main() -> int:
    """Write the pages, or compare them."""
    stale = []
    for name, page in PAGES.items():
        path, text = HERE / name, MADE + page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv and stale:
        print(f"stale: {', '.join(stale)}; run make docs", file=sys.stderr)
        return 1
    print("fresh" if not stale else f"written: {', '.join(stale)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
