"""What-if and margin needs: the theory's check values, both token orders, and the paper venue moved to that price."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import HedgeConfig
from core.exchange.paper import PaperVenue
from core.facts import LpFacts, OrderSide, PerpAccount
from core.hedging.life_memory import LifeMemory
from core.hedging.lifecycle import LpView, observe
from core.hedging.maintenance import liquidation_price
from core.hedging.margin_needs import Edges, Readable, edges_of, need, readable, spare_quote
from core.hedging.price_move import left_alone, rebalanced
from core.hedging.whatif import what_if
from core.observation import life_rules
from core.outlook import Outlook
from tests.exchange.paper_rig import ETH, HandMarket, flat_market, market_order, open_venue, sell
from tests.hedging.positions import NOW, position, read
from tests.hedging.test_margin import SHORT_10

BOTH_ORDERS = pytest.mark.parametrize("base_is_token0", [True, False], ids=["base first", "quote first"])
BNB = "BNBUSDT"


def config(**changed: object) -> HedgeConfig:
    required = {"chain": "bsc", "amm_type": "uniswap_v3", "lp_position_ids": [1], "symbol": ETH}
    return HedgeConfig.model_validate(required | {"wallet": "0x" + "a" * 40} | changed)


def view(facts: LpFacts, settings: HedgeConfig) -> LpView:
    return observe(facts, LifeMemory(), life_rules(settings), NOW)[0]


def account(short: str = "25", **changed: object) -> PerpAccount:
    """A short at 2000 with 50,000 behind it, 0.4 % maintenance, leverage 5, no fees."""
    size = Decimal(short)
    plain = replace(
        SHORT_10,
        symbol=ETH,
        position_base=-size,
        short_base=size,
        entry_price=Decimal(2000),
        margin_balance_quote=Decimal(50_000),
        available_balance_quote=Decimal(50_000) - size * 400,
        maintenance_margin_quote=size * 8,
        initial_rate=Decimal("0.2"),
        maintenance_rate=Decimal("0.004"),
    )
    found = liquidation_price(plain, size, Decimal(2000), Decimal(50_000))
    return replace(plain, liquidation_price=found, **changed)


def outlook(facts: LpFacts | None, held: PerpAccount | None, mark: str = "2000", **changed: object) -> Outlook:
    settings = config(**changed)
    lp = view(facts, settings) if facts is not None else None
    return Outlook("eth", settings, lp, held, flat_market(mark) if held is not None else None)


def known(facts: LpFacts, held: PerpAccount, mark: str = "2000", name: str = "eth", **changed: object) -> Readable:
    found = readable(replace(outlook(facts, held, mark, **changed), hedge=name))
    assert found is not None
    return found


# -- the theory ------------------------------------------------------------------------------------------------------


@BOTH_ORDERS
def test_formula_13(base_is_token0: bool):
    """A rally to the upper edge costs the rebalanced short V(Pb)-V(P), one left alone its size times the rise: of the
    reference position 5,901.70 and 12,500, as far as the ticks' own edges allow."""
    lp = view(read(position(base_is_token0=base_is_token0)), config())
    edges = edges_of(lp)
    assert edges is not None
    followed = rebalanced(lp, account(), Decimal(2000), edges.upper, Decimal(1))
    assert followed is not None
    liquidity = Decimal("10590.169943749474")
    at_edge = liquidity * (edges.upper.sqrt() - edges.lower.sqrt())
    now = lp.lp_base * 2000 + lp.lp_quote
    assert abs(-followed.pnl_quote - (at_edge - now)) < Decimal("0.00001")
    assert abs(-followed.pnl_quote / Decimal("5901.70") - 1) < Decimal("0.005")
    assert followed.short_base < Decimal("1e-15")
    alone = left_alone(account("25"), Decimal(2000), Decimal(2500))
    assert alone.pnl_quote == -12_500


@BOTH_ORDERS
@pytest.mark.parametrize("price", ["1000", "1800", "2000", "2200", "2500", "4000"])
def test_formula_1_and_3(base_is_token0: bool, price: str):
    """Amounts at a price, and what a short that was set once leaves over: -L(sqrt P1 - sqrt P0)^2 / sqrt P0 within."""
    there = Decimal(price)
    found = what_if(outlook(read(position(base_is_token0=base_is_token0)), account()), there)
    assert found.lp is not None
    assert found.left_alone is not None
    lp = view(read(position(base_is_token0=base_is_token0)), config())
    edges = edges_of(lp)
    assert edges is not None
    liquidity = Decimal("10590.169943749474")
    root = min(max(there, edges.lower), edges.upper).sqrt()
    assert abs(found.lp.base - liquidity * (1 / root - 1 / edges.upper.sqrt())) < Decimal("1e-9")
    assert abs(found.lp.quote - liquidity * (root - edges.lower.sqrt())) < Decimal("0.00001")
    exact = outlook(read(position(base_is_token0=base_is_token0)), account(str(lp.lp_base)))
    both = what_if(exact, there)
    assert both.lp is not None
    assert both.left_alone is not None
    left_over = both.lp.change_quote + both.left_alone.pnl_quote
    if edges.lower <= there <= edges.upper:
        expected = -liquidity * (there.sqrt() - Decimal(2000).sqrt()) ** 2 / Decimal(2000).sqrt()
        assert abs(left_over - expected) < Decimal("0.0001")
    assert left_over <= Decimal("0.00001")


def test_a_rebalanced_short_leaves_nothing_over_when_it_starts_at_its_target():
    """At ratio 1 a straight path costs nothing but fees: LP and short cancel, in range and beyond it."""
    lp = view(read(position()), config())
    for price in ("1000", "1700", "2300", "3500"):
        found = what_if(outlook(read(position()), account(str(lp.lp_base))), Decimal(price))
        assert found.lp is not None
        assert found.rebalanced is not None
        assert abs(found.lp.change_quote + found.rebalanced.pnl_quote) < Decimal("0.00001")


def test_half_a_hedge_leaves_half():
    """`hedge_ratio` scales the rebalanced short, its profit and what it trades; the position itself is not changed."""
    whole, half = (
        what_if(outlook(read(position()), account(), hedge_ratio=ratio), Decimal(2300)) for ratio in ("1", "0.5")
    )
    assert whole.rebalanced is not None
    assert half.rebalanced is not None
    assert whole.lp == half.lp
    assert half.rebalanced.pnl_quote * 2 == whole.rebalanced.pnl_quote
    assert half.rebalanced.position_base * 2 == whole.rebalanced.position_base


def test_fees_wallet_and_departed_base_count_as_configured():
    """BASE beside the liquidity gains with the price, is hedged where it counts, and is part of the value."""
    facts = read(position(owed=("2", "30")), wallet="5")
    every = what_if(outlook(facts, account(), include_wallet_base=True), Decimal(2200))
    fees = what_if(outlook(facts, account()), Decimal(2200))
    none = what_if(outlook(facts, account(), include_fees=False), Decimal(2200))
    assert every.lp is not None and fees.lp is not None and none.lp is not None
    assert every.rebalanced is not None and fees.rebalanced is not None and none.rebalanced is not None
    assert (every.lp.beside_base, fees.lp.beside_base, none.lp.beside_base) == (7, 2, 2)
    assert fees.lp.beside_quote == 30
    assert fees.rebalanced.position_base - every.rebalanced.position_base == 5
    assert none.rebalanced.position_base - fees.rebalanced.position_base == 2
    assert fees.rebalanced.pnl_quote - every.rebalanced.pnl_quote == 5 * 200
    assert every.lp.change_quote - fees.lp.change_quote == 5 * 200


def test_the_fee_is_of_what_is_traded_on_the_way():
    """The taker's rate on the first trade to the target, and on the QUOTE that the positions take or give."""
    lp = view(read(position()), config())
    paying = account("20", taker_fee_rate=Decimal("0.0005"))
    found = what_if(outlook(read(position()), paying), Decimal(2200))
    assert found.rebalanced is not None and found.lp is not None
    traded = (lp.lp_base - 20) * 2000 + found.lp.quote - lp.lp_quote
    assert abs(found.rebalanced.fee_quote - traded * Decimal("0.0005")) < Decimal("0.00001")


@given(steps=st.integers(200, 400), price=st.sampled_from(["1500", "1900", "2150", "2600"]))
@settings(max_examples=8, deadline=None)
def test_many_small_trades_come_to_what_the_rebalanced_short_earns(steps: int, price: str):
    """A short that is brought to its target at each of some hundred steps ends where the exact figure says."""
    lp = view(read(position()), config())
    there, size, earned = Decimal(price), lp.lp_base, Decimal(0)
    for step in range(1, steps + 1):
        before = 2000 + (there - 2000) * (step - 1) / steps
        after = 2000 + (there - 2000) * step / steps
        earned -= (size + lp.net_base_at(after)) / 2 * (after - before)
        size = lp.net_base_at(after)
    found = rebalanced(lp, account(), Decimal(2000), there, Decimal(1))
    assert found is not None
    assert abs(found.pnl_quote - earned) < Decimal("0.5")
    assert found.short_base == size


# -- what is not known ---------------------------------------------------------------------------------------------


def test_what_was_not_read_is_left_out():
    """Without the exchange the positions alone, without the chain the short left alone; nothing is made up."""
    blind = what_if(outlook(read(position()), None), Decimal(2200))
    assert blind.lp is not None
    assert blind.left_alone is None and blind.rebalanced is None and blind.mark_price is None
    flying = what_if(outlook(None, account()), Decimal(2200))
    assert flying.left_alone is not None
    assert flying.lp is None and flying.rebalanced is None and flying.pool_price is None


def test_an_isolated_short_without_a_liquidation_price_says_so():
    """What stands behind it cannot be told, so what follows from it is not shown."""
    unclear = account(isolated=True)
    found = what_if(outlook(read(position()), replace(unclear, liquidation_price=None)), Decimal(2200))
    assert found.rebalanced is None
    assert need([known(read(position()), replace(unclear, liquidation_price=None))], {}, follows=False) is None


# -- against the venue ---------------------------------------------------------------------------------------------


async def _opened(short: str, beside: str, balance: str = "200000") -> tuple[HandMarket, PaperVenue]:
    feed = HandMarket(flat_market("2000", depth="100000"), flat_market("600", symbol=BNB, depth="100000"))
    venue = await open_venue(feed, balance=balance)
    await venue.place(sell(short, cid="a"))
    if Decimal(beside):
        await venue.place(replace(sell(beside, cid="b"), symbol=BNB))
    await venue.account(BNB)
    return feed, venue


@pytest.mark.parametrize("beside", ["0", "15", "120"])
@pytest.mark.parametrize(("short", "price"), [("24.9", "1300"), ("24.9", "2050"), ("24.9", "3999"), ("280", "2150")])
async def test_the_paper_account_moved_there_is_what_was_foretold(short: str, price: str, beside: str):
    """Balance, maintenance, available and liquidation price across margin tiers, another symbol's short beside it."""
    feed, venue = await _opened(short, beside)
    before = await venue.account(ETH)
    found = what_if(Outlook("eth", config(), None, before, feed.markets[ETH]), Decimal(price)).left_alone
    feed.move(price)
    after = await venue.account(ETH)
    assert found is not None
    assert found.liquidated == (after.position_base == 0)
    if not found.liquidated:
        assert abs(found.margin_balance_quote - after.margin_balance_quote) < Decimal("1e-7")
        assert abs(found.maintenance_quote - after.maintenance_margin_quote) < Decimal("1e-7")
        assert abs(max(Decimal(0), found.free_quote) - after.available_balance_quote) < Decimal("1e-7")
        assert found.liquidation_price is not None and after.liquidation_price is not None
        assert abs(found.liquidation_price / after.liquidation_price - 1) < Decimal("1e-12")


@given(
    short=st.integers(1, 400), beside=st.integers(0, 150), price=st.integers(800, 4500), balance=st.integers(20, 300)
)
@settings(max_examples=40, deadline=None)
async def test_any_move_of_the_paper_account_is_foretold(short: int, beside: int, price: int, balance: int):
    """As above for any size, price and balance that the account can bear."""
    feed, venue = await _opened("1", "1", balance=str(balance * 1000))
    most = int((await venue.account(ETH)).available_balance_quote / 450)
    await venue.place(market_order(OrderSide.SELL, str(max(1, min(short, most))), cid="c"))
    await venue.place(replace(market_order(OrderSide.SELL, str(max(1, beside // 10)), cid="d"), symbol=BNB))
    before = await venue.account(ETH)
    found = what_if(Outlook("eth", config(), None, before, feed.markets[ETH]), Decimal(price)).left_alone
    feed.move(str(price))
    after = await venue.account(ETH)
    assert found is not None
    assert found.liquidated == (after.position_base == 0)
    if not found.liquidated:
        assert abs(found.margin_balance_quote - after.margin_balance_quote) < Decimal("1e-6")
        assert abs(max(Decimal(0), found.free_quote) - after.available_balance_quote) < Decimal("1e-6")
        assert abs(found.maintenance_quote - after.maintenance_margin_quote) < Decimal("1e-6")


async def test_the_rebalanced_paper_account_ends_where_it_was_foretold():
    """Traded to the target at each of 200 steps of the way, the account stands where the exact figures say, within what
    the steps' size leaves."""
    lp = view(read(position()), config())
    feed, venue = await _opened("25", "10")
    before = await venue.account(ETH)
    found = what_if(Outlook("eth", config(), lp, before, feed.markets[ETH]), Decimal(2300)).rebalanced
    for step in range(1, 201):
        price = Decimal(2000) + Decimal(300) * step / 200
        feed.set(flat_market(str(price), depth="100000"))
        short = (await venue.account(ETH)).short_base
        quantity = round(short - lp.net_base_at(price), 3)
        if quantity * price >= 20:
            await venue.place(market_order(OrderSide.BUY, str(quantity), cid=f"r{step}", reduce_only=True))
    after = await venue.account(ETH)
    assert found is not None
    assert abs(found.position_base - after.position_base) < Decimal("0.02")
    assert abs(found.margin_balance_quote - after.margin_balance_quote) < 40
    assert abs(found.free_quote - after.available_balance_quote) < 50
    assert found.liquidation_price is not None and after.liquidation_price is not None
    assert abs(found.liquidation_price / after.liquidation_price - 1) < Decimal("0.005")


def test_both_legs_pay_their_fee():
    """What is netted off is traded on either side, also where the net position stays the same."""
    held = account("25", taker_fee_rate=Decimal("0.0005"), hedge_mode=True)
    lp = view(read(position()), config())
    both = replace(held, long_base=Decimal(10), short_base=Decimal(35))
    one, two = (rebalanced(lp, each, Decimal(2000), Decimal(2000), Decimal(1)) for each in (held, both))
    assert one is not None and two is not None
    off_target = 2 * one.fee_quote
    assert abs(two.fee_quote - Decimal(20)) <= off_target


def test_an_isolated_position_does_not_stand_behind_a_cross_one():
    """Beside one that was read later, a cross short lacks as much as if it were alone."""
    up, plenty = {"eth": Decimal(2400)}, {"available_balance_quote": Decimal(10**9)}
    alone = known(read(position()), account("100", **plenty))
    beside = known(read(position()), account("100", maintenance_margin_quote=Decimal(1200), **plenty))
    theirs = account(
        "50", isolated=True, margin_balance_quote=Decimal(90_000), maintenance_margin_quote=Decimal(1200), **plenty
    )
    later = replace(theirs, as_of=beside.account.as_of + timedelta(seconds=1))
    other = replace(beside, hedge="eth2", account=later)
    lonely, found = need([alone], up, follows=False), need([beside, other], up, follows=False)
    assert lonely is not None and found is not None
    assert found.lacks_quote == lonely.lacks_quote > 0


@pytest.mark.parametrize("price", ["1700", "2000", "2200"])
def test_an_isolated_short_stands_alone(price: str):
    """A rise frees its share of what stands behind it and leaves liquidation where it is; a fall ties up the initial
    margin of what is added; no unit is made or lost between position and account."""
    there, held = Decimal(price), account(isolated=True, margin_balance_quote=Decimal(90_000))
    lp = view(read(position()), config())
    move = rebalanced(lp, held, Decimal(2000), there, Decimal(1))
    assert move is not None
    assert move.equity_quote is not None
    kept = Decimal(50_000) + move.equity_quote - Decimal(50_000) + move.freed_quote
    assert abs(kept - (Decimal(50_000) + move.gain_quote)) < Decimal("1e-9")
    found = what_if(outlook(read(position()), held), there)
    assert found.rebalanced is not None and held.liquidation_price is not None
    assert found.rebalanced.liquidation_price is not None
    if there > 2000:
        assert abs(found.rebalanced.liquidation_price - _after_first_trade(lp, held)) < Decimal("1e-9")
    assert found.left_alone is not None
    assert found.left_alone.free_quote == held.available_balance_quote


def _after_first_trade(lp: LpView, held: PerpAccount) -> Decimal:
    """Where liquidation stands once the short was brought to its target at the mark."""
    move = rebalanced(lp, held, Decimal(2000), Decimal(2000), Decimal(1))
    assert move is not None
    assert move.equity_quote is not None
    found = liquidation_price(held, move.short_base, Decimal(2000), move.equity_quote)
    assert found is not None
    return found


# -- margin needs --------------------------------------------------------------------------------------------------


def test_edges_are_the_outermost_of_what_holds_liquidity():
    """Empty and full-range positions have none."""
    wide = replace(position(2), price_lower=Decimal("1e-18"), price_upper=Decimal("1e18"))
    empty = replace(position(3, liquidity=0), price_lower=Decimal(1))
    lower, upper = position().price_lower, position().price_upper
    assert edges_of(view(read(position(), wide, empty), config())) == Edges(lower, upper)
    assert edges_of(view(read(wide), config())) is None
    assert edges_of(view(read(empty), config())) is None


@pytest.mark.parametrize("follows", [True, False])
@pytest.mark.parametrize("to", ["1500", "2000", "2450", "2700"])
@pytest.mark.parametrize("least", ["0", "5000"])
def test_with_exactly_what_is_lacking_the_move_is_just_borne(follows: bool, to: str, least: str):
    """Moving in what is asked for leaves nothing lacking; a unit less is too little."""
    for held in (account(), account("100"), account("60", isolated=True)):
        one = known(read(position()), held, min_available_balance_quote=least)
        found = need([one], {"eth": Decimal(to)}, follows=follows)
        assert found is not None
        again = need([_with_money(one, found.lacks_quote)], {"eth": Decimal(to)}, follows=follows)
        assert again is not None
        assert abs(again.lacks_quote) < Decimal("1e-9")


def _with_money(one: Readable, quote: Decimal) -> Readable:
    held = one.account
    more = replace(
        held,
        margin_balance_quote=held.margin_balance_quote + quote,
        available_balance_quote=held.available_balance_quote + quote,
    )
    return replace(one, account=more)


def test_liquidation_stays_as_far_as_configured():
    """At the end of the way, with just what is lacking moved in, the liquidation price is the limit's."""
    one = known(
        read(position()), account("120", available_balance_quote=Decimal(2000)), min_liquidation_distance_pct=20
    )
    found = need([one], {"eth": Decimal(2400)}, follows=False)
    assert found is not None
    richer = _with_money(one, found.lacks_quote)
    move = left_alone(richer.account, Decimal(2000), Decimal(2400))
    balance = richer.account.margin_balance_quote + move.pnl_quote
    price = liquidation_price(richer.account, move.short_base, Decimal(2400), balance)
    assert price is not None
    assert price >= Decimal(2400) * Decimal("1.2") - Decimal("1e-9")


def test_hedges_of_one_account_lack_what_the_others_lose():
    """Both together need more than either alone, by what the other's loss takes; who stands still keeps its margin."""
    first = known(read(position()), account("25", maintenance_margin_quote=Decimal(400)))
    second = replace(first, hedge="eth2")
    up = {"eth": Decimal(2400), "eth2": Decimal(2400)}
    both = need([first, second], up, follows=False)
    alone = need([first, second], {"eth": Decimal(2400)}, follows=False)
    assert both is not None and alone is not None
    assert both.gain_quote == 2 * alone.gain_quote == -20_000
    assert both.balance_quote == 30_000
    assert both.lacks_quote > alone.lacks_quote


def test_no_more_can_be_spared_than_is_free():
    """Falling prices make profit, but what is not there yet cannot be moved out."""
    one = known(read(position()), account(), min_available_balance_quote="1000")
    down = need([one], {"eth": Decimal(1500)}, follows=False)
    assert down is not None
    assert spare_quote([one], [down]) <= one.account.available_balance_quote - 1000
    up = need([one], {"eth": Decimal(5000)}, follows=False)
    assert up is not None
    assert spare_quote([one], [down, up]) == -up.lacks_quote < 0


def test_the_tightest_point_of_the_way_counts():
    """Near the upper edge initial margin is freed faster than the short loses: the middle needs more than the end."""
    one = known(read(position()), account(available_balance_quote=Decimal(0), margin_balance_quote=Decimal(10_000)))
    assert one.lp is not None
    edges = edges_of(one.lp)
    assert edges is not None
    found = need([one], {"eth": edges.upper}, follows=True)
    assert found is not None
    assert found.lacks_quote > -found.free_quote


def test_a_market_without_an_account_says_nothing_of_the_short():
    """Half of what is needed is not enough."""
    assert readable(Outlook("eth", config(), view(read(position()), config()), None, flat_market("2000"))) is None
    assert readable(None) is None
