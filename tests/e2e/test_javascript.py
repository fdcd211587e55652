"""The page's own readers in Node, held to the vectors that every platform's reader is held to."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from afield.model.decision import Decision
from afield.platforms.browser.single import PAGE
from afield.problem.cells import CellError, read_cell
from afield.problem.schema import ColumnSpec

pytestmark = pytest.mark.e2e

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "cells.json").read_text(encoding="utf-8"))


def run_node(folder: Path, script: str, data: object) -> object:
    """Return what the module script prints as JSON; ``data`` is there as the global ``data``."""
    node = shutil.which("node")
    assert node, "Node is not installed: Debian: apt install nodejs"
    (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    (folder / "run.mjs").write_text(
        'import { readFileSync } from "node:fs";\n'
        f'const data = JSON.parse(readFileSync({json.dumps(str(folder / "data.json"))}, "utf8"));\n'
        f"const page = {json.dumps(PAGE.as_uri())};\n{script}\n",
        encoding="utf-8",
    )
    done = subprocess.run([node, folder / "run.mjs"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


READ = """
const { CellError, readCell } = await import(`${page}/cells.js`);
const read = ({ spec, cell }) => {
  try {
    const value = readCell(spec, cell !== null && typeof cell === "object" ? BigInt(cell.big) : cell);
    return { value: Number.isNaN(value) ? null : value };
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    return { error: true };
  }
};
console.log(JSON.stringify(data.map(read)));
"""


def packed(cell: object) -> object:
    """Whole numbers that JSON of JavaScript would round go as text."""
    return {"big": str(cell)} if type(cell) is int and abs(cell) > 2**53 else cell


def exact(answer: dict[str, object]) -> dict[str, object]:
    """Numbers as doubles: JavaScript prints those beyond 2**53 as whole numbers, which Python takes for exact ones."""
    return {k: float(v) if type(v) is int else v for k, v in answer.items()}


def test_cells_are_read_as_the_vectors_say(tmp_path):
    asked = [{"spec": v["spec"], "cell": packed(v["cell"])} for v in VECTORS]
    found = run_node(tmp_path, READ, asked)
    wanted = [{"error": True} if "error" in v else {"value": v["value"]} for v in VECTORS]
    wrong = [(v, f) for v, f, w in zip(VECTORS, found, wanted, strict=True) if exact(f) != exact(w)]
    assert wrong == []
    assert len(found) >= 250


def test_cells_that_nobody_listed_are_read_alike(tmp_path):
    """Random texts of the characters that matter, read by Python and by JavaScript."""
    rng = np.random.default_rng(0)
    pieces = [*"0123456789.,-+eE' %$\u2212\u00a0\u202f", "12", "1.5", "000", "na", "true", "2024-01-31", "T10:00", "Z",
              "+02:00", "31.12.99", "Jan", "pm", "\U0001f600"]  # fmt: skip
    specs = [
        {"name": "x", "kind": "number"},
        {"name": "x", "kind": "number", "decimal": ",", "thousands": ".", "suffix": "%"},
        {"name": "x", "kind": "number", "thousands": " ", "prefix": "$"},
        {"name": "x", "kind": "number", "thousands": "'", "missing": ["", "-12"]},
        {"name": "x", "kind": "category", "canonical": "number"},
        {"name": "x", "kind": "category", "canonical": "boolean"},
        {"name": "x", "kind": "datetime", "formats": ["iso", "%d.%m.%y", "%d %b %Y %I:%M %p", "%Y%m%d%z"]},
    ]
    asked = [
        {"spec": spec, "cell": "".join(rng.choice(pieces, rng.integers(1, 7)))} for spec in specs for _ in range(1_500)
    ]
    days = [f"{rng.integers(0, 40)}.{rng.integers(0, 14)}.{rng.integers(0, 99):02d}" for _ in range(300)]
    days += [f"{y:04d}-{m:02d}-{d:02d}T{h:02d}:30{z}" for y in (1, 1900, 2000, 2023, 2024, 9999) for m in (1, 2, 12)
             for d in (1, 28, 29, 30, 31) for h in (0, 24) for z in ("", "Z", "+23:59", "-0130", "+24")]  # fmt: skip
    asked += [{"spec": specs[-1], "cell": day} for day in days]

    def read(spec, cell):
        try:
            value = read_cell(ColumnSpec.from_json(spec), cell)
        except CellError:
            return {"error": True}
        return {"value": None if isinstance(value, float) and math.isnan(value) else value}

    found = run_node(tmp_path, READ, asked)
    wanted = [read(**item) for item in asked]
    assert [(a, f, w) for a, f, w in zip(asked, found, wanted, strict=True) if exact(f) != exact(w)] == []
    assert 500 < sum("error" not in w for w in wanted) < len(asked) - 500


def test_margins_of_decisions_are_those_of_python(tmp_path):
    rng = np.random.default_rng(1)
    classes = ["a", "b", "c"]
    rules = [
        Decision(),
        Decision(rule="weights", weights=(1.0, 0.3, 0.6)),
        Decision(rule="costs", costs=((0, 1, 5), (2, 0, 1), (9, 1, 0))),
        Decision(rule="threshold", threshold=0.2, positive="b"),
    ]
    rows = rng.dirichlet(np.ones(3), 50)
    asked = [
        {"decision": vars(rule), "classes": classes, "probabilities": row.tolist()} for rule in rules for row in rows
    ]
    script = """
const { marginOf } = await import(`${page}/decision.js`);
console.log(JSON.stringify(data.map((d) => marginOf(d.decision, d.classes, d.probabilities))));
"""
    found = run_node(tmp_path, script, asked)
    wanted = np.concatenate([rule.margin(rows, classes) for rule in rules])
    assert found == pytest.approx(wanted.tolist(), abs=1e-12)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ('a,"b ""c"", d"\r\n"1\n2",\r\n\r\n', [["a", 'b "c", d'], ["1\n2", ""]]),
        ("\ufeffa;b\r1;2", [["a", "b"], ["1", "2"]]),
        ("a\tb\n\tx\n", [["a", "b"], ["", "x"]]),
    ],
)
def test_csv_is_parsed_and_written_back(tmp_path, text, rows):
    script = """
const { decodeText, findDelimiter, formatRow, parseRows } = await import(`${page}/csv.js`);
const { text } = decodeText(new TextEncoder().encode(data));
const delimiter = findDelimiter(text, ["a", "b"]);
const rows = [...parseRows(text, delimiter)];
const again = [...parseRows(rows.map((row) => formatRow(row, delimiter)).join(""), delimiter)];
console.log(JSON.stringify([rows, again]));
"""
    assert run_node(tmp_path, script, text) == [rows, rows]


def test_files_of_excel_are_decoded(tmp_path):
    script = """
const { decodeText } = await import(`${page}/csv.js`);
console.log(JSON.stringify(data.map((bytes) => decodeText(Uint8Array.from(bytes)).text)));
"""
    asked = [list("höhe;1".encode(code)) for code in ("utf-8", "utf-8-sig", "cp1252", "utf-16")]
    assert run_node(tmp_path, script, asked) == ["höhe;1"] * 4
