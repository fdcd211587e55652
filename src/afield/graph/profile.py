"""The operators that a model file may use, and the versions it states.

Each of them was run in Python's onnxruntime and in onnxruntime-web's wasm build.
"""

from __future__ import annotations

OPSET = 21
ML_OPSET = 5
IR_VERSION = 10

ML = "ai.onnx.ml"
MICROSOFT = "com.microsoft"

_STANDARD = """
Abs Add And ArgMax Cast Ceil Clip Concat Conv CumSum Div Equal Exp Expand Flatten Floor Gather GatherElements Gemm
GlobalAveragePool Greater GreaterOrEqual Identity IsInf IsNaN Less LessOrEqual Log MatMul Max Min Mod Mul Neg Not Or
Pad Pow Range ReduceMax ReduceMean ReduceMin ReduceSum RegexFullMatch Relu Reshape Resize STFT ScatterElements Shape
Sigmoid Sign Sin Cos Slice Softmax Split Sqrt Squeeze StringConcat StringSplit Sub Tanh Tile Transpose Unsqueeze Where
""".split()

#: operator -> domain
OPERATORS: dict[str, str] = (
    dict.fromkeys(_STANDARD, "") | dict.fromkeys(["LabelEncoder", "TreeEnsemble"], ML) | {"Tokenizer": MICROSOFT}
)
