import numpy as np
import pytest

from afield.core.errors import ProblemError
from afield.data.table import StringColumn
from afield.parts.encoders.codes import part
from afield.parts.encoders.levels import keep_levels

COLORS = ["red"] * 7 + ["blue"] * 9 + ["aqua"] * 7 + ["rare"] * 4 + [""] * 5


def test_levels_are_numbered_by_frequency_then_text(encoding):
    encoded = encoding(part, {"color": COLORS})
    assert encoded.fitted.levels == (("blue", "aqua", "red"),)
    assert encoded.fitted.features[0].levels == 5
    seen = ["", "rare", "unseen", "blue", "aqua", "red", "Red", "red ", "red\0", "0:red", "x" * 100_000]
    assert encoded({"color": seen})[:, 0].tolist() == [0, 1, 1, 2, 3, 4, 1, 1, 1, 1, 1]


def test_columns_with_the_same_texts_keep_their_own_codes(encoding):
    columns = {"a": ["x"] * 9 + ["y"] * 6, "b": ["y"] * 9 + ["x"] * 6, "c": ["1:x"] * 9 + [":"] * 6}
    out = encoding(part, columns)()
    assert out[0].tolist() == [2, 2, 2]
    assert out[-1].tolist() == [3, 3, 3]


def test_levels_with_awkward_texts_are_told_apart(encoding):
    texts = ["a", "a\0", "a\0b", "\0", "é", "e\u0301", " ", "\n", "🐟", "y" * 5000]
    out = encoding(part, {"a": texts * 5})({"a": texts})
    assert sorted(out[:, 0]) == list(range(2, 12))


def test_levels_beyond_the_limit_are_rare(encoding):
    encoded = encoding(part, {"color": COLORS}, settings={"max_levels": 2})
    assert encoded({"color": ["blue", "aqua", "red"]})[:, 0].tolist() == [2, 3, 1]


@pytest.mark.error_code("parts.settings")
def test_no_setting_keeps_levels_of_fewer_than_five_rows(encoding):
    with pytest.raises(ProblemError):
        encoding(part, {"color": COLORS}, settings={"min_count": 4})


def test_counts_of_kept_levels_add_up():
    column = StringColumn.of([*COLORS, "gone"]).take(np.arange(len(COLORS)))
    kept = keep_levels(column, min_count=5, max_levels=2)
    assert kept.counts.tolist() == [5, 11, 9, 7]


def test_a_text_without_utf_8_is_never_kept():
    assert keep_levels(StringColumn.of(["\ud800"] * 9), min_count=5, max_levels=9).texts == ()
