"""A model in three pieces, and running it through them.

How much of the graph goes along is measured: the longest region that a network in float32 bears. A region that begins
at raw numbers may overflow there, or meet missing values; the next shorter one begins after them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray

from afield.core.errors import UnsupportedError
from afield.model.model import Model
from afield.model.samples import hostile, synthesise
from afield.model.selftest import Answers, Comparison, compare, stored_feed
from afield.model.session import open_session, run_session
from afield.platforms.phone.neural.cut import Analysis, Region
from afield.platforms.phone.neural.pieces import CORE_INPUT, CORE_OUTPUT, back_of, core_of, front_of, one_row
from afield.problem.schema import MEDIA_KINDS

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FLOAT_TOLERANCE = 1e-5
_MADE_ROWS, _HOSTILE_ROWS = 192, 400

Feed = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Split:
    """A model in pieces, each ONNX for one row.

    Parameters
    ----------
    front : bytes or None
        The model's inputs to ``core_input``; None where the network takes the model's own input.
    core : bytes
        float32: ``core_input`` to ``core_output``.
    back : bytes or None
        ``core_output``, and inputs of the model where it needs some, to the outputs; None where it is the output.
    source, answer : str
        Names in the model of what goes into the network and comes out.
    weights : int
        Learned numbers of the network.
    """

    front: bytes | None
    core: bytes
    back: bytes | None
    source: str
    answer: str
    weights: int

    @cached_property
    def _front(self) -> InferenceSession:
        return open_session(self.front or b"")

    @cached_property
    def _core(self) -> InferenceSession:
        return open_session(self.core)

    @cached_property
    def _back(self) -> InferenceSession:
        return open_session(self.back or b"")

    def inputs(self, feed: Feed) -> Floats:
        """Return what goes into the network for each row, float32 [N, ...].

        Raises
        ------
        UnsupportedError
            ``phone.no_network``: its size differs between rows.
        """
        if self.front is None:
            return np.stack([row[self.source] for row in _rows(feed)]).astype(np.float32)
        session = self._front
        names = [i.name for i in session.get_inputs()]
        found = [run_session(session, [CORE_INPUT], {n: row[n] for n in names})[0] for row in _rows(feed)]
        if len({value.shape for value in found}) > 1:
            raise no_network("what goes into its network has another size for each row")
        return np.stack(found)

    def core_answers(self, inputs: Floats) -> Floats:
        """Return what onnxruntime makes of the network in float32, [N, ...]."""
        session = self._core
        return np.stack([run_session(session, [CORE_OUTPUT], {CORE_INPUT: row})[0] for row in inputs])

    def outputs(self, feed: Feed, answers: Floats) -> dict[str, NDArray[Any]]:
        """Return the model's outputs, made of the network's ``answers`` float32 [N, ...] to the rows of ``feed``."""
        if self.back is None:
            return {self.answer: np.concatenate(list(answers))}
        session = self._back
        names = [o.name for o in session.get_outputs()]
        others = [i.name for i in session.get_inputs() if i.name != CORE_OUTPUT]
        found = [
            run_session(session, names, {CORE_OUTPUT: answer, **{n: row[n] for n in others}})
            for row, answer in zip(_rows(feed), answers, strict=True)
        ]
        return {name: np.concatenate([row[at] for row in found]) for at, name in enumerate(names)}


def split(model: Model) -> Split:
    """Return the model in pieces.

    Raises
    ------
    UnsupportedError
        ``phone.no_network``: no part of it is a network, or float32 is not enough for it.
    """
    proto = one_row(model.bytes)
    analysis = Analysis(proto)
    regions = analysis.regions()
    if not regions:
        raise no_network("no part of it is a network")
    feed = rows_of(model)
    wanted = model.run(feed)
    tried: list[Comparison] = []
    for region in regions:
        made, inputs = cut_at(analysis, proto, region, feed)
        if not np.isfinite(inputs).all():
            continue
        found = compare_with(model, wanted, made.outputs(feed, made.core_answers(inputs)), tolerance_of(model))
        if found.passed:
            return made
        tried.append(found)
    if tried:
        raise no_network(f"in float32 its network is off by {min(c.largest for c in tried):.2g}")
    raise no_network("missing or infinite values go into its network")


def cut_at(analysis: Analysis, proto: onnx.ModelProto, region: Region, feed: Feed) -> tuple[Split, Floats]:
    """Return the pieces of one region, and what goes into its network for the rows of ``feed``."""
    ends: dict[str, Any] = {"source": region.source, "answer": region.answer, "weights": region.weights}
    front = front_of(analysis, proto, region)
    inputs = Split(front=front, core=b"", back=None, **ends).inputs(feed)
    core = core_of(proto, region, inputs.shape[1:])
    return Split(front=front, core=core, back=back_of(analysis, proto, region), **ends), inputs


def rows_of(model: Model) -> dict[str, NDArray[Any]]:
    """Return samples, made-up rows and hostile rows; of pictures and sounds the samples alone."""
    feed = stored_feed(model.selftest, model.schema)
    if any(c.kind in MEDIA_KINDS for c in model.schema.columns):
        return feed
    more = [synthesise(model.schema, _MADE_ROWS, 11), hostile(model.schema, {}, _HOSTILE_ROWS, 12)]
    return {name: np.concatenate([values, *(part[name] for part in more)]) for name, values in feed.items()}


def ordinary_rows(model: Model) -> dict[str, NDArray[Any]]:
    """Return rows as the network will see them: what int8 is fitted to."""
    feed = rows_of(model)
    count = model.selftest.rows + _MADE_ROWS
    return {name: values[:count] for name, values in feed.items()}


def tolerance_of(model: Model) -> float:
    """Return how far a network in float32 may be off."""
    return max(model.selftest.tolerance, FLOAT_TOLERANCE)


def compare_with(model: Model, wanted: Answers, found: Answers, tolerance: float) -> Comparison:
    """Hold answers to those that they should be, by the model's own scale and decision rule."""
    return compare(
        wanted,
        found,
        tolerance=tolerance,
        scale=model.selftest.scale,
        decision=model.card.decision,
        classes=model.schema.target.classes,
    )


def no_network(reason: str) -> UnsupportedError:
    """Return the error for a model that has no part for runtimes of networks."""
    return UnsupportedError(
        "phone.no_network",
        f"Nothing of this model can go to LiteRT or ExecuTorch: {reason}.",
        fix="Leave these forms out: the whole model runs on onnxruntime on every phone.",
    )


def counted(piece: bytes | None) -> dict[str, int]:
    """Return how often each operator stands in a piece, by name."""
    nodes = onnx.load_from_string(piece).graph.node if piece else []
    return dict(sorted(Counter(n.op_type for n in nodes).items()))


def _rows(feed: Feed) -> Iterator[dict[str, NDArray[Any]]]:
    for at in range(len(next(iter(feed.values())))):
        yield {name: values[at : at + 1] for name, values in feed.items()}
