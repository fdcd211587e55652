"""Networks in 8-bit integers: ``lowering`` makes integer operators of quantised graphs, ``oracle`` says what they are.

The C of ``ops/integer_*`` equals the oracle bit for bit on every device; the oracle is held to the real-number network
within a step of the output's scale.
"""
