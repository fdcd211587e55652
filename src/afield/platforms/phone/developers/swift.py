"""The model as a Swift package, with a sample screen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime

from afield.core.proofs import Proof
from afield.model.model import Model
from afield.model.session import open_session
from afield.platforms.judging import judge
from afield.platforms.phone.apk.building import slug_of
from afield.platforms.phone.developers.doors import (
    EXPONENT,
    MANTISSA,
    NUMBERS,
    TEXTS,
    out_of_doors,
    through_doors,
    with_doors,
)
from afield.platforms.phone.developers.words import (
    comment_of,
    fill,
    indented,
    one_line,
    output_types,
    property_names,
    type_name,
)
from afield.platforms.phone.options import PhoneOptions
from afield.platforms.protocol import Bundle, Probe

HERE = Path(__file__).parent / "ios"
FOLDER = "ios"
ONNXRUNTIME = "1.24.2"  # the newest of its Swift package
_TYPES = {"number": "Double?", "image": "Picture", "audio": "[Float]"}
_ANSWERS = {"tensor(double)": "Double", "tensor(string)": "String", "tensor(float)": "Float"}


class Swift:
    """See ``afield.platforms.phone.piece.Piece``."""

    name = "swift"

    def wanted(self, options: PhoneOptions) -> bool:
        """Where ``--swift`` asks for it."""
        return options.swift

    def build(self, model: Model, options: PhoneOptions) -> Mapping[str, bytes]:
        """Return the package."""
        del options
        return {f"{FOLDER}/{name}": content for name, content in swift_files(model).items()}

    def prove(self, bundle: Bundle, model: Model, probe: Probe) -> list[Proof]:
        """Run the package's model, with its inputs made as the source makes them; the source was not compiled."""
        inside = f"{FOLDER}/Sources/{type_name(model)}/{slug_of(model)}.onnx"
        if inside not in bundle.files:
            return []
        needs = "Xcode: source, not compiled here"
        source = Proof(platform=self.name, ran=False, how="", needs=needs)
        session = open_session((bundle.path / inside).read_bytes())
        names = [o.name for o in session.get_outputs()]
        feed = through_doors({n: np.asarray(v) for n, v in probe.feed.items()})
        answers = out_of_doors(dict(zip(names, session.run(names, feed), strict=True)), list(probe.answers))
        how = f"onnxruntime {onnxruntime.__version__} in Python, inputs as the Swift source makes them"
        proof = judge(model, probe, {"": answers}, platform="model of the Swift package", how=how)
        return [source, replace(proof, platform="model of the Swift package")]


def swift_files(model: Model) -> dict[str, bytes]:
    """Return the package's files, name to content."""
    slug, name = slug_of(model), type_name(model)
    values = {
        "slug": slug,
        "type": name,
        "title": one_line(str(model.card.title)),
        "onnxruntime": ONNXRUNTIME,
    }
    return {
        "README.md": fill(HERE / "README.md", values),
        "Package.swift": fill(HERE / "Package.swift", values),
        f"Sources/{name}/Model.swift": fill(HERE / "Model.swift", values | _code(model)),
        f"Sources/{name}/{slug}.onnx": with_doors(model.bytes),
        "Sample/SampleView.swift": fill(HERE / "SampleView.swift", values | _screen(model)),
    }


def quoted(text: str) -> str:
    """Return a string literal of Swift."""
    plain = re.sub(r'["\\]', lambda found: "\\" + found[0], text)
    return '"' + "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in plain) + '"'


def _code(model: Model) -> dict[str, str]:
    columns, names = model.schema.columns, property_names(model.schema.columns)
    kinds = {c.name: _TYPES.get(c.kind, "String?") for c in columns}
    fields = [
        line
        for c in columns
        for line in (f"/// {comment_of(c, 'nil')}.", f"public var {names[c.name]}: {kinds[c.name]}")
    ]
    arguments = [f"{names[c.name]}: {kinds[c.name]}," for c in columns]
    arguments[-1] = arguments[-1].removesuffix(",")
    numbers = [f"row.{names[c.name]}" for c in columns if c.kind == "number"]
    texts = [f"row.{names[c.name]}" for c in columns if c.kind in ("category", "text", "datetime")]
    inputs = [f'inputs["{NUMBERS}"] = try numbers([{", ".join(numbers)}])'] if numbers else []
    inputs += [f'inputs["{TEXTS}"] = try texts([{", ".join(texts)}])'] if texts else []
    for column in columns:
        reader = {"image": "picture", "audio": "sound"}.get(column.kind)
        if reader:
            inputs.append(f"inputs[{quoted(column.input_name)}] = try {reader}(row.{names[column.name]})")
    outputs = output_types(model)
    reads = [f"{name}: {_read(name, kind)}," for name, kind in outputs.items()]
    reads[-1] = reads[-1].removesuffix(",")
    given = [n + end for n, kind in outputs.items() for end in _ends(kind)]
    return {
        "fields": indented(fields, 4),
        "arguments": indented(arguments, 8),
        "assignments": indented([f"self.{names[c.name]} = {names[c.name]}" for c in columns], 8),
        "answer": indented([f"public let {name}: {_answer(name, kind)}" for name, kind in outputs.items()], 4),
        "inputs": indented(inputs, 8),
        "outputs": ", ".join(quoted(name) for name in given),
        "reads": indented(reads, 12),
        "classes": ", ".join(quoted(text) for text in model.schema.target.classes),
    }


def _answer(name: str, kind: str) -> str:
    return "[String: Float]" if name == "probabilities" else _ANSWERS[kind]


def _ends(kind: str) -> tuple[str, ...]:
    """Return what follows the name of an output in the model with doors."""
    return (MANTISSA, EXPONENT) if kind == "tensor(double)" else ("",)


def _read(name: str, kind: str) -> str:
    if name == "probabilities":
        return 'Dictionary(uniqueKeysWithValues: zip(Self.classes, try floats(outputs, "probabilities")))'
    if kind == "tensor(double)":
        return f'try number(outputs, "{name}")'
    return f'try text(outputs, "{name}")' if kind == "tensor(string)" else f'try floats(outputs, "{name}")[0]'


def _screen(model: Model) -> dict[str, str]:
    names = property_names(model.schema.columns)
    states, fields, values = [], [], []
    for column in model.schema.columns:
        name = names[column.name]
        if column.kind == "image":
            values.append(f"{name}: Picture(width: 64, height: 64, pixels: [UInt8](repeating: 0, count: 64 * 64 * 3)),")
        elif column.kind == "audio":
            values.append(f"{name}: [Float](repeating: 0, count: {column.rate or 16_000}),")
        else:
            states.append(f'@State private var {name}Text = ""')
            fields.append(f"TextField({quoted(column.name)}, text: ${name}Text)")
            values.append(f"{name}: {'number' if column.kind == 'number' else 'given'}({name}Text),")
    values[-1] = values[-1].removesuffix(",")
    return {"states": indented(states, 4), "fields": indented(fields, 12), "values": indented(values, 24)}
