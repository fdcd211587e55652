"""The phone platform: an app that installs from the browser, and what app developers build in."""

from __future__ import annotations

from pathlib import Path

from afield.core.findings import Finding
from afield.core.output import prepare_folder
from afield.core.proofs import Proof
from afield.model.model import Model
from afield.model.selftest import stored_answers, stored_feed
from afield.platforms.checking import check_operators, load_checked
from afield.platforms.phone.apk.piece import Apk
from afield.platforms.phone.app import App
from afield.platforms.phone.arm64.proof import Arm64
from afield.platforms.phone.developers.gradle import Gradle
from afield.platforms.phone.developers.swift import Swift
from afield.platforms.phone.neural.piece import Neural
from afield.platforms.phone.options import PhoneOptions
from afield.platforms.phone.piece import Piece, joined
from afield.platforms.phone.readme import readme_of
from afield.platforms.protocol import Bundle, Probe
from afield.platforms.writing import write_bundle

PIECES: tuple[Piece, ...] = (App(), Arm64(), Apk(), Gradle(), Swift(), Neural())


class PhonePlatform:
    """Runs models by onnxruntime on phones. See ``afield.platforms.protocol.Platform``."""

    name = "phone"
    summary = "an app that installs from the browser; also an Android app (--apk), Kotlin, Swift, LiteRT, ExecuTorch"
    options = PhoneOptions

    def check(self, model: bytes, device: str = "") -> list[Finding]:
        """Return a finding for each operator that onnxruntime's builds are not known to run alike."""
        del device  # any phone of the last years will do
        return check_operators(model)

    def export(self, model: bytes, dest: Path, options: PhoneOptions | None = None) -> Bundle:
        """Write the pieces that the options ask for into the folder ``dest``.

        Raises
        ------
        UnsupportedError
            ``graph.operator``.
        MissingDependencyError
            ``dependency.missing``: a piece takes a program that is not on this machine.
        OutputError
            ``output.exists``, ``output.unwritable``, ``output.disk_full``.
        ModelFileError
            ``model.damaged``, ``model.foreign``, ``model.version``.
        """
        options = options or PhoneOptions()
        loaded = load_checked(model, "phones")
        prepare_folder(dest, force=options.force)  # told before the pieces are built, which takes seconds
        files: dict[str, bytes] = {"model.onnx": model}
        for piece in PIECES:
            if piece.wanted(options):
                files |= piece.build(loaded, options)
        files["README.md"] = readme_of(str(loaded.card.title), files)
        return write_bundle(self.name, dest, files, force=options.force)

    def prove(self, bundle: Bundle, probe: Probe | None = None) -> Proof:
        """Run the probe's rows, or else the file's samples, on each piece's own runtime."""
        model = Model.load(bundle.path / "model.onnx")
        probe = probe or Probe(
            feed=stored_feed(model.selftest, model.schema),
            answers=stored_answers(model.selftest),
            samples=model.selftest.rows,
        )
        return joined(self.name, [proof for piece in PIECES for proof in piece.prove(bundle, model, probe)])


platform = PhonePlatform()
