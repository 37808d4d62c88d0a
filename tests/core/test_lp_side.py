"""What happens on the LP side, seen through the whole engine: pushed pools, moved liquidity, positions that go."""

from __future__ import annotations

from decimal import Decimal

from core.events import EventKind
from tests.execution.world import HEDGED, SYMBOL, Setting, World, running


async def test_a_pushed_pool_alone_causes_no_trade_and_one_alert(setting: Setting, world: World) -> None:
    """5 % away from the perp: told once, held; the perp follows: hedged."""
    await world.until_hedged()
    setting.pool.price = Decimal(1900)
    await world.cycles(10)
    assert setting.position == HEDGED
    assert world.status.reason in ("within_basis", "within_band")  # a step outside the two targets is no basis
    assert len(await world.events(EventKind.BASIS_EXCEEDED)) == 1
    setting.server.exchange.set_price(SYMBOL, Decimal(1900))
    await world.until_hedged()
    assert setting.position < HEDGED and len(await world.events(EventKind.BASIS_RESTORED)) == 1


async def test_liquidity_taken_out_and_brought_back_does_not_move_the_hedge(setting: Setting, world: World) -> None:
    """Within the grace the BASE that left still counts, and what comes back takes its place."""
    await world.until_hedged()
    liquidity = setting.pool.liquidity
    setting.pool.liquidity = 0
    await world.cycles(30)
    assert setting.position == HEDGED
    setting.pool.liquidity = liquidity
    await world.cycles(30)
    assert (setting.position, len(setting.sent()), world.status.departed_base) == (HEDGED, 1, Decimal(0))


async def test_liquidity_that_does_not_come_back_is_closed_after_its_grace(setting: Setting, world: World) -> None:
    """`close_when_no_lp`: reduce-only, to zero, once 300 s are over and not before."""
    await world.until_hedged()
    setting.pool.liquidity = 0
    await world.cycles(28, every_s=10)
    assert setting.position == HEDGED
    await world.cycles(10, every_s=10)
    assert setting.position == 0
    assert setting.server.requests("POST /fapi/v1/order")[-1].params["reduceOnly"] == "true"


async def test_liquidity_that_is_gone_is_gone_also_without_a_configured_minimum(setting: Setting) -> None:
    """`min_notional_quote = 0` is "off", not "something is always left": `close_when_no_lp = false` holds the short."""
    setting.settings |= {"min_notional_quote": 0, "close_when_no_lp": False}
    async with running(setting) as world:
        await world.until_hedged()
        setting.pool.liquidity = 0
        await world.cycles(40, every_s=10)
        assert (setting.position, world.status.reason, world.status.lp.state) == (HEDGED, "no_lp", "none")


async def test_amounts_at_the_upper_edge_are_believed_at_once(setting: Setting, world: World) -> None:
    """All QUOTE above the range: the short goes to zero without a doubt about the read."""
    await world.until_hedged()
    setting.set_price(2600)
    await world.cycles(3)
    assert setting.position == 0
    assert not await world.events(EventKind.SUSPENDED)


async def test_half_a_hedge(setting: Setting) -> None:
    """`hedge_ratio` is taken of the exposure before the hedge: repeated hedging does not converge to a full one."""
    setting.settings["hedge_ratio"] = "0.5"
    async with running(setting) as world:
        await world.until_hedged()
        setting.set_price(1990)
        await world.cycles(10)
        net = world.status.net_base
        assert net is not None and abs(setting.position + net / 2) < Decimal("0.25")


async def test_switched_off(setting: Setting) -> None:
    """`enabled = false` keeps the short; with `close_on_disable` it is closed."""
    async with running(setting) as world:
        await world.until_hedged()
    setting.settings["enabled"] = False
    async with running(setting) as world:
        await world.cycles(5)
        assert (setting.position, world.status.state) == (HEDGED, "DISABLED")
    setting.settings["close_on_disable"] = True
    async with running(setting) as world:
        await world.cycles(10)
        assert setting.position == 0


async def test_margin_clips_an_increase_and_says_so(setting: Setting) -> None:
    """Headroom is filled, not refused whole; what is missing is named."""
    setting.server.exchange.set_balance(Decimal(300))
    setting.settings["min_liquidation_distance_pct"] = 0
    async with running(setting) as world:
        await world.cycles(10)
        assert HEDGED < setting.position < 0
        assert world.status.reason in ("low_margin", "at_cap")


async def test_every_plan_asks_and_none_asks(setting: Setting) -> None:
    """`approval_over_quote` 0 asks for the smallest, "off" for none."""
    setting.settings["approval_over_quote"] = 0
    async with running(setting) as world:
        await world.cycles(3)
        assert (world.status.state, setting.sent()) == ("AWAITING_APPROVAL", [])
    setting.settings["approval_over_quote"] = "off"
    async with running(setting) as world:
        for approval in await world.store.approvals.live():
            await world.office.desk.answer(approval.approval_id, approve=False, by="Anna", note=None)
        await world.command("hedge", "eth")
        await world.until_hedged()
        assert setting.position == HEDGED


async def test_switching_off_voids_what_was_asked(setting: Setting) -> None:
    """A yes to an old question of a hedge that is off must not count when it is on again."""
    setting.settings["approval_over_quote"] = 1000
    async with running(setting) as world:
        await world.cycles(3)
        (asked,) = await world.store.approvals.live()
    setting.settings["enabled"] = False
    async with running(setting) as world:
        await world.cycles(2)
        assert await world.store.approvals.live() == ()
        voided = await world.store.approvals.get(asked.approval_id)
        assert voided is not None and (voided.state.value, voided.note) == ("voided", "switched off")


async def test_deleveraging_is_told_loudly(setting: Setting, world: World) -> None:
    """It buys back without asking, so the operator hears why."""
    await world.until_hedged()
    setting.server.exchange.set_balance(Decimal(700))
    setting.set_price(2060)
    await world.cycles(4)
    assert setting.position > HEDGED
    told = await world.events(EventKind.DELEVERAGING)
    assert told and Decimal(told[0].data["distance_pct"]) < 5
    loud = [each for each in await world.store.outbox.due(setting.clock.now(), 100) if not each.silent]
    assert any("buy back part of the short" in each.text for each in loud)


async def test_a_blind_chain_is_estimated_for_an_hour_where_that_is_wished(setting: Setting) -> None:
    """From the last confirmed liquidity at the perpetual's price, marked as such; then nothing is traded any more."""
    setting.settings["on_chain_blind"] = "estimate"
    async with running(setting) as world:
        await world.until_hedged()
        setting.pool.blind = True
        setting.server.exchange.set_price(SYMBOL, Decimal(1950))
        await world.cycles(60)
        assert setting.position < HEDGED
        status = world.status
        assert (status.estimated, status.lp.price) == (True, Decimal(1950))
        assert status.lp.base is not None and abs(setting.position + status.lp.base) < Decimal("0.02")
        held = setting.position
        await world.cycles(70, every_s=60)
        setting.server.exchange.set_price(SYMBOL, Decimal(1850))
        await world.cycles(5)
        assert (setting.position, world.status.reason, world.status.estimated) == (held, "stale_chain", False)


async def test_an_estimate_needs_a_mark_and_liquidity_at_rest(setting: Setting) -> None:
    """Of a venue that left its own index no price is taken."""
    setting.settings["on_chain_blind"] = "estimate"
    async with running(setting) as world:
        await world.until_hedged()
        setting.pool.blind = True
        setting.server.exchange.set_price(SYMBOL, Decimal(1850))
        setting.server.exchange.indexes[SYMBOL] = Decimal(2000)
        await world.cycles(120)
        assert (setting.position, world.status.state, world.status.estimated) == (HEDGED, "SUSPENDED", False)


async def test_an_estimate_is_told_and_so_is_its_end(setting: Setting) -> None:
    """A blind chain is never silent, also where the hedge goes on."""
    setting.settings["on_chain_blind"] = "estimate"
    async with running(setting) as world:
        await world.until_hedged()
        setting.pool.blind = True
        await world.cycles(60)
        await world.office.notifier.tick(world.engine.statuses())
        setting.pool.blind = False
        await world.cycles(5)
        assert len(await world.events(EventKind.CHAIN_ESTIMATED)) == 1
        assert len(await world.events(EventKind.CHAIN_READ_AGAIN)) == 1
        loud = [each.text for each in await world.store.outbox.due(setting.clock.now(), 100) if not each.silent]
        assert any("the chain cannot be read" in text for text in loud)


async def test_nothing_is_estimated_from_liquidity_in_doubt(setting: Setting) -> None:
    """The last answer before the chain went blind said that all of it is gone: perhaps it is."""
    setting.settings["on_chain_blind"] = "estimate"
    async with running(setting) as world:
        await world.until_hedged()
        setting.pool.liquidity = 0
        await world.cycles(1)
        setting.pool.blind = True
        setting.server.exchange.set_price(SYMBOL, Decimal(1900))
        await world.cycles(60)
        assert (setting.position, world.status.state, world.status.estimated) == (HEDGED, "SUSPENDED", False)
