"""The daily report: at its hour of the operator's day, once, whatever the clocks and restarts do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.daily_report import DailyReport, due_at, newest_day
from bot.live_config import LiveConfig
from core.clock import ManualClock
from core.config import Config
from storage.store import Store
from tests.bot.samples import T0, a_config

BERLIN = ZoneInfo("Europe/Berlin")


class Writer:
    """What was to be reported, from when to when."""

    def __init__(self) -> None:
        self.asked: list[tuple[datetime, datetime]] = []

    async def __call__(self, start: datetime, end: datetime) -> str:
        self.asked.append((start, end))
        return f"<b>{end:%d}</b>"


class Office:
    """A program that can be restarted over one database."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.writer = Writer()
        self.pokes = 0
        self.config = LiveConfig(a_config())
        self.start()

    def start(self, zone: ZoneInfo | None = None) -> None:
        self.daily = DailyReport(
            write=self.writer,
            outbox=self.store.outbox,
            notes=self.store.meta,
            scope=self.store.scope,
            config=self.config,
            clock=self.clock,
            zone=zone or ZoneInfo("UTC"),
            poke=self.poke,
        )

    def poke(self) -> None:
        self.pokes += 1

    def set_hour(self, at: str) -> None:
        file = self.config.file
        self.config.put_in_force(file.model_copy(update={"daily_report_at": at}))

    async def pass_hours(self, hours: float, *, steps: int = 1) -> None:
        for _ in range(steps):
            await self.clock.sleep(hours * 3600 / steps)
            await self.daily.turn()

    async def reports(self) -> list[str]:
        return [each.text for each in await self.store.outbox.due(self.clock.now(), 99)]


@pytest.fixture
async def office(store: Store, clock: ManualClock) -> Office:
    """Started at noon, after the hour of its first day."""
    office = Office(store, clock)
    await office.daily.turn()
    return office


async def test_one_report_a_day_at_its_hour(office: Office) -> None:
    """From hour to hour, silently, as rows; before the first day was over there was nothing to report."""
    assert await office.reports() == []
    await office.pass_hours(72, steps=72 * 4)
    assert await office.reports() == ["<b>02</b>", "<b>03</b>", "<b>04</b>"]
    first = T0.replace(hour=8)
    days = [(first + timedelta(days=n), first + timedelta(days=n + 1)) for n in range(3)]
    assert office.writer.asked == days and office.pokes == 3
    assert all(each.silent and each.html for each in await office.store.outbox.due(office.clock.now(), 9))


async def test_none_twice_after_a_restart(office: Office) -> None:
    """The day that was reported is remembered; also when the program died between row and note."""
    await office.pass_hours(20)
    office.start()
    await office.pass_hours(1)
    assert await office.reports() == ["<b>02</b>"]
    await office.store.meta.set(f"daily_report:{office.store.scope}", "2026-03-01")
    office.start()
    await office.pass_hours(0.1)
    assert await office.reports() == ["<b>02</b>"]


@pytest.mark.parametrize(("back_after_h", "reports"), [(25.9, 1), (26.1, 0)])
async def test_a_program_that_was_off_catches_up_for_six_hours(
    office: Office, back_after_h: float, reports: int
) -> None:
    """From noon: the next day's report was due after 20 h. Later than six hours after that it is left out, for good."""
    office.start()
    await office.pass_hours(back_after_h)
    await office.pass_hours(0.1)
    assert len(await office.reports()) == reports
    await office.pass_hours(20)
    assert len(await office.reports()) == reports + 1


async def test_it_can_be_switched_off_and_moved(office: Office) -> None:
    """A change counts from the next minute on; a day that had its report gets no second one."""
    office.set_hour("off")
    await office.pass_hours(48, steps=48)
    assert await office.reports() == []
    office.set_hour("13:00")
    await office.pass_hours(2, steps=4)
    assert len(await office.reports()) == 1
    office.set_hour("18:00")
    await office.pass_hours(8, steps=8)
    assert len(await office.reports()) == 1


@pytest.mark.parametrize(
    ("day", "hour", "due"),
    [
        (date(2026, 3, 28), "08:00", "2026-03-28T07:00:00"),
        (date(2026, 3, 29), "08:00", "2026-03-29T06:00:00"),
        (date(2026, 3, 29), "02:30", "2026-03-29T01:30:00"),  # an hour that does not exist
        (date(2026, 10, 25), "02:30", "2026-10-25T00:30:00"),  # the first of two
    ],
)
def test_the_hour_is_the_operators(day: date, hour: str, due: str) -> None:
    """Also on the days on which the clocks change."""
    assert due_at(day, hour, BERLIN) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize("start", [datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC)])
@pytest.mark.parametrize("hour", ["00:00", "02:30", "08:00", "23:59"])
def test_each_local_day_is_due_once(start: datetime, hour: str) -> None:
    """Minute by minute over a change of the clocks, days come one by one and none again."""
    days = [newest_day(start + timedelta(minutes=10 * n), hour, BERLIN) for n in range(6 * 24 * 5)]
    found = list(dict.fromkeys(days))
    assert days == sorted(days)
    assert found == [found[0] + timedelta(days=n) for n in range(len(found))] and len(found) in (5, 6)


@pytest.mark.parametrize("hour", ["8:00", "24:00", "08:60", "", "noon", "08:00:00"])
def test_an_hour_that_is_none_is_refused(hour: str) -> None:
    """With what is allowed."""
    hedges = a_config().model_dump()["hedges"]
    with pytest.raises(ValueError, match='must be an hour of the day such as "08:00", or "off"'):
        Config.model_validate({"daily_report_at": hour, "hedges": hedges})
