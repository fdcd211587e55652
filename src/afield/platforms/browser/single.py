"""The page as one file: runtime, model and scripts inside, under a policy that lets no request leave it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from functools import cache
from pathlib import Path

from afield.core.errors import ModelFileError
from afield.model.card import Card
from afield.model.decision import Decision
from afield.model.display import facts
from afield.model.model import Model
from afield.platforms.browser.joining import join_modules
from afield.platforms.browser.runtime import Runtime

PAGE = Path(__file__).parent / "page"
NO_ICON = '<link rel="icon" href="data:,">'  # else a browser asks the server for one


def build_page(
    model: Model, runtime: Runtime, *, head: str = NO_ICON, allow: str = "", own_files: bool = False
) -> bytes:
    """Return the page.

    Parameters
    ----------
    model : Model
    runtime : Runtime
    head : str
        More elements of the head.
    allow : str
        More directives of the content security policy, each ending in ``; ``.
    own_files : bool
        The page may load images and a worker that lie beside it.
    """
    style = (PAGE / "style.css").read_text(encoding="utf-8")
    script = _inline(_joined("app.js"))
    card, target = model.card, model.schema.target
    values = {
        "policy": html.escape(policy(script, style, allow, own_files=own_files)),
        "head": head,
        "title": html.escape(str(card.title)),
        "lead": html.escape(_lead(card)),
        "target": html.escape(f"{target.name} ({target.unit})" if target.unit not in target.name else target.name),
        "decision": html.escape(_decision(model)),
        "style": style,
        "facts": _inline(_facts(model, runtime)),
        "worker": _inline('"use strict";\n' + _joined("worker.js")),
        "library": base64.b64encode(runtime.library).decode(),
        "wasm": base64.b64encode(runtime.wasm).decode(),
        "model": base64.b64encode(gzip.compress(model.bytes, 9, mtime=0)).decode(),
        "app": script,
    }
    template = (PAGE / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda m: values[m[1]], template).encode()


def policy(script: str, style: str, allow: str = "", *, own_files: bool = False) -> str:
    """Return the content security policy: what is in the page may run, blobs that it makes itself, and nothing else."""
    own = " 'self'" if own_files else ""
    return (
        f"default-src 'none'; script-src '{_hash(script)}' 'wasm-unsafe-eval' blob:; style-src '{_hash(style)}'; "
        f"worker-src blob:{own}; img-src blob: data:{own}; media-src blob:; {allow}base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _joined(entry: str) -> str:
    return join_modules(PAGE, entry)


def _inline(text: str) -> str:
    """Return text that no parser of HTML takes for the end of its element."""
    if re.search("</script|<!--", text, re.IGNORECASE):
        raise ValueError("this text would end the element that holds it")
    return text


def _facts(model: Model, runtime: Runtime) -> str:
    shown = facts(model.card, [c.name for c in model.schema.columns], model.classes, len(model.bytes))
    shown.append(("runs on", f"onnxruntime-web {runtime.version} by Microsoft, MIT licence"))
    return json.dumps({"facts": shown}, ensure_ascii=False).replace("<", "\\u003c")


def _lead(card: Card) -> str:
    rows = f", learnt on {card.rows_used:,} rows" if card.rows_used else ""
    return f"Predicts {card.target}{rows}."


def _decision(model: Model) -> str:
    if model.task == "regression":
        return "The answer is the value that the model expects; it is not rounded, and no rule follows it."
    rule = (model.card.decision or Decision()).text(model.schema.target.classes)
    return f"The answer is {rule}."


def read_page(path: Path) -> Model:
    """Return the model inside a page that ``build_page`` made."""
    found = re.search(rb'<script type="text/plain" id="model">([A-Za-z0-9+/=]+)</script>', path.read_bytes())
    if found is None:
        raise ModelFileError("model.foreign", "There is no model inside this page.", where=str(path))
    return Model.load(gzip.decompress(base64.b64decode(found[1])))
