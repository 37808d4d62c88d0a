"""`/pnl`, `/report`, `/export`: what was earned and what it cost, over a real store."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal
from itertools import pairwise

import pytest

from bot.accounts import kept_health
from bot.periods import cuts_between
from bot.rendering.markup import plain
from core.account_ports import Income
from core.accounting.periods import by_period
from core.clock import ManualClock
from core.ports import TradeOrigin
from core.series_keeping import SeriesKeeper
from tests.bot.books import a_day, reading, trade
from tests.bot.conftest import Desk
from tests.bot.samples import T0, UNREAD, an_approval

BY_BOTH_SIDES = "counted by what was there before and after"
DAY_S = 86_400.0
INDIA = timezone(timedelta(hours=5, minutes=30))


async def shown(desk: Desk, text: str) -> list[str]:
    reply = await desk.say(text)
    return (plain(reply.text) if reply.html else reply.text).splitlines()


async def test_pnl_is_a_table_that_adds_up(desk: Desk, clock: ManualClock) -> None:
    """Fees 25, BASE held through both moves 55, and so on: the net is their sum, to the cent."""
    await a_day(desk.store)
    await clock.sleep(DAY_S)
    lines = await shown(desk, "/pnl")
    table = {line[:12].strip(): line[12:].strip() for line in lines[2:10]}
    assert lines[:2] == ["P&L of the last 24 hours", "bnb · USDT"]
    assert table == {
        "LP fees": "+25.00",
        "LP price": "+55.00",
        "LP LVR": "-7.50",
        "Hedge": "-50.00",
        "Funding": "+2.00",
        "Commissions": "-0.60",
        "Slippage": "0.00",
        "Net": "+23.90",
    }
    assert lines[10:] == [
        "IL against holding -2.50 · 2 trades, turnover 1,202.00",
        "Residual delta +5.00 · hedge realised 0.00, unrealised -50.00",
        f"2026-03-01 12:00 UTC to 2026-03-02 12:00 UTC. For 24 h 0 min of it nothing was read: {BY_BOTH_SIDES}.",
    ]
    assert max(len(line) for line in lines[2:10]) <= 26


async def test_nothing_kept_is_unknown_and_no_zero(desk: Desk) -> None:
    """Before the first readings there is no figure."""
    assert await shown(desk, "/pnl") == [
        "P&L of the last 24 hours",
        "bnb: nothing kept of this time yet, so its figures are unknown.",
    ]


async def test_what_is_covered_is_said(desk: Desk, clock: ManualClock) -> None:
    """A program that is younger than the time asked for says since when it knows."""
    await a_day(desk.store)
    await clock.sleep(DAY_S)
    assert (await shown(desk, "/pnl 7"))[-1].startswith(
        "2026-03-01 12:00 UTC to 2026-03-02 12:00 UTC. Nothing was kept before."
    )


async def test_a_fee_without_a_price_is_said_at_the_net(desk: Desk, clock: ManualClock) -> None:
    """Paid in an asset that is neither BASE nor QUOTE."""
    await a_day(desk.store)
    paid = trade(9, T0 + timedelta(hours=3), fee_asset="BNX")
    await desk.store.journal.book_trades([(paid, TradeOrigin.ADL)], T0)
    await clock.sleep(DAY_S)
    text = await shown(desk, "/pnl")
    assert "Net is before 0.3 BNX of fees: their price is not known here." in text


async def test_several_hedges_are_summed_and_told_apart(two: Desk, clock: ManualClock) -> None:
    """One table of all, a line for each; one without figures is named and not taken for zero."""
    await a_day(two.store)
    await clock.sleep(DAY_S)
    one = await shown(two, "/pnl")
    assert one[-1] == "eth: nothing kept of this time yet, so its figures are unknown."
    await a_day(two.store, "eth", "ETHUSDT")
    both = await shown(two, "/pnl")
    assert both[1] == "all · USDT" and both[9].split() == ["Net", "+47.80"]
    nets = [line for line in both if " net " in line]
    assert nets == [
        f"{name} net +23.90: fees +25.00, LP +47.50, hedge -50.00, funding +2.00, costs -0.60"
        for name in ("bnb", "eth")
    ]


@pytest.mark.parametrize("text", ["/pnl x", "/pnl 0", "/pnl -1", "/pnl 99999999", "/pnl ½", "/export 1.5", "/pnl <b>"])
async def test_days_that_are_none_are_refused(desk: Desk, text: str) -> None:
    """In words, with an example; nothing of what was typed becomes markup."""
    reply = await desk.say(text)
    assert "is no number of days from 1 to 3660" in reply.text and "<b>" not in reply.text


async def test_periods_leave_nothing_out(desk: Desk, clock: ManualClock) -> None:
    """What happened between the last reading of one day and the first of the next belongs to one of the two."""
    await a_day(desk.store)
    for hours, price in ((47, 620), (71, 640)):
        await desk.store.series.append(reading(hours, price=Decimal(price), mark_price=Decimal(price)))
    await clock.sleep(3 * DAY_S)
    money = desk.accounts
    cuts = [T0 + timedelta(hours=hours) for hours in (0, 10, 30, 50, 72)]
    parts = [await money.statement("bnb", start, end) for start, end in pairwise(cuts)]
    whole = await money.statement("bnb", cuts[0], cuts[-1])
    assert whole is not None
    assert sum(each.total.net for each in parts if each) == whole.total.net
    assert sum(each.total.trades for each in parts if each) == whole.total.trades == 2


async def test_a_day_of_a_long_report_is_that_days_own_report(desk: Desk, clock: ManualClock) -> None:
    """It ends with the last reading before midnight, though a long time is else told by the first ones of the hours."""
    for minute in range(0, 5 * 24 * 60, 20):
        price = Decimal(600 + minute % 97)
        read = reading(minute / 60, price=price, mark_price=price, fee_quote=Decimal(minute))
        await desk.store.series.append(replace(read, landmark=minute % 60 == 0))
    await clock.sleep(5 * DAY_S)
    cuts = cuts_between(T0, clock.now(), "day", INDIA)
    whole = (await desk.accounts.statements(["bnb"], T0, clock.now(), cuts=cuts))["bnb"]
    assert whole is not None and len(cuts) == 5
    told = by_period(whole, cuts)
    for (start, end), period in zip(pairwise([T0, *cuts]), told, strict=False):
        own = await desk.accounts.statement("bnb", start, end)
        assert own is not None and len(own.steps) > 5
        assert (own.start, own.end, own.total.net) == (period.start, period.end, period.parts.net)
    assert sum(each.parts.net for each in told) == whole.total.net


async def test_a_long_account_reads_no_rows_that_the_fills_tell(desk: Desk, clock: ManualClock) -> None:
    """A year has ten of them for each payment of funding."""
    await a_day(desk.store)
    rows = [Income(kind, 7, "BNBUSDT", Decimal(3), "USDT", T0) for kind in ("COMMISSION", "REALIZED_PNL", "INSURANCE")]
    await desk.store.income.book(rows, T0)
    _, income = await desk.accounts.dealings(T0, T0 + timedelta(days=1))
    assert [row.kind for row in income] == ["INSURANCE", "FUNDING_FEE"]


async def test_export_is_every_fill_as_a_file(desk: Desk, clock: ManualClock) -> None:
    """As a document, not a picture; with the same columns as `lp-hedge report --csv`."""
    await a_day(desk.store)
    await clock.sleep(DAY_S)
    reply = await desk.say("/export 2")
    assert plain(reply.text) == "2 fills of the last 2 days."
    assert reply.attachment is not None and not reply.attachment.photo
    assert reply.attachment.name == "fills_20260228_20260302.csv"
    rows = list(csv.DictReader(io.StringIO(reply.attachment.content.decode())))
    assert [(row["trade_id"], row["time"], row["fee"]) for row in rows] == [
        ("1", "2026-03-01T13:00:00Z", "0.30"),
        ("2", "2026-03-01T14:00:00Z", "0.30"),
    ]


async def test_an_empty_export_says_so(desk: Desk) -> None:
    """No file without a line in it."""
    reply = await desk.say("/export")
    assert reply.attachment is None
    assert reply.text == "No fills in the last 30 days, so there is no file."


async def test_the_report_says_how_the_day_was_and_what_is_open(desk: Desk, clock: ManualClock) -> None:
    """The parts, how closely it was hedged, how it stands, and what needs a person."""
    await a_day(desk.store)
    await desk.store.approvals.propose(an_approval())
    desk.engine.shown = (replace(desk.engine.shown[0], state="SUSPENDED", reason="stale_chain"),)
    await clock.sleep(DAY_S)
    text = await shown(desk, "/report")
    assert text[0] == "Daily report · 2026-03-02 12:00 UTC"
    assert text[-4:] == [
        "bnb: largest gap 80 USDT · never out of range",
        "bnb now SUSPENDED: gap 82.11 USDT, band 300 USDT",
        "⚠️ bnb: the chain's data is too old",
        "⚖️ 1 waiting for your answer: /pending",
    ]


async def test_a_report_before_anything_was_read(desk: Desk) -> None:
    """Every figure unknown, and said so."""
    desk.engine.shown = (replace(UNREAD, name="bnb"),)
    text = "\n".join(await shown(desk, "/report"))
    assert "figures are unknown" in text and "largest gap unknown" in text and "gap unknown" in text


async def test_health_says_how_old_the_books_are(desk: Desk, clock: ManualClock) -> None:
    """A hedge whose readings are no longer kept is no longer well; one that was never read is not judged."""
    keeper = SeriesKeeper(engine=desk.engine, series=desk.store.series)
    assert kept_health(keeper, clock) == []
    desk.engine.shown = (replace(desk.engine.shown[0], confirmed=True),)
    await keeper.turn()
    (item,) = kept_health(keeper, clock)
    assert (item.name, item.ok) == ("bnb accounts", True)
    await clock.sleep(301)
    assert [each.ok for each in kept_health(keeper, clock)] == [False]
