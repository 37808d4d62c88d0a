"""The judge of the soak finds what it is there for: each rule, broken by hand."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from core.clock import PacedClock, SystemClock
from storage.store import Store
from tests.rigs.telegram.rig import TelegramRig
from tests.rigs.venue import VenueServer
from tests.soak import judge
from tests.soak.publish import BEGIN, END, published
from tests.soak.records import Down, Gap, Weight
from tests.soak.report import Result, slope_mb_a_day
from tests.soak.stage import OPERATOR, Leg, SoakStage

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORDER_ID = "lph.eth.abc.1"
AT = "2026-01-01T12:00:00.000000Z"
EVENT = "INSERT INTO events (seq, scope, kind, hedge, at, data) VALUES (?, 'live:a', ?, 'eth', ?, ?)"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[SoakStage]:
    """A database, an exchange and a chat in which one order and one message are as they should be."""
    clock = PacedClock(SystemClock(), start=NOON, speed_s=1)
    leg = cast(Leg, SimpleNamespace(name="eth", symbol="ETHUSDT"))
    with TelegramRig() as telegram:
        telegram.add_chat(OPERATOR)
        stage = SoakStage(tmp_path, clock, "", {}, {}, VenueServer(), telegram, [leg])
        asyncio.run(_made(stage))
        _sell(stage, ORDER_ID, "1.000")
        _write(
            stage, "INSERT INTO plans VALUES (1,'s','abc','eth','ETHUSDT','SELL','1',0,'','','',NULL,?,'done',NULL)", AT
        )
        _write(
            stage,
            "INSERT INTO orders VALUES (1,?,'s','eth','abc',1,'ETHUSDT','SELL','BOTH','1','MARKET',NULL,NULL,0,'final',"
            "NULL,'1',?,?,'')",
            ORDER_ID,
            AT,
            AT,
        )
        _write(stage, "INSERT INTO leg_totals VALUES ('s','ETHUSDT','BOTH','-1')")
        for trade in stage.exchange.ledger.trades:
            fill = "INSERT INTO fills VALUES (?,'s','ETHUSDT',?,1,'ours','SELL','BOTH','1','1','0','','0',0,?,?,0)"
            _write(stage, fill, trade.id, trade.id, AT, AT)
        yield stage


async def _made(stage: SoakStage) -> None:
    async with await Store.open(stage.database, scope="s", clock=stage.clock):
        return


def _write(stage: SoakStage, statement: str, *values: object) -> None:
    with sqlite3.connect(stage.database) as database:
        database.execute(statement, values)
    database.close()


def _sell(stage: SoakStage, client_id: str, quantity: str) -> None:
    order = {"symbol": "ETHUSDT", "side": "SELL", "type": "MARKET", "quantity": quantity, "newClientOrderId": client_id}
    stage.exchange.submit(order)


def _broken(stage: SoakStage) -> list[str]:
    return [*judge.books_broken(stage), *judge.journal_differs(stage), *judge.alerts_lost(stage)]


def test_nothing_is_found_where_nothing_is_wrong(stage: SoakStage) -> None:
    """Order, position and fills agree."""
    assert _broken(stage) == []


def test_an_id_that_two_orders_carry_is_found(stage: SoakStage) -> None:
    """And that the plan was exceeded by it."""
    _sell(stage, ORDER_ID, "0.500")
    assert any("carried by 2 orders" in each for each in judge.books_broken(stage))
    assert any("plan abc of 1 executed 1.5" in each for each in judge.books_broken(stage))


def test_a_journal_that_missed_a_fill_is_found(stage: SoakStage) -> None:
    """By the position, by the order, and by the number of fills."""
    _write(stage, "UPDATE orders SET executed_base = '0.5'")
    _write(stage, "UPDATE leg_totals SET net_base = '-0.5'")
    _write(stage, "DELETE FROM fills")
    assert len(list(judge.journal_differs(stage))) == 3


def test_an_event_without_a_message_is_found(stage: SoakStage) -> None:
    """And a message that no chat got."""
    _write(stage, EVENT, 1, "halted", AT, "{}")
    assert list(judge.alerts_lost(stage)) == ["1 of 1 halted of eth were told to nobody"]
    key = f"halted:eth:{AT}:1"
    _write(
        stage,
        "INSERT INTO outbox (key, text, html, priority, silent, created_at, buttons, finished_at)"
        " VALUES (?,'',0,1,0,?,'[]',?)",
        key,
        AT,
        AT,
    )
    assert list(judge.alerts_lost(stage)) == [f"{key} was delivered to nobody"]


def _gaps(minutes: range, gap_quote: int) -> list[Gap]:
    return [Gap(NOON + minute * MINUTE, "eth", Decimal(gap_quote), Decimal(100)) for minute in minutes]


def _lasted(state: str, reason: str) -> list[judge.Stretch]:
    return [judge.Stretch("eth", NOON - MINUTE, NOON + 600 * MINUTE, state, reason)]


def test_a_gap_is_found_where_the_hedge_says_that_all_is_well() -> None:
    """Once; not while it says why, nor while it lasts no longer than allowed."""
    long = range(int(judge.ALLOWANCE / MINUTE) + 5)
    short = range(int(judge.ALLOWANCE / MINUTE) - 1)
    assert len(list(judge.over_band(_gaps(long, 200), _lasted("READY", "within_band")))) == 1
    assert judge.said_while_over(_gaps(long, 200), _lasted("READY", "within_band")) == f"READY {len(long)}"
    assert not list(judge.over_band(_gaps(long, 104), _lasted("READY", "within_band")))
    assert not list(judge.over_band(_gaps(short, 200), _lasted("READY", "within_band")))
    assert not list(judge.over_band(_gaps(long, 200), _lasted("SUSPENDED", "stale_chain")))
    assert not list(judge.over_band(_gaps(long, 200), _lasted("READY", "snoozed")))


def test_the_time_in_each_state_has_no_holes(stage: SoakStage) -> None:
    """Down when it was ended, until its first decision after."""
    data = '{"state": "READY", "reason": "within_band"}'
    for number, at in enumerate((NOON + MINUTE, NOON + 5 * MINUTE)):
        moment = f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"
        _write(stage, EVENT, number, "decision_changed", moment, data)
    downs = [Down(NOON + 3 * MINUTE, "kill -9")]
    lasted = judge.stretches(stage, downs, NOON, NOON + 9 * MINUTE)
    assert [(each.state, (each.to - each.frm) / MINUTE) for each in lasted] == [
        ("DOWN", 1),
        ("READY", 2),
        ("DOWN", 2),
        ("READY", 4),
    ]


def test_memory_that_grows_is_seen() -> None:
    """In MB a day, by a line through what was weighed after the first hours."""
    grows = [Weight(NOON + timedelta(hours=hour), 1, 100 + hour / 12, 0.0) for hour in range(80)]
    assert slope_mb_a_day(grows) == pytest.approx(2.0)
    assert slope_mb_a_day(grows[:20]) is None


def test_a_result_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """And what is written around it stays."""
    Result("first", {"orders": "1"}, ()).write(tmp_path)
    page = published(f"head\n{BEGIN}\n{END}\ntail\n", tmp_path)
    Result("second", {"orders": "2"}, ("an order twice",)).write(tmp_path)
    page = published(page, tmp_path)
    assert page.startswith("head\n") and page.endswith("tail\n")
    assert "first" not in page and "| orders | 2 |" in page and "- an order twice" in page
