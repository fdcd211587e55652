"""The commands and their options are a promise: they change only together with ``cli_help.txt``.

After a wanted change: ``python tests/surface/test_cli_help.py`` writes the file anew.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from afield.cli.app import app

STORED = Path(__file__).with_name("cli_help.txt")


def surface() -> str:
    """Return one line a parameter: command, names, and the first words of the help."""
    lines = []
    for name, command in sorted(typer.main.get_command(app).commands.items()):  # type: ignore[attr-defined]
        lines.append(f"{name}: {' '.join(command.help.split())}")
        for parameter in command.params:
            names = ", ".join(sorted(parameter.opts, key=len, reverse=True))
            shown = names if parameter.param_type_name == "option" else parameter.metavar or names
            many = " (repeatable)" if getattr(parameter, "multiple", False) else ""
            lines.append(f"  {shown}{many}")
    return "\n".join(lines) + "\n"


def test_options_are_as_promised() -> None:
    assert surface() == STORED.read_text(encoding="utf-8")


def test_every_parameter_has_help() -> None:
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        assert command.help, name
        assert "Examples:" in command.epilog, name
        for parameter in command.params:
            if parameter.name != "help":
                assert getattr(parameter, "help", ""), (name, parameter.name)


def test_examples_name_options_that_exist() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for command in commands.values():
        for line in command.epilog.splitlines():
            if match := re.match(r"afield (\w+)(.*)", line):
                known = {"--help"} | {o for p in commands[match[1]].params for o in p.opts}
                assert set(re.findall(r"(?<!\S)--[\w-]+", match[2])) <= known, line


@pytest.mark.e2e
def test_help_through_the_installed_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "afield", "fit", "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "--target" in done.stdout


@pytest.mark.e2e
def test_a_reader_that_leaves_early_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "afield", "doctor", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""


if __name__ == "__main__":
    STORED.write_text(surface(), encoding="utf-8")
