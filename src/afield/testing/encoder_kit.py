"""The public conformance kit for encoders: what every encoder must hold, built in or anyone's.

>>> from afield.core.registry import load
>>> check_encoder(load("parts", "number"))
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import AfieldError
from afield.core.registry import list_parts, load
from afield.data.answer import Answer
from afield.data.table import NumberColumn, Table
from afield.graph.builder import Builder
from afield.parts.protocol import Encoder, FitContext, FittedEncoder, State
from afield.problem.schema import ColumnSpec
from afield.testing.encoder_tables import RARE_TEXT, ROWS, Case, make_answers, make_cases, make_telling_answer

_FORMS = ("dense", "codes", "embedding")


def check_encoder(part: Encoder) -> None:
    """Run every check on a registered encoder.

    Raises
    ------
    AssertionError
        Names the encoder, the table and the settings, and says what was found and what was expected.
    """
    _check_manifest(part)
    _check_settings(part)
    for kind in sorted(part.kinds):
        cases = make_cases(kind)
        for i, case in enumerate(cases):
            answers = make_answers(case.table.rows)[: None if part.uses_target else 1]
            for answer in answers if i == 0 else [answers[i % len(answers)]]:  # every answer on ordinary columns
                where = f"encoder {part.name!r} on {case.name} ({kind}, {answer.task} of {answer.classes} classes)"
                _check_case(part, case, answer, {}, where)
        if _chooses(part):
            answer = make_telling_answer(cases[0])
            _check_case(part, cases[0], answer, {}, f"encoder {part.name!r} on columns that tell together ({kind})")
        answer = make_answers(ROWS)[0]
        for settings in _variations(part):
            _check_case(part, cases[0], answer, settings, f"encoder {part.name!r} with {settings} ({kind})")


def _chooses(part: Encoder) -> bool:
    """Tell an encoder that may choose among its columns from one that encodes each."""
    return any("+" in kind for kind in part.kinds)


def _require(held: bool, where: str, text: str) -> None:
    if not held:
        raise AssertionError(f"{where}: {text}")


def _check_manifest(part: Encoder) -> None:
    where = f"encoder {part.name!r}"
    entry = next((e for e in list_parts() if e.name == part.name), None)
    if entry is None:
        raise AssertionError(f"{where}: is not registered; add it to the entry points of group afield.parts")
    _require(load("parts", part.name) is part, where, "the entry point names another object")
    manifest = entry.manifest
    _require(manifest["type"] == "encoder", where, f"the manifest's type is {manifest['type']!r}, not 'encoder'")
    _require(set(manifest["inputs"]) == set(part.kinds), where, f"inputs {manifest['inputs']}, kinds {part.kinds}")
    _require(manifest["output"] in _FORMS, where, f"the manifest's output is {manifest['output']!r}, not in {_FORMS}")
    target = manifest.get("uses_target", False)
    _require(target == part.uses_target, where, f"uses_target is {target} in the manifest, {part.uses_target} here")


def _check_settings(part: Encoder) -> None:
    wrong: list[dict[str, Any]] = [{"no such setting": 1}]
    for name, setting in part.space.items():
        wrong.append({name: {"not": "a setting"}})
        if setting.kind in ("integer", "number"):
            wrong += [{name: setting.low - 1}, {name: setting.high + 1}, {name: float("nan")}, {name: "1"}]
    case, answer = make_cases(min(part.kinds))[0], make_answers(ROWS)[0]
    for settings in wrong:
        where = f"encoder {part.name!r} with {settings}"
        try:
            part.fit(case.table, case.specs, answer, FitContext(), settings)
        except AfieldError as error:
            _require(error.code == "parts.settings", where, f"refused with code {error.code!r}, not 'parts.settings'")
        else:
            raise AssertionError(f"{where}: was accepted; use afield.parts.settings.settle")


def _variations(part: Encoder) -> Iterator[dict[str, Any]]:
    """Yield settings that differ from the defaults in one place."""
    for name, setting in part.space.items():
        values: Sequence[Any] = (setting.low, setting.high)
        if setting.kind in ("choice", "boolean"):
            values = setting.choices or (False, True)
        yield from ({name: int(v) if setting.kind == "integer" else v} for v in values if v != setting.default)


def _check_case(part: Encoder, case: Case, answer: Answer, settings: Mapping[str, Any], where: str) -> None:
    fitted = part.fit(case.table, case.specs, answer, FitContext(seed=1), settings)
    model = _model(fitted, case.specs)
    again = part.fit(case.table, case.specs, answer, FitContext(seed=1), settings)
    _require(_model(again, case.specs) == model, where, "two fits on the same data give two graphs")
    _check_state(part, fitted, case, model, where)
    _check_like(part, fitted, case, answer, settings, where)
    _check_features(part, fitted, case, where)

    run = _runner(model, case.specs)
    rows = _join(case.table, case.hostile)
    full = run(rows)
    _require(full.dtype == np.float32, where, f"the output is {full.dtype}, not float32")
    _require(full.shape == (len(rows[0]), len(fitted.features)), where, f"shape {full.shape}, features name the width")
    _check_values(fitted, case, full, where)
    _check_rows(run, rows, full, where, alone=8 if settings else 45)
    moves = case.name == "ordinary columns" and not settings and not _chooses(part)
    _check_columns(fitted, case, run, rows, full, where, moves=moves)
    empty = run([v[:0] for v in rows])
    _require(empty.shape == (0, full.shape[1]), where, f"no rows give shape {empty.shape}")


def _model(fitted: FittedEncoder, specs: Sequence[ColumnSpec]) -> bytes:
    builder = Builder()
    inputs = {s.name: builder.input(s.name, "float64" if s.kind == "number" else "string", ["N"]) for s in specs}
    builder.output(fitted.lower(builder, inputs), "features", ["N", len(fitted.features)])
    return builder.build("encoder").SerializeToString(deterministic=True)


class _runner:  # noqa: N801 - used as a function
    """Runs a model on columns, in one thread."""

    def __init__(self, model: bytes, specs: Sequence[ColumnSpec]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._names = [s.name for s in specs]

    def __call__(self, columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
        answer: NDArray[Any] = self._session.run(["features"], dict(zip(self._names, columns, strict=True)))[0]
        return answer


def _join(*tables: Table) -> list[NDArray[Any]]:
    names = tables[0].columns
    return [np.concatenate([table[name].feed(slice(None)) for table in tables]) for name in names]


def _check_state(part: Encoder, fitted: FittedEncoder, case: Case, model: bytes, where: str) -> None:
    file = io.BytesIO()
    arrays: dict[str, Any] = fitted.state()
    _require(all(a.dtype != object for a in arrays.values()), where, "the state holds an object array")
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        state: State = {key: stored[key] for key in stored.files}
    _require("json" in state and state["json"].shape == (), where, "the state has no 0-d 'json'")
    _require(isinstance(json.loads(str(state["json"])), dict), where, "the state's 'json' is not an object")
    restored = part.restore(state)
    _require(list(restored.features) == list(fitted.features), where, "the restored encoder has other features")
    _require(_model(restored, case.specs) == model, where, "the restored encoder lowers to another graph")
    kept = b"".join(a.tobytes() for a in state.values()).replace(b"\0", b"") + model  # str arrays have 4 bytes a letter
    _require(RARE_TEXT.encode() not in kept, where, f"a text of fewer than 5 rows ({RARE_TEXT!r}) is kept")


def _check_like(
    part: Encoder, fitted: FittedEncoder, case: Case, answer: Answer, settings: Mapping[str, Any], where: str
) -> None:
    """Check that a fit without some rows, told to be like the one on all rows, gives the same features."""
    if part.uses_target and case.table.rows > 1:
        some = np.flatnonzero(np.arange(case.table.rows) % 4 > 0)
        context = FitContext(seed=1, like=fitted)
        other = part.fit(case.table.take(some), case.specs, answer.take(some), context, settings)
        _require(list(other.features) == list(fitted.features), where, "a fit without a fold has other features")


def _check_features(part: Encoder, fitted: FittedEncoder, case: Case, where: str) -> None:
    names = [f.name for f in fitted.features]
    _require(len(names) > 0, where, "there is no feature")
    _require(len(set(names)) == len(names), where, "two features have the same name")
    columns = {"", *(s.name for s in case.specs)} if len(case.specs) > 1 else {case.specs[0].name}
    manifest = next(e.manifest for e in list_parts() if e.name == part.name)
    for feature in fitted.features:
        _require(feature.column in columns, where, f"feature {feature.name!r} is of {feature.column!r}, no column")
        _require(bool(feature.column) or not feature.identity, where, f"{feature.name!r} says identity, of no column")
        coded = feature.form == "codes"
        _require(feature.form in _FORMS, where, f"feature {feature.name!r} has form {feature.form!r}")
        _require(coded == (manifest["output"] == "codes"), where, f"{feature.name!r}: the manifest has another form")
        _require((feature.levels > 0) == coded, where, f"feature {feature.name!r} has {feature.levels} levels")


def _check_values(fitted: FittedEncoder, case: Case, full: NDArray[Any], where: str) -> None:
    for i, feature in enumerate(fitted.features):
        values, own = full[:, i], [feature.column] if feature.column else list(case.table.columns)
        _require(not np.isinf(values).any(), where, f"feature {feature.name!r} is infinite")
        # Garbage counts as missing, so only the rows of the table itself tell what may be NaN.
        if case.name != "hostile columns":
            there = ~np.any([case.table[name].missing for name in own], axis=0)
            _require(not np.isnan(values[: len(there)][there]).any(), where, f"{feature.name!r}: NaN for a value")
        if feature.form == "codes":
            whole = (values == np.floor(values)) & (values >= 0) & (values < feature.levels)
            _require(bool(whole.all()), where, f"{feature.name!r}: codes are not whole in 0..{feature.levels - 1}")
        if feature.identity and isinstance(case.table[feature.column], NumberColumn):
            reach = np.finfo(np.float32).max
            plain = np.concatenate([t[feature.column].feed(slice(None)) for t in (case.table, case.hostile)])
            same = np.array_equal(np.clip(plain, -reach, reach).astype(np.float32), values, equal_nan=True)
            _require(same, where, f"{feature.name!r} says identity and is not the number")


def _check_rows(run: _runner, rows: Sequence[NDArray[Any]], full: NDArray[Any], where: str, *, alone: int) -> None:
    """Check that a row's features are the same to the bit, alone and in any batch; the hostile rows stand last."""
    count = len(rows[0])
    for i in sorted({*range(min(6, count)), *range(max(0, count - alone), count)}):
        single = run([v[i : i + 1] for v in rows])
        _require(single.tobytes() == full[i : i + 1].tobytes(), where, f"row {i + 1} has other features alone")
    if alone < 45:
        return
    order = np.random.default_rng(3).integers(0, max(1, count - 45), 4096)
    batch = run([v[order] for v in rows])
    _require(batch.tobytes() == full[order].tobytes(), where, "rows have other features in a batch of 4,096")


def _check_columns(
    fitted: FittedEncoder,
    case: Case,
    run: _runner,
    rows: Sequence[NDArray[Any]],
    full: NDArray[Any],
    where: str,
    *,
    moves: bool,
) -> None:
    """Check that a feature depends on its own column, and on no other; ``moves``: each column shows in a feature.

    A feature of several columns may depend on any: nobody says which are among them. A column that has no feature was
    left out.
    """
    joint = np.array([not f.column for f in fitted.features])
    for c, spec in enumerate(case.specs):
        changed = run([np.roll(v, 1) if i == c else v for i, v in enumerate(rows)])
        own = joint | np.array([f.column == spec.name for f in fitted.features])
        same = changed[:, ~own].tobytes() == full[:, ~own].tobytes()
        _require(same, where, f"changing {spec.name!r} changes features of other columns")
        if moves and own.any():
            _require(
                changed[:, own].tobytes() != full[:, own].tobytes(),
                where,
                f"changing {spec.name!r} changes none of its features",
            )
