"""Run the samples inside a model file in a process that has numpy and onnxruntime and nothing else.

A program of its own, started by path: ``python -P replay.py MODEL OUT.npz
[FEED.json]``. It must not import afield, so that the
proof holds for a machine without it; a finder that refuses everything else makes sure of that.
"""

import json
import sys

ALLOWED = {"numpy", "onnxruntime", "__main__"} | set(sys.stdlib_module_names)


class OnlyRuntime:
    """Refuses to find any module outside the standard library, numpy and onnxruntime."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Let the next finder look for it, or refuse."""
        top = name.partition(".")[0]
        if top not in ALLOWED:
            raise ImportError(f"{top} is not part of the runtime")


sys.meta_path.insert(0, OnlyRuntime())

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402

BATCH = 4_096
KINDS = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}


def open_session(path: str, threads: int) -> onnxruntime.InferenceSession:
    """Return a session with so many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def read_feed(session: onnxruntime.InferenceSession, path: str) -> dict[str, np.ndarray]:
    """Return the rows in a file of JSON, or else the sample rows inside the model."""
    if path:
        with open(path, encoding="ascii") as file:
            stored = json.load(file)
    else:
        stored = json.loads(session.get_modelmeta().custom_metadata_map["afield.selftest"])["inputs"]
    feed = {}
    for column in session.get_inputs():
        values = stored[column.name]
        if column.type == "tensor(double)":
            feed[column.name] = np.array([np.nan if v is None else float(v) for v in values])
        else:
            feed[column.name] = np.array(values, dtype=KINDS.get(column.type, object))
    return feed


def main(path: str, out: str, rows_path: str = "") -> None:
    """Run in batches of 1 and 4,096, with one and two threads, and write all answers."""
    found: dict[str, np.ndarray] = {}
    for threads in (1, 2):
        session = open_session(path, threads)
        feed = read_feed(session, rows_path)
        rows = len(next(iter(feed.values())))
        names = [o.name for o in session.get_outputs()]
        singly = [session.run(names, {n: v[i : i + 1] for n, v in feed.items()}) for i in range(rows)]
        tiled = {n: v[np.arange(BATCH) % rows] for n, v in feed.items()}
        together = session.run(names, tiled)
        for at, name in enumerate(names):
            alone = np.concatenate([answer[at] for answer in singly])
            for batch, answers in ((1, alone), (BATCH, together[at])):
                plain = answers.astype(str) if answers.dtype == object else answers  # npz without pickle
                found[f"{threads}/{batch}/{name}"] = plain
    np.savez(out, **found)  # type: ignore[arg-type]
    print(json.dumps({"onnxruntime": onnxruntime.__version__, "numpy": np.__version__}))


if __name__ == "__main__":
    main(*sys.argv[1:])
