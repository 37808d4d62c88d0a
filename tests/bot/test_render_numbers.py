"""Numbers for the eye: cut sensibly, grouped, with units, and unknown when unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rendering.markup import clip, esc, plain, units
from bot.rendering.numbers import amount, exact, hour, money, number, percent, quote_of, span


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("14.123456789", "14.1235 BNB"),
        ("0.000012345678", "0.0000123457 BNB"),
        ("1234567.891", "1,234,568 BNB"),
        ("-0.5000", "-0.5 BNB"),
        ("0", "0 BNB"),
        ("1E+3", "1,000 BNB"),
    ],
)
def test_amounts_keep_six_digits_and_all_whole_ones(value: str, shown: str) -> None:
    """An amount keeps its size readable whatever its magnitude."""
    assert amount(Decimal(value), "BNB") == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("8123.456", "8,123.46 USDT"), ("81.50", "81.5 USDT"), ("0.001234", "0.0012 USDT"), ("-0.004", "-0.004 USDT")],
)
def test_money_is_shown_to_the_cent(value: str, shown: str) -> None:
    """QUOTE has two decimals, and never rounds something small to nothing."""
    assert money(Decimal(value), "USDT") == shown


def test_sizes_to_answer_for_keep_every_digit() -> None:
    """Nothing but trailing zeros is taken from a size that a person approves."""
    assert exact(Decimal("1234.00010"), "BNB") == "1,234.0001 BNB"


def test_unknown_is_never_zero() -> None:
    """None is shown as unknown, by every format."""
    assert {amount(None, "BNB"), money(None, "USDT"), exact(None, "BNB"), percent(None), span(None)} == {"unknown"}


def test_what_is_no_number_is_unknown() -> None:
    """An event's text that is no finite number is not shown as one."""
    assert [number(text) for text in ("1.5", None, "none", "NaN", "Infinity")] == [
        Decimal("1.5"),
        None,
        None,
        None,
        None,
    ]


def test_times_are_in_the_operators_zone() -> None:
    """A moment is told by the configured timezone's clock, and says so."""
    at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert hour(at, ZoneInfo("Europe/Berlin")) == "13:00:00 CET"


def test_lengths_of_time_read_naturally() -> None:
    """Seconds, then minutes, then hours, then days."""
    assert [span(s) for s in (4.4, 119, 180, 7500, 200_000)] == ["4 s", "119 s", "3 min", "2 h 5 min", "2 d 7 h"]


def test_the_quote_is_read_off_the_symbol() -> None:
    """The perpetual's symbol names its QUOTE."""
    assert [quote_of(s) for s in ("BNBUSDT", "ETHUSDC", "BTCFDUSD")] == ["USDT", "USDC", "FDUSD"]


def test_foreign_text_cannot_become_markup() -> None:
    """What was escaped comes out of the plain twin as it went in."""
    assert esc("<b>&") == "&lt;b&gt;&amp;" and plain(esc("<b>&")) == "<b>&"


@given(st.text(max_size=60), st.integers(min_value=1, max_value=20))
def test_clipping_counts_utf16_and_cuts_no_character(text: str, limit: int) -> None:
    """A clipped text is within the limit in Telegram's units and still valid."""
    text = text.encode("utf-8", "ignore").decode()
    assert units(clip(text, limit)) <= limit
