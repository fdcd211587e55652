"""Storages that live at the same time never share a byte, whatever their sizes, lives and types."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from afield.platforms.microcontroller.ir import DType, Tensor
from afield.platforms.microcontroller.placing import Leads, Life, Place, pack, rounded
from afield.platforms.microcontroller.plan import Plan, overlaps


@st.composite
def lives(draw: st.DrawFn) -> Life:
    first = draw(st.integers(0, 20))
    alignment = draw(st.sampled_from([1, 2, 4, 8]))
    return Life(
        names=(str(draw(st.integers(0, 10**6))),),
        size_bytes=alignment * draw(st.integers(0, 60)),
        alignment=alignment,
        first=first,
        last=first + draw(st.integers(0, 8)),
        dtype=draw(st.sampled_from([DType.FLOAT32, DType.INT8, None])),
    )


def finished(found: list[Life], outputs: dict[str, tuple[Tensor, int]], leads: Leads | None = None) -> Plan:
    placed = pack(found, outputs, leads)
    end = max((p.offset + f.size_bytes for f, p in placed if p.region == "arena"), default=0)
    ends = [
        (Life(names=(n,), size_bytes=t.size_bytes, alignment=4, first=w, last=99), Place(region=n, offset=0))
        for n, (t, w) in outputs.items()
    ]
    return Plan(places={}, scratch={}, arena_bytes=rounded(end, 8), alignment=8, lives=(*placed, *ends),
                leads=leads or {})  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(lives(), max_size=25), st.lists(st.tuples(st.integers(1, 80), st.integers(0, 28)), max_size=2))
def test_nothing_alive_overlaps(found: list[Life], ends: list[tuple[int, int]]) -> None:
    outputs = {
        f"out{i}": (Tensor(name=f"out{i}", dtype=DType.FLOAT32, shape=(n,)), written)
        for i, (n, written) in enumerate(ends)
    }
    plan = finished(found, outputs)
    assert len(plan.lives) == len(found) + len(ends)
    assert overlaps(plan) == []
    for life, place in plan.lives:
        if place.region in outputs and life.names[0] != place.region:
            assert place.offset + life.size_bytes <= outputs[place.region][0].size_bytes
            assert life.dtype is DType.FLOAT32


@settings(max_examples=300, deadline=None)
@given(st.lists(lives(), max_size=16, unique_by=lambda one: one.names), st.data())
def test_outputs_trail_behind_inputs_as_far_as_stated(found: list[Life], data: st.DataObject) -> None:
    leads = {
        (one.names, other.names): data.draw(st.integers(-20, 200))
        for one in found
        for other in found
        if one.first == other.last and one is not other and data.draw(st.booleans())
    }
    plan = finished(found, {}, leads)
    assert overlaps(plan) == []
    at = {life.names: (life, place.offset) for life, place in plan.lives}
    for (output, source), lead in leads.items():
        one, start = at[output]
        other, beside = at[source]
        apart = start + one.size_bytes <= beside or beside + other.size_bytes <= start
        assert apart or start + lead <= beside


def test_sharing_takes_less_than_lying_side_by_side() -> None:
    a = Life(names=("a",), size_bytes=100, alignment=4, first=0, last=1)
    b = Life(names=("b",), size_bytes=60, alignment=4, first=1, last=2)
    c = Life(names=("c",), size_bytes=90, alignment=4, first=2, last=3)
    leads = {(("b",), ("a",)): 8, (("c",), ("b",)): 8}
    plan = finished([a, b, c], {}, leads)
    assert plan.arena_bytes == 120
    assert finished([a, b, c], {}).arena_bytes == 160
    closer = [(life, replace(p, offset=p.offset + 4 * (life is b))) for life, p in plan.lives]
    assert overlaps(replace(plan, lives=tuple(closer)))


@settings(max_examples=100, deadline=None)
@given(st.lists(lives(), min_size=2, max_size=12))
def test_the_checker_sees_what_is_moved_together(found: list[Life]) -> None:
    plan = finished([replace(f, size_bytes=8, first=0, last=3) for f in found], {})
    together = replace(plan, lives=tuple((f, replace(p, offset=0)) for f, p in plan.lives))
    assert overlaps(together)
