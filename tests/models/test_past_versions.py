"""Files of every past format version load, verify and answer, for ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afield.model.metadata import FORMAT
from afield.model.model import Model

FILES = sorted(Path(__file__).parent.glob("format-*.onnx"))


def test_every_format_has_its_files() -> None:
    assert {int(f.name.split("-")[1]) for f in FILES} == set(range(1, FORMAT + 1))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_past_file_loads_and_verifies(file: Path) -> None:
    model = Model.load(file)
    assert model.verify().passed
    if "format-1" not in file.stem:
        return
    row = {"length (mm)": "150,5".replace(",", "."), "pen": "north", "caught": "2023-05-01", "remark": "ill fin"}
    answer = model.predict(row)
    assert answer.shape == (1,)
    if model.task == "regression":
        assert np.isfinite(answer).all()
    else:
        assert model.predict_proba(row).sum() == pytest.approx(1.0, abs=1e-6)
        assert answer[0] in ("large", "medium", "small")


def test_pictures_and_sounds_are_answered() -> None:
    home = Path(__file__).parent
    photo = np.full((2, 30, 50, 3), 128, dtype=np.uint8)
    assert Model.load(home / "format-2-image.onnx").predict({"photo": photo}).shape == (2,)
    sound = np.zeros((1, 8_000))
    assert Model.load(home / "format-2-sound.onnx").predict_proba({"sound": sound}).shape == (1, 12)
