"""One inference request of the protocol: body to feed, and answers to body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from afield.core.lazy import need
from afield.platforms.server.failures import Refusal
from afield.platforms.server.served import Answers, Served
from afield.platforms.server.tensors import Tensor, from_binary, from_json, to_binary, to_json, wrong

orjson: Any = need("orjson", purpose="The server")

HEADER = "inference-header-content-length"


@dataclass(frozen=True)
class Request:
    """What was asked.

    Parameters
    ----------
    feed : mapping of str to ndarray [N]
    rows : int
    outputs : mapping of str to bool
        Names of the outputs wanted, and whether as binary data.
    id : str or None
        Handed back with the answer.
    """

    feed: Mapping[str, NDArray[Any]]
    rows: int
    outputs: Mapping[str, bool]
    id: str | None


def read_request(served: Served, body: bytes, header: str | None) -> Request:
    """Return the request in ``body``; ``header`` is the length of its JSON part, where the binary extension is used.

    Raises
    ------
    Refusal
        ``request.json``, ``request.form``, ``request.tensor``, ``request.binary``.
    """
    view = memoryview(body)
    size = _header_size(header, len(body))
    message = read_json(view[:size])
    inputs = message.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(i, dict) for i in inputs):
        raise Refusal("request.form", 'The key "inputs" must hold a list of tensors.')
    wanted = {i.name: i for i in served.inputs}
    feed: dict[str, NDArray[Any]] = {}
    rows = -1
    for entry in inputs:
        name = entry.get("name")
        if not isinstance(name, str) or name not in wanted or name in feed:
            twice = isinstance(name, str) and name in feed
            raise wrong(
                str(name), "it is given twice" if twice else f"the model has no such input, but {_list(wanted)}"
            )
        values, size = _read_tensor(entry, wanted[name], view, size)
        if rows not in (-1, len(values)):
            raise wrong(name, f"it has {len(values)} rows, and the one before it {rows}")
        rows, feed[name] = len(values), values
    if size != len(body):
        raise Refusal("request.binary", f"{len(body) - size} bytes of the body belong to no tensor.")
    if len(feed) < len(wanted):
        lacking = [name for name in wanted if name not in feed]
        raise Refusal("request.form", f"The request lacks the inputs {_list(lacking)}.", where=lacking[0])
    found = message.get("id")
    if found is not None and not isinstance(found, str):
        raise Refusal("request.form", 'The key "id" must hold a text.')
    return Request(feed, rows, _wanted_outputs(served, message), found)


def _read_tensor(entry: dict[str, Any], wanted: Tensor, view: memoryview, at: int) -> tuple[NDArray[Any], int]:
    """Return the values of one input, and where the binary data of the next begins."""
    datatype, sizes = wanted.check(entry.get("datatype")), wanted.sizes(entry.get("shape"))
    parameters = _parameters(entry)
    if "binary_data_size" not in parameters:
        return from_json(wanted, datatype, sizes, entry.get("data")), at
    length = parameters["binary_data_size"]
    if type(length) is not int or length < 0 or at + length > len(view):
        raise Refusal(
            "request.binary", f"The tensor {wanted.name!r} claims {str(length)[:30]} bytes: they are not there."
        )
    if "data" in entry:
        raise wrong(wanted.name, "it has both data and a binary_data_size")
    return from_binary(wanted, datatype, sizes, view[at : at + length]), at + length


def _wanted_outputs(served: Served, message: dict[str, Any]) -> dict[str, bool]:
    binary = _parameters(message).get("binary_data_output", False) is True
    outputs = message.get("outputs")
    if outputs is None or outputs == []:
        return dict.fromkeys(served.output_names, binary)
    if not isinstance(outputs, list) or not all(isinstance(o, dict) for o in outputs):
        raise Refusal("request.form", 'The key "outputs" must hold a list of objects.')
    found: dict[str, bool] = {}
    for entry in outputs:
        name = entry.get("name")
        if not isinstance(name, str) or name not in served.output_names:
            raise Refusal(
                "request.form", f"The model has no output {str(name)[:60]!r}, but {_list(served.output_names)}."
            )
        parameters = _parameters(entry)
        if "classification" in parameters:
            raise Refusal("request.form", "The classification extension is not offered; ask for the probabilities.")
        found[name] = parameters.get("binary_data", binary) is True
    return found


def _parameters(entry: dict[str, Any]) -> dict[str, Any]:
    found = entry.get("parameters")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Refusal("request.form", 'The key "parameters" must hold an object.')
    if any(name.startswith("shared_memory") for name in found):
        raise Refusal("request.form", "The shared memory extension is not offered.")
    return found


def _header_size(header: str | None, size: int) -> int:
    if header is None:
        return size
    if not header.isascii() or not header.isdigit() or len(header) > 12 or int(header) > size:
        raise Refusal("request.binary", f"The header Inference-Header-Content-Length is {header[:20]!r}, "
                                        f"and the body has {size} bytes.")  # fmt: skip
    return int(header)


def read_json(content: memoryview | bytes) -> dict[str, Any]:
    """Return the JSON object in the bytes; raises ``request.json``."""
    try:
        message = orjson.loads(content)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise Refusal("request.json", f"The body is not JSON: {error}.") from error
    if not isinstance(message, dict):
        raise Refusal("request.json", "The body must be a JSON object.")
    return message


def write_answer(served: Served, request: Request, answers: Answers) -> tuple[bytes, int | None]:
    """Return (body, length of its JSON part where binary data follows it)."""
    entries, tails = [], []
    for name, binary in request.outputs.items():
        values = answers[name]
        datatype = next(o.datatype for o in served.outputs if o.name == name)
        entry: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(values.shape)}
        if binary:
            tails.append(to_binary(values))
            entry["parameters"] = {"binary_data_size": len(tails[-1])}
        else:
            entry["data"] = to_json(values)
        entries.append(entry)
    message: dict[str, Any] = {"model_name": served.name, "model_version": served.version, "outputs": entries}
    if request.id is not None:
        message["id"] = request.id
    head = orjson.dumps(message)
    return (b"".join((head, *tails)), len(head)) if tails else (head, None)


def _list(names: Any) -> str:
    shown = list(names)
    return ", ".join(repr(n) for n in shown[:10]) + (" ..." if len(shown) > 10 else "")
