"""Frames: any cut of the stream gives the same messages."""

import pytest

from afield.engines.frames import Frames, frame


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
def test_messages_survive_any_cut(step: int) -> None:
    messages = [{"a": "ä\ud800"}, {}, {"b": [1, 2.5, None]}, {"c": "x" * 100}]
    stream = b"".join(map(frame, messages))
    frames = Frames()
    assert [m for i in range(0, len(stream), step) for m in frames.feed(stream[i : i + step])] == messages


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        frame({"a": float("nan")})
