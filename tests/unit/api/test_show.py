from __future__ import annotations

from pathlib import Path

import pytest

from afield.api.show import show, show_json
from afield.api.verify import verify
from afield.core.errors import ModelFileError
from afield.core.findings import Finding
from afield.model.card import Decision
from small_models import small_model


def saved(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    return path


def test_card_as_facts_with_doubts_first(tmp_path: Path) -> None:
    findings = (
        Finding(code="a", severity="note", what="A note."),
        Finding(code="b", severity="serious", what="RISK gives the target away.", column="RISK", fix="--ignore RISK"),
        Finding(code="c", severity="warning", what="Some rows repeat.", rows=(1, 4)),
    )
    decision = Decision(rule="threshold", threshold=0.3, positive="true")
    facts = {f.label: f for f in show(saved(tmp_path, small_model("boolean", findings=findings, decision=decision)))}
    labels = list(facts)
    assert labels[:4] == ["model", "predicts", "learned from", "serious"]
    assert facts["serious"].lines == ("RISK gives the target away. --ignore RISK",)
    assert facts["warnings"].lines == ("Some rows repeat. (such as rows 1, 4)",)
    assert facts["notes"].lines == ("A note.",)
    assert facts["classes"].lines == ("False, True",)
    assert facts["decision"].lines == ("'true' from a probability of 0.3 on",)
    assert facts["learned from"].lines == ("4,177 rows, 6 columns; 3 without a target left out",)
    assert facts["score"].lines[0] == "log_loss 0.41 (95% interval 0.39 to 0.43)"
    assert facts["score"].lines[2] == "also accuracy 0.8"
    assert "length (mm): number in mm; 1 to 9" in facts["columns"].lines
    assert "sex: category; M, F, I" in facts["columns"].lines
    assert facts["made by"].lines[0] == "afield 0.1.0, effort quick, seed 0"
    assert "no real ones" in facts["file"].lines[1]


def test_everything_as_json(tmp_path: Path) -> None:
    found = show_json(saved(tmp_path, small_model(regression=True)))
    assert found.keys() == {"card", "schema", "provenance", "bytes"}
    assert found["schema"]["target"]["name"] == "rings"


def test_verify_tells_a_true_file_from_a_false_one(tmp_path: Path) -> None:
    assert verify(saved(tmp_path, small_model())).passed
    assert not verify(saved(tmp_path, small_model(wrong_by=0.01))).passed


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError):
        show(tmp_path / "none.onnx")
