"""The models that a server has: found in files and folders, loaded, exchanged while requests run.

``FOLDER/NAME/VERSION/model.onnx`` (VERSION a whole number), ``FOLDER/NAME.onnx`` and single files, which are version 1.
A model is exchanged in one step, so a request sees the old one or the new one, whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import final

from afield.core.errors import AfieldError, ModelFileError, ProblemError
from afield.platforms.server.failures import Refusal
from afield.platforms.server.served import Served

Versions = dict[str, Served]


def find_models(sources: Sequence[Path]) -> dict[str, dict[str, Path]]:
    """Return name to version to file, versions in rising order.

    Raises
    ------
    ModelFileError
        ``model.not_found``.
    ProblemError
        ``problem.option``: two files claim one name and version.
    """
    found: dict[str, dict[str, Path]] = {}
    for source in sources:
        if not source.is_dir():
            _add(found, source.stem, "1", source)
            continue
        if (source / "model.onnx").is_file():  # a bundle, or one model's own folder
            _add(found, source.resolve().name, "1", source / "model.onnx")
            continue
        for path in sorted(source.glob("*.onnx")):
            _add(found, path.stem, "1", path)
        for path in sorted(source.glob("*/*/model.onnx"), key=lambda p: (p.parts[:-2], _number(p.parent.name))):
            if _number(path.parent.name) > 0:
                _add(found, path.parent.parent.name, path.parent.name, path)
    if not found:
        raise ModelFileError(
            "model.not_found",
            "There is no model to serve.",
            where=", ".join(map(str, sources)) or "nothing was named",
            expected="files, or a folder with NAME.onnx or NAME/VERSION/model.onnx",
        )
    return found


def _add(found: dict[str, dict[str, Path]], name: str, version: str, path: Path) -> None:
    versions = found.setdefault(name, {})
    if version in versions:
        raise ProblemError(
            "problem.option",
            f"Two files are the model {name!r}, version {version}.",
            where=f"{versions[version]}, {path}",
            fix="Rename one of them, or put them into a folder as NAME/VERSION/model.onnx.",
        )
    versions[version] = path


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and not text.startswith("0") else 0


@final
class Repository:
    """Loads models and hands them out.

    Parameters
    ----------
    sources : sequence of Path
        Files and folders.
    """

    def __init__(self, sources: Sequence[Path]) -> None:
        self.sources = tuple(sources)
        self._models: dict[str, Versions] = {}
        self._idle: dict[str, str] = {}  # name to why it is not served

    def load_all(self) -> list[AfieldError]:
        """Load what the sources hold now; what fails stays as it was. Return the failures."""
        failures: list[AfieldError] = []
        found = find_models(self.sources)
        for name in found:
            try:
                self.load(name)
            except AfieldError as error:
                failures.append(error)
        for name in [n for n in self._models if n not in found]:
            self.unload(name)
        return failures

    def load(self, name: str) -> Versions:
        """Load all versions of one model anew; nothing changes where one of them fails.

        Raises
        ------
        Refusal
            ``request.not_found``.
        ModelFileError
            See ``Served``.
        """
        paths = find_models(self.sources).get(name)
        if paths is None:
            raise self._unknown(name)
        try:
            loaded = {version: Served(name, version, path) for version, path in paths.items()}
        except AfieldError as error:
            if name not in self._models:
                self._idle[name] = error.what
            raise
        self._models[name] = loaded
        self._idle.pop(name, None)
        return loaded

    def unload(self, name: str) -> None:
        """Serve a model no more; raises ``request.not_found``."""
        if self._models.pop(name, None) is None and name not in self._idle:
            raise self._unknown(name)
        self._idle[name] = "unloaded"

    def get(self, name: str, version: str | None = None) -> Served:
        """Return a model, the highest version where none is named; raises ``request.not_found``."""
        versions = self._models.get(name)
        if not versions:
            raise self._unknown(name)
        if version is None:
            return versions[next(reversed(versions))]
        if version not in versions:
            raise Refusal("request.not_found", f"The model {name!r} has no version {version[:20]!r}, but "
                                               f"{', '.join(versions)}.")  # fmt: skip
        return versions[version]

    def versions(self, name: str) -> list[str]:
        """Return the versions of a model, lowest first."""
        return list(self._models.get(name, ()))

    @property
    def served(self) -> list[Served]:
        """All versions of all models."""
        return [served for versions in self._models.values() for served in versions.values()]

    @property
    def idle(self) -> dict[str, str]:
        """Models that are known and not served, with the reason."""
        return dict(self._idle)

    def only(self) -> Served:
        """Return the one model of a server that has one; raises ``request.form``."""
        if len(self._models) != 1:
            raise Refusal(
                "request.form",
                f"This server has {len(self._models)} models: ask /models/NAME/predict.",
                expected=", ".join(list(self._models)[:10]),
            )
        return self.get(next(iter(self._models)))

    def _unknown(self, name: str) -> Refusal:
        known = ", ".join(list(self._models)[:10])
        return Refusal(
            "request.not_found", f"There is no model {name[:60]!r}.", expected=known, where="the model's name"
        )
