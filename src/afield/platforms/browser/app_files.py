"""What makes the page an app: a manifest, icons, and a worker that keeps the files for when there is no network."""

from __future__ import annotations

import hashlib
import json

from afield.model.model import Model
from afield.platforms.browser.runtime import Runtime
from afield.platforms.browser.single import PAGE, build_page

HEAD = (
    '<link rel="manifest" href="manifest.webmanifest">\n<link rel="icon" href="icon.svg">\n'
    '<link rel="apple-touch-icon" href="icon-192.png">\n<meta name="theme-color" content="#0b5cad">'
)
ALLOW = "manifest-src 'self'; "
ICONS = {"icon-192.png": 192, "icon-512.png": 512}  # icon.svg as pixels: what installs apps wants those


def build_app(model: Model, runtime: Runtime) -> dict[str, bytes]:
    """Return the files of the app, name to content."""
    title = str(model.card.title)
    files = {
        "index.html": build_page(model, runtime, head=HEAD, allow=ALLOW, own_files=True),
        "manifest.webmanifest": _manifest(title),
    } | {name: (PAGE / name).read_bytes() for name in ("icon.svg", *ICONS)}
    digest = hashlib.sha256(b"".join(files[name] for name in sorted(files))).hexdigest()[:16]
    worker = (PAGE / "sw.js").read_text(encoding="utf-8")
    kept = ["./", *(f"./{name}" for name in sorted(files) if name != "index.html")]  # the page itself is "./"
    values = {"{{version}}": f"afield-{_slug(title)}-{digest}", "{{files}}": json.dumps(kept)}
    for mark, value in values.items():
        worker = worker.replace(mark, value)
    return files | {"sw.js": worker.encode()}


def _manifest(title: str) -> bytes:
    icons = [{"src": n, "sizes": f"{s}x{s}", "type": "image/png", "purpose": "any"} for n, s in ICONS.items()]
    manifest = {
        "name": title,
        "short_name": title if len(title) <= 12 else title[:11] + "…",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": "#f6f7f9",
        "theme_color": "#0b5cad",
        "icons": [*icons, {"src": "icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
    }
    return json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"


def _slug(title: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in title)
