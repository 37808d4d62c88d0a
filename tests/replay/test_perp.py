"""Replay's margin on machine numbers against the paper venue's on Decimals, through all tiers, long and short."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.market import RULES
from core.config import HedgeConfig, PaperConfig
from core.exchange import paper_margin
from core.replay.perp import (
    Perp,
    equity_quote,
    liquidation_price,
    maintenance_quote,
    tier_of,
)
from core.replay.setup import Account, setup_from
from tests.replay.paths import PLAIN, POSITION

STEP = Decimal("0.001")
SYMBOLS = st.sampled_from(["ETHUSDT", "BNBUSDT"])
SIDES = st.sampled_from([-1, 1])
# Evenly over the powers of ten: from below every tier to above the highest.
NOTIONALS = st.floats(1.0, 8.5).map(lambda power: 10.0**power)


@cache
def account_of(symbol: str) -> Account:
    config = HedgeConfig.model_validate({**PLAIN, "symbol": symbol})
    rules = replace(RULES, symbol=symbol)
    return setup_from(config, rules, position=POSITION, paper=PaperConfig()).account


def entered(symbol: str, side: int, notional: float, backing: float) -> Perp:
    """At about a real price; `backing`: the wallet as a share of the notional."""
    price = 2000.0 if symbol == "ETHUSDT" else 600.0
    steps = side * max(1, int(notional / price / float(STEP)))
    cost = steps * float(STEP) * price
    return Perp(steps, cost, backing * abs(cost))


def paper_price(perp: Perp, symbol: str) -> Decimal | None:
    size, table = perp.steps * STEP, paper_margin.BRACKETS[symbol]
    return paper_margin.liquidation_price(size, Decimal(perp.cost_quote), Decimal(perp.wallet_quote), table)


@settings(max_examples=400, deadline=None)
@given(symbol=SYMBOLS, side=SIDES, notional=NOTIONALS, backing=st.floats(0.001, 3.0))
def test_the_liquidation_price_is_the_paper_venues(symbol: str, side: int, notional: float, backing: float) -> None:
    """In whatever tier the answer's own notional falls; none for a long that its wallet pays for."""
    perp = entered(symbol, side, notional, backing)
    exact, found = paper_price(perp, symbol), liquidation_price(perp, account_of(symbol), float(STEP))
    assert found == pytest.approx(float(exact or 0), rel=1e-9, abs=1e-9)


@settings(max_examples=400, deadline=None)
@given(symbol=SYMBOLS, notional=NOTIONALS)
def test_the_maintenance_margin_is_the_paper_venues(symbol: str, notional: float) -> None:
    """Rate and deduction of the same tier, to the paper account's unit."""
    account = account_of(symbol)
    exact = paper_margin.maintenance_margin(paper_margin.BRACKETS[symbol], Decimal(notional))
    assert maintenance_quote(account, tier_of(account, notional), notional) == pytest.approx(float(exact), abs=1e-6)


@pytest.mark.parametrize("symbol", ["ETHUSDT", "BNBUSDT"])
def test_every_tier_begins_just_above_its_floor(symbol: str) -> None:
    """In the paper venue's order, the floor itself still in the tier below."""
    account = account_of(symbol)
    for number, bracket in enumerate(paper_margin.BRACKETS[symbol]):
        floor = float(bracket.floor_quote)
        assert tier_of(account, floor + 0.01) == number
        assert tier_of(account, floor) == max(number - 1, 0)
        assert account.tier_rate[number] == float(bracket.rate)
        assert account.tier_deduction[number] == float(bracket.cum_quote)


@settings(max_examples=200, deadline=None)
@given(symbol=SYMBOLS, side=SIDES, notional=NOTIONALS, backing=st.floats(0.03, 0.9), move=st.floats(-0.5, 0.5))
def test_equity_is_the_wallet_and_what_the_move_brought(
    symbol: str, side: int, notional: float, backing: float, move: float
) -> None:
    """A short gains what the price falls."""
    perp = entered(symbol, side, notional, backing)
    mark = perp.cost_quote / (perp.steps * float(STEP)) * (1 + move)
    exact = Decimal(perp.wallet_quote) + perp.steps * STEP * Decimal(mark) - Decimal(perp.cost_quote)
    assert equity_quote(perp, float(STEP), mark) == pytest.approx(float(exact), abs=1e-9 * notional)


@settings(max_examples=200, deadline=None)
@given(symbol=SYMBOLS, side=SIDES, notional=NOTIONALS, backing=st.floats(0.1, 0.9))
def test_at_the_liquidation_price_nothing_is_spare(symbol: str, side: int, notional: float, backing: float) -> None:
    """A hair before it equity exceeds maintenance, a hair behind it it does not: up for a short, down for a long."""
    perp, account = entered(symbol, side, notional, backing), account_of(symbol)
    price = liquidation_price(perp, account, float(STEP))
    assert spare(perp, account, price * (1 + side * 1e-6)) > 0
    assert spare(perp, account, price * (1 - side * 1e-6)) < 0


def spare(perp: Perp, account: Account, mark: float) -> float:
    """What equity leaves over the maintenance margin."""
    notional = abs(perp.steps) * float(STEP) * mark
    return equity_quote(perp, float(STEP), mark) - maintenance_quote(account, tier_of(account, notional), notional)
