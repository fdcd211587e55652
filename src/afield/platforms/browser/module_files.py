"""The model as an ES module in the layout of a published package, typed by the model's own schema."""

from __future__ import annotations

import gzip
import json
import re

from afield.model.model import Model
from afield.platforms.browser.runtime import Runtime
from afield.platforms.browser.single import PAGE
from afield.problem.schema import ColumnSpec

PARTS = (
    "arrays.js",
    "cells.js",
    "datetimes.js",
    "decision.js",
    "engine.js",
    "metadata.js",
    "selftest.js",
    "tensors.js",
)
_TYPES = {
    "number": "number | string",
    "category": "string | number | boolean",
    "text": "string",
    "datetime": "string | Date",
    "image": "{ width: number; height: number; data: Uint8Array | Uint8ClampedArray }",
    "audio": "Float32Array",
}


def build_module(model: Model, runtime: Runtime) -> dict[str, bytes]:
    """Return the files of the package, name to content."""
    name = package_name(model)
    files = {part: (PAGE / part).read_bytes() for part in PARTS}
    return files | {
        "index.js": (PAGE / "module" / "index.js").read_bytes(),
        "index.d.ts": types_of(model).encode(),
        "model.onnx": model.bytes,
        "ort.mjs": gzip.decompress(runtime.library),
        "ort.wasm": gzip.decompress(runtime.wasm),
        "package.json": json.dumps(_package(name), indent=2).encode() + b"\n",
        "README.md": _readme(name, model).encode(),
    }


def package_name(model: Model) -> str:
    """Return a name that npm takes."""
    slug = re.sub("[^a-z0-9]+", "-", str(model.card.target).lower()).strip("-")
    return f"{slug or 'afield'}-model"


def types_of(model: Model) -> str:
    """Return the TypeScript declarations: a row with the model's columns, and its answer."""
    target = model.schema.target
    columns = [
        f"  /** {_comment(c)} */\n  {json.dumps(c.name, ensure_ascii=False)}: {_TYPES[c.kind]} | null;"
        for c in model.schema.columns
    ]
    if target.task == "regression":
        answer = "  prediction: number;"
    else:
        names = " | ".join(json.dumps(text, ensure_ascii=False) for text in target.classes)
        answer = f"  label: {names};\n  probabilities: Record<{names}, number>;"
    return "\n".join(
        [
            "/** One row: raw values, as text cells or typed; null where a value is not known. */",
            "export interface Row {",
            *columns,
            "}",
            "",
            "export interface Answer {",
            answer,
            "  /** Bounds of the interval, where the model has them. */",
            "  lower?: number;",
            "  upper?: number;",
            "}",
            "",
            (PAGE / "module" / "index.d.ts").read_text(encoding="utf-8"),
        ]
    )


def _comment(spec: ColumnSpec) -> str:
    parts: list[str] = [spec.kind]
    if spec.unit:
        parts.append(f"in {spec.unit}")
    if spec.low is not None and spec.kind == "number":
        parts.append(f"seen in training: {spec.low:g} to {spec.high:g}")
    if spec.levels:
        parts.append("one of " + ", ".join(spec.levels[:8]) + (", ..." if len(spec.levels) > 8 else ""))
    return "; ".join(parts).replace("*/", "* /").replace("\n", " ")


def _package(name: str) -> dict[str, object]:
    return {
        "name": name,
        "version": "1.0.0",
        "type": "module",
        "main": "./index.js",
        "types": "./index.d.ts",
        "exports": {".": {"types": "./index.d.ts", "default": "./index.js"}, "./model.onnx": "./model.onnx"},
        "sideEffects": False,
        "engines": {"node": ">=20.16"},
    }


def _readme(name: str, model: Model) -> str:
    row = json.dumps({c.name: None for c in model.schema.columns}, ensure_ascii=False, indent=2)
    return (
        f"# {name}\n\n{model.card.title}. Runs in browsers and in Node (20.16 or newer) on onnxruntime's wasm "
        "build; no request leaves the page but for the files of this package.\n\n"
        f'```js\nimport {{ predict }} from "{name}";\n\nconst answer = await predict({row});\n```\n\n'
        "Cells are texts as in a CSV, or typed values; null is missing. A column that a row lacks is an error.\n"
        "`open()` gives the model itself: `schema`, `card`, `predictMany(rows)`, and `selfTest()`, which holds the\n"
        "answers given here to the samples inside the file. A page with a content security policy needs\n"
        "`script-src 'self' 'wasm-unsafe-eval'` and `connect-src 'self'`.\n"
    )
