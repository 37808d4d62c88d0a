"""`hedge.toml`, read and validated; its mistakes become one sentence that names key, value and what is allowed."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.config import AMM_PATTERN, Config
from core.errors import ConfigurationError

# Names from other hedgers' configurations that no likeness of spelling would lead to ours.
KNOWN_ELSEWHERE = {
    "rebalance_interval": "poll_seconds",
    "perp_symbol": "symbol",
    "use_twap_over_quote": "twap_over_quote",
    "hedge_use_twap_over_quote": "twap_over_quote",
    "position_ids": "lp_position_ids",
    "hedge_rebalance_interval_seconds": "force_rebalance_seconds",
    "hedge": "hedges",
}
BELONGS_IN_ENV = re.compile(r"(token|secret|api_?key|password|_url$|^url$|operator_ids)", re.IGNORECASE)
# What pydantic's kinds of errors allow, in words.
PLAIN_WORDS = {
    "literal_error": "{expected}",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "finite_number": "a number",
    "value_error": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text in quotes",
    "string_pattern_mismatch": "an address, 0x and 40 hexadecimal digits",
    "tuple_type": "a list in [brackets]",
    "model_type": "a [section] of its own",
    "mapping_type": "a [section] of its own",
    "dict_type": "a [section] of its own",
}
# How pydantic writes a limit that is no whole number.
DECIMAL = re.compile(r"Decimal\('([^']*)'\)")
MOST_MISTAKES_SHOWN = 4
MOST_DIGITS = 100
LONGEST_VALUE = 60


def read_config(path: Path) -> Config:
    """Raises ConfigurationError: no such file, no TOML, unknown keys, values that are not allowed."""
    return parse_config(_text_of(path), path)


def parse_config(text: str, path: Path) -> Config:
    """Numbers keep every digit. Raises ConfigurationError with all mistakes in one sentence that names `path`."""
    try:
        data = tomllib.loads(text, parse_float=lambda number: _decimal(number, path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from None
    if (block := _misspelt_hedges(data)) is not None:
        raise ConfigurationError(f"{path}: [{block}] is no known section: did you mean [hedges.{_inner(data[block])}]?")
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        said = "; ".join(mistakes(error, Config))
        raise ConfigurationError(f"{path}: {said}{'' if said.endswith('?') else '.'}") from None


def _decimal(number: str, path: Path) -> Decimal:
    """As it was typed; as a whole number 9e99999999 would be worked out for ever. Raises ConfigurationError."""
    value = Decimal(number)
    if value.is_finite() and value and abs(value.adjusted()) > MOST_DIGITS:
        raise ConfigurationError(f"{path}: {_shown(number)} is far from any number that a setting takes.")
    return value


def _misspelt_hedges(data: Mapping[str, object]) -> str | None:
    """Of a file without hedges, the section that was probably meant to have them."""
    if "hedges" in data:
        return None
    unknown = [key for key, block in data.items() if key not in Config.model_fields and isinstance(block, Mapping)]
    return next(filter(_resembles_hedges, unknown), None)


def _resembles_hedges(section: str) -> bool:
    return bool(difflib.get_close_matches(section.lower(), ["hedges"], cutoff=0.6))


def _inner(block: object) -> str:
    inner = block.items() if isinstance(block, Mapping) else ()
    return next((str(name) for name, value in inner if isinstance(value, Mapping)), "NAME")


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(
            f"there is no configuration at {path}: `lp-hedge init` writes one, or name yours with --config."
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not text in UTF-8.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None


def mistakes(error: ValidationError, model: type[BaseModel]) -> tuple[str, ...]:
    """One clause per faulty key, in the file's order; the branches of a union count as one."""
    by_key: dict[tuple[str | int, ...], list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        by_key.setdefault(_key_of(detail["loc"], model), []).append(detail)
    said = [_clause(key, details, model) for key, details in by_key.items()]
    if len(said) > MOST_MISTAKES_SHOWN:
        said[MOST_MISTAKES_SHOWN:] = [f"and {len(said) - MOST_MISTAKES_SHOWN} more"]
    return tuple(said)


def _clause(key: tuple[str | int, ...], details: Sequence[ErrorDetails], model: type[BaseModel]) -> str:
    name, first = _dotted(key), details[0]
    match first["type"]:
        case "extra_forbidden":
            return f"{name} is not a known setting{_hint(str(key[-1]), _model_at(key[:-1], model))}"
        case "missing":
            return f"{name} is missing"
        case "value_error":
            reason = str(first["ctx"]["error"])
            return f"{name}: {reason}" if key and not reason.startswith("hedge") else reason
    return f"{name} = {_shown(_value(key, details))} is not allowed: it must be {_all_allowed(details)}"


def _value(key: tuple[str | int, ...], details: Sequence[ErrorDetails]) -> object:
    """The value at the key itself; a deeper error of a union's branch tells only of a part of it."""
    return min(details, key=lambda detail: len(detail["loc"]) - len(key))["input"]


def _all_allowed(details: Sequence[ErrorDetails]) -> str:
    return " or ".join(dict.fromkeys(map(_allowed, details)))


def _allowed(detail: ErrorDetails) -> str:
    limits = detail.get("ctx", {})
    if limits.get("pattern") == AMM_PATTERN:
        return "1 to 32 of a-z, 0-9 and _"
    if detail["type"] in PLAIN_WORDS:
        return DECIMAL.sub(r"\1", PLAIN_WORDS[detail["type"]].format(**limits)).replace("'", '"')
    return detail["msg"].removeprefix("Input should be ").removeprefix("Value error, ")


def _hint(unknown: str, model: type[BaseModel] | None) -> str:
    names = list(model.model_fields) if model else []
    if (meant := _meant(unknown, names)) is not None:
        return f": did you mean {meant}?"
    if BELONGS_IN_ENV.search(unknown):
        return ": secrets and endpoints belong in .env (see .env.example)"
    return f": there are {', '.join(names)}" if 0 < len(names) <= 8 else ""


def _meant(unknown: str, names: Sequence[str]) -> str | None:
    for other in (KNOWN_ELSEWHERE.get(unknown), unknown.removeprefix("hedge_")):
        if other in names:
            return other
    return next(iter(difflib.get_close_matches(unknown, names, n=1, cutoff=0.6)), None)


def _key_of(loc: tuple[str | int, ...], model: type[BaseModel]) -> tuple[str | int, ...]:
    """`loc` without the marks that pydantic puts in for the branches of a union."""
    key: list[str | int] = []
    here: object = model
    for part in loc:
        if isinstance(part, int):
            key.append(part)
        elif (inner := _inside(here, part)) is not None or _as_model(here):
            key.append(part)
            here = inner
        elif here is None:
            break
    return _without_last_indexes(key)


def _without_last_indexes(key: Sequence[str | int]) -> tuple[str | int, ...]:
    """What is wrong with an item of a list is said of the list."""
    while key and isinstance(key[-1], int):
        key = key[:-1]
    return tuple(key)


def _inside(here: object, part: str) -> object:
    """What lies at a key: a field's annotation in a model, the value type of a mapping, else None."""
    if (model := _as_model(here)) is not None:
        field = model.model_fields.get(part)
        return field.annotation if field else None
    for kind in _branches(here):
        if get_origin(kind) is Mapping:
            return get_args(kind)[1]
    return None


def _branches(annotation: object) -> Iterable[object]:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _as_model(here: object) -> type[BaseModel] | None:
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None


def _model_at(key: tuple[str | int, ...], model: type[BaseModel]) -> type[BaseModel] | None:
    here: object = model
    for part in key:
        here = _inside(here, str(part))
    return _as_model(here)


def _dotted(key: Iterable[str | int]) -> str:
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
