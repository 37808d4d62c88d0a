"""What a setting takes: its words, its limits and its unit, as the configuration's own models have them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from bot.chat_settings.keys import UNSET, Key, field_of
from bot.chat_settings.table import ZERO
from bot.rendering.markup import clip
from bot.rendering.numbers import exact, number, pair_of, quote_of
from core.config import HedgeConfig
from core.errors import ConfigurationError

WHOLE = re.compile(r"-?[0-9]{1,30}")
NUMBER = re.compile(r"-?[0-9]{1,30}\.[0-9]{1,30}")
BOOLS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
KINDS = {int: "a whole number", Decimal: "a number"}
IN_BASE = ("hedge_threshold", "max_order_size")
# By the last word of a setting's name.
IN_QUOTE = ("quote", "notional")
UNITS = {"seconds": "s", "pct": "%", "bps": "bps", "multiple": "bands", "hour": "an hour", "day": "% a day"}
QUOTES = "\"'“”„"


@dataclass(frozen=True, slots=True)
class Takes:
    """`words` it knows, in the order of the model; `numbers`: in which words they are limited, empty for none.

    `may_be_unset`: without a value the program derives one.
    """

    words: tuple[str, ...]
    is_switch: bool
    numbers: str
    may_be_unset: bool

    @property
    def choices(self) -> tuple[str, ...]:
        """All that it takes, when that is a few words."""
        return () if self.numbers else self.words

    def is_word(self, text: str) -> bool:
        """Taken as it stands: one of its words, or no number is asked for."""
        return "number" not in self.numbers or text in self.words

    def in_words(self, unit: str) -> str:
        """For people; `unit` stands behind "number", empty for none."""
        numbers = self.numbers.replace("number", f"number ({unit})", 1) if unit else self.numbers
        return " or ".join(filter(None, (", ".join(self.words), numbers, UNSET if self.may_be_unset else "")))


def takes(key: Key) -> Takes:
    """Read off the model's own field, so that the two cannot differ."""
    field = field_of(key)
    words: list[str] = []
    numbers: list[str] = []
    for kind, limits in _branches(field.annotation, tuple(field.metadata)):
        if get_origin(kind) is Literal:
            words += map(str, get_args(kind))
        elif kind is bool:
            words += ["true", "false"]
        elif kind is not type(None):
            numbers.append(_limited(kind, limits) if kind in KINDS else f"a text such as {field.default}")
    unset = type(None) in get_args(field.annotation)
    return Takes(tuple(words), field.annotation is bool, " or ".join(numbers), unset)


def raw_of(key: Key, word: str, unit: str) -> object:
    """A typed word as the file would have it; its limits are the model's to judge. Raises ConfigurationError for what
    is no number where one is needed: not all that the model could read is what people mean by one.
    """
    known, text = takes(key), word.strip(QUOTES).lower()
    if known.is_switch and text in BOOLS:
        return BOOLS[text]
    if text == UNSET and known.may_be_unset:
        return None
    return text if known.is_word(text) else _number_meant(key, text, unit)


def unit_of(key: Key, hedges: Mapping[str, HedgeConfig]) -> str:
    """What its numbers count; empty for a bare number."""
    if key.field in IN_BASE:
        base, _ = pair_of(hedges[key.hedge].symbol)
        return base
    ending = key.field.rpartition("_")[2]
    return _quote(key, hedges) if ending in IN_QUOTE else UNITS.get(ending, "")


def with_unit(word: str, unit: str) -> str:
    """ "60 s"; words such as "off" stay alone."""
    amount = number(word)
    return word if amount is None else exact(amount, unit)


def explained(key: Key, word: str, unit: str) -> str:
    """With what 0 stands for."""
    zero = ZERO.get(key.name, "" if key.hedge else "off") if number(word) == 0 else ""
    return f"{with_unit(word, unit)} ({zero})" if zero else with_unit(word, unit)


def _quote(key: Key, hedges: Mapping[str, HedgeConfig]) -> str:
    """The hedge's; of the whole program's settings the one that all hedges have, if they do."""
    meant = [hedges[key.hedge]] if key.hedge else hedges.values()
    quotes = {quote_of(hedge.symbol) for hedge in meant}
    return quotes.pop() if len(quotes) == 1 else "QUOTE"


def _number_meant(key: Key, text: str, unit: str) -> int | Decimal:
    found = _number_of(text.removesuffix(unit.lower()))
    if found is None:
        needed = takes(key).in_words(unit)
        raise ConfigurationError(f'{key.full} = "{clip(text, 40)}" is not allowed: it must be {needed}.')
    return found


def _number_of(text: str) -> int | Decimal | None:
    if WHOLE.fullmatch(text):
        return int(text)
    return Decimal(text) if NUMBER.fullmatch(text) else None


def _branches(annotation: Any, limits: tuple[Any, ...]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The kinds that a union is made of, each with what limits it."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        yield from _branches(inner, (*limits, *more))
    elif get_origin(annotation) in (Union, UnionType):
        for kind in get_args(annotation):
            yield from _branches(kind, limits)
    else:
        yield annotation, limits


def _limited(kind: type, limits: tuple[Any, ...]) -> str:
    """ "a whole number, at least 0, at most 3600"."""
    said = [KINDS[kind]]
    for limit in _flat(limits):
        match limit:
            case Ge(ge):
                said.append(f"at least {exact(Decimal(str(ge)))}")
            case Gt(gt):
                said.append(f"above {exact(Decimal(str(gt)))}")
            case Le(le):
                said.append(f"at most {exact(Decimal(str(le)))}")
            case Lt(lt):
                said.append(f"below {exact(Decimal(str(lt)))}")
    return ", ".join(said)


def _flat(limits: tuple[Any, ...]) -> Iterator[Any]:
    for limit in limits:
        if isinstance(limit, FieldInfo):
            yield from limit.metadata
        else:
            yield limit
