"""/halt, /pause, /resume and /flatten that meet each other, an unreachable exchange, or an order under way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.errors import Transient
from core.events import EventKind
from core.exchange.binance import BinanceVenue
from core.ports import ApprovalState
from storage.commands import SqliteCommandQueue
from storage.memory import SqliteHedgeMemory
from tests.core.pair import Pair, started
from tests.core.saying import said
from tests.execution.world import HEDGED, SYMBOL, Setting, World, running
from tests.rigs.venue import PLACE, faults


class Outage:
    """The exchange's account cannot be read while `down`, nor a start be prepared."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.down = False
        account, prepare = BinanceVenue.account, BinanceVenue.prepare

        async def account_or_not(venue: BinanceVenue, symbol: str) -> Any:
            return await account(venue, self.passing(symbol))

        async def prepare_or_not(venue: BinanceVenue, symbols: Sequence[str]) -> None:
            await prepare(venue, self.passing(symbols))

        monkeypatch.setattr(BinanceVenue, "account", account_or_not)
        monkeypatch.setattr(BinanceVenue, "prepare", prepare_or_not)

    def passing(self, asked: Any) -> Any:
        if self.down:
            raise Transient("the exchange is down")
        return asked


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Outage:
    return Outage(monkeypatch)


@pytest.mark.parametrize("stop", ["halt", "pause"])
async def test_a_flatten_that_waits_outlives_another_stop(setting: Setting, outage: Outage, stop: str) -> None:
    """Only /resume takes it back."""
    async with running(setting) as world:
        await world.until_hedged()
        outage.down = True
        await world.cycles(15)
        assert (await said(world, "flatten", "eth"))[0]
        assert (await said(world, stop))[0]
        outage.down = False
        await world.cycles(10)
        assert setting.position == 0
        assert world.status.reason == "halted"


async def test_a_flatten_waits_until_an_unknown_order_is_known(setting: Setting) -> None:
    """The opening order's answer was lost, it is carried out a moment later, and was never seen as a position."""
    async with running(setting) as world:
        setting.server.faults.add(PLACE, faults.unknown_503().late(1.0))
        await world.cycles(1)
        assert (await said(world, "flatten", "eth"))[0]
        await asyncio.sleep(1.3)
        await world.until(lambda _: setting.position == 0 and len(setting.sent()) == 2, within=100)


async def test_flat_as_of_before_an_order_is_not_flat(setting: Setting, outage: Outage) -> None:
    """The last reading that succeeded is from before the short was opened."""
    async with running(setting) as world:
        await world.cycles(1)
        outage.down = True
        await world.cycles(15)
        assert (await said(world, "flatten", "eth"))[0]
        outage.down = False
        await world.until(lambda _: setting.position == 0)


async def test_a_resume_stops_a_flatten_at_work(setting: Setting, world: World) -> None:
    """What is left of it would only be bought to be sold again."""
    await world.until_hedged()
    thin = [(Decimal("2000.1") + 100 * away, Decimal("0.5")) for away in range(20)]
    setting.server.exchange.set_book(SYMBOL, [(Decimal("1999.9"), Decimal(100))], thin)
    await said(world, "flatten", "eth")
    await world.cycles(1)
    bought = setting.position - HEDGED
    assert 0 < bought < -HEDGED
    await said(world, "resume", "eth")
    setting.set_price(2000)
    await world.cycles(8)
    assert setting.position == HEDGED
    assert sum(order.executed_base for order in await world.orders()) == -HEDGED + 2 * bought


async def test_a_start_without_the_exchange_hears_resume(setting: Setting, outage: Outage) -> None:
    """A flatten that was taken back is not carried out when the exchange is back, only to open again."""
    async with running(setting) as world:
        await world.until_hedged()
        outage.down = True
        await world.cycles(15)
        await said(world, "flatten", "eth")
    async with running(setting, prepared=False) as world:
        await world.cycles(2)
        assert world.status.reason == "halted"
        assert (await said(world, "resume"))[0]
        outage.down = False
        await world.cycles(8)
        assert (setting.position, len(setting.sent())) == (HEDGED, 1)


async def test_a_start_with_a_symbol_that_is_none_blames_the_symbol(setting: Setting) -> None:
    """Not key and network: the exchange answers, and has no such perpetual; the short of the last run is held on."""
    async with running(setting) as world:
        await world.until_hedged()
    setting.settings["symbol"] = "NOPEUSDT"
    async with running(setting, prepared=False) as world:
        await world.cycles(2)
        assert world.status.reason == "wrong_symbol" and "no symbol NOPEUSDT" in world.status.detail
        suspended = [each for each in await world.store.events.recent(hedge="eth", limit=50) if "reason" in each.data]
        assert suspended[0].kind is EventKind.SUSPENDED and suspended[0].data["reason"] == "wrong_symbol"
    assert setting.position == HEDGED


@pytest.mark.parametrize("stop", ["halt", "pause"])
async def test_a_start_without_the_exchange_voids_at_a_stop(setting: Setting, outage: Outage, stop: str) -> None:
    """A tap after it does not count once hedging is resumed."""
    setting.settings |= {"approval_over_quote": 1000}
    async with running(setting) as world:
        await world.cycles(3)
        (asked,) = await world.store.approvals.live("eth")
    outage.down = True
    async with running(setting, prepared=False) as world:
        await world.cycles(2)
        assert (await said(world, stop))[0]
        assert not (await said(world, "approve", asked.approval_id))[0]
        assert (await said(world, "resume"))[0]
        outage.down = False
        await world.cycles(6)
        voided = await world.store.approvals.get(asked.approval_id)
        assert voided is not None and voided.state is ApprovalState.VOIDED
        assert setting.position == 0


async def test_a_resume_does_not_undo_a_halt_that_came_after_it(tmp_path: Path) -> None:
    """The halt did not wait behind the slow command before both of them."""
    pair = Pair(tmp_path / "lp_hedge.db")
    async with started(pair) as programme:
        await programme.cycles(3)
        await programme.put("pause")
        await programme.cycles(1)
        pair.pools["eth"].unfollowed = (77,)
        await programme.cycles(1)
        pair.pools["eth"].found.clear()
        await programme.put("follow", "77")
        resume = await programme.put("resume")
        running_commands = asyncio.create_task(programme.engine.carry_out_commands())
        await asyncio.sleep(0.05)
        halt = await programme.put("halt")
        await programme.engine.carry_out_halts()
        assert (await programme.store.commands.answer(halt) or (False,))[0]
        pair.pools["eth"].found.set()
        await running_commands
        answer = await programme.store.commands.answer(resume)
        assert answer is not None and "A /halt came after this /resume" in answer[1]
        await programme.cycles(1)
        assert programme.status("eth").reason == "halted"


async def test_a_command_is_not_repeated_because_its_answer_was_not_written(
    setting: Setting, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full for a moment: the answer is written later, the trade is made once."""
    await world.until_hedged()
    setting.set_price(1990)
    await world.cycles(1)
    before, missing = setting.position, world.status.gap_base
    finish, failures = SqliteCommandQueue.finish, [Transient("the disk is full")]

    async def failing(queue: SqliteCommandQueue, *args: Any, **named: Any) -> None:
        if failures:
            raise failures.pop()
        await finish(queue, *args, **named)

    monkeypatch.setattr(SqliteCommandQueue, "finish", failing)
    await world.command("hedge", "eth", f"{missing:.8f}")
    with pytest.raises(Transient):
        await world.cycles(1)
    await world.cycles(2)
    setting.set_price(1980)
    await world.cycles(4)
    assert missing is not None and abs(setting.position - before) <= abs(missing)


async def test_a_halt_is_told_though_it_was_interrupted(
    setting: Setting, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled between the switch and the word about it, and carried out again."""
    await world.until_hedged()
    save, gate = SqliteHedgeMemory.save, asyncio.Event()

    async def waiting(store: SqliteHedgeMemory, *args: Any) -> None:
        await gate.wait()
        await save(store, *args)

    monkeypatch.setattr(SqliteHedgeMemory, "save", waiting)
    await world.command("halt")
    halting = asyncio.create_task(world.engine.carry_out_halts())
    await asyncio.sleep(0.05)
    halting.cancel()
    await asyncio.gather(halting, return_exceptions=True)
    gate.set()
    await world.cycles(2)
    assert len(await world.events(EventKind.HALTED)) == 1


async def test_a_halt_that_the_disk_does_not_take_is_told(
    setting: Setting, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts all the same; the person who asked, and everybody else, hears of it, once."""
    await world.until_hedged()

    async def full(store: SqliteHedgeMemory, *args: Any) -> None:
        raise Transient("the database cannot be used now: database or disk is full")

    with monkeypatch.context() as disk:
        disk.setattr(SqliteHedgeMemory, "save", full)
        await world.command("halt")
        await world.engine.carry_out_halts()
        assert len(await world.events(EventKind.HALTED)) == 1
    ok, _ = await said(world, "halt")
    assert ok and len(await world.events(EventKind.HALTED)) == 1


async def test_adopting_waits_for_a_second_reading(
    setting: Setting, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One answer that lags says the short is gone: adopting it would double the short."""
    await world.until_hedged()
    account = BinanceVenue.account

    async def lagging(venue: BinanceVenue, symbol: str) -> Any:
        seen = await account(venue, symbol)
        return replace(seen, position_base=Decimal(0), short_base=Decimal(0))

    monkeypatch.setattr(BinanceVenue, "account", lagging)
    ok, answer = await said(world, "adopt", "eth")
    monkeypatch.setattr(BinanceVenue, "account", account)
    assert not ok and "again in a few seconds" in answer
    await world.cycles(5)
    assert setting.position == HEDGED


async def test_a_hedge_cut_off_for_a_day_asks_again(setting: Setting) -> None:
    """The order of a confirmed /hedge was lost and nothing could be read for long: its word is used up by then."""
    setting.settings |= {"approval_over_quote": 1000}
    async with running(setting) as world:
        await world.cycles(2)
        setting.server.faults.add(PLACE, faults.unavailable_503_plain())
        await world.command("hedge", "eth", "-4.999")
        await world.cycles(1)
        assert setting.position == 0
    setting.clock.skip(24 * 3600)
    async with running(setting) as world:
        await world.cycles(30)
        assert (setting.position, world.status.state) == (Decimal(0), "AWAITING_APPROVAL")
