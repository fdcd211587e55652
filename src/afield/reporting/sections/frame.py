"""What the sections share: a titled block, a table, a list of named values, and the names of metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from afield.data.metrics import title_of
from afield.reporting.markup import Child, Markup, join, tag


def section(name: str, title: str, lead: Child, *children: Child) -> Markup:
    """Return a block with a heading and one sentence on what is to be seen."""
    intro = tag("p", lead, klass="intro") if lead else None
    return tag(
        "section", tag("h2", title, id=f"{name}-title"), intro, *children, id=name, aria_labelledby=f"{name}-title"
    )


def table(caption: str, heads: Sequence[tuple[str, str]], rows: Iterable[Sequence[Child]], klass: str = "") -> Markup:
    """Return a table that scrolls sideways by itself; ``heads`` are (text, class), the first cell of a row heads it."""
    classes = [k or None for _, k in heads]
    head = tag("tr", *(tag("th", h, scope="col", klass=k or None) for h, k in heads))
    body = (
        tag(
            "tr",
            *(
                tag("th", cell, scope="row", klass=k) if i == 0 else tag("td", cell, klass=k)
                for i, (cell, k) in enumerate(zip(row, classes, strict=True))
            ),
        )
        for row in rows
    )
    inner = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body), klass=klass or None)
    return tag("div", inner, klass="scroll", tabindex="0", role="region", aria_label=caption)


def named(pairs: Iterable[tuple[str, Child]]) -> Markup:
    """Return a list of names and values; pairs without a value are left out."""
    shown = (tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs if value not in (None, ""))
    return tag("dl", *shown, klass="named")


def figure(chart: Markup, caption: Child, after: Child = None) -> Markup:
    """Return a chart with its caption."""
    return tag("figure", tag("figcaption", caption), chart, after)


def details(summary: str, *children: Child, open_: bool = False) -> Markup:
    """Return a block that opens on a click, and in print."""
    return tag("details", tag("summary", summary), join(children), open_="" if open_ else None)


def headline(name: str) -> str:
    """Return a metric's name for the start of a sentence."""
    title = metric_title(name)
    return title[:1].upper() + title[1:]


def metric_title(name: str) -> str:
    """Return a metric's name for people."""
    return title_of(name)
