"""The two systems that afield is held against, each as a careful person would set it up.

``linear``: scikit-learn, medians and scaling for numbers, one-hot for categories, logistic or ridge regression.
``lightgbm``: default LightGBM on pandas categories. Both get numbers out of text where the texts are numbers, and
dates as elapsed days with month, weekday and hour. Neither is tuned.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

#: rows that the linear pipeline learns from at most: it gains nothing from more, and scikit-learn would take an hour
LINEAR_ROWS = 300_000
MAX_LEVELS = 500


def prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Return float64 columns and pandas categories only, under plain names."""
    columns = {}
    for name in frame.columns:
        column = frame[name]
        if not pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_datetime64_any_dtype(column):
            column = _typed(column)
        if pd.api.types.is_datetime64_any_dtype(column):
            columns |= _calendar(len(columns), column)
        elif pd.api.types.is_numeric_dtype(column):
            columns[f"n{len(columns)}"] = column.astype("float64")
        else:
            columns[f"c{len(columns)}"] = column.astype("category")
    return pd.DataFrame(columns, index=frame.index)


def _typed(column: pd.Series) -> pd.Series:
    """Return numbers or dates where nearly all texts are such, else the texts."""
    texts = column.astype("string").str.strip()
    texts = texts.mask(texts == "")
    given = int(texts.notna().sum())
    numbers = pd.to_numeric(texts, errors="coerce")
    if given and numbers.notna().sum() >= 0.99 * given:
        return numbers
    if given and texts.dropna().head(200).str.match(r"^\d{4}-\d{2}-\d{2}").all():
        return pd.to_datetime(texts, errors="coerce", format="ISO8601")
    return texts.astype(object)


def _calendar(start: int, column: pd.Series) -> dict[str, pd.Series]:
    days = (column - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    fields = {"days": days, "month": column.dt.month, "weekday": column.dt.weekday, "hour": column.dt.hour}
    return {f"n{start}{name}": values.astype("float64") for name, values in fields.items()}


def linear(train: pd.DataFrame, target: np.ndarray, test: pd.DataFrame, task: str, seed: int):
    """Return (answers, classes, note)."""
    from sklearn.compose import make_column_transformer
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    note = ""
    if len(train) > LINEAR_ROWS:
        keep = np.sort(np.random.default_rng(seed).choice(len(train), LINEAR_ROWS, replace=False))
        train, target, note = train.iloc[keep], target[keep], f"learnt from {LINEAR_ROWS:,} rows"
    numbers = [c for c in train if c[0] == "n" and train[c].notna().any()]
    levels = [c for c in train if c[0] == "c"]
    onehot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=3, max_categories=MAX_LEVELS)
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), numbers),
        (onehot, levels),
    )
    learner = Ridge() if task == "regression" else LogisticRegression(max_iter=500)
    pipeline = make_pipeline(columns, learner)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message="Found unknown categories")
        pipeline.fit(_objects(train, levels), target)
        test = _objects(test, levels)
        if task == "regression":
            return pipeline.predict(test), None, note
        return pipeline.predict_proba(test), pipeline.classes_, note


def _objects(frame: pd.DataFrame, levels: list[str]) -> pd.DataFrame:
    """Return the frame with its categories as text, missing ones as a level of their own."""
    return frame.assign(**{c: frame[c].astype(object).where(frame[c].notna(), "missing").astype(str) for c in levels})


def lightgbm(train: pd.DataFrame, target: np.ndarray, test: pd.DataFrame, task: str, seed: int):
    """Return (answers, classes, note)."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    settings = {"n_jobs": 2, "verbose": -1, "random_state": seed}
    if task == "regression":
        return LGBMRegressor(**settings).fit(train, target).predict(test), None, ""
    fitted = LGBMClassifier(**settings).fit(train, target)
    return fitted.predict_proba(test), fitted.classes_, ""


PEERS = {"linear": linear, "lightgbm": lightgbm}
