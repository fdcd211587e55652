"""The Android app as a piece of the bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from afield.core.proofs import Proof
from afield.core.registry import load
from afield.model.model import Model
from afield.platforms.phone.apk.building import app_id_of, app_page, build_apk, slug_of
from afield.platforms.phone.apk.checking import check_apk, packed_page
from afield.platforms.phone.apk.programs import debug_key, need_programs, own_key
from afield.platforms.phone.app import build_pages
from afield.platforms.phone.options import PhoneOptions
from afield.platforms.protocol import Bundle, Probe

NAME = "apk"
HOW = "built by apktool, signed by apksigner"


class Apk:
    """See ``afield.platforms.phone.piece.Piece``."""

    name = NAME

    def wanted(self, options: PhoneOptions) -> bool:
        """Where ``--apk`` asks for it."""
        return options.apk

    def build(self, model: Model, options: PhoneOptions) -> Mapping[str, bytes]:
        """Return the signed app.

        Raises
        ------
        MissingDependencyError
            ``dependency.missing``: a program is not there.
        ProblemError
            ``problem.option``: the id or the key cannot be used.
        """
        app_id = app_id_of(model, options.app_id)
        need_programs()
        key = own_key(options.keystore, options.key_alias) if options.keystore else debug_key()
        page, icon = build_pages(model)["index.html"], build_pages(model, pwa=True)["icon-192.png"]
        return {f"{slug_of(model)}.apk": build_apk(model, app_page(page), icon, app_id, key)}

    def prove(self, bundle: Bundle, model: Model, probe: Probe) -> list[Proof]:
        """Check the app, and run the samples in the packed page, in a browser of this machine.

        What an app does on a phone is not known from that, and the proof says so.
        """
        names = [n for n in bundle.files if n.endswith(".apk")]
        return [proof for name in names for proof in _prove(bundle.path / name, model, probe)]


def _prove(path: Path, model: Model, probe: Probe) -> list[Proof]:
    found = check_apk(path, model)
    details = tuple(f"{'checked' if good else 'WRONG'}: {told}" for good, told in found)
    if all(good for good, _ in found):
        needs = f"a phone with Android 7 or later (adb install {path.name}); it was not run on one"
        app = Proof(platform=NAME, ran=False, how=HOW, needs=needs, details=details)
    else:
        app = Proof(platform=NAME, ran=True, how=HOW, passed=False, details=details)
    samples = Probe(
        feed={n: v[: probe.samples] for n, v in probe.feed.items()},
        answers={n: v[: probe.samples] for n, v in probe.answers.items()},
        samples=probe.samples,
    )
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "index.html"
        page.write_bytes(packed_page(path))
        bundled = Bundle(platform="browser", path=page.parent, files=(page.name,), size_bytes=page.stat().st_size)
        proof: Proof = load("platforms", "browser").prove(bundled, samples)
    return [app, replace(proof, platform="page in the apk")]
