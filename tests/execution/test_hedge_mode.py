"""An account in hedge mode: orders name their leg and never the flag, and two open legs are netted off."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.events import EventKind
from tests.core.saying import said
from tests.execution.world import HEDGED, SYMBOL, Setting, running
from tests.rigs.venue import PLACE, Exchange, faults


def with_two_legs(setting: Setting) -> Exchange:
    """An account that holds 2 long and 5 short, which are adopted."""
    exchange = setting.server.exchange
    exchange.set_hedge_mode(True)
    setting.settings |= {"adopt_external": "auto"}
    exchange.set_position(SYMBOL, Decimal(2), side="LONG")
    exchange.set_position(SYMBOL, Decimal(-5), side="SHORT")
    return exchange


async def test_the_short_leg_is_opened_and_closed(setting: Setting) -> None:
    setting.server.exchange.set_hedge_mode(True)
    async with running(setting) as world:
        await world.until_hedged()
        assert setting.server.exchange.position(SYMBOL, "SHORT") == HEDGED
        setting.set_price(2150)
        await world.cycles(1)
        await world.until_hedged()
        sent = [entry.params for entry in setting.server.requests(PLACE)]
        assert [(each["side"], each["positionSide"]) for each in sent] == [("SELL", "SHORT"), ("BUY", "SHORT")]
        assert all("reduceOnly" not in each for each in sent)
        assert HEDGED < setting.server.exchange.position(SYMBOL, "SHORT") < 0
        await world.check_settled()


async def test_quotes_in_hedge_mode(setting: Setting) -> None:
    setting.server.exchange.set_hedge_mode(True)
    setting.settings |= {"order_type": "post_only", "urgent_band_multiple": 0}
    async with running(setting) as world:
        await world.cycles(2)
        (order,) = setting.server.exchange.open_orders(SYMBOL)
        assert (order.request.position_side, order.request.side) == ("SHORT", "SELL")
        setting.set_price(2002)
        setting.set_price(2000)
        await world.until_hedged()
        await world.check_settled()


async def test_two_legs_are_netted_in_alternating_slices(setting: Setting) -> None:
    """The smaller is closed on both sides, first where that narrows the gap; then the rest of the gap."""
    exchange = with_two_legs(setting)
    async with running(setting) as world:
        await world.cycles(8)
        await world.until_hedged(within=120)
        assert (exchange.position(SYMBOL, "LONG"), exchange.position(SYMBOL, "SHORT")) == (Decimal(0), HEDGED)
        netting = [entry.params for entry in setting.server.requests(PLACE)][:10]
        assert [each["positionSide"] for each in netting] == ["LONG", "SHORT"] * 5
        assert all(Decimal(each["quantity"]) == Decimal("0.4") for each in netting)
        (told, *_) = await world.events(EventKind.HEDGE_EXECUTED)
        assert (told.data["reason"], told.data["quantity_base"]) == ("net_legs", "4.000")
        await world.check_settled()


async def test_netting_goes_on_after_a_restart_and_a_lost_answer(setting: Setting) -> None:
    exchange = with_two_legs(setting)
    async with running(setting) as world:
        await world.cycles(8)
        setting.server.faults.add(PLACE, faults.drop().after())
        await world.cycles(1)
    async with running(setting) as world:
        await world.until_hedged(within=120)
        assert (exchange.position(SYMBOL, "LONG"), exchange.position(SYMBOL, "SHORT")) == (Decimal(0), HEDGED)
        await world.check_settled()


async def test_a_leg_that_is_not_ours_is_not_touched(setting: Setting) -> None:
    """A stranger's LONG leg: nothing is traded until a person adopts it or it is gone."""
    exchange = setting.server.exchange
    exchange.set_hedge_mode(True)
    async with running(setting) as world:
        await world.until_hedged()
        exchange.set_position(SYMBOL, Decimal(3), side="LONG")
        sent = len(setting.sent())
        await world.cycles(20)
        assert (world.status.state, world.status.reason) == ("SUSPENDED", "position_mismatch")
        assert len(setting.sent()) == sent
        await world.command("adopt", "eth", "LONG")
        await world.until_hedged(within=120)
        assert exchange.position(SYMBOL, "LONG") == 0
        await world.check_settled()


@pytest.mark.parametrize("leg", ["LONG", "SHORT"])
async def test_a_leg_that_one_way_mode_lacks_is_not_adopted(setting: Setting, leg: str) -> None:
    """It is said, instead of an agreement that nobody looked for."""
    async with running(setting) as world:
        await world.until_hedged()
        assert await said(world, "adopt", "eth", leg) == (
            False,
            f"The account is in one-way mode, without a {leg} leg: /adopt eth.",
        )
        assert await world.events(EventKind.POSITION_ADOPTED) == []


async def test_flatten_closes_both_legs(setting: Setting) -> None:
    exchange = with_two_legs(setting)
    async with running(setting) as world:
        await world.cycles(6)
        await world.command("flatten")
        await world.until(lambda w: setting.position == 0 and w.status.reason == "halted", within=60)
        assert (exchange.position(SYMBOL, "LONG"), exchange.position(SYMBOL, "SHORT")) == (Decimal(0), Decimal(0))
        await world.check_settled()


async def test_the_mode_changes_under_way(setting: Setting) -> None:
    """-4061 means read the mode again; nothing is ever switched by us."""
    exchange = setting.server.exchange
    async with running(setting) as world:
        await world.cycles(1)
        await world.until_hedged()
        await world.command("flatten")
        await world.until(lambda w: setting.position == 0, within=30)
        exchange.set_hedge_mode(True)
        await world.command("resume")
        await world.until_hedged(within=60)
        assert exchange.position(SYMBOL, "SHORT") == HEDGED
        assert setting.server.requests("POST /fapi/v1/positionSide/dual") == []
        await world.check_settled()
