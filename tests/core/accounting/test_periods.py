"""A statement by days: every step in one of them, so that their sum is the whole to the last digit."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import reduce
from operator import add

from hypothesis import given, settings
from hypothesis import strategies as st

from core.accounting.attribution import Parts
from core.accounting.periods import by_period
from core.facts import OrderSide
from tests.core.accounting.purse import hedged

moves = st.tuples(st.decimals("1500", "2700", places=9), st.decimals("0", "3", places=18), st.integers(30, 200_000))


@given(st.lists(moves, min_size=1, max_size=15), st.lists(st.integers(0, 10**6), max_size=6))
@settings(max_examples=60, deadline=None)
def test_the_periods_add_up_to_the_whole(path: list[tuple[Decimal, Decimal, int]], offsets_s: list[int]) -> None:
    """Wherever they are cut: each part, trades and time unwatched; each begins where the one before ended."""
    purse = hedged()
    for number, (price, fee, passed_s) in enumerate(path):
        purse.price = purse.mark = price
        purse.fee_base += fee
        purse.trade(OrderSide.SELL, "0.3", str(price), fee="0.0001", fee_asset="BNB" if number % 2 else "USDT")
        purse.read(passed_s)
    purse.read()
    statement = purse.statement()
    assert statement is not None
    cuts = sorted(statement.start + timedelta(seconds=offset_s) for offset_s in offsets_s)
    found = by_period(statement, cuts)
    assert reduce(add, (each.parts for each in found), Parts()) == statement.total
    assert [each.end for each in found[:-1]] == [each.start for each in found[1:]]
    assert (found[0].start, found[-1].end) == (statement.start, statement.end)
    numbers = [each.number for each in found]
    assert numbers == sorted(set(numbers))


def test_a_reading_at_the_cut_ends_the_day() -> None:
    """As the statement of the next day begins with it."""
    purse = hedged()
    start = purse.at - timedelta(seconds=60)
    for _ in range(4):
        purse.fee_quote += 1
        purse.read()
    statement = purse.statement()
    assert statement is not None
    cut = start + timedelta(seconds=120)
    first, second = by_period(statement, [cut])
    assert (first.end, first.number, second.start, second.number) == (cut, 0, cut, 1)
    assert first.parts.lp_fees == 2


def test_a_day_in_which_nothing_was_read_is_no_row_of_zeros() -> None:
    """What it brought is in the next one, which says since when."""
    purse = hedged()
    start = purse.at - timedelta(seconds=60)
    purse.read(3 * 86_400)
    purse.fee_quote += 7
    purse.read()
    statement = purse.statement()
    assert statement is not None
    first, second = by_period(statement, [start + timedelta(days=day) for day in (1, 2, 3)])
    assert (first.parts.lp_fees, second.parts.lp_fees) == (Decimal(0), Decimal(7))
    assert (second.start, second.number) == (first.end, 3)
    assert second.parts.unwatched == timedelta(days=3)
