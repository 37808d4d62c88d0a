"""The account's history beside a hedge at work: real engine, storage and adapter before the exchange rig."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.account_keeping import AccountKeeper, BanWatch
from core.account_ports import Income
from core.clock import at_ms
from core.events import EventKind
from core.ports import OutboxMessage
from tests.exchange.listening import PATIENCE_S
from tests.execution.world import HEDGED, SYMBOL, Setting, World, running
from tests.rigs.venue import ANY, POSITION, TRADES, faults
from tests.rigs.venue.ledger import Income as Row

INCOME = "GET /fapi/v1/income"


def keeper_of(world: World) -> AccountKeeper:
    return AccountKeeper(
        venue=world.venue,
        engine=world.engine,
        income=world.store.income,
        clock=world.setting.clock,
        began=world.setting.began,
    )


async def booked(world: World, kind: str) -> list[Income]:
    now = world.setting.clock.now()
    rows = await world.store.income.between(now - timedelta(days=90), now + timedelta(days=1))
    return [row for row in rows if row.kind == kind]


async def alerts_of_a_ban(world: World) -> list[OutboxMessage]:
    waiting = await world.store.outbox.due(world.setting.clock.now(), 50)
    return [each for each in waiting if each.key.startswith(EventKind.VENUE_BANNED.value)]


async def test_income_is_read_every_ten_minutes_and_after_funding(setting: Setting) -> None:
    """The fees at once; the funding a minute after its time, not at the next ten minutes; each row once."""
    exchange = setting.server.exchange
    exchange.set_funding(SYMBOL, Decimal("0.0001"), exchange.now_ms() + 5 * 3_600_000)
    async with running(setting) as world:
        keeper = keeper_of(world)
        await world.until_hedged()
        await keeper.turn()
        asked = len(setting.server.requests(INCOME))
        assert len(await booked(world, "COMMISSION")) == len(exchange.ledger.trades)
        exchange.set_funding(SYMBOL, Decimal("0.0001"), exchange.now_ms() + 30_000)
        await world.cycles(1)
        exchange.pay_funding(SYMBOL)
        for skipped_s in (60, 60):
            await keeper.turn()
            assert len(setting.server.requests(INCOME)) == asked
            setting.clock.skip(skipped_s)
        await keeper.turn()
        assert [row.amount for row in await booked(world, "FUNDING_FEE")] == [-HEDGED * 2000 / 10_000]
        asked = len(setting.server.requests(INCOME))
        for passed_s, reads in ((300, False), (299, False), (2, True)):
            setting.clock.skip(passed_s)
            await keeper.turn()
            assert (len(setting.server.requests(INCOME)) > asked) is reads
        rows = await world.store.income.between(setting.began, setting.clock.now())
        assert sum(row.amount for row in rows) == exchange.account.wallet - 50_000


async def test_a_restart_goes_on_where_it_was(setting: Setting) -> None:
    """And finds a row that appeared late, with a time before the newest that was booked."""
    async with running(setting) as world:
        await world.until_hedged()
        await keeper_of(world).turn()
    ledger = setting.server.exchange.ledger
    newest_ms = ledger.income[-1].time_ms
    ledger.income.insert(0, Row(777, "INSURANCE_CLEAR", SYMBOL, Decimal(-3), newest_ms - 60_000, None))
    setting.began -= timedelta(minutes=5)
    async with running(setting) as world:
        await keeper_of(world).turn()
        assert [row.income_id for row in await booked(world, "INSURANCE_CLEAR")] == [777]
        assert len(await booked(world, "COMMISSION")) == len(ledger.trades)
        since = [int(entry.params["startTime"]) for entry in setting.server.requests(INCOME)]
        assert min(since) >= int(setting.began.timestamp() * 1000) - 1


async def test_a_failed_reading_stops_nothing(setting: Setting) -> None:
    """Refused or unanswered: the hedge trades on, and the next turn reads what was missed."""
    async with running(setting) as world:
        keeper = keeper_of(world)
        await world.until_hedged()
        for fault in (faults.bad_gateway_502(), faults.error(401, -2015, "Invalid API-key.")):
            setting.server.faults.add(INCOME, fault)
            await keeper.turn()
            assert await world.store.income.newest_at() is None
        setting.set_price(1900)
        await world.until_hedged()
        await keeper.turn()
        assert len(await booked(world, "COMMISSION")) == len(setting.server.exchange.ledger.trades)


async def test_parts_that_were_read_stay_booked(setting: Setting) -> None:
    """Of a long history whose later part fails, the next turn reads only that one."""
    start_ms = setting.server.exchange.now_ms() - 30 * 86_400_000
    setting.began = at_ms(start_ms)
    setting.server.exchange.ledger.income += [
        Row(n, "FUNDING_FEE", SYMBOL, Decimal(1), start_ms + n * 300_000, None) for n in range(1, 8001)
    ]
    last_ms = start_ms + 8000 * 300_000
    async with running(setting) as world:
        keeper = keeper_of(world)
        setting.server.faults.add(
            INCOME, faults.bad_gateway_502(), matches=lambda params: int(params["endTime"]) >= last_ms
        )
        await keeper.turn()
        halfway = len(await booked(world, "FUNDING_FEE"))
        assert 4000 <= halfway < 8000
        asked = len(setting.server.requests(INCOME))
        await keeper.turn()
        assert len(await booked(world, "FUNDING_FEE")) == 8000
        again = [int(entry.params["startTime"]) for entry in setting.server.requests(INCOME)[asked:]]
        assert min(again) > start_ms + (halfway - 20) * 300_000


async def test_what_is_cut_short_and_restarted_has_no_gap(setting: Setting) -> None:
    """More than a page of rows, the program ended after a part: the next one books the rest, and nothing twice."""
    start_ms = setting.server.exchange.now_ms() - 30 * 86_400_000
    setting.began = at_ms(start_ms)
    rows = [Row(n, "FUNDING_FEE", SYMBOL, Decimal(n), start_ms + n // 3 * 900_000, None) for n in range(1, 6501)]
    setting.server.exchange.ledger.income += rows
    cut_ms = rows[6400].time_ms
    setting.server.faults.add(
        INCOME, faults.bad_gateway_502(), matches=lambda params: int(params["endTime"]) >= cut_ms, times=9
    )
    async with running(setting) as world:
        await keeper_of(world).turn()
        assert 4000 <= len(await booked(world, "FUNDING_FEE")) < 6500
    setting.server.faults.clear()
    async with running(setting) as world:
        await keeper_of(world).turn()
        found = await booked(world, "FUNDING_FEE")
        assert sorted(row.income_id for row in found) == list(range(1, 6501))
        assert sum(row.amount for row in found) == sum(row.amount for row in rows)


async def test_trades_cut_short_and_restarted_have_no_gap(setting: Setting) -> None:
    """Two pages made while the program was off; their reading fails at the second and ends; the next has each once."""
    async with running(setting) as world:
        await world.until_hedged()
    exchange = setting.server.exchange
    exchange.set_position(SYMBOL, HEDGED + 1)
    theirs = exchange.ledger.trades[-1]
    for number in range(1, 1051):  # of the same order, there and back
        side = "SELL" if number % 2 else "BUY"
        again = replace(theirs, id=exchange.ledger.next_id(), side=side, realised=Decimal(number) / 8)
        exchange.ledger.trades.append(again)
    last_of_page = exchange.ledger.trades[1000].id
    setting.server.faults.add(
        TRADES, faults.bad_gateway_502(), matches=lambda params: int(params.get("fromId", 0)) >= last_of_page, times=99
    )
    ids = [trade.id for trade in exchange.ledger.trades]
    async with running(setting) as world:
        await world.cycles(2)
        assert len(await world.store.journal.recent_fills(9999)) < len(ids)
    setting.server.faults.clear()
    async with running(setting) as world:
        await world.cycles(3)
        fills = [fill for _, fill in await world.store.journal.recent_fills(9999)]
        assert sorted(fill.trade_id for fill in fills) == ids
        realised = sum(trade.realised for trade in exchange.ledger.trades)
        assert sum(fill.realised_pnl_quote for fill in fills) == realised


async def test_a_ban_is_told_at_once_with_its_end(setting: Setting) -> None:
    """By the whole program as it runs: what stands in the outbox is loud, names the end and what is unwatched."""
    async with running(setting) as world:
        await world.until_hedged()
        setting.server.faults.add(POSITION, faults.banned_418(7200))
        running_engine = asyncio.create_task(world.engine.run())
        async with asyncio.timeout(PATIENCE_S):
            while not (messages := await alerts_of_a_ban(world)):
                await asyncio.sleep(0.01)
        running_engine.cancel()
        await asyncio.wait({running_engine})
        (event,) = await world.events(EventKind.VENUE_BANNED)
        until = datetime.fromisoformat(event.data["until"])
        assert abs(until - event.at - timedelta(seconds=7200)) < timedelta(seconds=60)
        assert not messages[0].silent
        assert f"Binance banned this address until {until:%Y-%m-%d %H:%M} UTC" in messages[0].text
        assert f"The position is unwatched: {SYMBOL} {HEDGED}" in messages[0].text
        assert setting.server.faults.waiting() == 0


async def test_a_ban_is_told_again_only_when_it_grows(setting: Setting) -> None:
    """The exchange prolongs it when it is asked too early."""
    async with running(setting) as world:
        watch = BanWatch(venue=world.venue, engine=world.engine, events=world.office.notifier, clock=setting.clock)
        watching = asyncio.create_task(watch.run())
        for wait_s, told in ((120, 1), (180, 2)):
            setting.server.faults.add(ANY, faults.banned_418(wait_s), times=3)
            await world.cycles(1)
            setting.server.faults.clear()
            async with asyncio.timeout(PATIENCE_S):
                while len(await world.events(EventKind.VENUE_BANNED)) < told:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            assert len(await world.events(EventKind.VENUE_BANNED)) == told
            setting.clock.skip(wait_s + 1)
        watching.cancel()
        await asyncio.wait({watching})


async def test_the_program_keeps_the_account_s_history(setting: Setting) -> None:
    """Nothing else has to be started for it."""
    async with running(setting) as world:
        await world.until_hedged()
        running_engine = asyncio.create_task(world.engine.run())
        async with asyncio.timeout(PATIENCE_S):
            while not await booked(world, "COMMISSION"):
                await asyncio.sleep(0.01)
        running_engine.cancel()
        await asyncio.wait({running_engine})
