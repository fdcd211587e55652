from dataclasses import dataclass, replace

import numpy as np
import pytest

from afield.core import registry
from afield.parts.encoders.codes import Codes, FittedCodes
from afield.testing import encoder_kit


@dataclass(frozen=True)
class Faulty(FittedCodes):
    fault: str = ""

    @property
    def features(self):
        plain = super().features
        if self.fault == "names":
            return [replace(f, name="x") for f in plain]
        return plain[:-1] if self.fault == "width" else plain

    def lower(self, builder, inputs):
        out = super().lower(builder, inputs)
        if self.fault == "mixes rows":
            mean = builder.op("ReduceMax", out, builder.constant(np.array([0])), keepdims=1)
            return builder.op("Min", mean, builder.op("Add", out, mean))
        if self.fault == "mixes columns":
            back = np.arange(len(self.columns))[::-1].copy()
            return builder.op("Min", out, builder.gather(out, builder.constant(back), 1))
        if self.fault == "infinite":
            return builder.op("Div", out, builder.constant(np.float32(0)))
        return out

    def state(self):
        state = super().state()
        return state | {"extra": np.array(["Jane Doe 4711"])} if self.fault == "rare" else state


class FaultyCodes(Codes):
    def __init__(self, fault):
        self.fault, self.fits = fault, 0

    def fit(self, table, specs, target, context, settings):
        if self.fault == "settings":
            settings = {}
        fitted = super().fit(table, specs, target, context, settings)
        levels = fitted.levels
        self.fits += 1
        if self.fault == "chance" and self.fits % 2:
            levels = tuple(kept[::-1] for kept in levels)
        return Faulty(fitted.columns, levels, self.fault)

    def restore(self, state):
        fitted = super().restore(state)
        levels = tuple(() for _ in fitted.levels) if self.fault == "restore" else fitted.levels
        return Faulty(fitted.columns, levels, self.fault)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("names", "same name"),
        ("width", "shape"),
        ("mixes rows", "other features alone"),
        ("mixes columns", "features of other columns"),
        ("infinite", "infinite"),
        ("rare", "fewer than 5 rows"),
        ("settings", "was accepted"),
        ("chance", "two graphs"),
        ("restore", "restored"),
    ],
)
def test_a_faulty_encoder_is_caught(fault, text, monkeypatch):
    part = FaultyCodes(fault)
    monkeypatch.setattr(encoder_kit, "load", lambda group, name: part)
    with pytest.raises(Exception, match=text):
        encoder_kit.check_encoder(part)


def test_a_sound_encoder_passes_through_the_same_wrapper(monkeypatch):
    part = FaultyCodes("")
    monkeypatch.setattr(encoder_kit, "load", lambda group, name: part)
    encoder_kit.check_encoder(part)


def test_an_unregistered_encoder_is_told_how_to_register():
    part = FaultyCodes("")
    part.name = "nowhere"
    with pytest.raises(AssertionError, match=r"afield\.parts"):
        encoder_kit.check_encoder(part)
    assert "codes" in {e.name for e in registry.list_parts()}
