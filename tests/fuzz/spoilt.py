"""Ways to spoil what comes from outside: JSON by its places, text by its letters."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]
REMOVED = object()
# What has broken programs before: edges of types, signs, exponents, what is no number, what is not of this type.
JUNK: tuple[object, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**64), 10**30, 10**400, 0.5, -0.0, 1e300, float("inf"),
    float("nan"), "", "0", "-1", "1e5", "1e999999999", "1E-999999999", "9" * 400, "0." + "0" * 400 + "1", "NaN", "sNaN",
    "Infinity", "-Infinity", "0x10", "1_000", "١٢٣", " 1 ", "\x00", "\ud800", "🙂" * 50, "a\nb", [], [[]], [None], {},
    {"": None}, [[["1", "2", "3"]]],
)  # fmt: skip
LARGEST, SMALLEST = Decimal(10) ** 40, Decimal(10) ** -40


def places(value: object, at: Path = ()) -> Iterator[Path]:
    """Of everything inside, and of the whole."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*at, key))


def replaced(value: object, at: Path, new: object) -> Any:
    """A copy with something else in one place, or nothing."""
    if not at:
        return None if new is REMOVED else new
    whole = copy.deepcopy(value)
    inner: Any = whole
    for key in at[:-1]:
        inner = inner[key]
    if new is REMOVED:
        del inner[at[-1]]
    else:
        inner[at[-1]] = new
    return whole


@st.composite
def spoils(draw: st.DrawFn, most: int = 3) -> list[tuple[float, object]]:
    """Where, as a fraction of all places, and what is put there."""
    junk = st.one_of(st.sampled_from(JUNK), st.just(REMOVED), st.integers(), st.text(max_size=8))
    return draw(st.lists(st.tuples(st.floats(0, 1), junk), min_size=1, max_size=most))


def spoilt(value: object, changes: list[tuple[float, object]]) -> Any:
    for where, junk in changes:
        found = list(places(value))
        value = replaced(value, found[min(int(where * len(found)), len(found) - 1)], junk)
    return value


def spoilt_json(text: str, changes: list[tuple[float, object]]) -> str:
    """NaN and Infinity are written as Python writes them, which no JSON allows."""
    return json.dumps(spoilt(json.loads(text), changes))


CUTS = st.lists(
    st.tuples(
        st.floats(0, 1), st.integers(0, 40), st.one_of(st.binary(max_size=6), st.sampled_from([b'"', b"}", b"="]))
    ),
    min_size=1,
    max_size=4,
)


def cut(content: bytes, cuts: list[tuple[float, int, bytes]]) -> bytes:
    """Some bytes less, others in their place."""
    for where, length, put in cuts:
        at = int(where * len(content))
        content = content[:at] + put + content[at + length :]
    return content


def numbers_in(value: object) -> Iterator[Decimal]:
    if isinstance(value, Decimal):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from numbers_in(each)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from numbers_in(getattr(value, field.name))


def is_sane(value: object) -> bool:
    """Every amount in it is one that a market can have."""
    return all(number.is_finite() and (number == 0 or SMALLEST < abs(number) < LARGEST) for number in numbers_in(value))
