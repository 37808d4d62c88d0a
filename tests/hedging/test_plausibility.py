"""Which reads are believed at once, which at the second time, and which facts are too old."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.facts import BookLevel, LpFacts, Market, OrderSide
from core.hedging.freshness import AgeLimits, chain_problem, dislocated_since, is_dislocated
from core.hedging.life_memory import LifeMemory
from core.hedging.lifecycle import LifeRules, observe
from core.hedging.plausibility import Doubt, doubt_lp
from core.hedging.slippage import walk_book
from core.hedging.states import Reason
from tests.hedging.positions import LIQUIDITY, NOW, position, read

RULES = LifeRules(grace=timedelta(seconds=300), wallet_counts=True, fees_count=True, dust_quote=Decimal(10))


def doubt(before: LpFacts, now: LpFacts, *, earlier: Doubt | None = None) -> Doubt | None:
    memory = observe(before, LifeMemory(), RULES, before.as_of)[1]
    return doubt_lp(now, memory, earlier, max_jump_pct=Decimal(50), wallet_counts=True, now=now.as_of)


BEFORE = read(position(), wallet="4")


@pytest.mark.parametrize(
    "now",
    [
        read(position(price="2600"), block=2, wallet="4"),
        read(position(owed=("90", "0")), block=2, wallet="4"),
        read(position(liquidity=LIQUIDITY // 2 + 1), block=2, wallet="4"),
        read(position(), block=2, wallet="6"),
    ],
    ids=["amounts fell to zero by price", "fees", "liquidity under the limit", "wallet under the limit"],
)
def test_what_follows_from_unchanged_liquidity_is_believed_at_once(now: LpFacts):
    """Amounts are never doubted, nor are small changes."""
    assert doubt(BEFORE, now) is None


@pytest.mark.parametrize(
    "now",
    [
        read(position(liquidity=0), block=2, wallet="4"),
        read(position(liquidity=LIQUIDITY // 3), block=2, wallet="4"),
        read(position(liquidity=LIQUIDITY * 2), block=2, wallet="4"),
        read(block=2, wallet="4", missing=[1]),
        read(position(owner="0xthief"), block=2, wallet="4"),
        read(position(), block=2, wallet="0"),
        read(position(), block=2, wallet="8"),
    ],
    ids=["zero", "fall", "rise", "gone", "owner", "wallet zero", "wallet rise"],
)
def test_a_jump_is_believed_at_the_second_read_that_repeats_it(now: LpFacts):
    """Doubted once; believed at a later block or two seconds later, not at the same block at once."""
    first = doubt(BEFORE, now)
    assert first is not None and first.why
    assert doubt(BEFORE, now, earlier=first) is first
    again = read(*now.positions, block=3, wallet=str(now.wallet_base), missing=now.missing_ids)
    assert doubt(BEFORE, again, earlier=first) is None


def test_a_different_jump_begins_a_new_doubt():
    """A second read that shows something else confirms nothing."""
    first = doubt(BEFORE, read(position(liquidity=0), block=2, wallet="4"))
    other = doubt(BEFORE, read(position(liquidity=1), block=3, wallet="4"), earlier=first)
    assert other is not None and other is not first


def test_the_first_read_has_no_predecessor():
    """Nothing is doubted before anything was believed."""
    empty = read(position(liquidity=0), wallet="0")
    assert doubt_lp(empty, LifeMemory(), None, max_jump_pct=Decimal(50), wallet_counts=True, now=NOW) is None


def test_a_stopped_node_is_stale():
    """Both the read and its block must be young: a node that stopped still answers."""
    limits = AgeLimits(chain=timedelta(seconds=30), price=timedelta(seconds=10))
    facts = read(position())
    assert chain_problem(facts, limits, facts.as_of + timedelta(seconds=30)) is Reason.NONE
    assert chain_problem(facts, limits, facts.as_of + timedelta(seconds=31)) is Reason.STALE_CHAIN
    assert chain_problem(None, limits, NOW) is Reason.STALE_CHAIN


def market(mark: str = "2000", depth: str = "1") -> Market:
    level = Decimal(depth)
    return Market(
        symbol="X",
        bids=(BookLevel(Decimal(1999), level), BookLevel(Decimal(1998), level)),
        asks=(BookLevel(Decimal(2001), level), BookLevel(Decimal(2002), level)),
        mark_price=Decimal(mark),
        index_price=Decimal(2000),
        funding_rate=Decimal(0),
        next_funding_time=NOW,
        as_of=NOW,
    )


def test_a_mark_far_from_its_index_for_a_minute_is_dislocated():
    """More than 3 %, for 60 s without a break."""
    assert dislocated_since(market("2060"), None, NOW) is None
    since = dislocated_since(market("2061"), None, NOW)
    assert dislocated_since(market("1900"), since, NOW + timedelta(seconds=30)) == NOW
    assert not is_dislocated(since, NOW + timedelta(seconds=59))
    assert is_dislocated(since, NOW + timedelta(seconds=60))
    assert dislocated_since(market("2000"), since, NOW + timedelta(seconds=61)) is None


def test_walking_the_book():
    """A taker pays level by level; slippage is the average against the mid, worse is positive on both sides."""
    sold = walk_book(market(), OrderSide.SELL, Decimal("1.5"))
    bought = walk_book(market(), OrderSide.BUY, Decimal("1.5"))
    assert sold is not None and bought is not None
    assert (sold.worst_price, bought.worst_price) == (1998, 2002)
    assert sold.slippage_bps == bought.slippage_bps > 5
    assert walk_book(market(), OrderSide.BUY, Decimal("2.1")) is None


def test_a_wallet_that_does_not_count_is_not_doubted():
    """Nor does it keep another doubt from being settled."""
    memory = observe(BEFORE, LifeMemory(), replace(RULES, wallet_counts=False), BEFORE.as_of)[1]
    emptied = read(position(), block=2, wallet="0")
    assert doubt_lp(emptied, memory, None, max_jump_pct=Decimal(50), wallet_counts=False, now=emptied.as_of) is None


def test_a_wallet_that_pays_for_gas_does_not_begin_a_doubt_anew():
    """Position gone and a little less coin at each read: believed at the second all the same."""
    first = doubt(BEFORE, read(block=2, wallet="3.999", missing=[1]))
    assert first is not None
    assert doubt(BEFORE, read(block=3, wallet="3.998", missing=[1]), earlier=first) is None
    assert doubt(BEFORE, read(block=3, wallet="0.1", missing=[1]), earlier=first) is not None
