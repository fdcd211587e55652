"""What a model's inputs and outputs are called in C, and what they mean."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from afield.model.model import Model
from afield.platforms.microcontroller.bundle.names import Names, comment, word
from afield.platforms.microcontroller.emission.network import Port
from afield.platforms.microcontroller.following.columns import FIRST, MISSING, UNKNOWN
from afield.platforms.microcontroller.tabular.compile import CompiledTable
from afield.problem.schema import ColumnSpec


@dataclass(frozen=True, kw_only=True)
class Enumeration:
    """An enumeration in C: the type, and for each constant its name and the text it stands for."""

    type: str
    constants: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Field:
    """A member of the input or output struct.

    Parameters
    ----------
    column : str
        Name of the column, or of the port of the graph.
    member : str
    c_type : str
    size : int
        0 for a scalar, otherwise elements of the array.
    port : str
        Identifier of the network function's parameter.
    place : int
        Element there; -1 where the member is passed as a whole.
    comment : str
    values : Enumeration or None
    """

    column: str
    member: str
    c_type: str
    size: int
    port: str
    place: int
    comment: str = ""
    values: Enumeration | None = None


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """All that the files of a bundle say about a model.

    Parameters
    ----------
    prefix : str
    title : str
    inputs, outputs : tuple of Field
    task : str
        "" for a file without afield's metadata.
    version : str
        Of the afield that wrote the model.
    sha256 : str
        Of the model file.
    compiled : CompiledTable
    """

    prefix: str
    title: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    task: str
    version: str
    sha256: str
    compiled: CompiledTable

    @property
    def upper(self) -> str:
        """The prefix of macros and constants."""
        return self.prefix.upper()

    @property
    def enumerations(self) -> tuple[Enumeration, ...]:
        """Every enumeration once, inputs first."""
        return tuple(f.values for f in (*self.inputs, *self.outputs) if f.values is not None)


def mean(compiled: CompiledTable, content: bytes, model: Model | None) -> Meaning:
    """Return names and meanings for a compiled model; ``model`` is None for a file without afield's metadata."""
    network, table = compiled.network, compiled.table
    prefix, upper = network.prefix, network.prefix.upper()
    specs: dict[str, ColumnSpec] = {c.input_name: c for c in model.schema.columns} if model else {}
    globals_ = Names(
        *(f"{prefix}_{n}" for n in ("input", "output", "status", "predict", "predict_static", "run", "h", "test")),
        *(f"{upper}_{n}" for n in ("H", "OK", "NULL", "ALIGNMENT", "ARENA_BYTES", "ARENA_ALIGNMENT", "MODEL_SHA256")),
        *(f"{upper}_{n}" for n in ("AFIELD_VERSION", "INPUTS", "CLASSES", "ROM", "TEST_NO_MAIN", "TEST_ROWS")),
    )
    members, inputs = Names(), []
    ports = {p.name: p for p in network.inputs}
    numbers = {n: i for i, n in enumerate(table.numbers)}
    codes = {c.name: i for i, c in enumerate(table.codes)}
    order: list[str] = list(specs) if specs else [*table.numbers, *(c.name for c in table.codes)]
    for name in order:
        spec = specs.get(name)
        member = members.give(word(name))
        if name in numbers:
            port = ports.get(table.number_input)
            inputs.append(Field(column=name, member=member, c_type="float", size=0, port=_named(port),
                                place=numbers[name], comment=_number(name, member, spec)))  # fmt: skip
        elif name in codes:
            port = ports.get(table.code_input)
            values = _values(globals_, prefix, member, table.codes[codes[name]].values)
            told = "" if name == member else comment(name)
            inputs.append(Field(column=name, member=member, c_type=values.type, size=0, port=_named(port),
                                place=codes[name], comment=told, values=values))  # fmt: skip
    inputs += [_whole(p, members) for p in network.inputs if p.name not in (table.number_input, table.code_input)]
    title = f"Predicts {model.schema.target.name}" if model else f"The network {prefix}"
    return Meaning(
        prefix=prefix,
        title=comment(title),
        inputs=tuple(inputs),
        outputs=tuple(_outputs(compiled, globals_, model)),
        task=model.schema.target.task if model else "",
        version=model.provenance.afield if model else "",
        sha256=hashlib.sha256(content).hexdigest(),
        compiled=compiled,
    )


def _named(port: Port | None) -> str:
    return port.identifier if port else ""


def _number(name: str, member: str, spec: ColumnSpec | None) -> str:
    parts = [] if name == member else [comment(name)]
    if spec and spec.unit:
        parts.append(f"in {comment(spec.unit)}")
    if spec and spec.low is not None and spec.high is not None:
        parts.append(f"{spec.low:.6g} to {spec.high:.6g} in training")
    return "; ".join(parts)


def _values(names: Names, prefix: str, member: str, texts: Sequence[str]) -> Enumeration:
    stem = f"{prefix}_{member}"
    found = [(names.give(f"{stem}_missing".upper()), ""), (names.give(f"{stem}_unknown".upper()), "")]
    if (0, 1, len(found)) != (MISSING, UNKNOWN, FIRST):
        raise AssertionError("constants of an enumeration follow the codes of a column")
    found += [(names.give(f"{stem}_{word(t)}".upper()), t) for t in texts]
    return Enumeration(type=names.give(stem), constants=tuple(found))


def _whole(port: Port, members: Names) -> Field:
    tensor = port.tensor
    size = tensor.size if tensor.size != 1 or tensor.rank > 1 else 0
    shape = " x ".join(map(str, tensor.shape)) or "one number"
    return Field(column=port.name, member=members.give(word(port.name)), c_type=tensor.dtype.c, size=size,
                 port=port.identifier, place=-1, comment=f"{comment(port.name)}: {shape}")  # fmt: skip


def _outputs(compiled: CompiledTable, names: Names, model: Model | None) -> list[Field]:
    members, found = Names(), []
    classes = model.schema.target.classes if model else ()
    for port in compiled.network.outputs:
        labels = compiled.table.labels.get(port.name)
        field = _whole(port, members)
        if labels is not None and port.tensor.size == 1:
            stem = f"{compiled.network.prefix}_{field.member}"
            constants = tuple((names.give(f"{stem}_{word(t)}".upper()), t) for t in labels)
            values = Enumeration(type=names.give(stem), constants=constants)
            field = Field(column=port.name, member=field.member, c_type=values.type, size=0, port=port.identifier,
                          place=0, values=values)  # fmt: skip
        elif classes and port.tensor.size == len(classes):
            field = Field(column=port.name, member=field.member, c_type=field.c_type, size=port.tensor.size,
                          port=port.identifier, place=-1, comment="in the order of the labels")  # fmt: skip
        elif model and port.name == "prediction":
            target = model.schema.target
            unit = f" in {comment(target.unit)}" if target.unit else ""
            field = Field(column=port.name, member=field.member, c_type=field.c_type, size=0, port=port.identifier,
                          place=-1, comment=f"{comment(target.name)}{unit}")  # fmt: skip
        found.append(field)
    return found
