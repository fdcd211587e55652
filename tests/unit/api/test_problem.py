from __future__ import annotations

from pathlib import Path

import pytest

from afield.api.problem import infer, is_problem_file, problem_from, read_problem
from afield.core.errors import ProblemError
from afield.problem.problem import Problem

SHELLS = "sex,length (mm),rings\n" + "".join(f"{'MFI'[n % 3]},{n / 10},{n * 7 % 23 + n / 4}\n" for n in range(60))


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text('target = "y"\ndata = "a.csv"\ntest = "https://host/b.csv"\n')
    problem = read_problem(file)
    assert (problem.data, problem.test) == (str(tmp_path / "a.csv"), "https://host/b.csv")


@pytest.mark.error_code("problem.file")
@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff", b'target = "y"\n', b"target ="])
def test_files_that_are_no_problem(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "p.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ProblemError) as caught:
        read_problem(file)
    assert caught.value.code == "problem.file"
    assert str(file) in caught.value.where


def test_what_is_a_problem_file() -> None:
    assert is_problem_file("a/P.TOML")
    assert is_problem_file(Path("p.toml"))
    assert not is_problem_file("a.csv")
    assert not is_problem_file(object())


def test_wishes_and_data() -> None:
    assert problem_from("a.csv", {"target": "y"}) == Problem(target="y", data="a.csv")


def test_inferred_problem_is_complete_and_reads_back(tmp_path: Path) -> None:
    (tmp_path / "shells.csv").write_text(SHELLS)
    inferred = infer(Problem(target="rings", data=str(tmp_path / "shells.csv")))
    assert (inferred.problem.task, inferred.problem.metric) == ("regression", "rmse")
    assert dict(inferred.problem.kinds) == {"sex": "category", "length (mm)": "number"}
    text = inferred.to_toml()
    assert "60 rows, 2 columns" in text
    assert "3 levels: " in text
    (tmp_path / "p.toml").write_text(text)
    assert read_problem(tmp_path / "p.toml") == inferred.problem
    again = infer(read_problem(tmp_path / "p.toml"))
    assert again.columns == inferred.columns
