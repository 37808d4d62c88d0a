"""Numbers and times as people read them. None is "unknown", never zero; digits are cut for the eye only."""

from __future__ import annotations

from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation

UNKNOWN = "unknown"
KNOWN_QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "USD1", "USD")
MOST_PLACES = 18


def quote_of(symbol: str) -> str:
    """The QUOTE a perpetual's symbol ends with: BNBUSDT -> USDT."""
    return next((quote for quote in KNOWN_QUOTES if symbol.endswith(quote)), "QUOTE")


def pair_of(symbol: str) -> tuple[str, str]:
    """(BASE, QUOTE) as a perpetual's symbol names them: BNBUSDT -> BNB, USDT."""
    quote = quote_of(symbol)
    return symbol.removesuffix(quote), quote


def number(text: str | None) -> Decimal | None:
    """An event's or approval's number; None for what is absent or no finite number."""
    try:
        value = Decimal(text) if text is not None else None
    except InvalidOperation:
        return None
    return value if value is not None and value.is_finite() else None


def exact(value: Decimal | None, unit: str = "") -> str:
    """Every digit but trailing zeros: for sizes that a person answers for."""
    return _with_unit(value, _grouped(value, max(0, -_exponent(value))) if value is not None else "", unit)


def amount(value: Decimal | None, unit: str = "", *, signed: bool = False) -> str:
    """Six significant digits, at least all whole ones: BASE amounts and prices."""
    return _with_unit(value, _sign(value, signed) + _significant(value, 6) if value is not None else "", unit)


def money(value: Decimal | None, unit: str, *, signed: bool = False) -> str:
    """QUOTE to the cent; what is smaller than one, to two significant digits."""
    if value is None:
        return UNKNOWN
    text = _grouped(value, 2) if not value or abs(value) >= 1 else _significant(value, 2)
    return _with_unit(value, _sign(value, signed) + text, unit)


def percent(fraction: Decimal | None, *, signed: bool = False) -> str:
    """A fraction as a percentage with three significant digits: 0.0123 -> 1.23 %."""
    if fraction is None:
        return UNKNOWN
    return f"{_sign(fraction, signed)}{_significant(fraction * 100, 3)} %"


def bps(value: Decimal | None) -> str:
    """Hundredths of a percent, three significant digits."""
    return f"{_significant(value, 3)} bps" if value is not None else UNKNOWN


def span(seconds_s: float | None) -> str:
    """A length of time: 4 s, 3 min, 2 h 5 min, 3 d 4 h."""
    if seconds_s is None:
        return UNKNOWN
    whole = max(0, round(seconds_s))
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    if whole < 172_800:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def hour(at: datetime | None, zone: tzinfo) -> str:
    """12:03:04 UTC"""
    return f"{at.astimezone(zone):%H:%M:%S %Z}" if at is not None else UNKNOWN


def moment(at: datetime, zone: tzinfo) -> str:
    """2026-05-01 12:03 UTC: what may be days away."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def stamp(at: datetime, zone: tzinfo) -> str:
    """05-01 12:03:04: one line of a list among many."""
    return f"{at.astimezone(zone):%m-%d %H:%M:%S}"


def counted(count: int, what: str) -> str:
    """1 fill, 2 fills"""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _with_unit(value: Decimal | None, text: str, unit: str) -> str:
    if value is None:
        return UNKNOWN
    return f"{text} {unit}" if unit else text


def _sign(value: Decimal | None, signed: bool) -> str:
    return "+" if signed and value is not None and value > 0 else ""


def _significant(value: Decimal, digits: int) -> str:
    places = digits - 1 - value.adjusted() if value else 0
    return _grouped(value, max(0, min(MOST_PLACES, places)))


def _grouped(value: Decimal, places: int) -> str:
    text = f"{value:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _exponent(value: Decimal | None) -> int:
    exponent = value.as_tuple().exponent if value is not None else 0
    return exponent if isinstance(exponent, int) else 0
