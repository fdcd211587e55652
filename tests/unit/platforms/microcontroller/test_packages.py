"""The folder's build files, built: CMake for this machine and a board, an Arduino sketch, Zephyr's files, manifests."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from pathlib import Path

import kconfiglib
import pytest

from afield.platforms.microcontroller.bundle.packages import packages
from afield.platforms.microcontroller.choice import known_model, meaning_of
from afield.platforms.microcontroller.options import MicrocontrollerOptions
from afield.platforms.microcontroller.platform import platform
from afield.platforms.microcontroller.prove.chips import BOARDS
from odd_tables import odd_table

pytestmark = pytest.mark.e2e

ARM = "\n".join([
    "set(CMAKE_SYSTEM_NAME Generic)", "set(CMAKE_SYSTEM_PROCESSOR arm)", "set(CMAKE_C_COMPILER arm-none-eabi-gcc)",
    "set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)",
    f'set(CMAKE_C_FLAGS_INIT "-mthumb {" ".join(BOARDS["cortex-m4f"].flags)} --specs=nosys.specs")', "",
])  # fmt: skip
#: what the Arduino core gives a sketch, as far as the example needs it
ARDUINO_H = """#pragma once
#include <stdint.h>
#if !__has_include(<iostream>)
struct Port { void begin(long) {} template <class T> void println(T) {} };
#else
#include <iostream>
struct Port { void begin(long) {} template <class T> void println(T value) { std::cout << value << std::endl; } };
#endif
extern Port Serial;
void delay(unsigned long);
void setup();
void loop();
"""
ARDUINO_MAIN = "Port Serial;\nvoid delay(unsigned long) {}\nint main() { setup(); loop(); }\n"
#: https://arduino.github.io/arduino-cli/latest/library-specification/
CATEGORIES = {"Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing", "Data Storage",
              "Data Processing", "Other"}  # fmt: skip


@pytest.fixture(scope="module")
def fish(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fish")
    platform.export(odd_table(regression=False), folder, MicrocontrollerOptions(name="fish", force=True))
    return folder


def done(folder: Path, *command: str) -> str:
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not ran.returncode, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout + ran.stderr


def test_cmake_builds_the_selftest_and_runs_it(fish: Path, tmp_path: Path) -> None:
    done(tmp_path, "cmake", "-S", str(fish), "-B", "build")
    done(tmp_path, "cmake", "--build", "build")
    assert "100% tests passed" in done(tmp_path, "ctest", "--test-dir", "build")
    assert "16 of 16" in done(tmp_path, "build/fish_test")


def test_cmake_builds_for_a_board_alone_and_inside_a_firmware(fish: Path, tmp_path: Path) -> None:
    (tmp_path / "arm.cmake").write_text(ARM)
    firmware = ["cmake_minimum_required(VERSION 3.13)", "project(firmware C)",
                f'add_subdirectory("{fish}" fish)', "add_executable(firmware main.c)",
                "target_link_libraries(firmware fish)", ""]  # fmt: skip
    (tmp_path / "CMakeLists.txt").write_text("\n".join(firmware))
    (tmp_path / "main.c").write_text(
        '#include "fish.h"\nint main(void)\n{\n    static fish_input input;\n    fish_output output;\n'
        "    return fish_predict_static(&input, &output) == FISH_OK ? (int)output.label : 9;\n}\n"
    )
    for source, result in ((str(fish), "libfish.a"), (".", "firmware")):
        build = f"build_{result}"
        done(tmp_path, "cmake", "-S", source, "-B", build, "-DCMAKE_TOOLCHAIN_FILE=" + str(tmp_path / "arm.cmake"))
        done(tmp_path, "cmake", "--build", build)
        assert (tmp_path / build / result).exists()
    told = done(tmp_path, "arm-none-eabi-readelf", "-h", "build_firmware/firmware")
    assert re.search(r"Machine:\s+ARM", told)


def test_the_arduino_sketch_answers(fish: Path, tmp_path: Path) -> None:
    given = dict(line.split("=", 1) for line in (fish / "library.properties").read_text().splitlines())
    assert {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures",
            "includes"} == set(given)  # fmt: skip
    assert re.fullmatch(r"[A-Za-z0-9][\w .-]*", given["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", given["version"])
    assert given["category"] in CATEGORIES
    assert (fish / "src" / given["includes"]).exists()
    sketch = (fish / "examples/fish/fish.ino").read_text(encoding="utf-8")
    (tmp_path / "Arduino.h").write_text(ARDUINO_H)
    (tmp_path / "sketch.cpp").write_text("#include <Arduino.h>\n" + sketch + ARDUINO_MAIN, encoding="utf-8")
    own = ("-Wall", "-Wextra", "-Werror", "-I.", f"-I{fish / 'src'}")
    for c, cpp, chip, languages in (
        ("gcc", "g++", (), ("-std=gnu11", "-std=gnu++17")),
        ("arm-none-eabi-gcc", "arm-none-eabi-g++", (*BOARDS["cortex-m4f"].flags, "-mthumb", "--specs=nosys.specs"),
         ("-std=gnu11", "-std=gnu++17")),
        ("avr-gcc", "avr-g++", ("-mmcu=atmega328p",), ("-std=gnu11", "-std=gnu++11")),
    ):  # fmt: skip
        flags = (*chip, *own, "-Os", "-ffunction-sections", "-fdata-sections")
        done(tmp_path, c, *flags, languages[0], "-c", str(fish / "src/fish.c"), "-o", "fish.o")
        done(tmp_path, cpp, *flags, languages[1], "-fno-exceptions", "-c", "sketch.cpp", "-o", "sketch.o")
        linker = cpp if c == "gcc" else c  # boards have no library of C++
        done(tmp_path, linker, *chip, "sketch.o", "fish.o", "-Wl,--gc-sections", "-lm", "-o", "sketch")
        if c == "gcc":
            answers = done(tmp_path, "./sketch").split()
            assert answers[0] in {"yes", "Yes", "no/maybe"}
            assert 0.0 <= float(answers[1]) <= 1.0
        elif c == "avr-gcc":
            text, data, bss = (int(n) for n in done(tmp_path, "avr-size", "sketch").splitlines()[1].split()[:3])
            assert text + data <= 32_768
            assert data + bss <= 1_024


def test_an_avr_is_told_what_keeps_constants_in_flash(fish: Path) -> None:
    for language in (("-std=c99",), ("-x", "c++")):
        ran = subprocess.run(["avr-gcc", "-mmcu=atmega328p", *language, "-fsyntax-only", str(fish / "src/fish.c")],
                             capture_output=True, text=True, check=False)  # fmt: skip
        assert "compile this file as GNU C" in ran.stderr


def test_platformio_gets_what_its_manifest_asks_for(fish: Path) -> None:
    told = json.loads((fish / "library.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"[\w.-]{1,100}", told["name"])  # no / : ; < > @ # and so on
    assert re.fullmatch(r"\d+\.\d+\.\d+", told["version"])
    assert len(told["description"]) <= 1000
    assert (fish / "src" / told["headers"]).exists()
    assert set(told) == {"name", "version", "description", "frameworks", "platforms", "headers", "build"}


@pytest.mark.parametrize("title", ["Predicts answer", 'Predicts "a\\b" in $(HOME)$X'])
def test_zephyr_reads_the_option(title: str, fish: Path, tmp_path: Path) -> None:
    data = odd_table(regression=False)
    meaning = meaning_of(data, known_model(data), MicrocontrollerOptions(name="fish"))
    files = packages(dataclasses.replace(meaning, title=title))
    assert files["zephyr/module.yml"].splitlines() == ["build:", "  cmake: zephyr", "  kconfig: zephyr/Kconfig"]
    (tmp_path / "Kconfig").write_text(files["zephyr/Kconfig"], encoding="utf-8")
    tree = kconfiglib.Kconfig(str(tmp_path / "Kconfig"), warn_to_stderr=False)
    option = tree.syms["FISH"]
    assert (option.type, tree.warnings) == (kconfiglib.BOOL, [])
    assert option.nodes[0].prompt[0] == title
    option.set_value(2)
    assert option.config_string == "CONFIG_FISH=y\n"


def test_zephyrs_cmake_makes_a_library_where_the_option_is_set(fish: Path, tmp_path: Path) -> None:
    stand_in = """cmake_minimum_required(VERSION 3.20)
project(app C)
macro(zephyr_library_named name)
  set(ZEPHYR_CURRENT_LIBRARY ${name})
  add_library(${name} STATIC)
endmacro()
macro(zephyr_library_sources)
  target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endmacro()
macro(zephyr_library_compile_options)
  target_compile_options(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endmacro()
macro(zephyr_include_directories)
  target_include_directories(${ZEPHYR_CURRENT_LIBRARY} PUBLIC ${ARGN})
endmacro()
"""
    (tmp_path / "CMakeLists.txt").write_text(f'{stand_in}add_subdirectory("{fish}/zephyr" fish)\n')
    for setting, there in (("y", True), ("", False)):
        build = f"build{setting}"
        done(tmp_path, "cmake", "-S", ".", "-B", build, f"-DCONFIG_FISH={setting}")
        done(tmp_path, "cmake", "--build", build)
        assert (tmp_path / build / "fish/libfish.a").exists() == there
