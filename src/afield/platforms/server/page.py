"""The description as one page without scripts, for people who open the server in a browser."""

from __future__ import annotations

import json
import shlex
from html import escape
from typing import Any

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #8886; }
"""


def render(document: dict[str, Any], address: str) -> str:
    """Return the page for an OpenAPI document; ``address`` is where the server was asked."""
    info, schemas = document["info"], document["components"]["schemas"]
    parts = [f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>", f"<p>{escape(info['description'])}</p>",
             '<p><a href="/openapi.json">openapi.json</a> · <a href="/metrics">metrics</a></p>']  # fmt: skip
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in document["paths"].items():
        for method, entry in methods.items():
            groups.setdefault(entry["tags"][0], []).append((method.upper(), path, entry))
    for group, entries in groups.items():
        parts.append(f"<h2>{escape(group)}</h2><table><tr><th>Request<th>What it does")
        for method, path, entry in entries:
            parts.append(f"<tr><td><code>{method} {escape(path)}</code><td>{escape(entry['summary'])}")
        parts.append("</table>")
        for _, path, entry in entries:
            if path.endswith("/predict"):
                schema = entry["requestBody"]["content"]["application/json"]["schema"]["items"]["$ref"]
                row = schemas[schema.rpartition("/")[2]]
                parts += [_columns(row), *([_example(address + path, row["example"])] if "example" in row else [])]
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def _columns(row: dict[str, Any]) -> str:
    lines = [
        f"<tr><td><code>{escape(name)}</code><td>{escape(told['description'])}"
        for name, told in row["properties"].items()
    ]
    return "<h3>Columns of a row</h3><table><tr><th>Column<th>Value" + "".join(lines) + "</table>"


def _example(address: str, row: dict[str, Any]) -> str:
    """Return a command for a shell that asks with a made-up row."""
    command = f"curl {shlex.quote(address)} -d {shlex.quote(json.dumps(row, ensure_ascii=False))}"
    return f"<h3>Try it</h3><pre>{escape(command)}</pre>"
