"""`/chart` as an operator meets it: over a real store and the process that draws."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.accounts import Accounts
from bot.charts.hedge_history import HedgeHistory, Moment, Stop
from bot.console import written
from bot.live_config import LiveConfig
from bot.rendering.markup import plain
from bot.replies import Attachment, Reply
from bot.tidying import Tidying
from bot.views.chart_request import ChartRequest, chart_request
from bot.views.hedge_records import HedgeRecords
from bot.views.sources import Identity, Sources
from core.account_ports import HeldLiquidity, Snapshot
from core.amm.ticks import MAX_TICK
from core.clock import ManualClock
from core.events import Event, EventKind
from storage.columns import time_text
from storage.store import Store
from tests.bot.conftest import Desk, FakeEngine, make_desk
from tests.bot.samples import STATUS, T0, a_config
from tests.storage.lived import SCOPE, Life

HELD = HeldLiquidity(1, True, 18, 6, -201_000, -199_000, 10**18, Decimal(0), Decimal(0))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0, sleep_advances=True)


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    async with await Store.open(tmp_path / "lp_hedge.db", scope="paper:test", clock=clock) as opened:
        yield opened


async def record(store: Store, hedge: str, minutes: int, *, held: tuple[HeldLiquidity, ...] = (HELD,)) -> None:
    """One snapshot for each of the last minutes."""
    for number in range(minutes):
        price = Decimal(1950 + number % 50)
        at = T0 - timedelta(minutes=minutes - number)
        snapshot = Snapshot(
            hedge, at, price, Decimal(5), Decimal("-4.9"), Decimal("-0.1"), residual_base=Decimal("0.1")
        )
        await store.series.append(replace(snapshot, symbol="ETHUSDT", held=held, landmark=not number))


def is_png(reply: Reply) -> bool:
    return reply.attachment is not None and reply.attachment.photo and reply.attachment.content.startswith(b"\x89PNG")


async def test_a_chart_is_a_photo_with_its_figures_in_words(store: Store, clock: ManualClock) -> None:
    """Who cannot see the picture reads what matters; other spans are one tap away and come as new pictures."""
    desk = make_desk(store, clock, "eth")
    await record(store, "eth", 30)
    reply = await desk.say("/chart")
    assert is_png(reply)
    text = plain(reply.text)
    assert "eth · ETHUSDT · PAPER" in text
    assert "Price 1,950 to 1,979, last 1,979 USDT" in text
    assert "LP 5 ETH · short 4.9 ETH · residual +0.1 ETH" in text
    assert "Recorded only since 2026-03-01 11:30 UTC" in text
    (row,) = reply.buttons
    assert [button.data for button in row] == ["view:chart:6:eth", "view:chart:168:eth", "view:chart:720:eth"]
    pressed = await desk.press("view:chart:6:eth")
    assert pressed.edited is None
    assert pressed.said is not None
    assert is_png(pressed.said)


async def test_without_a_record_there_is_a_sentence(desk_of_two: Desk) -> None:
    """Nothing recorded, or one moment only: no picture of nothing."""
    assert "no record of the last 24 h" in (await desk_of_two.say("/chart eth")).text
    await record(desk_of_two.store, "eth", 1)
    reply = await desk_of_two.say("/chart 6 eth")
    assert "no record of the last 6 h" in reply.text
    assert reply.attachment is None


@pytest.fixture
def desk_of_two(store: Store, clock: ManualClock) -> Desk:
    return make_desk(store, clock, "bnb", "eth")


async def test_of_several_hedges_one_is_chosen(desk_of_two: Desk) -> None:
    """By a button that only shows; whose picture it is stands in the caption."""
    await record(desk_of_two.store, "eth", 5)
    reply = await desk_of_two.say("/chart 48")
    assert [[button.data for button in row] for row in reply.buttons] == [["view:chart:48:bnb"], ["view:chart:48:eth"]]
    pressed = await desk_of_two.press("view:chart:48:eth")
    assert pressed.said is not None
    assert "eth" in pressed.said.text
    assert await desk_of_two.queued() == []


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        ((), ChartRequest(24, None)),
        (("6",), ChartRequest(6, None)),
        (("720", "ETH"), ChartRequest(720, "eth")),
        (("eth", "6h"), ChartRequest(6, "eth")),
    ],
)
def test_hours_and_name_in_either_order(args: tuple[str, ...], meant: ChartRequest) -> None:
    """As people type them."""
    assert chart_request(args, ("bnb", "eth")) == meant


@pytest.mark.parametrize(
    "args",
    [
        ("0",), ("721",), ("-1",), ("1e3",), ("2.5",), ("NaN",), ("٣",), ("9" * 5000,), ("6", "7"), ("eth", "bnb"),
        ("doge",), ("<b>",), ("6", "eth", "x"), ("h",), ("24:eth",),
    ],
)  # fmt: skip
async def test_garbage_is_answered_with_one_sentence(desk_of_two: Desk, args: tuple[str, ...]) -> None:
    """Typed or out of a button; nothing is drawn, nothing fails, no markup gets through."""
    said = await desk_of_two.say(f"/chart {' '.join(args)}")
    pressed = await desk_of_two.press(f"view:chart:{':'.join(args)}")
    assert said.attachment is None
    assert len(plain(said.text)) < 500
    assert "<b>" not in said.text
    assert pressed.said is None


async def test_ranges_are_those_that_were_held(store: Store, clock: ManualClock) -> None:
    """Either token order, one edge pair each, none of a position without liquidity; the whole range is no error."""
    mirrored = replace(HELD, position_id=2, base_is_token0=False, tick_lower=199_000, tick_upper=201_000)
    mirrored = replace(mirrored, base_decimals=6, quote_decimals=18)
    empty = replace(HELD, position_id=3, tick_lower=0, tick_upper=10, liquidity=0)
    whole = replace(HELD, position_id=4, tick_lower=-MAX_TICK, tick_upper=MAX_TICK)
    await record(store, "eth", 3, held=(HELD, mirrored, empty, whole))
    moments = await _moments(store, clock)
    assert moments[0].ranges is not None
    (low, high), other, (_, highest) = moments[0].ranges
    assert (round(low), round(high)) == (1867, 2280)
    assert highest / high > 10**20
    assert other[0] < other[1]


async def test_a_range_holds_until_it_changes(store: Store, clock: ManualClock) -> None:
    """From before the picture's beginning on; what is held is looked up where it changed only."""
    moved = replace(HELD, tick_lower=-202_000, tick_upper=-200_000)
    for days, held in ((2, HELD), (0, moved)):
        at = T0 - timedelta(days=days, minutes=10)
        await store.series.append(Snapshot("eth", at, Decimal(2000), symbol="ETHUSDT", held=(held,), landmark=True))
        for minute in range(1, 5):
            later = Snapshot("eth", at + timedelta(minutes=minute), Decimal(2000), symbol="ETHUSDT", held=(held,))
            await store.series.append(later)
            await store.series.append(replace(later, at=later.at + timedelta(days=1, hours=1)) if days else later)
    moments = await _moments(store, clock)
    assert [round(each.ranges[0][0]) for each in moments if each.ranges] == [1867] * 4 + [1689] * 5


async def test_a_restart_ends_what_was_grey(store: Store, clock: ManualClock) -> None:
    """The hedge and the program tell it in rows of their own."""
    await record(store, "eth", 30)
    begun, started = T0 - timedelta(minutes=20), T0 - timedelta(minutes=15)
    await store.events.append(Event(EventKind.SUSPENDED, "eth", begun, {"reason": "stale_chain"}))
    await store.events.append(Event(EventKind.STARTED, None, started, {}))
    history = await _history(store, clock)
    assert history.stops == (Stop(begun, started, "stale_chain"),)


async def test_exposures_are_those_of_the_snapshots(store: Store) -> None:
    """The quick twin tells the same of the same moments; unknown stays unknown."""
    await record(store, "eth", 5)
    await record(store, "bnb", 2)
    await store.series.append(Snapshot("eth", T0))
    span = (T0 - timedelta(minutes=3), T0 + timedelta(minutes=1))
    found = await store.series.exposures("eth", *span)
    assert found[-1] == (T0, None, None, None, None, None, None)
    assert found == tuple(
        (each.at, each.price, each.net_base, each.perp_base, each.gap_base, each.residual_base, None)
        for each in await store.series.between("eth", *span)
    )
    assert len(found) == 4
    assert await store.series.exposures("eth", T0 - timedelta(minutes=3), T0) == found[:-1]


async def test_the_band_is_that_of_its_time(store: Store, clock: ManualClock) -> None:
    """A band that was changed since does not change what was; the present one stands in where none was kept."""
    await record(store, "eth", 3)
    then = Snapshot("eth", T0 - timedelta(seconds=30), Decimal(2000), figures={"band_quote": Decimal("77.5")})
    await store.series.append(then)
    now = STATUS.band_quote
    assert now != Decimal("77.5")
    assert [each.band_quote for each in await _moments(store, clock)] == [now, now, now, Decimal("77.5")]


async def test_a_month_is_read_in_pages_without_loss(store: Store, clock: ManualClock) -> None:
    """Every moment once, in order."""
    await record(store, "eth", 800)
    moments = await _moments(store, clock)
    assert len(moments) == 800
    assert [each.at for each in moments] == sorted({each.at for each in moments})


async def test_a_picture_of_what_was_thinned_out_has_no_gaps(tmp_path: Path) -> None:
    """Its older part is a reading a quarter, and yet one line and one area; an outage is still a gap."""
    life = Life(tmp_path / "lived.db", hedges=1)
    await life.begin()
    life.go_on(18)
    clock = ManualClock(life.now, sleep_advances=True)
    async with await Store.open(life.path, scope=SCOPE, clock=clock) as store:
        begun = life.now - timedelta(days=6)
        for hours, gap in ((0, 0), (4, 1)):
            await store.database.write(
                "DELETE FROM series WHERE hedge = 'eth' AND at >= ? AND at < ?",
                (time_text(begun), time_text(begun + timedelta(hours=hours))),
            )
            if not hours:
                await Tidying(store.database, clock).turn()
            history = await _history(store, clock, life.now - timedelta(days=18), life.now)
            assert [y for _, y in history.series(lambda each: each.price)].count(None) == gap
            assert [each.price for each in history.evenly()].count(None) == gap
            assert 250 <= len(history.evenly()) <= 302


async def _moments(store: Store, clock: ManualClock) -> tuple[Moment, ...]:
    return (await _history(store, clock)).moments


async def _history(
    store: Store, clock: ManualClock, start: datetime = T0 - timedelta(hours=24), end: datetime = T0
) -> HedgeHistory:
    """As the picture's maker is given it."""
    live = LiveConfig(a_config("eth"))
    sources = Sources(
        engine=FakeEngine("eth"),
        approvals=store.approvals,
        events=store.events,
        fills=store.journal,
        outbox=store.outbox,
        commands=store.commands,
        income=store.income,
        accounts=Accounts(store.series, store.journal, store.income, live),
        config=live,
        settings=tuple,
    )
    records = HedgeRecords(sources, Identity("1.2.3", "paper", UTC, T0))
    return await records.of("eth", start, end)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "here").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path


@pytest.mark.parametrize(("is_photo", "place"), [(False, "here"), (True, "temporary")])
def test_the_terminal_gets_a_file_and_overwrites_none(folder: Path, is_photo: bool, place: str) -> None:
    """A file where the person works, a picture where it is out of the way; a second one beside the first."""
    attachment = Attachment("chart.png", b"one", photo=is_photo)
    assert written(attachment) == f"Written to {folder / place / 'chart.png'}"
    assert written(replace(attachment, content=b"two")) == f"Written to {folder / place / 'chart-2.png'}"
    assert ((folder / place / "chart.png").read_bytes(), (folder / place / "chart-2.png").read_bytes()) == (
        b"one",
        b"two",
    )
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 2


def test_a_file_that_can_be_written_nowhere_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback at the terminal."""
    monkeypatch.setattr("tempfile.tempdir", str(folder / "gone"))
    assert "could not be written" in written(Attachment("chart.png", b"one", photo=True))
