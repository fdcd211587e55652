import numpy as np

from afield.parts.encoders.onehot import part

COLUMNS = {"color": ["red"] * 6 + ["blue"] * 8 + [""] * 2 + ["rare"] * 2, "size": ["L"] * 9 + ["S"] * 9}


def test_each_level_and_missing_and_rare_have_a_column(encoding):
    encoded = encoding(part, COLUMNS)
    assert encoded.names == ["color.missing", "color.rare", "color=blue", "color=red", "size=L", "size=S"]
    out = encoded({"color": ["", "new", "blue", "red"], "size": ["L", "S", "", "new"]})
    assert out.tolist() == [[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0]]


def test_every_training_row_has_one_1_in_each_column(encoding):
    rng = np.random.default_rng(0)
    columns = {f"c{i}": rng.choice(["", *(f"v{j}" for j in range(40))], 300).tolist() for i in range(5)}
    for settings in ({}, {"max_levels": 3}, {"max_width": 30}):
        encoded = encoding(part, columns, settings=settings)
        assert len(encoded.names) <= 30 or "max_width" not in settings
        assert np.all(encoded().sum(1) == 5)


def test_the_rarest_levels_of_all_columns_go_first(encoding):
    columns = {"a": ["x"] * 50 + ["y"] * 10, "b": ["u"] * 30 + ["v"] * 18 + ["w"] * 12}
    assert encoding(part, columns, settings={"max_width": 5}).names == ["a.rare", "a=x", "b.rare", "b=u", "b=v"]


def test_width_has_a_hard_cap_even_where_missing_and_rare_exceed_it(encoding):
    columns = {f"c{i}": ["x"] * (9 - i) + [""] * (i + 1) for i in range(6)}
    assert len(encoding(part, columns, settings={"max_width": 4}).names) == 4


def test_columns_of_many_levels_are_left_out_unless_all_have_many(encoding):
    table = {"few": ["a", "b"] * 30, "many": [f"c{i % 6}" for i in range(60)]}
    assert encoding(part, table, settings={"few_levels": 3}).names == ["few=a", "few=b"]
    assert len(encoding(part, {"many": table["many"]}, settings={"few_levels": 3}).names) == 6
