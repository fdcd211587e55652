"""The card of a model as text for the terminal, and as a small piece of HTML for notebooks.

Both take the plain JSON that travels inside the file, so that cards of every past version can be shown; what a card
does not say is left out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from afield.data.metrics import title_of
from afield.model.calibration import Calibration
from afield.model.card import read_fields
from afield.model.decision import Decision
from afield.reporting.figures import datum, interval, number, plural, share, size
from afield.reporting.markup import clip, tag

Json = Mapping[str, Any]
Lines = list[tuple[str, str]]

#: width of the terminal text, and of its names
WIDTH, NAMES = 96, 12
HOWS = {
    "outer_splits": "outer splits that no choice saw",
    "test_file": "the rows of the test file",
    "out_of_fold": "out-of-fold rows, which choices saw: it flatters a little",
}


def card_text(card: Json, schema: Json, provenance: Json, file_bytes: int) -> str:
    """Return the whole card as plain text, wrapped at 96 characters.

    Parameters
    ----------
    card, schema, provenance : mapping
        The JSON objects ``afield.card``, ``afield.schema`` and ``afield.provenance`` of the file.
    file_bytes : int
        Size of the file.
    """
    blocks = [_plain(card.get("title") or "afield model")]
    blocks.append(_block([*_answer(card, schema), *_trust(card), *_file(card, provenance, file_bytes)]))
    columns = schema.get("columns", [])
    if columns:
        notes = {c["name"]: c for c in card.get("columns", []) or []}
        lines = [(_plain(c["name"]), _column(c, notes.get(c["name"], {}))) for c in columns]
        blocks.append("columns\n" + _table(lines))
    if findings := card.get("findings") or []:
        blocks.append("findings\n" + "\n".join(_finding(f) for f in findings))
    if notes_said := card.get("notes") or []:
        blocks.append("\n".join(_wrap(_plain(n), "  ", "  ") for n in notes_said))
    return "\n\n".join(blocks) + "\n"


def card_html(card: Json, schema: Json, provenance: Json, file_bytes: int) -> str:
    """Return the first facts of the card as an HTML fragment in the notebook's own colours."""
    rows = (
        tag(
            "tr",
            tag("th", name, style="text-align:left;font-weight:400;opacity:.7;padding:.1em 1.2em .1em 0;border:0"),
            tag("td", said, style="text-align:left;padding:.1em 0;border:0"),
            style="background:none",
        )
        for name, said in [*_answer(card, schema), *_trust(card), *_file(card, provenance, file_bytes)]
    )
    box = (
        "border:1px solid #8886;border-radius:10px;padding:.8em 1.1em;max-width:44em;font:14px/1.5 system-ui,sans-serif"
    )
    title = tag("strong", str(card.get("title") or "afield model"), style="font-size:1.1em")
    return tag("div", title, tag("table", *rows, style="border:0;margin:.4em 0 0;border-collapse:collapse"), style=box)


def _answer(card: Json, schema: Json) -> Lines:
    target = schema.get("target", {})
    unit = card.get("unit") or target.get("unit")
    named = f"{card.get('target') or target.get('name', '')}{f' ({unit})' if unit else ''}"
    lines: Lines = [("predicts", f"{named}, {card.get('task') or target.get('task', '')}")]
    if classes := target.get("classes"):
        lines.append(("classes", _some([str(c) for c in classes], 8)))
    lines.append(("from", plural(len(schema.get("columns", [])), "raw column")))
    if decision := card.get("decision"):
        rule = read_fields(Decision, decision)
        lines.append(("decides", rule.text([str(c) for c in target.get("classes") or ()])))
    if calibration := card.get("calibration"):
        lines.append(("calibrated", read_fields(Calibration, calibration).text()))
    return lines


def _trust(card: Json) -> Lines:
    lines: Lines = []
    if rows := card.get("rows_used"):
        left = card.get("rows_without_target") or 0
        lines.append(("learnt on", plural(rows, "row") + (f" ({left:,} without a target left out)" if left else "")))
    score = card.get("score") or {}
    if score.get("value") is not None:
        value, low, high = interval(score["value"], score.get("low"), score.get("high"))
        between = f" ({low} to {high} at {share(score.get('level') or 0.95)})" if low else ""
        how = HOWS.get(score.get("how", ""), score.get("how", ""))
        where = f", on {plural(score['rows'], 'row')}" if score.get("rows") else ""
        lines.append(("score", f"{_title(score['metric'])} {value}{between}{where}; {how}" if how else value))
        if score.get("text"):
            lines.append(("", score["text"]))
        others = [f"{_title(k)} {number(v)}" for k, v in (score.get("others") or {}).items() if k != score["metric"]]
        if others:
            lines.append(("also", "; ".join(others)))
    simple = [f"{b['name']} {number(b['value'])}" for b in card.get("baselines") or [] if b.get("value") is not None]
    if simple:
        lines.append(("against", "; ".join(simple)))
    return lines


def _file(card: Json, provenance: Json, file_bytes: int) -> Lines:
    lines: Lines = []
    members = [
        f"{share(m.get('weight') or 0.0)} {m['recipe'] or m['learner']}"
        + (f" ({plural(m['trees'], 'tree')})" if m.get("trees") else "")
        for m in card.get("members") or []
    ]
    if members:
        lines.append(("made of", "; ".join(members)))
    if parity := card.get("parity"):
        rows = f"{parity['rows']:,} training rows and {parity['hostile_rows']:,} hostile rows"
        off = f"at most {number(parity['largest'], 2)} from the learners' own libraries"
        labels = parity.get("labels_different") or 0
        differ = f"; {plural(labels, 'label differs', 'labels differ')}" if labels else ""
        lines.append(("proven", f"{off} on {rows} (allowed {number(parity['tolerance'], 2)}){differ}"))
    needs = f", needs {card['needs']}" if card.get("needs") else ""
    lines.append(("file", f"{size(file_bytes)}{needs}"))
    origin = [str(provenance[k]) for k in ("data_name", "data") if provenance.get(k)]
    if origin:
        lines.append(("data", " ".join(origin)))
    made = [f"afield {provenance['afield']}"] if provenance.get("afield") else []
    made += [f"effort {provenance['effort']}"] if provenance.get("effort") else []
    made += [f"{number(provenance['minutes'])} minutes"] if provenance.get("minutes") else []
    made += [f"seed {provenance['seed']}"] if provenance.get("seed") is not None else []
    if made:
        lines.append(("made by", ", ".join(made)))
    if parts := card.get("parts"):
        lines.append(("licences", "; ".join(f"{p['name']} {p['licence']}" for p in parts)))
    return [(name, _plain(said)) for name, said in lines]


def _column(column: Json, note: Json) -> str:
    said = column.get("kind", "")
    if column.get("unit"):
        said += f", {column['unit']}"
    if column.get("levels"):
        said += f": {_some([str(v) for v in column['levels']], 5)}"
    elif column.get("low") is not None and column.get("kind") == "number":
        said += f", {datum(column['low'])} to {datum(column['high'])}"
    if gone := note.get("share_missing"):
        said += f" ({share(gone)} missing)"
    return _plain(said)


def _finding(finding: Json) -> str:
    lines = [_wrap(f"{finding['severity']}: {_plain(finding['what'])}", "  ", "    ")]
    if finding.get("fix"):
        lines.append(_wrap(f"-> {_plain(finding['fix'])}", "    ", "       "))
    return "\n".join(lines)


def _title(name: str) -> str:
    return title_of(name)


def _some(texts: Sequence[str], most: int) -> str:
    shown = ", ".join(clip(t, 30) for t in texts[:most])
    return shown + (f" and {len(texts) - most:,} more" if len(texts) > most else "")


def _plain(said: object) -> str:
    """Return text without control characters: a level must not move the cursor or paint the terminal."""
    return "".join(c if c.isprintable() else " " for c in str(said))


def _wrap(said: str, first: str, rest: str) -> str:
    return textwrap.fill(said, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _block(lines: Lines) -> str:
    return "\n".join(_wrap(_plain(said), f"  {name:<{NAMES}}", " " * (NAMES + 2)) for name, said in lines)


def _table(lines: Lines) -> str:
    wide = min(36, max(len(name) for name, _ in lines) + 2)
    return "\n".join(_wrap(said, f"  {clip(name, wide - 1):<{wide}}", " " * (wide + 2)) for name, said in lines)
