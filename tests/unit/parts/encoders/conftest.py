import numpy as np
import onnxruntime
import pytest

from afield.data.answer import Answer
from afield.data.table import NumberColumn, StringColumn, Table
from afield.graph.builder import Builder
from afield.parts.protocol import FitContext
from afield.problem.schema import ColumnSpec


class Encoding:
    """Fits an encoder on columns given as lists, and encodes others with its graph."""

    def __init__(self, part, columns, target=None, settings=None, **context):
        table = _table(columns)
        kind = next(iter(part.kinds))
        specs = [ColumnSpec(name=name, kind=kind) for name in columns]
        answer = target or Answer(task="regression", values=np.zeros(table.rows))
        self.fitted = part.fit(table, specs, answer, FitContext(**context), settings or {})
        builder = Builder()
        inputs = {n: builder.input(n, "float64" if kind == "number" else "string", ["N"]) for n in columns}
        builder.output(self.fitted.lower(builder, inputs), "out", ["N", len(self.fitted.features)])
        self.model = builder.build("encoder")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.model.SerializeToString(), options)
        self.columns = columns

    def __call__(self, columns=None):
        table = _table(columns or self.columns)
        return self.session.run(None, {n: c.feed(slice(None)) for n, c in table.columns.items()})[0]

    @property
    def names(self):
        return [f.name for f in self.fitted.features]

    def named(self, columns=None):
        return dict(zip(self.names, self(columns).T, strict=True))


def _table(columns):
    def column(values):
        if len(values) and isinstance(values[0], str):
            return StringColumn.of(values)
        return NumberColumn(np.asarray(values, dtype=np.float64))

    made = {name: column(values) for name, values in columns.items()}
    return Table(made, len(next(iter(made.values()))))


@pytest.fixture(scope="session")
def encoding():
    return Encoding
