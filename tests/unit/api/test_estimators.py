"""The estimators are scikit-learn's in every way that scikit-learn checks, with default settings and no excuse."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import afield
from afield import AfieldClassifier, AfieldRegressor
from afield.core.errors import AfieldError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@parametrize_with_checks([AfieldClassifier(), AfieldRegressor()])
def test_scikit_learn(estimator: Any, check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it, a check would be skipped
    check(estimator)


def mixed(rows: int = 90, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": draw.normal(size=rows),
            "depth": np.where(np.arange(rows) % 7 == 0, np.nan, draw.normal(size=rows)),
            "site": draw.choice(["north", "south", "reef"], rows),
        }
    )
    score = frame["size"] + 2.0 * (frame["site"] == "reef") + 0.2 * draw.normal(size=rows)
    return frame, score.to_numpy()


def test_a_frame_with_texts_and_holes_and_text_labels() -> None:
    frame, score = mixed()
    labels = np.where(score > 0.6, "many", "few")
    model = AfieldClassifier(n_jobs=2).fit(frame, labels)
    assert model.classes_.tolist() == ["few", "many"]
    assert model.n_features_in_ == 3
    assert model.feature_names_in_.tolist() == ["size", "depth", "site"]
    probabilities = model.predict_proba(frame)
    assert probabilities.shape == (90, 2)
    np.testing.assert_allclose(probabilities.sum(1), 1.0, atol=1e-6)
    assert model.score(frame, labels) > 0.85
    assert np.array_equal(model.predict(frame), model.classes_[probabilities.argmax(1)])
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict_proba(frame), probabilities)
    assert model.model_.verify().passed
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"site": "place"}))


def test_a_regressor_in_a_pipeline_and_in_cross_validation() -> None:
    frame, score = mixed()
    numbers = frame[["size", "depth"]].to_numpy()
    found = cross_val_score(make_pipeline(StandardScaler(), AfieldRegressor(n_jobs=2)), numbers, score, cv=2)
    assert found.shape == (2,)
    assert (found > 0.0).all()


def test_a_grid_search_over_its_parameters() -> None:
    frame, score = mixed(60)
    search = GridSearchCV(AfieldRegressor(n_jobs=2), {"random_state": [0, 1]}, cv=2, refit=False)
    search.fit(frame[["size"]].to_numpy(), score)
    assert len(search.cv_results_["mean_test_score"]) == 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_clone_has_the_parameters_and_nothing_fitted() -> None:
    regressor = AfieldRegressor(effort="thorough", metric="mae", random_state=4)
    regressor.model_ = "fitted"
    copy = clone(regressor)
    assert copy.get_params() == regressor.get_params()
    assert not hasattr(copy, "model_")
    assert is_regressor(copy)
    assert is_classifier(AfieldClassifier())


def test_the_random_state_is_the_seed() -> None:
    frame, score = mixed(60)
    numbers = frame[["size", "depth"]].to_numpy()
    found = [AfieldRegressor(random_state=s, n_jobs=2).fit(numbers, score).model_.bytes for s in (3, 3, 4)]
    assert found[0] == found[1] != found[2]


def test_it_writes_nothing_where_it_runs(tmp_path: Any) -> None:
    frame, score = mixed(40)
    AfieldRegressor(n_jobs=1).fit(frame[["size"]].to_numpy(), score)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("labels", [[True, False], [3, 7], [0.5, 1.5], ["b", "a"]])
def test_labels_come_back_as_they_were(labels: list[Any]) -> None:
    frame, score = mixed(60)
    given = np.array(labels)[(score > 0.6).astype(int)]
    if given.dtype.kind == "f":
        with pytest.raises(ValueError, match="Unknown label type"):
            AfieldClassifier().fit(frame, given)
        return
    model = AfieldClassifier(n_jobs=2).fit(frame, given)
    assert model.predict(frame[:5]).dtype == given.dtype
    assert set(model.predict(frame).tolist()) <= set(labels)


@pytest.mark.error_code("problem.metric")
def test_a_wrong_parameter_is_refused_at_fit() -> None:
    frame, score = mixed(40)
    with pytest.raises(AfieldError) as caught:
        AfieldRegressor(metric="roc_auc").fit(frame, score)
    assert caught.value.code == "problem.metric"


def test_the_facade_gives_them() -> None:
    assert afield.AfieldClassifier is AfieldClassifier
    assert {"AfieldClassifier", "AfieldRegressor"} <= set(dir(afield))
