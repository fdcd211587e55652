"""One file for each operator or family of like operators: checks, cost and C. They do not know one another.

How to add an operator:

1. Make ``ops/<name>.py`` with a class derived from ``Operator`` under ``@register("Name")``: nothing else to enter, the
   registry imports every module here. Operators of other domains bear it: ``@register("ai.onnx.ml.Scaler")``.
2. ``reading/canonical.py`` has already made ONNX's many versions one form: defaults filled in, axes counted from 0,
   constant inputs such as axes, pads or limits moved into attributes, shapes static. Extend it for a new operator that
   has such inputs. Reshape-like operators are ``View`` there and cost nothing; Conv and pools come channels last.
3. ``problems(at)`` returns sentences for what is not supported; it must catch all that ``emit`` cannot do.
   ``macs``, ``scratch_bytes`` and ``overwrites`` (memory that the output may share) have defaults.
4. ``emit(at, kernel)`` declares operands, each with a name of your choice, and writes the body of one C function:
   ``kernel.input(0, "x")``, ``kernel.output(0, "y")``, ``kernel.table(array, "weights")`` (constants that you packed
   yourself), ``kernel.scratch("float", "s")``; then ``kernel.line``, ``with kernel.loop("i", n) as i``, or
   ``kernel.snippet("name.c", N=8)`` for a body that stands in ``c/name.c``. Two nodes whose functions read alike share
   one. Every name in the body must be an operand, a local or a literal. Write float literals by ``kernel.literal``.
5. Fused activations come as the attribute ``activation``; apply them to the finished value by ``activations.apply``.
6. Tests: official node cases run by themselves (tests/parity/test_onnx_node_cases.py); add a generator of random
   cases to tests/generated_operators.py.

Text columns become codes of enums, and float64 becomes float32, in ``tabular`` before any operator sees them: operators
here never meet strings, and double only where the user asked for exactness (``Options.exact``).
"""
