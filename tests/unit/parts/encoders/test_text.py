from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from afield.core.errors import ProblemError
from afield.data.answer import Answer
from afield.data.table import StringColumn, Table
from afield.graph.builder import Builder
from afield.parts.encoders.text import part
from afield.parts.encoders.text_alphabet import Alphabet
from afield.parts.encoders.text_counts import count_grams
from afield.parts.encoders.text_grams import Layout, largest_prime
from afield.parts.encoders.text_weights import as_targets, fit_scores
from afield.parts.protocol import FitContext
from afield.problem.schema import ColumnSpec

SHARED = Path(__file__).parents[5] / "shared" / "data" / "text"
HOSTILE = ["", " ", "\t\n  ", "a", "日本語", "👍🏽👨\u200d👩 ok", "e\u0301te\u0301", "\u0301", "x\0y", "\0", "!?",
           "w" * 100_000, "w " * 50_000, "ﬁne ß Œ İ", "\u200b\ufeff"]  # fmt: skip


def texts(count: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 2, count)
    words = [["calm", "sea", "harvest", "good"], ["storm", "loss", "sick", "bad"]]
    shared = ["fish", "the", "farm", "on", "day", "water"]
    return [
        " ".join([*rng.choice(words[v], 2), *rng.choice(shared, 5), str(i % 9)]) for i, v in enumerate(values)
    ], values


def fit(columns, values, *, classes=2, settings=None, weights=None, seed=0):
    task = "regression" if classes == 0 else "binary" if classes == 2 else "multiclass"
    table = Table({n: StringColumn.of(c) for n, c in columns.items()}, len(values))
    specs = [ColumnSpec(name=n, kind="text") for n in columns]
    answer = Answer(task=task, values=np.asarray(values), classes=classes)
    return part.fit(table, specs, answer, FitContext(seed=seed, weights=weights), settings or {})


def model_of(fitted) -> bytes:
    b = Builder()
    out = fitted.lower(b, {n: b.input(n, "string", ["N"]) for n in fitted.columns})
    b.output(out, "features", ["N", len(fitted.features)])
    return b.build("text").SerializeToString(deterministic=True)


def runner(fitted):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model_of(fitted), options)

    def run(*columns):
        feeds = {n: np.asarray(list(c), dtype=object) for n, c in zip(fitted.columns, columns, strict=True)}
        return session.run(None, feeds)[0]

    return run


@cache
def fitted_once():
    rows, values = texts(400)
    fitted = fit({"note": rows}, values)
    return fitted, runner(fitted)


def column(fitted, name: str) -> int:
    return [f.name for f in fitted.features].index(name)


def test_scores_separate_the_classes_on_new_texts():
    fitted, run = fitted_once()
    rows, values = texts(200, seed=1)
    score = run(rows)[:, column(fitted, "note.score 0")]
    assert score[values == 1].min() > score[values == 0].max()


def test_directions_do_not_look_at_the_target():
    rows, values = texts(200)
    one, two = (runner(fit({"n": rows}, v, settings={"use": "directions"}))(rows) for v in (values, 1 - values))
    assert one.tobytes() == two.tobytes()


def test_directions_of_two_folds_agree():
    rows, values = texts(4000)
    halves = [runner(fit({"n": rows[k::2]}, values[k::2], settings={"dims": 8}))(rows[:200])[:, :8] for k in (0, 1)]
    agree = [np.corrcoef(halves[0][:, i], halves[1][:, i])[0, 1] for i in range(8)]
    assert min(agree) > 0.8


def test_a_row_is_the_same_alone_and_beside_any_other():
    _, run = fitted_once()
    rows = HOSTILE + texts(300, seed=2)[0]
    alone = np.concatenate([run([t]) for t in rows])
    assert np.isfinite(alone).all()
    assert run(rows).tobytes() == alone.tobytes()
    order = np.random.default_rng(0).integers(len(HOSTILE) - 14, len(rows), 4096)
    assert run([rows[i] for i in order]).tobytes() == alone[order].tobytes()


def test_no_rows_give_no_features():
    fitted, run = fitted_once()
    assert run([]).shape == (0, len(fitted.features))


def test_missing_and_blank_texts_are_zeros_and_only_missing_is_marked():
    fitted, run = fitted_once()
    out = run(["", "  \n\t\u2003\ufeff\x1c", "\0 lost"])
    assert np.flatnonzero(out[0]).tolist() == [column(fitted, "note.missing")]
    assert not out[1].any()
    assert not out[2].any()


def test_plain_facts():
    fitted, run = fitted_once()
    out = run(["Ab 12, déf!"])[0]
    got = {f.name.removeprefix("note."): v for f, v in zip(fitted.features, out, strict=True)}
    assert got["length"] == pytest.approx(np.log(1 + 9))
    assert got["words"] == pytest.approx(np.log(1 + 3))
    assert got["upper_share"] == pytest.approx(1 / 9)
    assert got["digit_share"] == pytest.approx(2 / 9)
    assert got["punctuation_share"] == pytest.approx(2 / 9)


def test_case_accents_and_blanks_are_folded():
    _, run = fitted_once()
    dims = slice(0, 25)
    plain = run(["storm etait good"])[0, dims]
    for other in ("STORM Était Good", "storm  e\u0301tait\tgood ", "\n storm \u00e9ta\u00adit good"):
        assert run([other])[0, dims].tobytes() == plain.tobytes()
    assert run(["storm etait bad"])[0, dims].tobytes() != plain.tobytes()


def test_a_text_counts_up_to_its_limit():
    rows, values = texts(200)
    run = runner(fit({"n": rows}, values, settings={"characters": 128}))
    head = "storm " * 21 + "ab"
    assert run([head]).tobytes() == run([head + "calm good"]).tobytes() == run([head + "x" * 100_000]).tobytes()
    assert run([head[:-1]]).tobytes() != run([head]).tobytes()


def test_columns_share_nodes_and_are_apart_otherwise():
    rows, values = texts(300)
    noise = texts(300, seed=5)[0]
    both, one = fit({"a": rows, "b": noise}, values), fit({"a": rows}, values)
    run, width = runner(both), len(one.features)
    out = run(rows, noise)
    assert out[:, :width].tobytes() == runner(one)(rows).tobytes()
    assert out[:, width:].tobytes() == runner(fit({"b": noise}, values))(noise).tobytes()
    assert [f.column for f in both.features] == ["a"] * width + ["b"] * width
    moved = run(rows, noise[::-1])
    assert (moved[:, :width] == out[:, :width]).all()
    assert (moved[:, width:] != out[:, width:]).any()

    def nodes(fitted):
        b = Builder()
        fitted.lower(b, {n: b.input(n, "string", ["N"]) for n in fitted.columns})
        return len(b._nodes)

    assert nodes(both) <= nodes(one) + 6 <= 120


def test_the_state_brings_the_encoder_back():
    fitted, _ = fitted_once()
    file = io.BytesIO()
    np.savez(file, **fitted.state())
    file.seek(0)
    again = part.restore(dict(np.load(file, allow_pickle=False)))
    assert model_of(again) == model_of(fitted)


def test_fits_are_equal_to_the_byte():
    rows, values = texts(300)
    models = {model_of(fit({"n": rows}, values)) for _ in range(2)}
    assert len(models) == 1


def test_no_text_of_the_data_is_embedded():
    rows, values = texts(400)
    fitted = fit({"n": [f"{t} Hildegunde" for t in rows]}, values)
    kept = model_of(fitted) + b"".join(v.tobytes().replace(b"\0", b"") for v in fitted.state().values())
    for word in (b"ildegund", b"storm", b"harvest"):
        assert word not in kept


def test_rare_characters_stay_out_of_the_alphabet():
    alphabet = Alphabet.of(["漁 村"] * 5 + ["秘 村"] * 4)
    kept = {chr(p) for p in alphabet.points}
    assert {"漁", "村"} <= kept
    assert "秘" not in kept


def test_weights_count_rows():
    rows, values = texts(60)
    twice = fit({"n": rows + rows[:20]}, np.r_[values, values[:20]], settings={"use": "scores"})
    weights = np.r_[np.full(20, 2.0), np.ones(40)]
    heavy, even = (fit({"n": rows}, values, weights=w, settings={"use": "scores"}) for w in (weights, None))
    first, second, plain = (runner(f)(rows)[:, 0] for f in (twice, heavy, even))
    assert np.corrcoef(first, second)[0, 1] > 0.99
    assert (second != plain).any()
    fit({"n": rows}, values, weights=np.zeros(60))  # nothing to weigh by: all rows count alike


def test_regression_and_many_classes():
    rows, values = texts(300)
    fitted = fit({"n": rows}, values * 1e6 + 5.0, classes=0)
    score = runner(fitted)(rows)[:, column(fitted, "n.score 0")]
    assert np.corrcoef(score, values)[0, 1] > 0.95
    assert np.abs(score).max() < 10
    assert as_targets(Answer(task="multiclass", values=values, classes=7), np.ones(300)).shape == (300, 7)
    codes = as_targets(Answer(task="multiclass", values=np.arange(300), classes=300), np.ones(300))
    assert codes.shape == (300, 100)
    assert len({c.tobytes() for c in codes}) == 300


def test_ridge_equals_its_closed_form():
    from scipy.sparse import csr_array

    rng = np.random.default_rng(0)
    x = (rng.random((40, 8)) * (rng.random((40, 8)) < 0.6)).astype(np.float32)
    y, w = rng.normal(size=(40, 2)).astype(np.float32), rng.random(40).astype(np.float32)
    expected = np.linalg.solve(x.T @ (x * w[:, None]) + 0.5 * np.eye(8), x.T @ (y * w[:, None]))
    assert fit_scores(csr_array(x), y, w, 0.5) == pytest.approx(expected, abs=1e-4)


def test_counts_are_those_of_the_words_and_n_grams():
    layout = Layout(orders=(3, 4), words=2, buckets=largest_prime(2**16), characters=512)
    counts = count_grams(["sea calm", "sea", "", "sea sea"], Alphabet.of([]), layout)[0].toarray()
    # " se" "sea" "ea " + " sea" "sea " and the word; " ca" ... and its word; one pair
    assert counts.sum(axis=1).tolist() == [6 + 8 + 1, 6, 0, 13]
    assert (counts[0] >= counts[1]).all()
    assert (counts[3] >= 2 * counts[1]).all()
    swapped = count_grams(["was no", "saw on"], Alphabet.of([]), layout)[0].toarray()
    assert (np.minimum(*swapped)).sum() == 0  # anagrams share nothing
    hashed = count_grams([f"{i:06d}" for i in range(3000)], Alphabet.of([]), Layout(
        orders=(3, 3), words=1, buckets=layout.buckets, characters=512))[0]  # fmt: skip
    assert len(np.unique(hashed.indices)) > 3000 + 700  # words and n-grams spread over the buckets


def test_single_words_are_counted_apart():
    layout = Layout(orders=(3, 4), words=2, buckets=largest_prime(2**16), characters=512)
    grams, words = count_grams(["sea calm", "sea", "", "sea sea"], Alphabet.of([]), layout)
    assert words.sum(axis=1).tolist() == [2, 1, 0, 2]
    assert (grams.toarray() >= words.toarray()).all()
    _, none = count_grams(["sea calm"], Alphabet.of([]), Layout(orders=(3, 4), words=0, buckets=97, characters=9))
    assert none.sum() == 0


def test_common_words_are_features_of_their_own_commonest_first_and_rare_ones_none():
    fitted, run = fitted_once()
    rows, _ = texts(400)
    names = [f.name for f in fitted.features]
    first = names.index("note.common word 0")
    found = run(rows)[:, first : first + fitted.common.shape[1]]
    assert set(np.unique(found)) == {0.0, 1.0}
    shares = found.mean(axis=0)
    assert (np.diff(shares) <= 0).all()
    expected = sorted(np.mean([w in r.split() for r in rows]) for w in {w for r in rows for w in r.split()})[::-1]
    assert shares == pytest.approx([e for e in expected if e <= 0.99][: len(shares)], abs=1e-6)
    assert run(["zebra", ""])[:, first : first + len(shares)].sum() == 0
    few = fit({"a": rows, "b": [f"only {i}" for i in range(400)]}, np.arange(400) % 2)
    assert few.common.shape[1] == len(shares)
    assert (few.common[1] == -1).sum() == len(shares)  # "only" stands in all of them, each number in one


def test_few_rows_bear_few_directions_and_folds_keep_what_was_chosen_on_all():
    rows, values = texts(1_000)
    whole = fit({"note": rows}, values)
    assert whole.directions == 4
    assert whole.common.shape[1] == min(20, len({w for r in rows for w in r.split()}))
    assert fit({"note": rows}, values, settings={"dims": 2}).directions == 2
    assert fit({"note": rows}, values, settings={"dims": 2}).common.size == 0
    table = Table({"note": StringColumn.of(rows[:300])}, 300)
    answer = Answer(task="binary", values=np.asarray(values[:300]), classes=2)
    context = FitContext(seed=0, like=whole)
    fold = part.fit(table, [ColumnSpec(name="note", kind="text")], answer, context, {})
    assert [f.name for f in fold.features] == [f.name for f in whole.features]
    assert (fold.common == whole.common).all()


def test_only_repeated_text_or_none_can_be_fitted():
    for rows in (["same text"] * 30, [""] * 30, ["", "one"] * 15):
        run = runner(fit({"n": rows}, np.arange(30) % 2))
        assert np.isfinite(run([*rows, *HOSTILE])).all()


def test_lone_surrogates_in_training_texts_do_no_harm():
    rows, values = texts(50)
    fit({"n": [*rows[:-1], "broken \ud800 text"]}, values)


def test_large_tables_are_sampled_by_the_seed(monkeypatch):
    monkeypatch.setattr("afield.parts.encoders.text._ROWS", 100)
    rows, values = texts(400)
    one, same, other = (model_of(fit({"n": rows}, values, seed=s)) for s in (1, 1, 2))
    assert one == same != other


@pytest.mark.error_code("parts.settings")
def test_wrong_settings_are_refused():
    with pytest.raises(ProblemError, match="did you mean 'dims'"):
        fit({"n": ["a", "b"]}, np.asarray([0, 1]), settings={"dim": 3})


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.exists(), reason="the development data is not here")
def test_scores_are_as_good_as_tf_idf_with_a_logistic_regression():
    import pandas as pd
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    frame = pd.read_csv(SHARED / "trec6.csv", keep_default_na=False)
    train, test = frame[frame.split == "train"], frame[frame.split != "train"]
    union = make_union(TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)), TfidfVectorizer())
    theirs = make_pipeline(union, LogisticRegression()).fit(train.text, train.label).score(test.text, test.label)
    fitted = fit({"text": train.text.tolist()}, train.label.to_numpy(), classes=6, settings={"use": "scores"})
    ours = float(np.mean(runner(fitted)(test.text.tolist())[:, :6].argmax(axis=1) == test.label.to_numpy()))
    assert ours > theirs - 0.01
