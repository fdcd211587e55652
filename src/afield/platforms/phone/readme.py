"""The page of a bundle that says how each piece of it gets onto a phone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_PIECES = {
    "neural/README.md": """
## For apps on LiteRT or ExecuTorch

`neural/` holds the network of the model in their formats, and what stays in front of it and behind it for onnxruntime.
`neural/README.md` names the cut, and says how to call each file.
""",
    ".apk": """
## The Android app

`{name}` is the same page as an app of its own: Android 7 or later, no network permission. Send it to the phone, open
it, and allow the installation from this source; or `adb install {name}`. It is signed with a debug key unless
`--keystore` named one; a store takes no app with a debug key. It was checked, and not run on a phone.
""",
    "android/README.md": """
## For Android developers

`android/` is a Gradle project: the model as a module with a typed `predict`, and a sample screen. Source, not compiled.
""",
    "ios/README.md": """
## For iOS developers

`ios/` is a Swift package with a typed `predict`, and a sample screen. Source, not compiled.
""",
}


def readme_of(title: str, files: Iterable[str]) -> bytes:
    """Return the page, with a part for each piece among the files."""
    names = sorted(files)
    parts = [text.replace("{name}", name) for end, text in _PIECES.items() for name in names if name.endswith(end)]
    template = Path(__file__).with_name("readme.md").read_text(encoding="utf-8")
    values = {"{{title}}": " ".join(title.split()), "{{pieces}}": "".join(parts)}
    for mark, value in values.items():
        template = template.replace(mark, value)
    return template.encode()
