"""Float networks to 8-bit integers after training: ``quantiser`` puts scales around operators, by rows of data.

What comes out is an ONNX file like any other quantised one: ``integer`` makes integer operators of it.
"""
