import numpy as np

from afield.graph.builder import Builder


def test_a_node_that_is_there_already_is_used_again():
    b = Builder()
    x = b.input("x", "float64", ["N"])
    with b.scope("one"):
        first = b.op("Add", x, b.constant(np.float64(2.0)))
    with b.scope("two"):
        again = b.op("Add", x, b.constant(np.float64(2.0)))
        other = b.op("Add", x, b.constant(np.float64(3.0)))
        turned = b.op("Sub", b.constant(np.float64(2.0)), x)
    assert first == again
    assert len({first.name, other.name, turned.name}) == 3
    b.output(b.concat([first, other, turned], axis=0), "y", ["M"])
    assert [n.op_type for n in b.build("sums").graph.node] == ["Add", "Add", "Sub", "Concat", "Identity"]


def test_attributes_and_types_tell_nodes_apart():
    b = Builder()
    x = b.input("x", "float64", ["N", 2])
    assert b.op("Softmax", x, axis=0) != b.op("Softmax", x, axis=1)
    assert b.cast(x, "float32") != b.cast(x, "int64")
    assert b.op("Softmax", x, axis=1) == b.op("Softmax", x, axis=1)
