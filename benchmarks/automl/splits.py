"""The rows of a split, drawn once and written down: every system reads the same files.

afield gets the texts as they stand in the source. The peers get what pandas makes of them, with dates parsed, plain
column names and the classes as 0..K-1, which is what their manuals ask for.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks.automl.plan import Table

TEST_SHARE = 0.25
MISSING = ["?", " "]
_ISO = re.compile(r"^\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Files:
    """Where a split lies, and what a runner must know to read it."""

    raw_train: str
    raw_test: str
    train: str
    test: str
    raw_target: str
    target: str
    classes: list[str]
    dtypes: dict[str, str]
    dates: list[str]
    rows: int
    test_rows: int
    columns: int


def draw(labels: np.ndarray | None, groups: np.ndarray | None, rows: int, seed: int) -> np.ndarray:
    """Return which rows are tested [N] bool: a quarter, of each class, or whole groups.

    ``labels`` [N]: class indices, None for regression. ``groups`` [N]: group indices, None without groups; where there
    are groups, class shares come out as they come.
    """
    random = np.random.default_rng(seed)
    wanted = round(rows * TEST_SHARE)
    tested = np.zeros(rows, dtype=bool)
    if groups is not None:
        order = random.permutation(int(groups.max()) + 1)
        reached = np.cumsum(np.bincount(groups)[order])
        return np.isin(groups, order[: int(np.searchsorted(reached, wanted)) + 1])
    if labels is None:
        tested[random.permutation(rows)[:wanted]] = True
        return tested
    for found in np.unique(labels):
        members = np.flatnonzero(labels == found)
        # a class of one row stays in training: no system can name a class that it has not seen
        count = min(round(len(members) * TEST_SHARE), len(members) - 1)
        tested[random.permutation(members)[:count]] = True
    return tested


def plain_names(names: list[str]) -> dict[str, str]:
    """Return names of letters, digits and underscores, no two alike: some libraries refuse others."""
    plain: dict[str, str] = {}
    for name in names:
        base = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "column"
        free, turn = base, 2
        while free in plain.values():
            free, turn = f"{base}_{turn}", turn + 1
        plain[name] = free
    return plain


def typed(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the frame with ISO dates parsed, and the names of the date columns."""
    dates = []
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            dates.append(name)
        elif not pd.api.types.is_numeric_dtype(column):
            given = column.dropna().astype(str)
            if len(given) and given.head(1000).map(lambda text: bool(_ISO.match(text))).all():
                frame = frame.assign(**{name: pd.to_datetime(column, errors="coerce", format="ISO8601")})
                dates.append(name)
    return frame, dates


def read_raw(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table as texts, and as pandas reads it."""
    if path.suffix == ".parquet":
        read = pd.read_parquet(path)
        return read.astype("string").fillna("").astype(object), read
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    return raw, pd.read_csv(path, na_values=MISSING, low_memory=False)


def write_split(table: Table, seed: int, data: Path, folder: Path) -> Files:
    """Write the files of a split, unless they are there, and return where they lie."""
    facts = folder / "files.json"
    if facts.exists():
        return Files(**json.loads(facts.read_text(encoding="utf-8")))
    folder.mkdir(parents=True, exist_ok=True)
    raw, read = read_raw(data / table.path)
    known = read[table.target].notna().to_numpy()
    raw, read = raw.loc[known].reset_index(drop=True), read.loc[known].reset_index(drop=True)
    groups = pd.factorize(raw[table.group])[0] if table.group else None
    dropped = [*table.drop, *([table.group] if table.group else [])]
    raw, read = raw.drop(columns=dropped), read.drop(columns=dropped)

    classes: list[str] = []
    labels = None
    if table.task != "regression":
        names, labels = np.unique(raw[table.target].astype(str).to_numpy(), return_inverse=True)
        classes = [str(name) for name in names]
        read[table.target] = labels
    read, dates = typed(read)
    plain = plain_names(list(read.columns))
    read = read.rename(columns=plain)
    tested = draw(labels, groups, len(read), seed)
    if labels is not None and len(np.unique(labels[~tested])) != len(classes):
        raise ValueError(f"{table.name}, split {seed}: a class is in the test rows alone")
    paths = {part: str(folder / f"{part}.csv") for part in ("raw_train", "raw_test", "train", "test")}
    for part, rows in (("train", ~tested), ("test", tested)):
        raw.loc[rows].to_csv(paths[f"raw_{part}"], index=False)
        read.loc[rows].to_csv(paths[part], index=False)
    kinds = {
        name: "float64" if read[name].dtype.kind == "f" else "int64" if read[name].dtype.kind in "iu" else "object"
        for name in read.columns
        if name not in {plain[date] for date in dates}
    }
    files = Files(
        **paths,
        raw_target=table.target,
        target=plain[table.target],
        classes=classes,
        dtypes=kinds,
        dates=[plain[date] for date in dates],
        rows=int((~tested).sum()),
        test_rows=int(tested.sum()),
        columns=read.shape[1] - 1,
    )
    facts.write_text(json.dumps(asdict(files)), encoding="utf-8")
    return files


def truth_of(files: Files) -> np.ndarray:
    """Return the true answers of the test rows [N]: class indices, or values."""
    column = pd.read_csv(files.test, usecols=[files.target])[files.target]
    return column.to_numpy(dtype=np.int64 if files.classes else np.float64)
