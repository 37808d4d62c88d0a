"""A day without Telegram: hedging went on, and what happened is told in a few messages, alarms first, nothing lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.rendering.markup import plain
from bot.telegram import TelegramSettings, Timings
from bot.telegram.delivery import OutboxDelivery
from bot.telegram.sending import Sender
from core.clock import ManualClock
from core.errors import Transient
from core.events import EventKind
from core.ports import OutboxMessage
from storage.store import Store
from tests.bot.conftest import Desk, make_desk
from tests.bot.samples import STATUS, T0, an_approval, an_event
from tests.rigs.telegram import Drop, TelegramRig
from tests.telegram.conftest import OPERATOR

BREACH = {"gap_base": "-2", "gap_quote": "1210", "limit_quote": "1000", "band_quote": "500"}
TRADES = 144
PACE = Timings(pace_s=1.0, burst=5)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0, sleep_advances=True)


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    async with await Store.open(tmp_path / "lp_hedge.db", scope="paper:test", clock=clock) as opened:
        yield opened


@pytest.fixture
def desk(store: Store, clock: ManualClock) -> Desk:
    return make_desk(store, clock, "bnb")


async def tell(desk: Desk, kind: EventKind, **data: str) -> None:
    await desk.notifier.append(an_event(kind, at=desk.clock.now(), **data))


async def pass_minutes(desk: Desk, minutes: int) -> None:
    for _ in range(minutes):
        await desk.clock.sleep(60)
        await desk.notifier.tick(desk.engine.statuses())


async def a_day(desk: Desk) -> tuple[OutboxMessage, ...]:
    """Six trades an hour, a breach every other hour, blindness, refusals, proposals that nobody answers; at its end
    one proposal waits and somebody has traded by hand. All rows that were written."""
    desk.engine.shown = (STATUS,)
    for hour in range(24):
        for number in range(6):
            side = "SELL" if number % 3 else "BUY"
            await tell(desk, EventKind.HEDGE_EXECUTED, side=side, quantity_base="0.5", fee_quote="0.15")
            await pass_minutes(desk, 7)
        if hour % 2:
            await tell(desk, EventKind.EXPOSURE_BREACHED, **BREACH)
            await pass_minutes(desk, 3)
            await tell(desk, EventKind.EXPOSURE_RESTORED, gap_quote="90")
        if hour % 3 == 0:
            await tell(desk, EventKind.SUSPENDED, reason="stale_chain", detail="")
            await pass_minutes(desk, 4)
            await tell(desk, EventKind.RECOVERED, reason="stale_chain")
            await tell(desk, EventKind.LP_LIQUIDITY_CHANGED, position_id="7", before="100", after=str(101 + hour))
            await tell(desk, EventKind.ORDER_REFUSED, code="-2019", detail="Margin is insufficient.")
        if hour % 4 == 0:
            await ask_in_vain(desk, f"vain{hour:04}")
        await pass_minutes(desk, 5)
    await tell(desk, EventKind.FOREIGN_TRADE, side="SELL", quantity_base="3", price="600", origin="foreign")
    await tell(desk, EventKind.SUSPENDED, reason="position_mismatch", detail="exchange -3, journal 0")
    await pass_minutes(desk, 10)
    now = desk.clock.now()
    pending = replace(an_approval("waits001"), created_at=now, expires_at=now + timedelta(minutes=5))
    await desk.approvals.ask(pending)
    return await desk.messages()


async def ask_in_vain(desk: Desk, approval_id: str) -> None:
    now = desk.clock.now()
    approval = replace(an_approval(approval_id), created_at=now, expires_at=now + timedelta(minutes=5))
    await desk.approvals.ask(approval)
    await pass_minutes(desk, 6)
    await desk.approvals.expire(approval)


@asynccontextmanager
async def delivering(rig: TelegramRig, desk: Desk) -> AsyncIterator[OutboxDelivery]:
    settings = TelegramSettings(SecretStr(rig.token), frozenset({OPERATOR}), None, rig.api_url)
    sender = Sender(settings, desk.clock, PACE)
    try:
        yield OutboxDelivery(desk.store.outbox, sender, settings.destinations, desk.clock, PACE)
    finally:
        await sender.close()


async def deliver_all(delivery: OutboxDelivery, desk: Desk) -> None:
    for _ in range(200):
        if not await desk.store.outbox.backlog():
            return
        await delivery.deliver_some()
    raise AssertionError(f"{await desk.store.outbox.backlog()} rows wait")


async def test_a_day_is_told_in_a_few_messages(rig: TelegramRig, desk: Desk) -> None:
    """Over two hundred rows, at most fifteen messages: the question and the alarm that stand first and aloud, the rest
    as sums and lines; every row is done with."""
    rows = await a_day(desk)
    assert len(rows) >= 200
    began = desk.clock.monotonic_s()
    async with delivering(rig, desk) as delivery:
        await deliver_all(delivery, desk)
    shown = rig.messages(OPERATOR)
    assert len(shown) <= 15
    assert desk.clock.monotonic_s() - began >= (len(shown) - PACE.burst) * PACE.pace_s
    loud = [message.text for message in shown if not message.silent]
    assert any("waits001" in text for text in loud) and any("not what our own trades" in text for text in loud)
    assert [message.labels for message in shown if message.labels] == [["Approve", "Reject"]]
    everything = "\n".join(message.text for message in shown)
    assert f"{TRADES} trades: sold 48 BNB, bought 24 BNB, net sold 24 BNB; fees 21.6 USDT" in everything
    assert not [title for title in map(title_of, filter(tells_a_fact, rows)) if title not in everything]
    assert everything.count("Expired") == 6


def tells_a_fact(row: OutboxMessage) -> bool:
    """Trades are in the sum, a trouble is told by its last word, a proposal by its outcome."""
    assert row.gist is not None or row.edits is not None
    return row.gist is not None and not row.gist.thread and "quantity_base" not in row.gist.figures


def title_of(row: OutboxMessage) -> str:
    return plain(row.text).splitlines()[0]


async def test_nothing_is_merged_while_telegram_is_away(rig: TelegramRig, desk: Desk) -> None:
    """An attempt that fails leaves every row as it was; what comes later belongs to the same digest."""
    rows = await a_day(desk)
    rig.fault("sendMessage", times=None, drop=Drop.BEFORE)
    async with delivering(rig, desk) as delivery:
        for _ in range(3):
            with pytest.raises(Transient):
                await delivery.deliver_some()
        assert await desk.store.outbox.backlog() == len(rows)


async def test_a_crash_in_the_middle_loses_nothing(rig: TelegramRig, desk: Desk) -> None:
    """The digest is a row before anything of it is done with: whoever comes next delivers it."""
    await a_day(desk)
    async with delivering(rig, desk) as delivery:
        await delivery.deliver_some()
        await delivery.deliver_some()
        waiting = [row.key for row in await desk.messages() if row.key.startswith("digest:")]
    async with delivering(rig, desk) as delivery:
        await deliver_all(delivery, desk)
    assert waiting
    everything = "\n".join(message.text for message in rig.messages(OPERATOR))
    assert everything.count("net sold 24 BNB") == 1


async def test_a_flood_wait_holds_the_whole_queue(rig: TelegramRig, desk: Desk) -> None:
    """After a 429 nothing is sent before its time, and the alarm is still first."""
    rig.fault("sendMessage", times=1, code=429, retry_after=7)
    await tell(desk, EventKind.HEDGE_EXECUTED, side="SELL", quantity_base="0.5")
    await tell(desk, EventKind.HALTED, by="Anna (tg:1)")
    await tell(desk, EventKind.SUSPENDED, reason="low_margin", detail="")
    began = desk.clock.monotonic_s()
    async with delivering(rig, desk) as delivery:
        await deliver_all(delivery, desk)
    assert desk.clock.monotonic_s() - began >= 7
    assert "hedging suspended" in rig.messages(OPERATOR)[0].text


async def test_few_that_waited_come_as_they_are(rig: TelegramRig, desk: Desk) -> None:
    """A digest of two would only hide them."""
    await tell(desk, EventKind.HEDGE_EXECUTED, side="SELL", quantity_base="0.5")
    await tell(desk, EventKind.LP_LIQUIDITY_CHANGED, position_id="7", before="100", after="101")
    await pass_minutes(desk, 60)
    async with delivering(rig, desk) as delivery:
        await deliver_all(delivery, desk)
    assert [message.text.splitlines()[0][:6] for message in rig.messages(OPERATOR)] == ["🔁 bnb:", "💧 bnb:"]


async def test_what_is_over_is_told_as_over(rig: TelegramRig, desk: Desk) -> None:
    """One message without a sound for an alarm that came and went meanwhile."""
    await tell(desk, EventKind.EXPOSURE_BREACHED, **BREACH)
    await tell(desk, EventKind.EXPOSURE_RESTORED, gap_quote="90")
    async with delivering(rig, desk) as delivery:
        await deliver_all(delivery, desk)
    (message,) = rig.messages(OPERATOR)
    assert message.silent
    assert message.text.splitlines() == [
        "🚨 bnb: exposure over its limit",
        "✅ bnb: exposure back under its limit: gap 90 USDT.",
    ]
