"""The model as a Gradle module in Kotlin, with a sample screen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path

from afield.core.proofs import Proof
from afield.model.model import Model
from afield.platforms.phone.apk.building import slug_of
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

HERE = Path(__file__).parent / "android"
FOLDER = "android"
ONNXRUNTIME = "1.24.3"  # of onnxruntime-android; the arm64 proof runs 1.24.4, which Maven does not have
_TYPES = {"number": "Double?", "image": "Picture", "audio": "FloatArray"}
_READERS = {"number": "number", "image": "picture", "audio": "sound"}
_ANSWERS = {"tensor(double)": "Double", "tensor(string)": "String", "tensor(float)": "Float"}
WIDE = 200  # columns; a constructor on Android takes 255 values


class Gradle:
    """See ``afield.platforms.phone.piece.Piece``."""

    name = "kotlin"

    def wanted(self, options: PhoneOptions) -> bool:
        """Where ``--kotlin`` asks for it."""
        return options.kotlin

    def build(self, model: Model, options: PhoneOptions) -> Mapping[str, bytes]:
        """Return the project: the module, and the sample that uses it."""
        del options
        return {f"{FOLDER}/{name}": content for name, content in gradle_files(model).items()}

    def prove(self, bundle: Bundle, model: Model, probe: Probe) -> list[Proof]:
        """Return that nothing was compiled."""
        del model, probe
        if not any(name.startswith(f"{FOLDER}/") for name in bundle.files):
            return []
        needs = "Gradle and Android's development kit: source, not compiled here"
        return [Proof(platform=self.name, ran=False, how="", needs=needs)]


def gradle_files(model: Model) -> dict[str, bytes]:
    """Return the project's files, name to content."""
    slug, package = slug_of(model), f"afield.model.{slug_of(model)}"
    values = {
        "slug": slug,
        "package": package,
        "type": type_name(model),
        "title": one_line(str(model.card.title)),
        "label": escape(str(model.card.title)),
        "asset": f"{slug}.onnx",
        "onnxruntime": ONNXRUNTIME,
    }
    source = f"src/main/kotlin/{package.replace('.', '/')}"
    return {
        "README.md": fill(HERE / "README.md", values),
        "settings.gradle.kts": fill(HERE / "settings.gradle.kts", values),
        "build.gradle.kts": fill(HERE / "build.gradle.kts", values),
        "gradle.properties": fill(HERE / "gradle.properties", values),
        "model/build.gradle.kts": fill(HERE / "model.gradle.kts", values),
        f"model/src/main/assets/{slug}.onnx": model.bytes,
        f"model/{source}/Model.kt": fill(HERE / "Model.kt", values | _code(model)),
        f"model/{source}/Assets.kt": fill(HERE / "Assets.kt", values),
        "sample/build.gradle.kts": fill(HERE / "sample.gradle.kts", values),
        "sample/src/main/AndroidManifest.xml": fill(HERE / "AndroidManifest.xml", values),
        f"sample/{source}/sample/MainActivity.kt": fill(HERE / "MainActivity.kt", values | _screen(model)),
    }


def quoted(text: str) -> str:
    """Return a string literal of Kotlin."""
    return json.dumps(text).replace("$", "\\$").replace("\\f", "\\u000c")


def _code(model: Model) -> dict[str, str]:
    names = property_names(model.schema.columns)
    wide = len(model.schema.columns) > WIDE
    fields, inputs = [], []
    for column in model.schema.columns:
        kind = _TYPES.get(column.kind, "String?")
        field = f"{names[column.name]}: {kind}"
        fields.append(f"/** {comment_of(column, 'null')}. */")
        if wide:
            fields.append(f"var {field} = null" if kind.endswith("?") else f"lateinit var {field}")
        else:
            fields.append(f"val {field},")
        reader = _READERS.get(column.kind, "text")
        inputs.append(f"inputs[{quoted(column.input_name)}] = {reader}(row.{names[column.name]})")
    outputs = output_types(model)
    answer = [f"val {name}: {_answer(name, kind)}," for name, kind in outputs.items()]
    read = [f"{name} = {_read(name, kind)}," for name, kind in outputs.items()]
    return {
        "row": "class Row {" if wide else "data class Row(",
        "row_end": "}" if wide else ")",
        "fields": indented(fields if wide else _without_last_comma(fields), 4),
        "answer": indented(_without_last_comma(answer), 4),
        "inputs": indented(inputs, 12),
        "outputs": indented(_without_last_comma(read), 20),
        "classes": ", ".join(quoted(text) for text in model.schema.target.classes),
    }


def _answer(name: str, kind: str) -> str:
    return "Map<String, Float>" if name == "probabilities" else _ANSWERS[kind]


def _read(name: str, kind: str) -> str:
    value = f"outputs.get({quoted(name)}).get().value"
    if name == "probabilities":
        return f"CLASSES.zip((({value} as Array<*>)[0] as FloatArray).toList()).toMap()"
    if kind == "tensor(string)":
        return f"({value} as Array<*>)[0] as String"
    return f"({value} as {_ANSWERS[kind]}Array)[0]"


def _screen(model: Model) -> dict[str, str]:
    names = property_names(model.schema.columns)
    fields, values = [], []
    for column in model.schema.columns:
        name = names[column.name]
        if column.kind == "image":
            values.append(f"{name} = Picture(64, 64, ByteArray(64 * 64 * 3)),  // your camera's pixels go here")
        elif column.kind == "audio":
            values.append(f"{name} = FloatArray({column.rate or 16_000}),  // your microphone's samples go here")
        else:
            numeric = "true" if column.kind == "number" else "false"
            fields.append(f"val {name}Field = field(column, {quoted(column.name)}, {numeric})")
            reader = "numberIn" if column.kind == "number" else "textIn"
            values.append(f"{name} = {reader}({name}Field),")
    if len(names) > WIDE:
        values = [value.replace(",  //", "  //").removesuffix(",") for value in values]
        ends = {"row": "Row().apply {", "row_end": "}"}
    else:
        values, ends = _without_last_comma(values), {"row": "Row(", "row_end": ")"}
    return ends | {"fields": indented(fields, 8), "values": indented(values, 16)}


def _without_last_comma(lines: list[str]) -> list[str]:
    """Return the lines without the comma after the last value: older compilers take none there."""
    head, mark, comment = lines[-1].partition(",  //")
    return [*lines[:-1], f"{head}  //{comment}" if mark else lines[-1].removesuffix(",")]
