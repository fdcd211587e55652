"""Artefacts: equal arrays give equal bytes, damage is found, and nothing is ever unpickled."""

import datetime
import os
import time
from pathlib import Path

import numpy as np
import pytest

from afield.core.errors import AfieldError, EngineError
from afield.core.files import remove_parts
from afield.search.artifacts import file_sha256, load_state, new_array, open_array, save_array, save_state

STATE = {
    "json": np.array('{"a": "ä"}'),
    "weights": np.arange(12, dtype=np.float64).reshape(3, 4),
    "empty": np.empty((0, 3), np.float32),
    "levels": np.array(["a", "", "漢"]),
    "flag": np.array(True),
    "days": np.array(["2024-01-01", "NaT"], "datetime64[D]"),
    "node/x": np.array([np.nan, np.inf, -0.0]),
}


def test_a_state_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    sha256 = save_state(path, STATE)
    found = load_state(path, sha256)
    assert found.keys() == STATE.keys()
    for name, array in STATE.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()
    assert file_sha256(path) == sha256
    with np.load(path) as other:
        assert sorted(other.files) == sorted(STATE)


def test_equal_states_give_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = save_state(tmp_path / "a", STATE)
    turned = {
        name: np.asfortranarray(STATE[name]) if STATE[name].ndim == 2 else STATE[name] for name in reversed(STATE)
    }
    monkeypatch.setattr(time, "time", lambda: datetime.datetime(2040, 1, 1, tzinfo=datetime.UTC).timestamp())
    assert save_state(tmp_path / "b", turned) == first
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert save_state(tmp_path / "c", STATE | {"weights": STATE["weights"] + 1}) != first


@pytest.mark.error_code("study.artifact")
def test_damage_is_found(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    sha256 = save_state(path, STATE)
    content = path.read_bytes()
    for damaged in (content[:-1], b"", content[:100] + b"\xff" + content[101:], content + b"\0"):
        path.write_bytes(damaged)
        with pytest.raises(EngineError, match="checksum") as caught:
            load_state(path, sha256)
        assert caught.value.code == "study.artifact"
    path.unlink()
    with pytest.raises(EngineError, match="No such file"):
        load_state(path, sha256)


def test_objects_are_not_stored(tmp_path: Path) -> None:
    objects = np.array([{}, None], dtype=object)
    with pytest.raises(TypeError):
        save_state(tmp_path / "a", {"x": objects})
    with pytest.raises(TypeError):
        save_array(tmp_path / "a", objects)
    assert not list(tmp_path.iterdir())


@pytest.mark.error_code("study.artifact")
def test_pickles_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(EngineError):
        open_array(path)


@pytest.mark.parametrize("array", [STATE["weights"], STATE["empty"], STATE["levels"], np.float32(3.0) * np.ones(())])
def test_an_array_comes_back_mapped(tmp_path: Path, array: np.ndarray) -> None:  # type: ignore[type-arg]
    path = tmp_path / "a.npy"
    sha256 = save_array(path, array)
    found = open_array(path, sha256)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype
    if array.size:
        assert isinstance(found, np.memmap)
        assert not found.flags.writeable


@pytest.mark.error_code("study.artifact")
def test_a_damaged_array_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    sha256 = save_array(path, STATE["weights"])
    content = path.read_bytes()
    for damaged in (content[:-1], b"", b"text", content[:20]):
        path.write_bytes(damaged)
        with pytest.raises(EngineError) as caught:
            open_array(path)
        assert caught.value.code == "study.artifact"
    path.write_bytes(content[:-1] + b"\1")
    open_array(path)
    with pytest.raises(EngineError, match="checksum"):
        open_array(path, sha256)


@pytest.mark.parametrize("shape", [(1000, 3), (0, 3), (5,)])
def test_an_array_can_be_filled_in_chunks(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "a.npy"
    wanted = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    with new_array(path, shape, np.float32) as array:
        assert not path.exists()
        for start in range(0, shape[0], 300):
            array[start : start + 300] = wanted[start : start + 300]
    np.testing.assert_array_equal(open_array(path), wanted)
    assert file_sha256(path) == save_array(tmp_path / "b.npy", wanted)


def test_a_failure_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    save_array(path, np.ones(3))
    with pytest.raises(ZeroDivisionError), new_array(path, (5,), np.float32):
        raise ZeroDivisionError
    with pytest.raises(FileNotFoundError), new_array(path, (5,), np.float32):
        (tmp_path / "another file").read_bytes()  # not an error of the array's file
    assert open_array(path).shape == (3,)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npy"]


@pytest.mark.error_code("output.unwritable")
def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AfieldError) as caught:
        save_state(tmp_path / "absent" / "a", STATE)
    assert caught.value.code == "output.unwritable"


@pytest.mark.error_code("output.disk_full")
def test_a_full_disk_is_told_before_memory_is_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(AfieldError) as caught, new_array(tmp_path / "a.npy", (5,), np.float32):
        pytest.fail("the block began")
    assert caught.value.code == "output.disk_full"
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".a.npy.123.part").write_bytes(b"half")
    save_array(tmp_path / "a.npy", np.ones(1))
    assert remove_parts(tmp_path) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.npy"]


def test_what_killed_workers_left_below_a_study_is_removed(tmp_path: Path) -> None:
    deep = tmp_path / "splits" / "main" / "trials" / "0001-abc"
    deep.mkdir(parents=True)
    (deep / ".fold-0.state.13078.part").write_bytes(b"half")
    (deep / "fold-0.state").write_bytes(b"whole")
    assert remove_parts(tmp_path) == 0
    assert remove_parts(tmp_path, below=True) == 1
    assert [p.name for p in deep.iterdir()] == ["fold-0.state"]
