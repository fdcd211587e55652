from __future__ import annotations

import gzip
import html
import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx")

from afield.core.errors import ModelFileError, ProblemError
from afield.model.model import Model
from afield.platforms.server.repository import find_models
from afield.platforms.server.served import Served
from afield.platforms.server.service import Service
from afield.platforms.server.settings import ServeSettings
from small_models import small_model
from unit.platforms.server.asked import ROW, ask, asks, body, make_service

INFER = "/v2/models/small/infer"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return make_service(tmp_path)


# Answers --------------------------------------------------------------------------------------------------------------


def test_rows_and_csv_are_read_by_the_schema(service: Service) -> None:
    label, probabilities = Model(small_model()).label_and_probabilities([ROW])
    found = ask(service, "POST", "/predict", json=ROW).json()
    assert found[0]["label"] == label[0]
    assert found[0]["probability_low"] == pytest.approx(probabilities[0, 0], abs=1e-7)
    assert ask(service, "POST", "/models/small/predict", json={"rows": [ROW, ROW]}).json() == found * 2
    text = "length (mm);weight;sex;site;caught;label;more\n3;1,5 g;M;1;17.05.2020;NA;x\n"
    answer = ask(service, "POST", "/predict", content=text, headers={"content-type": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    header, line = answer.text.splitlines()
    assert header == "label,probability_low,probability_high,probability_ærlig"
    assert line.split(",")[0] == label[0]
    as_json = ask(
        service, "POST", "/predict", content=text, headers={"content-type": "text/csv", "accept": "application/json"}
    )
    assert as_json.json() == found
    untold = {"content-type": "application/x-www-form-urlencoded"}  # curl --data-binary @rows.csv
    assert ask(service, "POST", "/predict", content=text, headers=untold).text == answer.text
    assert ask(service, "POST", "/predict", content=json.dumps(ROW), headers=untold).json() == found


def test_null_is_missing_and_infinite_numbers_have_words(service: Service) -> None:
    found = ask(service, "POST", INFER, json=body(**{"length (mm)": {"data": ["NaN"]}})).json()
    assert found == ask(service, "POST", INFER, json=body(**{"length (mm)": {"data": [None]}})).json()
    endless = ask(service, "POST", INFER, json=body(**{"length (mm)": {"data": ["Infinity"]}})).json()
    assert endless["outputs"][1]["data"][0] is None  # softmax of infinity is no number


def test_requests_that_come_together_are_batched_and_answered_each_for_itself(tmp_path: Path) -> None:
    service = make_service(tmp_path, batch="on")
    lengths = [1.0, 3.0, 5.0, 7.0]
    posts = [("POST", INFER, {"json": body(**{"length (mm)": {"data": [v]}})}) for v in lengths]
    together = [r.json() for r in asks(service, posts)]
    assert together == [asks(make_service(tmp_path, batch="off"), [post])[0].json() for post in posts]
    text = ask(service, "GET", "/metrics").text
    assert 'afield_batch_rows_count{model="small"} 1.0' in text
    assert 'afield_batch_rows_sum{model="small"} 4.0' in text


def test_large_bodies_are_answered_in_a_thread(service: Service) -> None:
    rows = 6_000
    many = {n: {"data": [v] * rows, "shape": [rows]} for n, v in (
        ("length (mm)", 3.0), ("weight", None), ("sex", "M"), ("site", "1"), ("caught", None), ("label_", "")
    )}  # fmt: skip
    found = ask(service, "POST", INFER, json=body(**many)).json()["outputs"]
    alone = ask(service, "POST", INFER, json=body()).json()["outputs"]
    assert found[1]["shape"] == [rows, 3]
    assert np.allclose(np.reshape(found[1]["data"], (rows, 3)), alone[1]["data"], rtol=0, atol=1e-6)


# Refusals -------------------------------------------------------------------------------------------------------------

WRONG: list[tuple[str, Any, str]] = [
    ("no object", [], "request.json"),
    ("no inputs", {}, "request.form"),
    ("inputs are no list", {"inputs": {}}, "request.form"),
    ("unknown input", {"inputs": [{"name": "x"}]}, "request.tensor"),
    ("lacks inputs", {"inputs": body()["inputs"][:2]}, "request.form"),
    ("twice", {"inputs": [*body()["inputs"], body()["inputs"][0]]}, "request.tensor"),
    ("datatype", body(sex={"datatype": "FP64"}), "request.tensor"),
    ("datatype is a list", body(weight={"datatype": []}), "request.tensor"),
    ("shape", body(sex={"shape": [2]}), "request.tensor"),
    ("negative shape", body(sex={"shape": [-1]}), "request.tensor"),
    ("rows differ", body(sex={"shape": [2], "data": ["M", "F"]}), "request.tensor"),
    ("number for text", body(sex={"data": [1]}), "request.tensor"),
    ("text for number", body(weight={"data": ["1"]}), "request.tensor"),
    ("out of range", body(weight={"data": [300], "datatype": "INT8"}), "request.tensor"),
    ("ragged", body(weight={"data": [[1.0], 2.0], "shape": [2]}), "request.tensor"),
    ("no data", body(weight={"data": ...}), "request.tensor"),
    ("unknown output", body(outputs=[{"name": "x"}]), "request.form"),
    ("id", body(id=7), "request.form"),
    ("parameters", body(parameters=[]), "request.form"),
    ("binary without bytes", body(weight={"data": ..., "parameters": {"binary_data_size": 8}}), "request.binary"),
]


@pytest.mark.parametrize(("what", "sent", "code"), WRONG, ids=[w for w, _, _ in WRONG])
def test_malformed_requests_get_400_with_a_code(service: Service, what: str, sent: Any, code: str) -> None:
    answer = ask(service, "POST", INFER, json=sent)
    assert answer.status_code == 400, what
    assert answer.json()["code"] == code
    assert answer.json()["error"]


def test_rows_that_do_not_fit_are_told_with_their_place(service: Service) -> None:
    answer = ask(service, "POST", "/predict", json=[ROW, ROW | {"weight": "heavy"}])
    assert (answer.status_code, answer.json()["code"]) == (400, "model.cell")
    assert answer.json()["where"] == "column 'weight', row 2"
    lacking = ask(service, "POST", "/predict", json={"sex": "M"})
    assert (lacking.status_code, lacking.json()["code"]) == (400, "model.missing_column")
    assert "given as null" in lacking.json()["fix"]
    some = ask(service, "POST", "/predict", json=[ROW, {n: v for n, v in ROW.items() if n != "site"}])
    assert (some.status_code, some.json()["error"]) == (400, "Row 2 lacks the column 'site'.")
    for text in ("a,b\n1\n", 'a,"b\n', "", "a,a\n1,2\n"):
        wrong = ask(service, "POST", "/predict", content=text, headers={"content-type": "text/csv"})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "request.csv"), text


def test_addresses_methods_and_media_types(service: Service) -> None:
    assert ask(service, "GET", "/nothing").json()["code"] == "request.not_found"
    assert ask(service, "GET", "/v2/models/large").status_code == 404
    assert ask(service, "GET", "/v2/models/small/versions/2").status_code == 404
    wrong = ask(service, "POST", "/v2")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
    assert ask(service, "POST", "/predict", content=b"x", headers={"content-type": "image/png"}).status_code == 415
    assert ask(service, "POST", INFER, content=b"x", headers={"content-encoding": "br"}).status_code == 415


def test_bodies_have_a_limit_also_when_packed(tmp_path: Path) -> None:
    service = make_service(tmp_path, max_bytes=5_000)
    assert ask(service, "POST", INFER, content=b"x" * 5_001).status_code == 413
    packed = gzip.compress(json.dumps(body()).encode())
    assert ask(service, "POST", INFER, content=packed, headers={"content-encoding": "gzip"}).status_code == 200
    for content, status in ((gzip.compress(b"x" * 5_001), 413), (packed[:-5], 400), (b"no gzip", 400)):
        answer = ask(service, "POST", INFER, content=content, headers={"content-encoding": "gzip"})
        assert answer.status_code == status


def test_a_token_is_wanted_everywhere_but_for_health(tmp_path: Path) -> None:
    service = make_service(tmp_path, token="secret")
    assert ask(service, "GET", "/v2/health/live").status_code == 200
    assert ask(service, "GET", "/v2/health/ready").status_code == 200
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic secret"},
        {"authorization": "secret"},
    ):
        refused = ask(service, "GET", "/v2", headers=headers)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert ask(service, "GET", "/metrics").status_code == 401
    assert ask(service, "GET", "/v2", headers={"authorization": "bearer secret"}).status_code == 200


def test_pages_of_other_origins_may_not_ask_unless_named(tmp_path: Path) -> None:
    page = {"origin": "https://farm.example"}
    assert "access-control-allow-origin" not in ask(make_service(tmp_path), "GET", "/v2", headers=page).headers
    open_to = make_service(tmp_path, cors=("https://farm.example",))
    assert ask(open_to, "GET", "/v2", headers=page).headers["access-control-allow-origin"] == "https://farm.example"
    other = ask(open_to, "GET", "/v2", headers={"origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers


def test_a_draining_server_refuses_new_requests_and_says_that_it_lives(service: Service) -> None:
    service.draining = True
    refused = ask(service, "POST", INFER, json=body())
    assert (refused.status_code, refused.json()["code"]) == (503, "server.draining")
    assert refused.headers["connection"] == "close"
    assert ask(service, "GET", "/v2/health/ready").status_code == 503
    assert ask(service, "GET", "/v2/health/live").status_code == 200


# Models ---------------------------------------------------------------------------------------------------------------


def test_versions_come_from_folders_and_the_highest_is_the_default(tmp_path: Path) -> None:
    models = {f"fish/{v}/model.onnx": small_model() for v in (2, 10)} | {"plain.onnx": small_model(regression=True)}
    service = make_service(tmp_path, models=models)
    assert ask(service, "GET", "/v2/models/fish").json()["versions"] == ["2", "10"]
    assert ask(service, "GET", "/v2/models/fish/ready").json()["version"] == "10"
    assert ask(service, "POST", "/v2/models/fish/versions/2/infer", json=body()).json()["model_version"] == "2"
    assert ask(service, "POST", "/models/plain/predict", json=ROW).json()[0].keys() == {"prediction"}
    assert "2 models" in ask(service, "POST", "/predict", json=ROW).json()["error"]


def test_a_model_that_cannot_be_loaded_leaves_the_old_one(service: Service, tmp_path: Path) -> None:
    load = "/v2/repository/models/small/load"
    (tmp_path / "small.onnx").write_bytes(b"broken")
    assert ask(service, "POST", load).status_code == 400
    assert ask(service, "POST", INFER, json=body()).status_code == 200
    (tmp_path / "small.onnx").write_bytes(small_model(regression=True))
    assert ask(service, "POST", load).status_code == 200
    assert ask(service, "POST", INFER, json=body()).json()["outputs"][0]["name"] == "prediction"
    assert ask(service, "POST", load, headers={"origin": "https://other.example"}).status_code == 403
    assert ask(service, "POST", "/v2/repository/models/none/load").status_code == 404


def test_models_are_exchanged_from_elsewhere_with_a_token_alone(tmp_path: Path) -> None:
    load = "/v2/repository/models/small/load"
    assert ask(make_service(tmp_path, host="0.0.0.0"), "POST", load).status_code == 403
    guarded = make_service(tmp_path, host="0.0.0.0", token="secret")
    assert ask(guarded, "POST", load, headers={"authorization": "Bearer secret"}).status_code == 200


@pytest.mark.error_code("model.selftest")
def test_a_model_that_fails_its_own_samples_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "off.onnx").write_bytes(small_model(wrong_by=1e-3))
    with pytest.raises(ModelFileError, match="does not give the answers"):
        Served("off", "1", tmp_path / "off.onnx")


def test_sources_and_options_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no model to serve"):
        find_models([tmp_path])
    (tmp_path / "a").mkdir()
    with pytest.raises(ProblemError, match="Two files"):
        find_models([tmp_path / "m.onnx", tmp_path / "a" / "m.onnx"])
    for wrong in ({"port": 70_000}, {"batch": "maybe"}, {"timeout_s": 0.0}, {"workers": 2, "port": 0}):
        with pytest.raises(ProblemError, match="cannot be used"):
            ServeSettings(sources=(tmp_path,), **wrong)
    with pytest.raises(ProblemError, match="token-file"):
        ServeSettings(sources=(tmp_path,), token_file=tmp_path / "none").token()


def test_description_and_page_tell_of_every_model(service: Service) -> None:
    told = ask(service, "GET", "/openapi.json").json()
    assert {INFER, "/models/small/predict"} <= set(told["paths"])
    page = ask(service, "GET", "/docs")
    assert "length (mm)" in page.text
    assert "script" not in page.text
    command = shlex.split(html.unescape(page.text.partition("<pre>")[2].partition("</pre>")[0]))
    assert command[:3] == ["curl", "http://localhost/models/small/predict", "-d"]
    untold = {"content-type": "application/x-www-form-urlencoded"}
    assert ask(service, "POST", "/models/small/predict", content=command[3], headers=untold).status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
