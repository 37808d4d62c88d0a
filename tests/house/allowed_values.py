"""What a pydantic field allows, in the words of the page of settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from core.config import ADDRESS_PATTERN

Schema = Mapping[str, Any]
UNSET = "unset"
REQUIRED = "required"
_ADDRESS = f"^{ADDRESS_PATTERN.pattern}$"


def allowed(model: type[BaseModel], name: str) -> str:
    """Such as "whole number, 0 to 3,600" or "`hold` or `estimate`"; unset is said by the default."""
    return ", or ".join(dict.fromkeys(_words(_properties(model)[name])))


@cache
def _properties(model: type[BaseModel]) -> Mapping[str, Schema]:
    properties: Mapping[str, Schema] = model.model_json_schema()["properties"]
    return properties


def default(field: FieldInfo) -> str:
    """As it is typed in the file."""
    value = field.get_default(call_default_factory=True) if not field.is_required() else REQUIRED
    match value:
        case None | ():
            return UNSET
        case Mapping():
            return UNSET
        case bool():
            return str(value).lower()
        case Enum():
            return str(value.value)
        case SecretStr():
            raise AssertionError("a secret has no default")
        case _:
            return str(value)


def _words(schema: Schema) -> Iterator[str]:
    if _is_number(schema):
        yield f"number{_limits(schema)}"
    elif "anyOf" in schema:
        for each in schema["anyOf"]:
            yield from _words(each)
    elif "enum" in schema:
        *first, last = (f"`{each}`" for each in schema["enum"])
        yield f"{', '.join(first)} or {last}"
    elif "const" in schema:
        yield f"`{schema['const']}`"
    else:
        yield from _plain(schema)


def _is_number(schema: Schema) -> bool:
    """A Decimal: pydantic takes numbers and their digits as text."""
    return [each.get("type") for each in schema.get("anyOf", ())] == ["number", "string"]


def _plain(schema: Schema) -> Iterator[str]:
    match schema.get("type"):
        case "integer":
            yield f"whole number{_limits(schema)}"
        case "boolean":
            yield "`true` or `false`"
        case "array":
            yield from (f"list of: {each}" for each in _words(schema["items"]))
        case "object":
            yield from (f"table of: {each}" for each in _words(schema["additionalProperties"]))
        case "string" if schema.get("pattern") == _ADDRESS:
            yield "address"
        case "string":
            yield {"password": "secret", "path": "path of a file"}.get(schema.get("format", ""), "text")
        case "null":
            return
        case other:
            raise AssertionError(f"no words for {other}")


def _limits(schema: Schema) -> str:
    least, over = schema.get("ge", schema.get("minimum")), schema.get("gt", schema.get("exclusiveMinimum"))
    most, under = schema.get("le", schema.get("maximum")), schema.get("lt", schema.get("exclusiveMaximum"))
    begin = _figure(least) if least is not None else f"over {_figure(over)}" if over is not None else ""
    end = _figure(most) if most is not None else f"under {_figure(under)}" if under is not None else ""
    if begin and end:
        return f", {begin} to {end}"
    if least is not None:
        return f", at least {begin}"
    return f", {begin or end}" if begin or end else ""


def _figure(value: object) -> str:
    return re.sub(r"\.0$", "", f"{Decimal(str(value)):,}")
