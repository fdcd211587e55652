"""What holds for every test."""

from __future__ import annotations

import signal

from hypothesis import settings

# One run finds what another does, and a busy machine fails nobody.
settings.register_profile("afield", deadline=None, derandomize=True, database=None)
settings.load_profile("afield")

# A run started in the background of a script inherits that Ctrl-C is ignored; tests of Ctrl-C need it as it is.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
