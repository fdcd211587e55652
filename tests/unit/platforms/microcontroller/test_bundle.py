"""The folder of C: what a firmware sees of a model, whatever its columns are called, and the proof that it is right."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from afield.api.proving import make_probe
from afield.core.errors import UnsupportedError
from afield.graph.builder import Builder
from afield.platforms.microcontroller.bundle.names import Names, comment, string, word
from afield.platforms.microcontroller.options import MicrocontrollerOptions
from afield.platforms.microcontroller.platform import platform
from afield.platforms.microcontroller.prove.chips import BOARDS
from afield.platforms.microcontroller.prove.host import STRICT_C, STRICT_CPP
from afield.platforms.protocol import Platform
from odd_tables import NAMES, odd_table
from small_models import small_model


def test_is_a_platform() -> None:
    assert isinstance(platform, Platform)


@pytest.mark.parametrize("regression", [False, True])
def test_any_names_become_c_that_answers_alike(tmp_path: Path, regression: bool) -> None:
    bundle = platform.export(odd_table(regression=regression), tmp_path, MicrocontrollerOptions(name="2 fish"))
    proof = platform.prove(bundle)
    assert proof.passed, proof.details
    assert ("cortex-m4f" in proof.how) == (not BOARDS["cortex-m4f"].lacking)
    for flags, kind in ((STRICT_C, "c"), (STRICT_CPP, "cpp")):
        for name in ("src/n2_fish.c", "test/n2_fish_test.c"):
            command = ["gcc", *flags, "-Isrc", "-c", name, "-o", f"{kind}.o"]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert not done.returncode, done.stderr
    done = subprocess.run(["make", "-s", "test"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "16 of 16 rows are right\n"), done.stderr
    text = (tmp_path / "src/n2_fish.h").read_text(encoding="utf-8")
    members = re.findall(r"^    float (\w+);", text, re.M)
    assert len(set(members)) == len(members) == len(NAMES) + regression


def test_the_selftest_fails_where_an_answer_is_another(tmp_path: Path) -> None:
    platform.export(odd_table(regression=True), tmp_path, MicrocontrollerOptions(name="fish"))
    source = tmp_path / "src/fish.c"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("0.25f", "0.26f", 1), encoding="utf-8")
    done = subprocess.run(["make", "-s", "test"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "16 of 16" not in done.stdout


def test_the_proof_fails_where_the_code_is_another(tmp_path: Path) -> None:
    bundle = platform.export(odd_table(regression=True), tmp_path, MicrocontrollerOptions(name="fish"))
    source = tmp_path / "src/fish.c"
    source.write_text(source.read_text(encoding="utf-8").replace("0.25f", "0.26f", 1), encoding="utf-8")
    assert not platform.prove(bundle).passed


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    data = odd_table(regression=False)
    folders = [tmp_path / "one", tmp_path / "two"]
    bundles = [platform.export(data, f, MicrocontrollerOptions()) for f in folders]
    assert bundles[0].files == bundles[1].files
    for name in bundles[0].files:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


@pytest.mark.error_code("graph.operator")
def test_dates_and_texts_are_refused_by_their_columns(tmp_path: Path) -> None:
    found = platform.check(small_model())
    assert [f.column for f in found] == ["caught", "label"]
    with pytest.raises(UnsupportedError) as caught:
        platform.export(small_model(), tmp_path / "out", MicrocontrollerOptions())
    assert caught.value.code == "graph.operator"
    assert not (tmp_path / "out").exists()


def test_words_comments_and_strings_are_safe_in_c() -> None:
    assert [word(n) for n in ("int", "2nd", "長さ", "Größe", "linux")] == ["int_", "n2nd", "value", "groe", "linux_"]
    assert comment("a*/b\\\n??/") == "a* /b\\ ? ?/"
    assert string('"a"\n?é') == '"\\042a\\042\\012\\077\\303\\251"'
    names = Names("a")
    assert [names.give("a"), names.give("a"), names.give("b")] == ["a_2", "a_3", "b"]


def test_a_network_without_metadata_becomes_arrays_in_structs(tmp_path: Path) -> None:
    builder = Builder()
    x = builder.input("picture", "float32", ["N", 3, 4])
    flat = builder.op("MatMul", x, builder.constant(np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)))
    builder.output(builder.op("Softmax", flat, axis=2), "y", ["N", 3, 2])
    data = builder.build("foreign").SerializeToString()
    bundle = platform.export(data, tmp_path, MicrocontrollerOptions(name="net"))
    assert "float picture[12];" in (tmp_path / "src/net.h").read_text(encoding="utf-8")
    proof = platform.prove(bundle, make_probe(data))
    assert proof.passed, proof.details
    assert proof.rows == 8 * (1 + (not BOARDS["cortex-m4f"].lacking))
    assert not platform.prove(bundle).ran
