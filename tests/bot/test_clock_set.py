"""The wall clock is set by an hour, to and fro: alarms come when they are due, and none comes twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.events import EventKind
from storage.store import Store
from tests.bot.conftest import Desk, make_desk
from tests.bot.samples import STATUS, T0, an_event
from tests.core.wrong_clock import BOTH_WAYS, HOUR_S, WrongClock


@pytest.fixture
def clock() -> WrongClock:
    return WrongClock(T0, sleep_advances=True)


@pytest.fixture
def desk(store: Store, clock: WrongClock) -> Desk:
    return make_desk(store, clock, "bnb")


async def tell(desk: Desk, kind: EventKind, **data: str) -> None:
    await desk.notifier.append(an_event(kind, at=desk.clock.now(), **data))


async def told(desk: Desk, topic: str, *, after_s: float) -> list[bool]:
    """What is in the outbox of this topic at the end of that time, in its order: whether it rings."""
    for _ in range(int(after_s // 5)):
        await desk.clock.sleep(5)
        await desk.notifier.tick(desk.engine.statuses())
    rows = await desk.store.database.rows("SELECT silent FROM outbox WHERE key LIKE ? ORDER BY seq", (f"{topic}:%",))
    return [not row["silent"] for row in rows]


@BOTH_WAYS
async def test_a_suspension_is_told_after_ten_seconds(desk: Desk, clock: WrongClock, by_s: float) -> None:
    """Not at once, and not an hour later; and again only at its pace."""
    await tell(desk, EventKind.SUSPENDED, reason="stale_chain", detail="no node answers")
    clock.wall_offset_s = by_s
    assert await told(desk, "suspended", after_s=5) == []
    assert await told(desk, "suspended", after_s=10) == [True]
    clock.wall_offset_s = 0.0
    assert await told(desk, "suspended", after_s=30) == [True]


@BOTH_WAYS
async def test_what_comes_in_swarms_waits_its_minute(desk: Desk, clock: WrongClock, by_s: float) -> None:
    """A second liquidation is told within the pace of the first."""
    trade = {"origin": "liquidation", "side": "BUY", "quantity_base": "1", "price": "100", "symbol": "BNBUSDT"}
    await tell(desk, EventKind.FOREIGN_TRADE, **trade, trade_id="1")
    clock.wall_offset_s = by_s
    await tell(desk, EventKind.FOREIGN_TRADE, **trade, trade_id="2")
    assert len(await told(desk, "foreign_trade", after_s=30)) == 1
    assert len(await told(desk, "foreign_trade", after_s=40)) == 2


@BOTH_WAYS
@pytest.mark.parametrize("is_set_first", [True, False])
async def test_what_is_worked_on_makes_no_sound_for_its_own_time(
    desk: Desk, clock: WrongClock, by_s: float, is_set_first: bool
) -> None:
    """Half a minute, whichever clock that was reckoned by."""
    if is_set_first:
        clock.wall_offset_s = by_s
    until = (clock.now() + timedelta(seconds=30)).isoformat()
    desk.engine.shown = (replace(STATUS, state="ADJUSTING", reason="executing", gap_quote=Decimal(1210)),)
    await tell(desk, EventKind.EXPOSURE_BREACHED, covered_until=until, gap_quote="1210")
    clock.wall_offset_s = by_s
    assert await told(desk, "breach", after_s=25) == [False]
    assert await told(desk, "breach", after_s=15) == [False, True]


async def test_a_hush_ends_in_time(desk: Desk, clock: WrongClock) -> None:
    """What has rung before one start too many is silent for its minutes, not for an hour more."""
    await tell(desk, EventKind.HALTED, by="Anna")
    desk.notifier.hush_repeats(clock.now() + timedelta(seconds=60))
    clock.wall_offset_s = -HOUR_S
    await tell(desk, EventKind.HALTED, by="Anna")
    assert await told(desk, "halted", after_s=65) == [True, False]
    await tell(desk, EventKind.HALTED, by="Anna")
    assert await told(desk, "halted", after_s=5) == [True, False, True]


@pytest.mark.parametrize(("later_s", "closed"), [(60, False), (100, True)])
async def test_a_confirmation_holds_as_long_as_it_says(
    desk: Desk, clock: WrongClock, later_s: float, closed: bool
) -> None:
    """A yes to /flatten that comes half an hour late is none, however far the clock was set back."""
    asked = await desk.say("/flatten bnb")
    clock.wall_offset_s = -HOUR_S
    await clock.sleep(later_s)
    pressed = await desk.press(asked.buttons[0][0].data)
    assert ("closed" in pressed.toast) == closed
    assert bool(await desk.queued()) != closed


async def test_a_confirmation_outlives_a_restart(desk: Desk, clock: WrongClock) -> None:
    """For as long as the wall clock says: another process knows no more."""
    asked = await desk.say("/flatten bnb")
    await clock.sleep(60)
    await make_desk(desk.store, clock, "bnb").press(asked.buttons[0][0].data)
    assert [name for name, _ in await desk.queued()] == ["flatten"]
