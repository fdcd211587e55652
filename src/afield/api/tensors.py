"""Rows for models whose inputs are tensors: arrays of a .npz or .npy file, held to what the graph declares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import DataError, ModelFileError
from afield.model.session import open_session

Arrays = Mapping[str, NDArray[Any]]
#: names under which a file may hold the right answers
TRUTHS = ("label", "labels", "target", "truth", "y")

_DTYPES = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64, "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(bool)": np.bool_,
}  # fmt: skip


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a .npz file by name, or that of a .npy file under "".

    Raises
    ------
    DataError
        ``data.not_found``, ``data.format``: it is no such file, or holds Python objects, which are not read.
    """
    if not path.is_file():
        raise DataError("data.not_found", "There is no such file of arrays.", where=str(path))
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return {"": found}
        with found:
            return {name: found[name] for name in found.files}
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise DataError(
            "data.format", "The file cannot be read as arrays of numbers.", where=str(path), got=str(error)[:200],
            expected="what numpy.savez(path, input=..., label=...) writes, without Python objects",
        ) from error  # fmt: skip


def tensor_rows(content: bytes, arrays: Arrays, where: str) -> tuple[dict[str, NDArray[Any]], NDArray[Any] | None]:
    """Return the rows of each input [N, ...] and, where they are there, the right answers [N, ...].

    Raises
    ------
    ModelFileError
        ``model.missing_column``: an input has no array; ``model.rows``: an array has another shape than the input.
    """
    declared = open_session(content).get_inputs()
    truths = [name for name in arrays if name in TRUTHS and name not in {i.name for i in declared}]
    named = {name: a for name, a in arrays.items() if name not in truths}
    if len(declared) == 1 and len(named) == 1:
        named = {declared[0].name: next(iter(named.values()))}
    feed = {}
    for one in declared:
        if one.name not in named:
            raise ModelFileError(
                "model.missing_column", f"The rows lack the input {one.name!r}.", where=where,
                got=", ".join(map(repr, arrays)), expected=", ".join(repr(i.name) for i in declared),
            )  # fmt: skip
        feed[one.name] = _shaped(one, named[one.name], where)
    truth = arrays[truths[0]] if truths else None
    counts = {name: len(a) for name, a in feed.items()} | ({truths[0]: len(truth)} if truth is not None else {})
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name!r} {count}" for name, count in counts.items())
        raise ModelFileError("model.rows", "The arrays have different numbers of rows.", where=where, got=told)
    return feed, truth


def _shaped(declared: Any, array: NDArray[Any], where: str) -> NDArray[Any]:
    """Return an array as rows of an input: of its type, with the rows first."""
    dtype = np.dtype(_DTYPES.get(declared.type, np.object_))
    if not declared.shape or (isinstance(declared.shape[0], int) and declared.shape[0] != 1):
        raise ModelFileError(
            "model.rows", f"The input {declared.name!r} does not take one row at a time.", where=where,
            got=f"shape {declared.shape}", expected="a first axis of 1, or one without a fixed size",
            fix="Export the network for a batch of 1.",
        )  # fmt: skip
    row = [d if isinstance(d, int) else -1 for d in declared.shape[1:]]
    given = list(array.shape[1:])
    if len(given) == len(row) + 1 and given[0] == 1:  # each row as the graph's own batch of one
        array, given = array[:, 0], given[1:]
    fits = array.ndim > 0 and len(given) == len(row) and all(a in (-1, b) for a, b in zip(row, given, strict=True))
    kept = fits and array.dtype.kind in "iufb" and dtype.kind in "iufb"
    if kept and dtype.kind != "f":
        kept = bool(np.array_equal(array.astype(dtype), array))
    if not kept:
        shape = ", ".join("any" if d < 0 else str(d) for d in row)
        raise ModelFileError(
            "model.rows", f"The array for the input {declared.name!r} has another form than the input.", where=where,
            got=f"{array.dtype} {list(array.shape)}", expected=f"{dtype} [rows{', ' if row else ''}{shape}]",
        )  # fmt: skip
    return np.ascontiguousarray(array, dtype)
