"""The files of an exported server, as bytes by name."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from afield.core.errors import ProblemError

HERE = Path(__file__).parent / "bundle"
ROOT = Path(__file__).parents[2]  # the package afield
#: What runs a model, and nothing else of afield.
PARTS = ("core", "problem", "model", "platforms/server")
SINGLE = ("__init__.py", "py.typed", "platforms/__init__.py")
#: Versions that the tests ran with; those installed where the bundle is made come first.
PINS = {
    "anyio": "4.16.0", "click": "8.5.1", "flatbuffers": "25.12.19", "h11": "0.16.0", "httptools": "0.9.0",
    "idna": "3.20",
    "numpy": "2.4.6", "onnxruntime": "1.31.1", "orjson": "3.13.0", "packaging": "26.3", "prometheus-client": "0.26.0",
    "protobuf": "7.36.2", "starlette": "1.10.0", "typing-extensions": "4.16.0", "uvicorn": "0.54.0", "uvloop": "0.23.0",
}  # fmt: skip
_NAME = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def bundle_files(model: bytes, *, name: str, port: int) -> dict[str, bytes]:
    """Return the content of every file of the bundle.

    Raises
    ------
    ProblemError
        ``problem.option``: a name that Kubernetes refuses, or a port that is none.
    """
    if not _NAME.fullmatch(name):
        raise ProblemError(
            "problem.option", "This cannot be the name of a server.", where="--name", got=repr(name),
            expected="a to z, 0 to 9 and -, at most 63, such as shellfish",
        )  # fmt: skip
    if not 1024 <= port <= 65_535:
        raise ProblemError(
            "problem.option", "This cannot be the port of a server that is nobody.", where="--port", got=str(port),
            expected="1024 to 65535",
        )  # fmt: skip
    files = {f"models/{name}/1/model.onnx": model, "requirements.txt": requirements().encode()}
    for path in sorted(HERE.iterdir()):
        if path.is_file() and path.suffix != ".pyc":
            text = path.read_text(encoding="utf-8").replace("@NAME@", name).replace("@PORT@", str(port))
            files[f"{name}.service" if path.suffix == ".service" else path.name] = text.encode()
    return files | {f"app/afield/{name}": content for name, content in _program().items()}


def requirements() -> str:
    """Return the packages that the server needs, with exact versions."""
    lines = []
    for package, tested in PINS.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            found = tested
        lines.append(f"{package}=={found.partition('+')[0]}")
    return "\n".join(lines) + "\n"


def _program() -> dict[str, bytes]:
    files = {name: (ROOT / name).read_bytes() for name in SINGLE}
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("*.py")):
            files[path.relative_to(ROOT).as_posix()] = path.read_bytes()
    return files
