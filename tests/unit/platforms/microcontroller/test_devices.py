"""What fits where: the catalogue, needs before any compiler runs, and the choice of a layout by the device."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from afield.api.proving import make_probe
from afield.core.errors import DeviceLimitError, ProblemError, UnsupportedError
from afield.graph.builder import Builder
from afield.graph.trees import join, sum_leaves
from afield.platforms.microcontroller.compiler import Options
from afield.platforms.microcontroller.devices import Device, device_named, devices
from afield.platforms.microcontroller.emission.network import Network
from afield.platforms.microcontroller.fitting import needs, shortfalls
from afield.platforms.microcontroller.options import MicrocontrollerOptions
from afield.platforms.microcontroller.platform import platform
from afield.platforms.microcontroller.prove import board
from afield.platforms.microcontroller.prove.chips import BOARDS
from afield.platforms.microcontroller.tabular.compile import compile_table
from afield.platforms.microcontroller.trees.style import TreeStyle
from odd_tables import columns, grown, odd_table


def forest_of(trees: int, nodes: int, features: int = 4) -> bytes:
    rng = np.random.default_rng(trees)
    grove = join([grown(rng, nodes, features, 1, 1, members=False) for _ in range(trees)])
    grove = dataclasses.replace(grove, split=rng.normal(size=len(grove.split)))
    b = Builder()
    b.output(b.op("Exp", sum_leaves(b, columns(b, features), grove, 1)), "y", ["N", 1])
    return b.build("forest").SerializeToString(deterministic=True)


def test_every_device_has_its_figures_and_their_source() -> None:
    assert {"cortex-m0plus", "cortex-m3", "cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55", "esp32-c3", "esp32-s3",
            "atmega328p", "arduino-nano-33-ble", "pico-2", "nucleo-l4r5zi", "host"} == set(devices())  # fmt: skip
    for one in devices().values():
        assert one.flash_bytes > 0
        assert one.ram_bytes > 0
        assert one.source
        assert one.board in ("", *BOARDS)


@pytest.mark.error_code("device.unknown")
def test_an_unknown_device_is_told_with_the_nearest_name() -> None:
    with pytest.raises(UnsupportedError, match="cortex-m4f") as caught:
        device_named("cortex-m4")
    assert caught.value.code == "device.unknown"


@pytest.mark.error_code("device.limit")
def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    data = forest_of(200, 30)
    found = platform.check(data, "atmega328p")
    assert [f.code for f in found] == ["device.flash"]
    assert "32,768" in found[0].what
    with pytest.raises(DeviceLimitError) as caught:
        platform.export(data, tmp_path / "out", MicrocontrollerOptions(device="atmega328p"))
    assert caught.value.code == "device.limit"
    assert not (tmp_path / "out").exists()
    assert platform.check(data, "cortex-m4f") == []


@pytest.mark.parametrize("name", list(BOARDS))
def test_needs_are_what_the_linker_finds(name: str, tmp_path: Path) -> None:
    device = next(d for d in devices().values() if d.board == name)
    small = name == "atmega328p"
    forest = forest_of(8 if small else 60, 20, features=200)  # so many that no question follows from one above it
    for branches in (False, True):
        compiled = compile_table(forest, Options(name="forest"), style=TreeStyle(branches=branches))
        held_to_the_linker(compiled.network, name, device, tmp_path / str(branches))
    held_to_the_linker(compile_table(odd_table(regression=False), Options()).network, name, device, tmp_path / "odd")


def held_to_the_linker(network: Network, name: str, device: Device, folder: Path) -> None:
    flash, ram = board.sizes(network, name, folder)
    told = needs(network, device)
    assert ram == -(-told.ram_bytes // 8) * 8  # the harness rounds the arena up
    code = flash - told.constant_bytes
    assert abs(code - told.code_bytes) <= max(1024, code / 10)


def test_ram_counts_too() -> None:
    network = compile_table(forest_of(3, 5), Options()).network
    tiny = dataclasses.replace(device_named("atmega328p"), ram_bytes=4)
    assert [f.code for f in shortfalls(network, tiny)] == ["device.ram"]


def test_a_large_device_gets_branches_and_a_small_one_tables(tmp_path: Path) -> None:
    data = forest_of(20, 30)
    for device, branches in (("nucleo-l4r5zi", True), ("atmega328p", False), ("", False)):
        platform.export(data, tmp_path / (device or "none"), MicrocontrollerOptions(device=device))
        text = (tmp_path / (device or "none") / "src/model.c").read_text(encoding="utf-8")
        assert ("if (rank[" in text) == branches
    for goal, branches in (("speed", True), ("size", False)):
        folder = tmp_path / goal
        platform.export(data, folder, MicrocontrollerOptions(device="nucleo-l4r5zi", optimize=goal))
        assert ("if (rank[" in (folder / "src/model.c").read_text(encoding="utf-8")) == branches


def test_doubles_and_functions_that_a_chip_is_without_are_told() -> None:
    chip = device_named("atmega328p")
    for kind, op, code in ((TensorProto.DOUBLE, "Sin", "device.double"), (TensorProto.FLOAT, "Erf", "device.function")):
        ports = [helper.make_tensor_value_info(n, kind, ["N", 2]) for n in "xy"]
        graph = helper.make_graph([helper.make_node(op, ["x"], ["y"])], op, ports[:1], ports[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        network = compile_table(model.SerializeToString(), Options(exact=True)).network
        assert [f.code for f in shortfalls(network, chip)] == [code]
        assert shortfalls(network, device_named("cortex-m0plus")) == []
    with pytest.raises(ProblemError, match="32 bits"):
        MicrocontrollerOptions(exact=True, device="atmega328p")


@pytest.mark.parametrize("name", ["atmega328p", "esp32-c3", "cortex-m0plus"])
def test_trees_and_lines_run_on_small_chips(name: str, tmp_path: Path) -> None:
    device = device_named(name)
    tree = forest_of(12, 14)
    for data, probe in ((tree, make_probe(tree)), (odd_table(regression=False), None)):
        bundle = platform.export(data, tmp_path, MicrocontrollerOptions(device=name, force=True))
        proof = platform.prove(bundle, probe)
        assert proof.passed, proof.details
        assert f"{device.board} in {BOARDS[device.board].runs_in}" in proof.how
        told = next(d for d in proof.details if d.startswith(f"{device.board}: ") and "flash" in d)
        flash, ram, stack = (int(n.replace(",", "")) for n in re.findall(r"([\d,]+) (?:bytes|of)", told)[:3])
        assert flash <= device.flash_bytes
        assert ram + stack <= device.ram_bytes
        assert ("cycles" in told) == (name == "atmega328p")


def test_a_program_too_large_for_its_chip_is_not_run(tmp_path: Path) -> None:
    network = compile_table(forest_of(90, 40), Options(name="forest"), style=TreeStyle()).network
    with pytest.raises(RuntimeError, match=r"will not fit|32,768 bytes of flash|not within region"):
        board.measure(network, [[np.zeros(4, np.float32)]], "atmega328p", tmp_path)


@pytest.mark.error_code("problem.option")
def test_options_have_a_few_values() -> None:
    with pytest.raises(ProblemError, match="quick"):
        MicrocontrollerOptions(optimize="quick")
    with pytest.raises(ProblemError, match="int4"):
        MicrocontrollerOptions(leaves="int4")


def test_the_exact_export_keeps_doubles(tmp_path: Path) -> None:
    bundle = platform.export(odd_table(regression=True), tmp_path, MicrocontrollerOptions(exact=True))
    assert "double prediction;" in (tmp_path / "src/model.h").read_text(encoding="utf-8")
    assert platform.prove(bundle).passed
