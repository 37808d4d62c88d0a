"""The income history: every row once, however many share a page, a window or a moment."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.account_ports import Income
from core.clock import at_ms
from core.errors import Transient
from core.exchange.binance import BinanceVenue
from tests.exchange.orders import SELL_HALF
from tests.exchange.recorded import many
from tests.rigs.venue import VenueServer, faults
from tests.rigs.venue.ledger import Income as Row

INCOME = "GET /fapi/v1/income"
DAY_MS = 86_400_000


def since(venue: VenueServer, **ago: int) -> datetime:
    return at_ms(venue.exchange.now_ms()) - timedelta(**ago)


def fill_ledger(venue: VenueServer, times_ms: list[int], kind: str = "FUNDING_FEE") -> None:
    """Rows at these times, numbered on, whatever order they were written in."""
    ledger = venue.exchange.ledger
    first = len(ledger.income) + 1
    ledger.income += [Row(first + n, kind, "ETHUSDT", Decimal(n), at, None) for n, at in enumerate(times_ms)]
    ledger.income.sort(key=lambda row: row.time_ms)


async def everything(venue: VenueServer, binance: BinanceVenue, start: datetime) -> list[Income]:
    """Part by part, as the port says."""
    found: dict[tuple[str, int], Income] = {}
    while True:
        rows = await binance.income(since=start)
        found |= {(row.kind, row.income_id): row for row in rows}
        if not rows or rows[-1].at <= start:
            return list(found.values())
        start = rows[-1].at


async def test_every_kind_is_read_with_its_sign(venue: VenueServer, binance: BinanceVenue) -> None:
    """A short is paid a positive rate and pays a commission; together they are what the wallet moved by."""
    await binance.place(SELL_HALF)
    venue.exchange.pay_funding("ETHUSDT")
    rows = await binance.income(since=since(venue, days=1))
    assert {row.kind: row.amount for row in rows}["FUNDING_FEE"] == Decimal("0.10000000")
    assert 10_000 + sum(row.amount for row in rows) == venue.exchange.account.wallet
    assert {row.asset for row in rows} == {"USDT"}


async def test_an_empty_history_is_no_rows(venue: VenueServer, binance: BinanceVenue) -> None:
    """Three months of nothing are walked in windows that Binance accepts."""
    assert await binance.income(since=since(venue, days=400)) == ()
    assert {request.status for request in venue.requests(INCOME)} == {200}
    assert len(venue.requests(INCOME)) == 13


async def test_one_page_too_many_is_not_lost(venue: VenueServer, binance: BinanceVenue) -> None:
    """2500 rows over ten days, of which many share their millisecond with a neighbour at a page's edge."""
    start = venue.exchange.now_ms() - 10 * DAY_MS
    fill_ledger(venue, [start + (n // 3) * 1000 for n in range(2500)])
    rows = await everything(venue, binance, at_ms(start))
    assert sorted(row.income_id for row in rows) == list(range(1, 2501))
    assert [row.at for row in rows] == sorted(row.at for row in rows)


@pytest.mark.parametrize("count", [999, 1000, 1001, 2000, 2001])
async def test_rows_of_one_millisecond(venue: VenueServer, binance: BinanceVenue, count: int) -> None:
    """More of one moment than a page holds come page by page, each once."""
    moment = venue.exchange.now_ms() - DAY_MS
    fill_ledger(venue, [moment] * count)
    rows = await binance.income(since=at_ms(moment))
    assert len(rows) == len({row.income_id for row in rows}) == count


async def test_a_long_history_comes_in_parts(venue: VenueServer, binance: BinanceVenue) -> None:
    """A part ends with every row of its last moment, so that asking again from there loses and repeats nothing new."""
    start = venue.exchange.now_ms() - 20 * DAY_MS
    fill_ledger(venue, [start + n * 120_000 for n in range(9000)])
    first = await binance.income(since=at_ms(start))
    assert 4000 <= len(first) < 9000
    assert [row.income_id for row in first] == list(range(1, len(first) + 1))
    assert len(await everything(venue, binance, at_ms(start))) == 9000


async def test_the_same_number_of_two_kinds_is_two_rows(venue: VenueServer, binance: BinanceVenue) -> None:
    """A tranId is unique within its kind only, as the documentation's own example shows."""
    now = venue.exchange.now_ms()
    venue.exchange.ledger.income += [
        Row(7, kind, "ETHUSDT", Decimal(1), now - 5, None) for kind in ("TRANSFER", "COMMISSION")
    ]
    assert len(await binance.income(since=since(venue, hours=1))) == 2


async def test_recorded_rows_are_read(venue: VenueServer, binance: BinanceVenue) -> None:
    """Numbers in text form, an empty symbol and fields that are not known here."""
    rows = [*many("income_docs"), *many("income_funding_2024-02")]
    venue.faults.add(INCOME, faults.body_200(rows))
    read = {(row.kind, row.symbol): row for row in await binance.income(since=since(venue, hours=1))}
    assert read["FUNDING_FEE", "BTCUSDT"] == Income(
        "FUNDING_FEE",
        8082457372019390060,
        "BTCUSDT",
        Decimal("-0.04618913"),
        "USDT",
        datetime(2024, 2, 9, 8, tzinfo=UTC),
    )
    assert read["TRANSFER", ""].amount == Decimal("-0.375")


@pytest.mark.parametrize("fault", [faults.null_body(), faults.empty_body(), faults.body_200([{"symbol": ""}])])
async def test_a_failed_reading_is_not_an_empty_one(
    venue: VenueServer, binance: BinanceVenue, fault: faults.Fault
) -> None:
    """Nor is it a part of one: a later window that fails fails the whole."""
    venue.faults.add(INCOME, fault, matches=lambda params: int(params["endTime"]) > venue.exchange.now_ms() - 60_000)
    with pytest.raises(Transient):
        await binance.income(since=since(venue, days=20))
