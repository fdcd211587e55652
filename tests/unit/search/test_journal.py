"""The journal: what was appended comes back, whatever happened to the end of the file, and nothing else does."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afield.core.errors import AfieldError, EngineError
from afield.search import journal as module
from afield.search.journal import Journal, read_journal

RECORDS = [{"kind": "trial", "id": i, "text": 'ä\n\r\ud800"', "score": 0.1 + i} for i in range(5)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def written(path: Path) -> bytes:
    with Journal.open(path) as journal:
        journal.append(RECORDS[:3])
        journal.append(RECORDS[3], sync=False)
        journal.append(iter(RECORDS[4:]))
        assert journal.records == RECORDS
    return path.read_bytes()


def test_records_come_back_in_order(path: Path) -> None:
    written(path)
    with Journal.open(path) as journal:
        assert journal.records == RECORDS
        assert journal.torn_bytes == 0
        journal.append({"kind": "end"})
    assert read_journal(path) == [*RECORDS, {"kind": "end"}]


def test_records_in_memory_are_what_a_restart_will_read(path: Path) -> None:
    with Journal.open(path) as journal:
        journal.append({"kind": "a", "pair": (1, 2)})
        now = journal.records
    assert now == read_journal(path) == [{"kind": "a", "pair": [1, 2]}]


def test_a_torn_end_is_cut_off_wherever_it_is(path: Path, tmp_path: Path) -> None:
    content = written(path)
    ends = [i for i, byte in enumerate(content) if byte == ord("\n")]
    near = {end + d for end in ends for d in (-1, 0, 1, 2)} & set(range(len(content)))
    for length in sorted(near | set(range(0, len(content), 23))):
        path.write_bytes(content[:length])
        whole = max(0, content[:length].count(b"\n") - 1)  # the first line is the header
        assert read_journal(path) == RECORDS[:whole]
        assert path.stat().st_size == length  # reading alone repairs nothing
        with Journal.open(path) as journal:
            assert journal.records == RECORDS[:whole]
            journal.append({"kind": "more"})
        assert read_journal(path) == [*RECORDS[:whole], {"kind": "more"}]


def test_bad_lines_at_the_end_are_counted(path: Path) -> None:
    content = written(path)
    path.write_bytes(content + b"\0" * 30 + b"\n12345678 {}\nrest")
    with Journal.open(path) as journal:
        assert journal.records == RECORDS
        assert journal.torn_bytes == 30 + 1 + 12 + 4
    assert path.read_bytes() == content


@pytest.mark.error_code("study.journal")
@settings(max_examples=40, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_before_the_last_line_is_found(
    place: float, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("flip") / "journal"
    content = bytearray(written(path))
    end = content.rindex(b"\n", 0, len(content) - 1)
    at = int(place * (end - 1))
    content[at] ^= 1 << bit
    path.write_bytes(content)
    line = bytes(content[:at]).count(b"\n") + 1
    with pytest.raises(EngineError, match=f"line {line}") as caught:
        Journal.open(path)
    assert caught.value.code == "study.journal"
    assert path.read_bytes() == content
    path.with_name("journal.lock").unlink()


@pytest.mark.error_code("study.journal")
@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"not a journal", b'12345678 {"kind":"x"}\n'])
def test_a_foreign_file_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(EngineError, match="not a journal") as caught:
        Journal.open(path)
    assert caught.value.code == "study.journal"
    assert path.read_bytes() == content


@pytest.mark.error_code("study.journal")
def test_a_newer_version_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEADER", {"kind": "journal", "version": 2})
    written(path)
    monkeypatch.undo()
    with pytest.raises(EngineError, match="version"):
        Journal.open(path)


@pytest.mark.error_code("study.not_found")
def test_reading_what_is_not_there(path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        read_journal(path)
    assert caught.value.code == "study.not_found"


@pytest.mark.error_code("study.busy")
def test_one_process_at_a_time(path: Path) -> None:
    with Journal.open(path), pytest.raises(EngineError, match=f"Process {os.getpid()}") as caught:
        Journal.open(path)
    assert caught.value.code == "study.busy"
    Journal.open(path).close()


@pytest.mark.error_code("study.busy")
def test_another_process_holds_it_until_it_dies(path: Path) -> None:
    script = (
        "import sys, time, pathlib\nfrom afield.search.journal import Journal\n"
        "journal = Journal.open(pathlib.Path(sys.argv[1]))\nprint('open', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(EngineError, match=f"Process {holder.pid}"):
            Journal.open(path)
        assert read_journal(path) == []
        holder.kill()
    Journal.open(path).close()


def test_a_forked_copy_does_not_keep_the_lock_of_a_dead_parent(path: Path) -> None:
    script = (
        "import os, signal, sys, time, pathlib\nfrom afield.search.journal import Journal\n"
        "journal = Journal.open(pathlib.Path(sys.argv[1]))\n"
        "if os.fork() == 0:\n    print(os.getpid(), flush=True)\n    time.sleep(60)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        with pytest.raises(EngineError, match=f"Process {parent.pid}"):
            Journal.open(path)
        parent.kill()
        parent.wait()
        try:
            Journal.open(path).close()
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_forked_copy_leaves_the_lock_to_its_parent(path: Path) -> None:
    with Journal.open(path):
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        with pytest.raises(EngineError, match="is working"):
            Journal.open(path)


@pytest.mark.parametrize("record", [{"kind": "a", "x": float("nan")}, {"kind": "a", "x": object()}, {"x": 1}])
def test_what_cannot_be_recorded_changes_nothing(path: Path, record: dict[str, object]) -> None:
    content = written(path)
    with Journal.open(path) as journal:
        with pytest.raises((ValueError, TypeError)):
            journal.append([{"kind": "good"}, record])
        assert journal.records == RECORDS
    assert path.read_bytes() == content


@pytest.mark.error_code("output.disk_full")
@pytest.mark.error_code("output.unwritable")
@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "output.disk_full"), (errno.EIO, "output.unwritable")])
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_failed_write_leaves_the_journal_valid(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, call: str
) -> None:
    with Journal.open(path) as journal:
        journal.append(RECORDS[:2])
        real, calls = getattr(os, call), []

        def fails(*arguments: int) -> int:
            calls.append(arguments)
            if call == "write" and len(calls) == 1:  # half of it goes through
                return int(real(*arguments))
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, call, fails)
        with pytest.raises(AfieldError) as caught:
            journal.append(RECORDS[2:4])
        monkeypatch.undo()
        assert caught.value.code == code
        assert str(path) in caught.value.where
        assert journal.records == read_journal(path) == RECORDS[:2]
        journal.append(RECORDS[2:])
    assert read_journal(path) == RECORDS


@pytest.mark.error_code("output.disk_full")
def test_a_really_full_disk(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("mounting needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        code, kept = "", 0
        with Journal.open(folder / "journal") as journal:
            while not code and kept < 100:
                try:
                    journal.append({"kind": "a", "n": kept, "text": "x" * 3000})
                    kept += 1
                except AfieldError as error:
                    code = error.code
        assert code == "output.disk_full"
        assert [r["n"] for r in read_journal(folder / "journal")] == list(range(kept))
        assert kept > 5
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_closed_journal_takes_nothing(path: Path) -> None:
    journal = Journal.open(path)
    journal.close()
    journal.close()
    with pytest.raises(ValueError, match="closed"):
        journal.append({"kind": "a"})


@pytest.mark.error_code("output.unwritable")
def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AfieldError) as caught:
        Journal.open(tmp_path / "absent" / "journal")
    assert caught.value.code == "output.unwritable"


def test_ctrl_c_in_the_middle_of_an_append_waits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write

    def interrupted(handle: int, content: bytes) -> int:
        signal.raise_signal(signal.SIGINT)
        return real(handle, content)

    with Journal.open(path) as journal:
        monkeypatch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.append(RECORDS)
        monkeypatch.undo()
        assert journal.records == RECORDS
    assert read_journal(path) == RECORDS
