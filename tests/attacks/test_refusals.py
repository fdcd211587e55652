"""Whatever a user can do wrong with a table, a target, a path or new rows is refused in words, and before the work."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import afield
from afield.cli.app import run
from afield.core import registry
from afield.core.lazy import need
from afield.problem.problem import Problem
from afield.search.recipe import Recipe, Use

ROWS = 120
LINEAR = Use(part="linear", settings={})


def table(rows: int = ROWS) -> dict[str, Any]:
    """Return a table that a model can be made of."""
    draw = np.random.default_rng(3)
    a, b = draw.normal(size=rows).round(2), draw.normal(size=rows).round(2)
    return {"length": a, "width": b, "site": draw.choice(["north", "south"], rows), "y": (a + b).round(3)}


def csv(columns: dict[str, Any], path: Path, name: str = "table.csv") -> Path:
    pd.DataFrame(columns).to_csv(path / name, index=False)
    return path / name


def refused(call: Callable[[], object]) -> afield.AfieldError:
    """Return the error, having checked that it says what was found and what to do."""
    with pytest.raises(afield.AfieldError) as caught:
        call()
    error = caught.value
    assert error.what, error.code
    assert "Traceback" not in str(error)
    assert error.code in str(error)
    return error


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def nothing_was_begun() -> bool:
    """Tell whether no study holds a trial: the refusal came before the work."""
    return not any("trial" in p.read_text(encoding="utf-8") for p in Path.cwd().glob(".afield/**/journal.jsonl"))


# The target -----------------------------------------------------------------------------------------------------------


@pytest.mark.error_code("problem.target_not_found")
def test_misspelt_target() -> None:
    error = refused(lambda: afield.fit(table() | {"rings": table()["y"]}, target="ring"))
    assert error.code == "problem.target_not_found"
    assert "did you mean 'rings'" in error.fix
    assert isinstance(error, ValueError)
    assert nothing_was_begun()


@pytest.mark.error_code("problem.option")
def test_no_target(tmp_path: Path) -> None:
    assert refused(lambda: afield.fit(table())).code == "problem.option"
    assert run(["fit", str(csv(table(), tmp_path))]) == 2


@pytest.mark.error_code("problem.one_class")
@pytest.mark.parametrize("cells", [["yes"] * ROWS, [True] * ROWS, [7] * ROWS, [1.5] * ROWS])
def test_one_class(cells: list[object]) -> None:
    assert refused(lambda: afield.fit(table() | {"y": cells}, target="y")).code == "problem.one_class"


@pytest.mark.error_code("problem.target_missing")
def test_target_without_values() -> None:
    assert refused(lambda: afield.fit(table() | {"y": [None] * ROWS}, target="y")).code == "problem.target_missing"


@pytest.mark.error_code("problem.too_few_rows")
@pytest.mark.parametrize("rows", [1, 2])
def test_two_rows(rows: int) -> None:
    error = refused(lambda: afield.fit(table(rows), target="y"))
    assert error.code in ("problem.too_few_rows", "problem.one_class")
    assert rows == 1 or error.code == "problem.too_few_rows"


@pytest.mark.error_code("problem.target_is_feature")
def test_target_equal_to_a_feature() -> None:
    columns = table()
    error = refused(lambda: afield.fit(columns | {"copy": columns["y"]}, target="y"))
    assert error.code == "problem.target_is_feature"
    assert "copy" in str(error)


@pytest.mark.error_code("problem.task")
def test_task_that_does_not_fit() -> None:
    error = refused(lambda: afield.fit(table() | {"y": ["a", "b"] * (ROWS // 2)}, target="y", task="regression"))
    assert error.code == "problem.task"


@pytest.mark.error_code("problem.metric")
def test_metric_that_does_not_fit() -> None:
    assert refused(lambda: afield.fit(table(), target="y", metric="roc_auc")).code == "problem.metric"
    assert "rmse" in str(refused(lambda: afield.fit(table(), target="y", metric="rsme")))


# The columns ----------------------------------------------------------------------------------------------------------


@pytest.mark.error_code("problem.no_features")
def test_all_missing_columns() -> None:
    columns = {"a": [None] * ROWS, "b": [""] * ROWS, "y": table()["y"]}
    assert refused(lambda: afield.fit(columns, target="y")).code == "problem.no_features"


@pytest.mark.error_code("problem.no_features")
def test_only_a_column_of_10_000_ids() -> None:
    draw = np.random.default_rng(0)
    columns = {"tag": [f"AB-{i:05d}" for i in draw.permutation(10_000)], "y": draw.normal(size=10_000)}
    error = refused(lambda: afield.fit(columns, target="y"))
    assert error.code == "problem.no_features"
    assert "tag" in str(error)


def test_a_column_of_10_000_ids_is_left_out() -> None:
    draw = np.random.default_rng(0)
    rows = 10_000
    columns = {
        "tag": [f"AB-{i:05d}" for i in draw.permutation(rows)],
        "a": draw.normal(size=rows),
        "y": draw.normal(size=rows),
    }
    with afield.study(Problem(target="y", jobs=1), frame=columns) as study:
        assert [c.name for c in study.schema.columns] == ["a"]


@pytest.mark.error_code("problem.column_not_found")
@pytest.mark.parametrize("wish", [{"group": "sit"}, {"time": "when"}, {"weight": "w"}, {"ignore": ["widht"]}])
def test_options_that_name_no_column(wish: dict[str, Any]) -> None:
    assert refused(lambda: afield.fit(table(), target="y", **wish)).code == "problem.column_not_found"


@pytest.mark.error_code("problem.groups")
def test_one_group() -> None:
    columns = table() | {"pen": ["a"] * ROWS}
    assert refused(lambda: afield.fit(columns, target="y", group="pen")).code == "problem.groups"


@pytest.mark.error_code("data.duplicate_columns")
def test_duplicate_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,a\n" + "1,2,3\n" * 30)
    assert refused(lambda: afield.fit("t.csv", target="b")).code == "data.duplicate_columns"
    frame = pd.DataFrame(np.zeros((30, 3)), columns=["a", "b", "a"])
    assert refused(lambda: afield.fit(frame, target="b")).code == "data.duplicate_columns"


def test_one_word_among_numbers_is_told(tmp_path: Path) -> None:
    """The column becomes words, and a serious finding names the row; never NaN in silence."""
    columns = table()
    columns["length"] = [str(v) for v in columns["length"]]
    columns["length"][41] = "long"
    path = csv(columns, tmp_path)
    with afield.study(Problem(target="y", data=str(path), jobs=1)) as study:
        (finding,) = [f for f in study.findings if f.code == "data.mixed"]
    assert finding.severity == "serious"
    assert finding.rows == (42,)
    assert "--kind length=number" in finding.fix
    with afield.study(Problem(target="y", data=str(path), jobs=1, kinds={"length": "number"})) as study:
        assert "long" in str([f.what for f in study.findings])


@pytest.mark.error_code("problem.option")
def test_words_that_are_to_be_numbers(tmp_path: Path) -> None:
    columns = table() | {"length": [f"about {i}" for i in range(ROWS)]}
    error = refused(lambda: afield.fit(csv(columns, tmp_path), target="y", kinds={"length": "number"}))
    assert error.code == "problem.option"
    assert "about 0" in str(error)


@pytest.mark.error_code("data.cell")
def test_a_cell_that_is_no_date(tmp_path: Path) -> None:
    columns = table() | {"when": [f"{1 + i % 28:02d}.06.2024" for i in range(ROWS)]}
    columns["when"][41] = "soon"
    error = refused(lambda: afield.fit(csv(columns, tmp_path), target="y", dates={"when": "%d.%m.%Y"}))
    assert error.code == "data.cell"
    assert "row 42" in str(error)
    assert "soon" in str(error)


@pytest.mark.error_code("data.unsupported")
@pytest.mark.parametrize("source", [42, object(), b"a,b", {"a": 1, "y": 2}, [[[1]]]])
def test_what_is_no_table(source: object) -> None:
    assert refused(lambda: afield.fit(source, target="y")).code in ("data.unsupported", "data.not_found", "data.empty")


# Files ----------------------------------------------------------------------------------------------------------------


@pytest.mark.error_code("data.empty")
@pytest.mark.parametrize("content", ["", "\n\n", "a,y\n", "\ufeff"])
def test_empty_files(content: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(content, encoding="utf-8")
    assert refused(lambda: afield.fit("t.csv", target="y")).code == "data.empty"


@pytest.mark.error_code("data.binary")
@pytest.mark.parametrize("seed", range(4))
def test_binary_garbage(seed: int, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(np.random.default_rng(seed).bytes(5_000))
    assert refused(lambda: afield.fit("t.csv", target="y")).code in ("data.binary", "data.format")


@pytest.mark.error_code("data.format")
@pytest.mark.parametrize("start", [b"PK\x03\x04", b"PAR1", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
@pytest.mark.parametrize("name", ["t.csv", "t.xlsx", "t.parquet", "t.csv.gz"])
def test_damaged_files_of_known_formats(start: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(start + np.random.default_rng(1).bytes(500))
    assert refused(lambda: afield.fit(name, target="y")).code in ("data.format", "data.binary")


@pytest.mark.error_code("data.ragged")
def test_a_row_that_is_too_long(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "1,2\n" * 20 + "1,2,3\n" + "1,2\n" * 20)
    error = refused(lambda: afield.fit("t.csv", target="y"))
    assert error.code == "data.ragged"
    assert "row 21" in str(error)


@pytest.mark.error_code("data.ambiguous")
def test_three_or_three_thousand(tmp_path: Path) -> None:
    rows = "".join(f'"{3 + i % 3}.{125 * (1 + i % 7)}",{i % 2}\n' for i in range(40))
    (tmp_path / "t.csv").write_text("a,y\n" + rows)
    error = refused(lambda: afield.fit("t.csv", target="y"))
    assert error.code == "data.ambiguous"
    assert "--decimal" in str(error)


@pytest.mark.error_code("data.is_directory")
def test_a_directory(tmp_path: Path) -> None:
    assert refused(lambda: afield.fit(tmp_path, target="y")).code == "data.is_directory"
    assert run(["fit", str(tmp_path), "--target", "y"]) == 2


@pytest.mark.error_code("data.not_found")
@pytest.mark.parametrize(
    "address", ["nowhere.csv", "http://127.0.0.1:9/t.csv", "https://127.0.0.1:9/t.csv", "file:///nowhere/t.csv"]
)
def test_unreadable_places(address: str) -> None:
    assert refused(lambda: afield.fit(address, target="y")).code == "data.not_found"


@pytest.mark.error_code("data.not_found")
def test_secrets_in_urls_are_not_shown() -> None:
    error = refused(lambda: afield.fit("http://me:secret@127.0.0.1:9/t.csv?token=hidden", target="y"))
    assert "secret" not in str(error)
    assert "hidden" not in str(error)


@pytest.mark.error_code("dependency.missing")
def test_a_package_that_is_not_installed() -> None:
    error = refused(lambda: need("no_such_package_at_all", purpose="This test"))
    assert error.code == "dependency.missing"
    assert error.fix == "pip install no_such_package_at_all"
    assert isinstance(error, ImportError)


@pytest.mark.error_code("problem.file")
def test_a_problem_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "problem.toml").write_text("target = rings")
    assert refused(lambda: afield.fit("problem.toml")).code == "problem.file"


# Output ---------------------------------------------------------------------------------------------------------------


@pytest.mark.error_code("output.exists")
def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_text("mine")
    assert refused(lambda: afield.fit(table(), target="y", out="m.onnx")).code == "output.exists"
    assert (tmp_path / "m.onnx").read_text() == "mine"
    assert nothing_was_begun()


@pytest.mark.error_code("output.unwritable")
def test_a_folder_that_is_not_there() -> None:
    assert refused(lambda: afield.fit(table(), target="y", out="no/such/m.onnx")).code == "output.unwritable"
    assert nothing_was_begun()


@pytest.mark.error_code("output.disk_full")
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 1000, 1000))
    assert refused(lambda: afield.fit(table(), target="y")).code == "output.disk_full"
    assert nothing_was_begun()


# New rows -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> afield.Model:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("model"))
        recipe = Recipe(
            name="linear",
            encoders=(
                Use(part="scaled_number", settings={}, kind="number"),
                Use(part="onehot", settings={}, kind="category"),
            ),
            learner=LINEAR,
        )
        with afield.study(Problem(target="y", jobs=1), frame=table()) as study:
            study.evaluate([recipe])
            return study.finish().model


@pytest.mark.error_code("model.missing_column")
def test_rows_that_lack_a_column(model: afield.Model) -> None:
    rows = table()
    del rows["width"]
    error = refused(lambda: model.predict(rows))
    assert error.code == "model.missing_column"
    assert "width" in str(error)


@pytest.mark.error_code("data.missing_column")
def test_a_file_that_lacks_a_column(model: afield.Model, tmp_path: Path) -> None:
    rows = table()
    del rows["width"]
    error = refused(lambda: afield.predict(model, csv(rows, tmp_path), out="answers.csv"))
    assert error.code == "data.missing_column"
    assert not (tmp_path / "answers.csv").exists()


def test_extra_and_reordered_columns_change_nothing(model: afield.Model, tmp_path: Path) -> None:
    rows = table()
    plain = model.predict(rows)
    turned = {"note": ["x"] * ROWS} | dict(reversed(rows.items()))
    assert np.array_equal(model.predict(turned), plain)
    assert np.array_equal(model.predict(pd.DataFrame(turned)), plain)
    assert np.array_equal(np.asarray(afield.predict(model, csv(turned, tmp_path))), plain)


@pytest.mark.error_code("model.cell")
@pytest.mark.parametrize("cell", ["long", "1,5", [1], {"a": 1}, "inf"])
def test_a_value_of_another_type(model: afield.Model, cell: object) -> None:
    error = refused(lambda: model.predict({"length": cell, "width": 0.0, "site": "north"}))
    assert error.code in ("model.cell", "model.rows")
    assert error.code == "model.rows" or "length" in str(error)


@pytest.mark.error_code("data.cell")
def test_a_file_with_a_wrong_cell(model: afield.Model, tmp_path: Path) -> None:
    rows = {k: list(v) for k, v in table().items()}
    rows["width"][6] = "wide"
    error = refused(lambda: afield.predict(model, csv(rows, tmp_path)))
    assert error.code in ("data.cell", "model.cell")
    assert "row 7" in str(error)


@pytest.mark.error_code("model.rows")
@pytest.mark.parametrize("rows", [None, 5, "north", [1, 2], np.zeros((2, 7)), {"length": [1.0], "width": [1.0, 2.0]}])
def test_what_are_no_rows(model: afield.Model, rows: object) -> None:
    assert refused(lambda: model.predict(rows)).code in ("model.rows", "model.missing_column")


def test_missing_values_are_answered(model: afield.Model) -> None:
    answer = model.predict({"length": None, "width": "", "site": ""})
    assert np.isfinite(answer).all()


@pytest.mark.error_code("model.task")
def test_probabilities_of_a_number(model: afield.Model) -> None:
    assert refused(lambda: model.predict_proba(table())).code == "model.task"


# Studies and parts ----------------------------------------------------------------------------------------------------


@pytest.mark.error_code("study.failed")
def test_a_study_whose_trials_all_failed() -> None:
    recipe = Recipe(
        name="no such part",
        encoders=(Use(part="scaled_number", settings={"clip": -1.0}, kind="number"),),
        learner=LINEAR,
    )
    with afield.study(Problem(target="y", jobs=1), frame=table()) as study:
        (trial,) = study.evaluate([recipe])
        assert trial.status == "failed"
        assert "clip" in trial.reason
        error = refused(study.finish)
    assert error.code == "study.failed"
    assert "clip" in error.got


@pytest.mark.error_code("parts.unknown")
def test_a_recipe_with_an_unknown_part() -> None:
    error = refused(lambda: registry.load("parts", "one_hot"))
    assert error.code == "parts.unknown"
    assert "'onehot'" in error.fix
    recipe = Recipe(name="x", encoders=(Use(part="one_hot", settings={}, kind="category"),), learner=LINEAR)
    with afield.study(Problem(target="y", jobs=1), frame=table()) as study:
        (trial,) = study.evaluate([recipe])
    assert trial.status == "failed"
    assert "one_hot" in trial.reason


MANIFEST = """
name = "mine"
type = "encoder"
version = "1"
summary = "An encoder."
inputs = ["number"]
output = "dense"
licence = "MIT"
source = "me"
"""


@pytest.mark.error_code("parts.manifest")
@pytest.mark.parametrize(
    "manifest",
    [
        None,
        "name = ",
        MANIFEST.replace('licence = "MIT"', ""),
        MANIFEST.replace('"mine"', '"yours"'),
        MANIFEST.replace('"encoder"', '"wizard"'),
        MANIFEST + "weights = 3\n",
    ],
    ids=["none", "no TOML", "no licence", "another name", "another type", "unknown key"],
)
def test_wrong_manifests(manifest: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "refused_part"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('listing must not import')")
    monkeypatch.syspath_prepend(tmp_path)
    if manifest is not None:
        (package / "mine.toml").write_text(manifest)
    point = EntryPoint("mine", "refused_part.mine:part", "afield.parts")
    assert refused(lambda: registry.read_manifest(point)).code == "parts.manifest"
    (package / "mine.toml").write_text(MANIFEST)
    assert registry.read_manifest(point)["name"] == "mine"


@pytest.mark.error_code("parts.manifest")
def test_a_part_whose_package_is_gone() -> None:
    point = EntryPoint("mine", "no_such_package_at_all.mine:part", "afield.parts")
    assert refused(lambda: registry.read_manifest(point)).code == "parts.manifest"


# The command line -----------------------------------------------------------------------------------------------------


@pytest.mark.error_code("problem.target_not_found")
def test_errors_as_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", str(csv(table(), tmp_path)), "--target", "z", "--json"]) == 2
    texts = capfd.readouterr()
    told = [json.loads(line) for line in (texts.out + texts.err).splitlines()]
    assert "problem.target_not_found" in json.dumps(told[-1])
