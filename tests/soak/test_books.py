"""The judge of books and events finds what it is there for: each rule, broken by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.soak import books
from tests.soak.broken import AT, MINUTE, NOON, happened, sell, write
from tests.soak.happened import events_differ
from tests.soak.records import Down
from tests.soak.stage import SoakStage

FIELDS = {
    "price": "'7'",
    "quantity_base": "'7'",
    "fee": "fee * 2",
    "side": "'BUY'",
    "position_side": "'SHORT'",
    "realised_pnl_quote": "'7'",
    "is_maker": "1",
    "venue_order_id": "7",
    "at": "'2026-01-01T11:00:00.000000Z'",
}
INTEGERS = ("is_maker", "venue_order_id")


def _differ(stage: SoakStage) -> list[str]:
    return [*books.books_broken(stage), *books.journal_differs(stage)]


def _untrue(stage: SoakStage, *downs: Down) -> Iterator[str]:
    return events_differ(stage, downs, NOON)


def test_nothing_is_found_where_nothing_is_wrong(stage: SoakStage) -> None:
    """Order, position, fills, payments, and what was told of them."""
    happened(stage, "started", NOON)
    assert _differ(stage) == []
    assert list(_untrue(stage)) == []


def test_an_id_that_two_orders_carry_is_found(stage: SoakStage) -> None:
    """And that the plan was exceeded by it."""
    sell(stage, "lph.eth.abc.1", "0.500")
    assert any("carried by 2 orders" in each for each in books.books_broken(stage))
    assert any("plan abc of 1 executed 1.5" in each for each in books.books_broken(stage))


@pytest.mark.parametrize(
    ("spoilt", "found"),
    [
        ("UPDATE orders SET executed_base = '0.5'", "lph.eth.abc.1: the journal says 0.5"),
        ("UPDATE orders SET client_order_id = 'lph.eth.abc.2'", "lph.eth.abc.1: the journal says None"),
        ("UPDATE leg_totals SET net_base = '-0.5'", "ETHUSDT: the journal says -0.5"),
        ("INSERT INTO leg_totals VALUES ('s','XYZUSDT','BOTH','3')", "XYZUSDT: the journal says 3"),
        ("DELETE FROM fills", "is only in the books of the exchange"),
        ("UPDATE fills SET trade_id = 7", "fill ETHUSDT 7 is only in the journal"),
        ("UPDATE income SET amount = amount * 2", "payment COMMISSION"),
        ("UPDATE income SET symbol = 'X'", "symbol is X in the journal, ETHUSDT on the exchange"),
        ("UPDATE income SET income_id = 7", "payment COMMISSION 7 is only in the journal"),
    ],
)
def test_a_journal_that_differs_is_found(stage: SoakStage, spoilt: str, found: str) -> None:
    """Each table, whatever it holds too little, too much, or otherwise."""
    write(stage, spoilt)
    assert any(found in each for each in books.journal_differs(stage))


@pytest.mark.parametrize("column", sorted(FIELDS))
def test_a_fill_that_differs_in_one_field_is_found(stage: SoakStage, column: str) -> None:
    """By that field alone."""
    write(stage, f"UPDATE fills SET {column} = CAST({FIELDS[column]} AS {'INTEGER' if column in INTEGERS else 'TEXT'})")
    assert len(list(books.journal_differs(stage))) == 1


def test_funding_that_was_never_booked_is_found_when_it_is_old(stage: SoakStage) -> None:
    """The exchange's clock stands before the stage's: what it pays now was paid long ago."""
    stage.exchange.set_funding("ETHUSDT", stage.exchange.ledger.taker, 0)
    stage.exchange.now_ms = stage.exchange.ledger.now_ms = lambda: int(NOON.timestamp() * 1000)  # type: ignore[method-assign]
    stage.exchange.pay_funding("ETHUSDT")
    assert any("payment FUNDING_FEE" in each for each in books.journal_differs(stage))


@pytest.mark.parametrize(
    ("spoilt", "found"),
    [
        ("DELETE FROM events WHERE kind = 'hedge_executed'", "plan abc, which traded, was told 0 times"),
        ("DELETE FROM events WHERE kind = 'plan_opened'", "plan abc was told as opened 0 times"),
        ("DELETE FROM fills", "plan abc, which traded nothing, was told 1 times"),
    ],
)
def test_a_plan_that_was_told_otherwise_is_found(stage: SoakStage, spoilt: str, found: str) -> None:
    """Opened, and executed where it traded."""
    happened(stage, "started", NOON)
    write(stage, spoilt)
    assert found in list(_untrue(stage))


def test_a_plan_that_failed_unsaid_is_found(stage: SoakStage) -> None:
    """It traded nothing and ended as failed."""
    write(
        stage, "INSERT INTO plans VALUES (2,'s','abd','eth','ETHUSDT','SELL','1',0,'','','',NULL,?,'failed',?)", AT, AT
    )
    assert "plan abd, which failed, was told as failed 0 times" in list(_untrue(stage))


def test_a_word_that_a_kill_took_is_found(stage: SoakStage) -> None:
    """The next life was to tell it."""
    happened(stage, "started", NOON - MINUTE)
    write(stage, "DELETE FROM events WHERE kind = 'hedge_executed'")
    killed = Down(NOON + timedelta(seconds=1), "kill -9", NOON + MINUTE)
    assert len([each for each in _untrue(stage, killed) if "plan" in each]) == 1


def test_a_question_that_was_told_otherwise_is_found(stage: SoakStage) -> None:
    """Neither asked nor ended, by its events."""
    question = "INSERT INTO approvals VALUES (1,'s','q','eth','ETHUSDT','SELL','1','1','','',?,?,'expired',1,'0',{},?)"
    write(stage, question.format("NULL,NULL,NULL"), AT, AT, AT)
    found = list(_untrue(stage))
    assert "question q was told as asked 0 times" in found and "question q, expired, was told so 0 times" in found
    happened(stage, "approval_asked", NOON, approval_id="q")
    happened(stage, "approval_expired", NOON, approval_id="q")
    assert not [each for each in _untrue(stage) if "question" in each]


def test_starts_and_stops_that_do_not_fit_the_lives_are_found(stage: SoakStage) -> None:
    """A life that told no start, one that told none of its end, and one that was killed and said that it stopped."""
    assert "the life from 01 12:00 on was told as started 0 times" in list(_untrue(stage))
    happened(stage, "started", NOON)
    term = Down(NOON + MINUTE, "SIGTERM", NOON + 2 * MINUTE)
    happened(stage, "started", NOON + 2 * MINUTE)
    assert list(_untrue(stage, term)) == ["SIGTERM at 01 12:01 was told as stopped 0 times"]
    happened(stage, "stopped", NOON + MINUTE)
    assert list(_untrue(stage, term)) == []
    killed = Down(NOON + MINUTE, "kill -9", NOON + 2 * MINUTE)
    assert list(_untrue(stage, killed)) == ["kill -9 at 01 12:01 was told as stopped 1 times"]
