"""How a command ends: exit codes, errors as lines or JSON instead of tracebacks, and Ctrl-C."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import typer

from afield.core.errors import (
    AfieldError,
    DataError,
    DeviceLimitError,
    EngineError,
    MissingDependencyError,
    ModelFileError,
    OutputError,
    ProblemError,
    UnsupportedError,
)

CHECK_FAILED, USAGE, BUG, INTERRUPTED = 1, 2, 70, 130

#: error class -> exit code; the first that fits counts
EXIT_CODES: dict[type[AfieldError], int] = {
    OutputError: USAGE,
    ProblemError: USAGE,
    DataError: USAGE,
    MissingDependencyError: 3,
    UnsupportedError: 4,
    ModelFileError: 5,
    EngineError: 6,
    DeviceLimitError: 7,
}
#: error codes that mean that the user stopped the work
STOPPED = {"study.stopped"}


def exit_code(error: AfieldError) -> int:
    """Return the exit code for an error."""
    if error.code in STOPPED:
        return INTERRUPTED
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), BUG)


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap a command so that it ends with an exit code and a message, whatever happens inside."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        as_json = bool(options.get("as_json"))
        try:
            command(*arguments, **options)
            sys.stdout.flush()
        except AfieldError as error:
            show_error(error, as_json)
            raise typer.Exit(exit_code(error)) from None
        except KeyboardInterrupt:
            sys.stderr.write("Stopped.\n")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            if os.environ.get("AFIELD_DEBUG"):
                raise
            show_bug(error, as_json)
            raise typer.Exit(BUG) from None

    return run


def show_error(error: AfieldError, as_json: bool) -> None:
    """Print an error: lines on stderr, or one JSON object on stdout."""
    if as_json:
        sys.stdout.write(json.dumps({"event": "error", **error.to_json()}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        sys.stderr.write(f"error: {error.text()}\n")


def show_bug(error: Exception, as_json: bool) -> None:
    """Print what is a defect of afield, and how to report it."""
    place = ""
    if error.__traceback__ is not None:
        last = error.__traceback__
        while last.tb_next is not None:
            last = last.tb_next
        place = f" ({os.path.basename(last.tb_frame.f_code.co_filename)}, line {last.tb_lineno})"
    what = f"{type(error).__name__}: {error}{place}"
    if as_json:
        sys.stdout.write(json.dumps({"event": "error", "code": "bug", "what": what}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        sys.stderr.write(
            f"error: This is a defect of afield. {what}\n"
            "  fix: run the same command with AFIELD_DEBUG=1 in the environment, and report the traceback together\n"
            "       with the output of `afield doctor`\n"
        )
