"""`lp-hedge report`: the account for a terminal, for machines and as files, over a time and by its days."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot import cli
from bot.fills_csv import csv_of
from bot.rendering.account_table import hedges_table
from bot.rendering.markup import plain
from bot.rendering.money import Period, pnl_text
from bot.report import Book
from bot.report_json import report_json
from bot.report_text import report_text
from bot.whole_file import write_all
from core.account_ports import Income
from core.accounting.attribution import Parts
from core.clock import SystemClock
from core.errors import ConfigurationError
from core.facts import OrderSide, PositionSide, Trade
from storage.store import Store
from tests.bot.books import a_day, reading
from tests.bot.samples import T0
from tests.core.accounting.purse import hedged

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TWO_HEDGES = """
timezone = "Asia/Tokyo"
[hedges.bnb]
chain = "bsc"
amm_type = "pancakeswap_v3"
lp_position_ids = [7]
symbol = "BNBUSDT"
[hedges.eth]
chain = "ethereum"
amm_type = "uniswap_v3"
lp_position_ids = [8]
symbol = "ETHUSDT"
"""
NEW_HEDGE = """
[hedges.new]
chain = "bsc"
amm_type = "uniswap_v3"
lp_position_ids = [9]
symbol = "CAKEUSDT"
"""
SUMMED = ("lp_fees", "lp_price", "lvr", "hedge", "slippage", "funding", "commissions", "net", "residual", "realised")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two hedges of which one has a day in the books, and no names of ours around."""
    for name in [name for name in os.environ if name.startswith(("TELEGRAM_", "BINANCE_", "LP_HEDGE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def kept(home: Path) -> Path:
    (home / "hedge.toml").write_text(TWO_HEDGES)
    (home / "data").mkdir()

    async def keep() -> None:
        clock = SystemClock()
        async with await Store.open(home / "data" / "lp_hedge.db", scope="paper:paper", clock=clock) as store:
            await a_day(store)
            await a_day(store, "eth", "ETHUSDT")
            for hours, price in ((2, "604"), (47, "620")):
                moved = {"price": Decimal(price), "mark_price": Decimal(price)}
                await store.series.append(reading(hours, **moved))
                await store.series.append(reading(hours, hedge="eth", symbol="ETHUSDT", **moved))
            paid_in = Income("TRANSFER", 1, "", Decimal(500), "USDT", T0)
            await store.income.book([paid_in], T0)

    asyncio.run(keep())
    return home


def said_by(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert cli.main(["report", "--days", "3650", "--json", *words]) == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def fill(number: int, side: OrderSide, quantity: str, price: str) -> tuple[str, Trade]:
    return "bnb", Trade(
        symbol="BNBUSDT",
        trade_id=number,
        venue_order_id=number + 100,
        side=side,
        position_side=PositionSide.BOTH,
        price=Decimal(price),
        quantity_base=Decimal(quantity),
        fee=Decimal("0.01"),
        fee_asset="USDT",
        realised_pnl_quote=Decimal("-0.5"),
        is_maker=False,
        at=NOON + timedelta(minutes=number),
    )


FILLS = (fill(1, OrderSide.SELL, "2", "600"), fill(2, OrderSide.BUY, "0.5", "610.5"))


def test_the_report_adds_up_in_exact_decimals() -> None:
    """Fees and turnover are sums of the fills, to the last digit."""
    hedge = json.loads(report_json(Book(NOON, FILLS), "paper"))["hedges"]["bnb"]
    assert hedge == {
        "fills": "2",
        "bought_base": "0.5",
        "sold_base": "2",
        "turnover_quote": "1505.25",
        "realised_pnl_quote": "-1.0",
        "fees": {"USDT": "0.02"},
    }
    assert "fees 0.02 USDT" in report_text(Book(NOON, FILLS))


def income(kind: str, number: int, amount: str, *, symbol: str = "BNBUSDT", asset: str = "USDT") -> Income:
    return Income(kind, number, symbol, Decimal(amount), asset, NOON)


def test_the_report_has_funding_and_commission_beside_the_fills() -> None:
    """By symbol and asset, signed as the account saw it; money moved in or out is no result."""
    book = Book(
        NOON,
        FILLS,
        (
            income("FUNDING_FEE", 1, "1.50000000"),
            income("FUNDING_FEE", 2, "-0.04618913"),
            income("COMMISSION", 1, "-0.02"),
            income("COMMISSION", 2, "-0.0001", asset="BNB"),
            income("REALIZED_PNL", 1, "-1.0"),
            income("COMMISSION", 9, "-3", symbol="ETHUSDT"),
            income("TRANSFER", 1, "5000", symbol=""),
        ),
    )
    assert json.loads(report_json(book, "live"))["income"] == {
        "BNBUSDT": {
            "FUNDING_FEE": {"USDT": "1.45381087"},
            "COMMISSION": {"USDT": "-0.02", "BNB": "-0.0001"},
            "REALIZED_PNL": {"USDT": "-1.0"},
        },
        "ETHUSDT": {"COMMISSION": {"USDT": "-3"}},
    }
    assert report_text(book).splitlines()[-2:] == [
        "BNBUSDT account: funding fee +1.45381087 USDT, commission -0.02 USDT and -0.0001 BNB, realized pnl -1.0 USDT",
        "ETHUSDT account: funding fee none, commission -3 USDT",
    ]


def test_the_report_and_the_chat_show_one_account() -> None:
    """The same figures for people, every digit of them for machines; no readings are no zeros."""
    purse = hedged()
    purse.trade(OrderSide.SELL, "2", "1990", arrival="2000", fee="1.99")
    purse.mark = Decimal(1980)
    purse.read()
    statements = {"eth": purse.statement(), "bnb": None}
    period = Period(NOON, NOON, UTC)
    book = Book(NOON, FILLS, (income("FUNDING_FEE", 1, "1.5"),), statements, period)
    chat = plain(pnl_text(statements, period, "P&L"))
    text = report_text(book)
    assert f"{'Slippage':<12}{'-20.00':>13}" in chat and f"{'Slippage':<27}{'-20.00':>14}" in text
    assert "bnb: nothing kept of this time yet, so its figures are unknown." in text
    assert "Account rows since then, by the exchange's time; the newest booked is of 2026-11-20 12:00 UTC." in text
    said = json.loads(report_json(book, "paper"))["pnl"]
    assert said["bnb"] is None
    assert [Decimal(said["eth"][name]) for name in ("net", "slippage", "hedge")] == [Decimal("18.01"), -20, 40]


def test_every_fill_is_a_line_of_the_csv(home: Path) -> None:
    """The tax adviser gets every fill with its ids."""
    write_all({home / "fills.csv": csv_of(FILLS)})
    rows = list(csv.DictReader((home / "fills.csv").read_text().splitlines()))
    assert [(row["side"], row["quantity"], row["notional"], row["trade_id"]) for row in rows] == [
        ("SELL", "2", "1200", "1"),
        ("BUY", "0.5", "305.25", "2"),
    ]
    assert rows[0]["time"] == "2026-11-20T12:01:00Z"


def test_the_days_add_up_to_the_whole(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Noon in the books is nine in the evening there: three days of each hedge, and nothing between or twice."""
    said = said_by(capsys, "--by", "day")
    for hedge in ("bnb", "eth"):
        days = said["periods"][hedge]
        assert [day["period"] for day in days] == ["2026-03-01", "2026-03-02", "2026-03-03"][: len(days)]
        assert len(days) > 1 and [day["end"] for day in days[:-1]] == [day["start"] for day in days[1:]]
        for name in SUMMED:
            assert sum(Decimal(day[name]) for day in days) == Decimal(said["pnl"][hedge][name])
    assert Decimal(said["total"]["USDT"]["net"]) == 2 * Decimal(said["pnl"]["bnb"]["net"]) != 0
    assert "periods" not in said_by(capsys)


def test_what_is_not_read_is_null_and_no_zero(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Gas of the wallet's transactions; realised and unrealised are the hedge at the prices of its fills."""
    bnb = said_by(capsys)["pnl"]["bnb"]
    assert bnb["gas"] is None and bnb["unrealised"] == "-200"
    assert Decimal(bnb["realised"]) + Decimal(bnb["unrealised"]) == Decimal(bnb["hedge"]) + Decimal(bnb["slippage"])


def test_money_put_into_the_exchange_is_no_result(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told beside the account, and the net is without it."""
    said = said_by(capsys)
    assert said["transfers"] == {"USDT": "500"}
    assert cli.main(["report", "--days", "3650"]) == 0
    assert "Put into the exchange's account less taken out, no result: +500 USDT" in capsys.readouterr().out


def test_a_terminal_shows_a_column_for_each_hedge(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And one of all; what stands above the net adds up to it; days below; never wider than 100."""
    assert cli.main(["report", "--days", "3650", "--by", "day"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("In USDT"))
    assert lines[head].split() == ["In", "USDT", "bnb", "eth", "all"]
    rule = next(number for number, line in enumerate(lines) if line.startswith("---"))
    columns = [[Decimal(text.replace(",", "")) for text in line[27:].split()] for line in lines[head + 1 : rule]]
    net = [Decimal(text) for text in lines[rule + 1][27:].split()]
    assert [sum(column) for column in zip(*columns, strict=True)] == net
    assert net[0] + net[1] == net[2] != 0
    days = [line.split() for line in lines if line.startswith("2026-03-0")]
    totals = [line.split() for line in lines if line.startswith("Total")]
    assert len(totals) == 3 and len({day[0] for day in days}) == 3
    assert sum(Decimal(day[7]) for day in days) == sum(Decimal(total[7]) for total in totals)
    assert any(line.startswith("Gas ") and "not known" in line for line in lines)
    assert max(map(len, lines[head : lines.index("", len(lines) - 8)])) <= 100


def test_many_hedges_take_several_tables() -> None:
    """Each of at most five columns, none left out, with long names cut."""
    lines = list(hedges_table({f"hedge-with-a-long-name-{n}": Parts(lp_fees=Decimal(n)) for n in range(7)}, "USDT"))
    fees = [line for line in lines if line.startswith("LP fees")]
    assert [text for line in fees for text in line[27:].split()] == ["0.00", *(f"+{n}.00" for n in range(1, 7))]
    assert max(map(len, lines)) <= 97 and len(fees) == 2


def test_the_parts_as_a_file(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each hedge and day, adding up to the JSON's sums; empty is unknown."""
    (kept / "hedge.toml").write_text(TWO_HEDGES + NEW_HEDGE)
    said = said_by(capsys, "--by", "day", "--parts", "parts.csv")
    with (kept / "parts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(said["periods"]["bnb"]) + 1
    of_bnb = [row for row in rows if row["name"] == "bnb"]
    for name in SUMMED:
        assert sum(Decimal(row[name]) for row in of_bnb) == Decimal(said["pnl"]["bnb"][name])
    assert {row["gas"] for row in rows} == {""}
    assert [row["net"] for row in rows if row["name"] == "new"] == [""]


def test_one_file_cannot_hold_both(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The later of the two would have taken the place of the earlier one without a word."""
    assert cli.main(["report", "--csv", "out.csv", "--parts", "./out.csv"]) == 2
    assert "--csv and --parts name the same file." in capsys.readouterr().err
    assert not (kept / "out.csv").exists()


@pytest.mark.parametrize("flag", ["--csv", "--parts"])
def test_what_is_read_is_not_overwritten(kept: Path, capsys: pytest.CaptureFixture[str], flag: str) -> None:
    """The database, the configuration, the secrets, by whatever name; a device takes what it is given."""
    (kept / ".env").write_text("BINANCE_API_SECRET=\n")
    (kept / "link.csv").symlink_to("hedge.toml")
    before = {each: each.read_bytes() for each in kept.rglob("*") if each.is_file()}
    for target in (".env", "hedge.toml", "link.csv", "data/lp_hedge.db"):
        assert cli.main(["report", flag, target]) == 2
        assert re.search("must end in .csv|would overwrite what is read", capsys.readouterr().err)
    assert {each: each.read_bytes() for each in kept.rglob("*") if each.is_file()} == before
    assert cli.main(["report", flag, "/dev/null"]) == 0


def test_a_file_is_whole_or_as_it_was(home: Path) -> None:
    """What cannot be written leaves neither a half nor a trace; what can is its owner's alone."""
    target = home / "parts.csv"
    target.write_text("old")
    write_all({target: b"new"})
    assert target.read_bytes() == b"new" and list(home.iterdir()) == [target]
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigurationError, match="nowhere/parts.csv cannot be written"):
        write_all({home / "nowhere" / "parts.csv": b"new"})
    assert list(home.iterdir()) == [target]
