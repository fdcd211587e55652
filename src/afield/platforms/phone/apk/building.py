"""Puts the page into an Android app: a WebView in assembler for Android's machine, with the page as an asset.

No development kit is there to compile Java, so the four classes are written in smali; they are the same for every
model. Resources and classes are built by apktool, packed here with fixed dates, aligned, and signed.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

from afield.core.errors import ProblemError
from afield.model.model import Model
from afield.platforms.phone.apk.programs import FRAMEWORK, Key, must, sign

PROJECT = Path(__file__).parent / "project"
PAGE = "assets/index.html"
MIN_SDK = 24  # Android 7: the oldest that checks signatures of the whole file, and whose WebView may be new enough
TARGET_SDK = 34  # Android 14: phones warn of apps made for much older ones; from 35 on pages lie below the status bar
STORED = ("resources.arsc", ".png")  # Android 11 and later map the table of resources, which must not be compressed
_DATE = (1980, 1, 1, 0, 0, 0)
_APP_ID = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)+", re.ASCII)
_ASKED = {
    "image": ("CAMERA", "android.hardware.camera"),
    "audio": ("RECORD_AUDIO", "android.hardware.microphone"),
}
_BESIDE = {"audio": ("MODIFY_AUDIO_SETTINGS",)}  # WebViews open no microphone without it


def slug_of(model: Model) -> str:
    """Return the target's name as a part of an identifier."""
    slug = re.sub("[^a-z0-9]+", "_", model.schema.target.name.lower()).strip("_")
    return slug if slug[:1].isalpha() else f"model_{slug}".rstrip("_")


def app_id_of(model: Model, wish: str) -> str:
    """Return the id of the app: what was wished for, or one made from the target's name.

    Raises
    ------
    ProblemError
        ``problem.option``: Android takes no such id.
    """
    if wish and not _APP_ID.fullmatch(wish):
        raise ProblemError(
            "problem.option", "Android takes no such id of an app.", where="--app-id", got=wish,
            expected="two or more words with dots between them, such as org.example.shellfish",
        )  # fmt: skip
    return wish or f"afield.model.{slug_of(model)}"


def permissions_of(model: Model) -> list[str]:
    """Return what the app may ask its owner for: camera and microphone where a column takes them, never the network."""
    kinds = {c.kind for c in model.schema.columns}
    return [name for kind in _ASKED if kind in kinds for name in (_ASKED[kind][0], *_BESIDE.get(kind, ()))]


def app_page(page: bytes) -> bytes:
    """Return the page with the script that saves files through the phone.

    It stands before the content security policy, which holds for what follows it.
    """
    script = (PROJECT / "saving.js").read_bytes().strip()
    head = b'<meta charset="utf-8">\n'
    if page.count(head) != 1:
        raise ValueError("the page does not begin as expected")
    return page.replace(head, head + b"<script>\n" + script + b"\n</script>\n")


def build_apk(model: Model, page: bytes, icon: bytes, app_id: str, key: Key) -> bytes:
    """Return the signed app.

    Raises
    ------
    ProblemError
        ``problem.option``: the key cannot be used.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write_project(folder / "project", model, icon, app_id)
        must("apktool", "install-framework", str(FRAMEWORK), "--frame-path", str(folder / "framework"))
        must("apktool", "build", str(folder / "project"), "--frame-path", str(folder / "framework"),
             "--output", str(folder / "built.apk"))  # fmt: skip
        _pack(folder / "built.apk", folder / "packed.apk", page)
        must("zipalign", "-p", "4", str(folder / "packed.apk"), str(folder / "app.apk"))
        sign(folder / "app.apk", key)
        return (folder / "app.apk").read_bytes()


def _write_project(folder: Path, model: Model, icon: bytes, app_id: str) -> None:
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("*.js"))
    (folder / "res" / "drawable").mkdir()
    (folder / "res" / "drawable" / "icon.png").write_bytes(icon)
    kinds = {c.kind for c in model.schema.columns}
    lines = [f'    <uses-permission android:name="android.permission.{name}"/>\n' for name in permissions_of(model)]
    lines += [
        f'    <uses-feature android:name="{feature}" android:required="false"/>\n'
        for kind, (_, feature) in _ASKED.items()
        if kind in kinds
    ]
    values = {
        "app_id": app_id,
        "permissions": "".join(lines),
        "min_sdk": str(MIN_SDK),
        "target_sdk": str(TARGET_SDK),
        "title": _resource(str(model.card.title)),
    }
    for name in ("AndroidManifest.xml", "apktool.yml", "res/values/strings.xml"):
        text = (folder / name).read_text(encoding="utf-8")
        text = re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], text)
        (folder / name).write_text(text, encoding="utf-8")


def _resource(text: str) -> str:
    """Return text for between the quotes of a string resource."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return escape(plain.replace("\\", "\\\\").replace('"', '\\"'))


def _pack(built: Path, packed: Path, page: bytes) -> None:
    """Pack what apktool built, and the page, in a fixed order with fixed dates."""
    with zipfile.ZipFile(built) as source:
        files = {name: source.read(name) for name in sorted(source.namelist())} | {PAGE: page}
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=9)
