from __future__ import annotations

import pytest

from afield.cli.fit import default_out
from afield.cli.options import pairs, split_names, wishes_of
from afield.core.errors import ProblemError


def test_names_are_split_by_commas_unless_quoted() -> None:
    assert split_names(["id,name", '"a,b", c', "d e"]) == ["id", "name", "a,b", "c", "d e"]


def test_pairs_split_at_the_last_equals_sign() -> None:
    assert pairs("--kind", ["a=b=text", "c=number"]) == {"a=b": "text", "c": "number"}


@pytest.mark.parametrize("text", ["zip", "=text", "zip="])
def test_pair_without_both_sides_is_refused(text: str) -> None:
    with pytest.raises(ProblemError, match="zip=category") as caught:
        pairs("--kind", [text])
    assert caught.value.code == "problem.option"


def test_options_left_out_are_no_wishes() -> None:
    assert wishes_of({"target": None, "real_samples": False, "ignore": [], "jobs": 0, "kind": None}) == {"jobs": 0}


def test_memory_and_lists_get_their_field_names() -> None:
    wishes = wishes_of({"memory": "4GB", "ignore": ["a,b"], "kind": ["z=text"], "date": ["d=%Y"]})
    assert wishes == {"memory_bytes": "4GB", "ignore": ["a", "b"], "kinds": {"z": "text"}, "dates": {"d": "%Y"}}


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("data/shellfish.csv.gz", "shellfish.onnx"),
        ("https://host/a/b.parquet?raw=1", "b.onnx"),
        ("C:\\data\\x.csv", "x.onnx"),
        ("", "model.onnx"),
    ],
)
def test_default_output_is_named_after_the_data(data: str, name: str) -> None:
    assert str(default_out(data)) == name
