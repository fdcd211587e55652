"""The chart of the page: normalised score with its interval, beside the time of one row. Plain SVG, light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

_ROW, _TOP, _LEFT, _WIDTH, _GAP = 30, 56, 150, 300, 60
_STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #24292f } .quiet { fill: #57606a; font-size: 11px }
.axis { stroke: #d0d7de } .mark { fill: #8250df } .line { stroke: #8250df; stroke-width: 2 }
.ours { fill: #1a7f37; } .ours-line { stroke: #1a7f37; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .quiet { fill: #8d96a0 } .axis { stroke: #3d444d }
.mark { fill: #bc8cff } .line { stroke: #bc8cff } .ours { fill: #3fb950 } .ours-line { stroke: #3fb950 } }
</style>"""


def draw(
    title: str, scores: Mapping[str, tuple[float, float, float]], row_ms: Mapping[str, float], systems: Sequence[str]
) -> str:
    """Return the SVG text. ``scores``: (mean, low, high) in 0..1; ``row_ms``: median milliseconds of a row."""
    order = sorted(systems, key=lambda name: -scores[name][0])
    height, right = _TOP + _ROW * len(order) + 40, _LEFT + _WIDTH + _GAP
    powers = [math.log10(value) for value in row_ms.values() if value > 0]
    low, high = (math.floor(min(powers)), math.ceil(max(powers))) if powers else (0, 1)
    high = max(high, low + 1)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right + _WIDTH + 40} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        _STYLE,
        f'<text x="{_LEFT}" y="20">{escape(title)}</text>',
        f'<text class="quiet" x="{_LEFT}" y="40">mean normalised score, 95 % interval: right is better</text>',
        f'<text class="quiet" x="{right}" y="40">one row, median, ms: left is better</text>',
    ]
    bottom = height - 36
    for step in range(5):
        x = _LEFT + _WIDTH * step / 4
        lines += [f'<line class="axis" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>']
        lines += [f'<text class="quiet" x="{x}" y="{bottom + 16}" text-anchor="middle">{step / 4:g}</text>']
    for power in range(low, high + 1):
        x = right + _WIDTH * (power - low) / (high - low)
        lines += [f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>']
        lines += [f'<text class="quiet" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{10.0**power:g}</text>']
    for place, name in enumerate(order):
        y = _TOP + _ROW * (place + 0.5)
        kind = "ours" if name.startswith("afield") else "mark"
        stroke = "ours-line" if kind == "ours" else "line"
        mean, first, last = (_LEFT + _WIDTH * value for value in scores[name])
        lines += [
            f'<text x="{_LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(name)}</text>',
            f'<line class="{stroke}" x1="{first:.1f}" x2="{last:.1f}" y1="{y}" y2="{y}"/>',
            f'<circle class="{kind}" cx="{mean:.1f}" cy="{y}" r="5"><title>{scores[name][0]:.3f}</title></circle>',
        ]
        if row_ms.get(name, 0) > 0:
            x = right + _WIDTH * (math.log10(row_ms[name]) - low) / (high - low)
            lines += [
                f'<circle class="{kind}" cx="{x:.1f}" cy="{y}" r="5"><title>{row_ms[name]:.3g} ms</title></circle>'
            ]
    return "\n".join([*lines, "</svg>"]) + "\n"
