"""``afield resume``: go on with a study after a crash, a kill or Ctrl-C."""

from __future__ import annotations

import time

from afield.cli import options as o

EXAMPLES = ("afield studies", "afield resume rings-1 --out shellfish.onnx")


def command(
    study: o.StudyId,
    out: o.Out = None,
    force: o.Force = False,
    quiet: o.Quiet = False,
    as_json: o.AsJson = False,
) -> None:
    """Go on with a study after a crash, a kill or Ctrl-C; finished trials are not repeated."""
    started = time.time()  # the limit counts from here
    from afield.api.resume import resume
    from afield.cli.live import listening
    from afield.cli.summary import show_result

    with listening(quiet=quiet, as_json=as_json) as listener:
        result = resume(study, out=out, force=force, listener=listener, started=started)
    show_result(result, quiet=quiet, as_json=as_json)
