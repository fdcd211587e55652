"""Texts to hashed n-grams, as graph: the same nodes that serve predictions make the training counts.

Every n-gram becomes a bucket id, a number below ``buckets``; positions without one get the id ``buckets``. Rows that
share a batch never touch each other: a longer neighbour adds only positions with that id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from afield.graph.builder import Builder, Value
from afield.parts.encoders.text_alphabet import BLANK_CODE, WORD, Alphabet

#: Accents that stand as characters of their own, and characters that only say how others are drawn: left out.
_MARKS = r"\x{AD}\x{300}-\x{36F}\x{200B}-\x{200F}\x{2060}\x{FE0E}\x{FE0F}\x{FEFF}"

#: Multipliers of the linear hash over characters, and primes: fixed for ever, or files of old would change.
_CHAR_MIX = (1_000_003, 514_229, 777_767, 611_953, 921_637, 350_377)
_PAIR_MIX = (774_143, 482_501)
_WORD_MIX = (649_657, 938_939)
_WORD_PRIME = 33_554_393  # below 2**25: 4,096 squares sum to less than 2**63
_END = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What is hashed.

    ``orders``: lowest and highest number of characters in an n-gram; ``words``: 0, 1 (single words) or 2 (and pairs);
    ``buckets``: a prime; ``characters``: a text ends after so many.
    """

    orders: tuple[int, int]
    words: int
    buckets: int
    characters: int

    @property
    def word_place(self) -> int:
        """The place of single words among the ids of n-grams."""
        return self.orders[1] - self.orders[0] + 1


@dataclass(frozen=True)
class Grams:
    """C text columns as bucket ids and plain facts; the last of the N + 1 texts is a stand-in.

    Parameters
    ----------
    ids : sequence of int64 [C, N + 1, positions]
        Bucket ids, one value for each length of n-gram.
    rows : int64 [C, N + 1, T]
        Rows of the alphabet.
    words : int64 [C, N + 1, 1]
        How many words a text has.
    texts : string [C, N + 1]
    """

    ids: Sequence[Value]
    rows: Value
    words: Value
    texts: Value


def largest_prime(below: int) -> int:
    """Return the largest prime that is at most ``below``."""
    return next(n for n in range(below, 1, -1) if all(n % d for d in range(2, int(n**0.5) + 1)))


def lower_grams(builder: Builder, texts: Sequence[Value], alphabet: Alphabet, layout: Layout) -> Grams:
    """Add the nodes for C text columns, string [N] each.

    A text ends at its first NUL character (in browsers strings end there) or after ``layout.characters``.
    """
    b = builder
    stacked = b.stack_columns(texts)
    # A stand-in text of one blank: the Tokenizer loses dimensions when there is no text, or no character.
    stacked = b.concat([stacked, b.constant(np.full((len(texts), 1), " ", dtype=object))], axis=1)
    head = b.op("Tokenizer", stacked, **_tokenizer(rf"\A[^\x{{0}}]{{1,{layout.characters}}}"))
    head = b.reshape(head, [len(texts), -1])
    rows = alphabet.lower(b, b.op("Tokenizer", head, **_tokenizer(rf"[^{_MARKS}]")))
    rows = _shift(b, rows, before=1, after=layout.orders[1] - 1)
    codes = b.gather(b.constant(alphabet.codes), rows, axis=0)
    word_ids, words = _words(b, codes, layout)
    return Grams([*_characters(b, codes, layout), *word_ids], rows, words, stacked)


def _tokenizer(expression: str) -> Mapping[str, Any]:
    return {"tokenexp": expression, "mark": 0, "mincharnum": 1, "pad_value": ""}


def _shift(b: Builder, value: Value, *, before: int, after: int) -> Value:
    """Add zeros before and after along the last axis; negative numbers cut."""
    return b.op("Pad", value, b.constant(np.asarray([0, 0, before, 0, 0, after], dtype=np.int64)))


def _part(b: Builder, value: Value, start: int, end: int) -> Value:
    return b.op(
        "Slice", value, b.constant(np.asarray([start])), b.constant(np.asarray([end])), b.constant([2], "int64")
    )


def _bucket(b: Builder, hashed: Value, valid: Value, layout: Layout) -> Value:
    nowhere = b.constant(np.int64(layout.buckets))
    return b.op("Where", valid, b.op("Mod", hashed, nowhere), nowhere, dtype="int64")


def _characters(b: Builder, codes: Value, layout: Layout) -> list[Value]:
    """N-grams of characters that do not run across a blank; a word's first and last include the blank beside it."""
    low, high = layout.orders
    blank = b.constant(np.int64(BLANK_CODE))
    places = [_part(b, codes, j, j - high + 1 if j < high - 1 else _END) for j in range(high)]
    visible = [b.op("Greater", p, blank, dtype="bool") for p in places[: high - 1]]
    ids: list[Value] = []
    hashed, valid = b.op("Mul", places[0], b.constant(np.int64(_CHAR_MIX[0]))), visible[0]
    for j in range(1, high):
        hashed = b.op("Add", hashed, b.op("Mul", places[j], b.constant(np.int64(_CHAR_MIX[j]))))
        if j > 1:  # the inner characters of an n-gram of j + 1
            valid = visible[1] if j == 2 else b.op("And", valid, visible[j - 1])
        if j + 1 >= low:
            ids.append(_bucket(b, hashed, valid, layout))
    return ids


def _words(b: Builder, codes: Value, layout: Layout) -> tuple[list[Value], Value]:
    """Return ids of words and of pairs of neighbours, and the number of words.

    A word's hash is a sum of mixed pairs of neighbouring characters, gathered by the word's number in its text.
    """
    inside = b.cast(b.op("GreaterOrEqual", codes, b.constant(np.int64(WORD)), dtype="bool"), "int64")
    starts = b.op("Greater", inside, _shift(b, inside, before=1, after=-1), dtype="bool")
    number = b.op("CumSum", b.cast(starts, "int64"), b.constant(np.int64(2)))
    number = b.op("Mul", number, inside)  # 0: not in a word
    count = b.op("ReduceMax", number, b.constant(np.asarray([2])), keepdims=1)
    if not layout.words:
        return [], count
    kept = b.op("Mul", codes, inside)
    before = _shift(b, kept, before=1, after=-1)
    mixed = b.op("Mul", kept, b.constant(np.int64(_PAIR_MIX[0])))
    mixed = b.op("Add", mixed, b.op("Mul", before, b.constant(np.int64(_PAIR_MIX[1]))))
    prime = b.constant(np.int64(_WORD_PRIME))
    mixed = b.op("Mod", mixed, prime)
    width = b.op("Add", b.op("ReduceMax", count, keepdims=0), b.constant(np.int64(2)))
    room = b.op(
        "Slice", b.op("Sub", codes, codes), b.constant([0], "int64"), b.reshape(width, [1]), b.constant([2], "int64")
    )
    sums = b.op("ScatterElements", room, number, b.op("Mul", mixed, mixed), axis=2, reduction="add")
    hashed = b.op("Mod", _part(b, sums, 1, _END), prime)
    zero = b.constant(np.int64(0))
    ids = [_bucket(b, hashed, b.op("Greater", hashed, zero, dtype="bool"), layout)]
    if layout.words > 1:
        following = _shift(b, hashed, before=-1, after=1)
        pair = b.op("Mul", hashed, b.constant(np.int64(_WORD_MIX[0])))
        pair = b.op("Add", pair, b.op("Mul", following, b.constant(np.int64(_WORD_MIX[1]))))
        ids.append(_bucket(b, pair, b.op("Greater", following, zero, dtype="bool"), layout))
    return ids, count
