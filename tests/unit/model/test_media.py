"""Pictures and sounds as values of a model: what is taken, what is refused, and samples inside the file."""

from __future__ import annotations

import numpy as np
import pytest

from afield.core.errors import ModelFileError
from afield.model.container import read_properties
from afield.model.media import decode_array, encode_array
from afield.model.model import Model
from afield.model.selftest import stored_feed
from media_models import image_model, mfcc, sound_model
from small_models import small_model


def test_arrays_survive_as_text() -> None:
    rng = np.random.default_rng(0)
    for array in (rng.integers(0, 256, (5, 7, 3)).astype(np.uint8), rng.normal(size=100).astype(np.float32)):
        text = encode_array(array)
        again = decode_array(text)
        assert again.dtype == array.dtype
        assert np.array_equal(again, array)


@pytest.mark.parametrize("text", ["uint8 2 !!", "int64 1 eJwDAAAAAAE=", "uint8 3 eJwDAAAAAAE=", "uint8"])
def test_damaged_samples_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_array(text)


def test_the_file_states_the_oldest_format_that_reads_it() -> None:
    assert read_properties(small_model())["afield.format"] == "1"
    assert read_properties(image_model())["afield.format"] == "2"


def test_photos_of_any_size_are_answered_and_batches_agree_with_single_ones() -> None:
    model = Model(image_model())
    assert model.verify().passed
    photos = np.random.default_rng(1).integers(0, 256, (20, 31, 17, 3)).astype(np.uint8)
    together = model.predict_proba({"photo": photos})
    alone = np.concatenate([model.predict_proba({"photo": photos[i : i + 1]}) for i in range(20)])
    assert together == pytest.approx(alone, abs=1e-6)
    assert model.predict({"photo": list(photos[:2])}).tolist() == model.predict({"photo": photos[:2]}).tolist()


@pytest.mark.parametrize(
    "photos",
    [
        np.zeros((4, 4, 3), dtype=np.uint8),
        np.zeros((1, 4, 4, 3)),
        np.zeros((1, 4, 4, 4), dtype=np.uint8),
        [np.zeros((4, 4, 3), dtype=np.uint8), np.zeros((5, 4, 3), dtype=np.uint8)],
        ["photo.jpg"],
    ],
)
@pytest.mark.error_code("model.cell")
def test_what_is_not_a_batch_of_photos_is_refused(photos: object) -> None:
    with pytest.raises(ModelFileError, match="cannot take these values") as caught:
        Model(image_model()).predict({"photo": photos})
    assert caught.value.where == "column 'photo'"


def test_sound_of_any_length_is_cut_or_filled_and_its_features_are_those_of_numpy() -> None:
    import onnx
    from onnx import helper

    content = sound_model()
    model = Model(content)
    sound = stored_feed(model.selftest, model.schema)["sound"][:1]
    short, long = sound[:, :9_000], np.concatenate([sound, sound], axis=1)
    filled = np.pad(short, ((0, 0), (0, 7_000)))
    assert model.predict_proba({"sound": short}) == pytest.approx(model.predict_proba({"sound": filled}), abs=1e-6)
    assert model.predict_proba({"sound": long}) == pytest.approx(model.predict_proba({"sound": sound}), abs=1e-6)
    proto = onnx.load_from_string(content)
    proto.graph.output.append(helper.make_empty_tensor_value_info("coefficients"))
    from afield.model.session import open_session

    (found,) = open_session(proto.SerializeToString()).run(["coefficients"], {"sound": sound})
    assert found[0] == pytest.approx(mfcc(sound[0]), abs=5e-3)
