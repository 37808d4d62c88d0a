"""The fault table at every endpoint: hedged in the end, or suspended for a reason that was told; nothing twice, ever.

What one lost answer to an opening order does in detail is in `test_order_faults`; here is every other order and read.
Where rows differ only in how an answer cannot be read, a few stand for all; LP_HEDGE_SOAK=1 asks for every pair.
"""

from __future__ import annotations

import os
from decimal import Decimal

import pytest
from pydantic import ValidationError

from core.config import HedgeConfig
from core.events import EventKind
from core.execution.order_ids import PREFIX
from tests.execution.stage import Stage
from tests.execution.troubles import (
    ACCOUNT,
    BEHIND,
    CLOCK,
    EXCHANGE_INFO,
    MISREAD,
    NOT_ACCEPTED,
    READS,
    REFUSED,
    TIME,
    UNKNOWN,
    named,
)
from tests.execution.world import SYMBOL
from tests.rigs.venue import CANCEL, PLACE, POSITION, QUERY, TRADES, Fault, faults

SOAK = os.environ.get("LP_HEDGE_SOAK") == "1"
CLOSE = Decimal("0.003")
FOR_EVER = 100_000
# No page promises that what was refused by a counter was not carried out; a firewall's or a ban's refusal is sure.
DOUBTFUL = UNKNOWN + NOT_ACCEPTED[:7]
ORDER_FAULTS = UNKNOWN + NOT_ACCEPTED + CLOCK + REFUSED
GRAVE = (
    MISREAD if SOAK else tuple(each for each in MISREAD if named(each).startswith(("connection", "no answer held 60")))
)
GRAVE += () if SOAK else (faults.cut_body(), faults.bad_gateway_502(), faults.rate_limited_429(), faults.null_body())
BLIND_S = 60
RECOVERS_WITHIN_S = 1200  # a firewall wants five minutes of silence, and is asked three times
READ_AT_START = (
    TIME,
    EXCHANGE_INFO,
    "GET /fapi/v1/symbolConfig",
    "GET /fapi/v1/accountConfig",
    "GET /fapi/v1/leverageBracket",
    "GET /fapi/v1/commissionRate",
    "GET /fapi/v1/positionSide/dual",
    "GET /fapi/v1/multiAssetsMargin",
)


def settles(stage: Stage, *, within_s: int = RECOVERS_WITHIN_S) -> None:
    """Hedged, by everyone's books, and every order of ours did its work once."""
    stage.until(lambda: abs(stage.gap_base) < CLOSE, within_s=within_s)
    stage.until_hedged(within_s=within_s)
    stage.is_settled()
    assert abs(stage.gap_base) < CLOSE
    assert executed(stage) == abs(stage.setting.position - stage.before)


def executed(stage: Stage) -> Decimal:
    """By our own orders since `hedged`, all in one direction."""
    totals = stage.exchange.executed_by_client_id()
    return sum((base for name, base in totals.items() if name.startswith(PREFIX)), Decimal(0)) - stage.executed_before


def hedged(stage: Stage, settings: dict[str, object] | None = None) -> None:
    stage.setting.settings |= settings or {}
    stage.start()
    stage.until_hedged(within_s=120)
    note(stage)


def note(stage: Stage) -> None:
    stage.before, stage.executed_before = stage.setting.position, Decimal(0)
    stage.executed_before = executed(stage)


# -- the order itself --------------------------------------------------------------------------------------------------

KINDS: dict[str, dict[str, object]] = {
    "reduction": {},
    "increase in parts": {"max_order_quote": 700},
    "limit": {"order_type": "limit"},
    "time-weighted": {
        "twap_over_quote": 500,
        "twap_duration_seconds": 8,
        "twap_interval_seconds": 2,
        "urgent_band_multiple": 100,
    },
}
PRICE_OF = {"reduction": 2150}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ORDER_FAULTS if SOAK else ORDER_FAULTS[::2], ids=named)
def test_an_order_of_any_kind_that_was_not_carried_out(stage: Stage, fault: Fault, kind: str) -> None:
    hedged(stage, KINDS[kind])
    stage.server.faults.add(PLACE, fault.before(), times=2)
    stage.setting.set_price(PRICE_OF.get(kind, 1900))
    settles(stage)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", DOUBTFUL if SOAK else DOUBTFUL[1::2], ids=named)
def test_an_order_of_any_kind_whose_answer_was_lost(stage: Stage, fault: Fault, kind: str) -> None:
    hedged(stage, KINDS[kind])
    stage.server.faults.add(PLACE, fault.after(), times=2)
    stage.setting.set_price(PRICE_OF.get(kind, 1900))
    settles(stage)


@pytest.mark.parametrize("late_s", [0.5, 2.0, 4.9])
@pytest.mark.parametrize("fault", UNKNOWN if SOAK else UNKNOWN[::4], ids=named)
def test_an_order_that_is_carried_out_after_its_answer_was_lost(stage: Stage, fault: Fault, late_s: float) -> None:
    """Within the time that the exchange allows a request: it is awaited, and no second one is sent."""
    hedged(stage)
    sent = len(stage.setting.sent())
    stage.server.faults.add(PLACE, fault.late(late_s))
    stage.setting.set_price(2150)
    settles(stage)
    assert len(stage.setting.sent()) == sent + 1


@pytest.mark.parametrize("endpoint", [QUERY, TRADES])
@pytest.mark.parametrize("fault", GRAVE, ids=named)
def test_an_answer_is_lost_and_so_is_the_way_to_find_out(stage: Stage, fault: Fault, endpoint: str) -> None:
    """It stays unknown, and a person is told; nothing else is sent until it is found."""
    hedged(stage)
    sent = len(stage.setting.sent())
    stage.server.faults.add(PLACE, faults.drop().after())
    stage.server.faults.add(endpoint, fault, times=FOR_EVER)
    stage.setting.set_price(1900)
    stage.cycles(BLIND_S // 2)
    if not fault.passes:  # a slow answer is an answer
        assert (stage.world.status.state, stage.world.status.reason) == ("SUSPENDED", "outcome_unknown")
        assert stage.told(EventKind.SUSPENDED)[-1] == "outcome_unknown"
    stage.server.faults.clear()
    settles(stage)
    assert len(stage.setting.sent()) == sent + 1


@pytest.mark.parametrize("endpoint", sorted(BEHIND))
@pytest.mark.parametrize("lost", [None, faults.drop().after(), faults.drop().before()], ids=str)
def test_replicas_that_are_behind(stage: Stage, endpoint: str, lost: Fault | None) -> None:
    """An order not known yet, a trade not listed yet, a position not shown yet: no proof of anything by itself."""
    hedged(stage)
    if lost is not None:
        stage.server.faults.add(PLACE, lost)
    stage.setting.set_price(1900)
    stage.cycles(1)
    stage.server.faults.add(endpoint, BEHIND[endpoint][0], times=1 if endpoint == POSITION else 3)
    settles(stage)


# -- the reads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", READS)
@pytest.mark.parametrize("fault", MISREAD, ids=named)
def test_a_read_that_fails_a_few_times(stage: Stage, fault: Fault, endpoint: str) -> None:
    hedged(stage)
    stage.server.faults.add(endpoint, fault, times=3)
    stage.setting.set_price(1900)
    settles(stage)


@pytest.mark.parametrize("endpoint", READS)
@pytest.mark.parametrize("fault", GRAVE, ids=named)
def test_a_read_that_fails_for_long(stage: Stage, fault: Fault, endpoint: str) -> None:
    """What needs it is not guessed: suspended, told, and one order at most; what does not need it goes on."""
    hedged(stage)
    sent = len(stage.setting.sent())
    stage.server.faults.add(endpoint, fault, times=FOR_EVER)
    stage.setting.set_price(1900)
    stage.cycles(BLIND_S)
    status = stage.world.status
    assert len(stage.setting.sent()) <= sent + 1
    if (status.state, status.reason) != ("READY", "within_band"):
        assert status.state == "SUSPENDED" and stage.told(EventKind.SUSPENDED)[-1] == status.reason
    stage.server.faults.clear()
    settles(stage)


@pytest.mark.parametrize("endpoint", READ_AT_START)
@pytest.mark.parametrize("fault", GRAVE, ids=named)
def test_a_read_that_fails_at_the_start(stage: Stage, fault: Fault, endpoint: str) -> None:
    """It is prepared later, and then hedged."""
    stage.server.faults.add(endpoint, fault, times=4)
    stage.start(prepared=False)
    note(stage)
    settles(stage)


@pytest.mark.parametrize("endpoint", [POSITION, ACCOUNT, TRADES, QUERY])
@pytest.mark.parametrize("fault", GRAVE, ids=named)
def test_a_restart_into_a_read_that_fails(stage: Stage, fault: Fault, endpoint: str) -> None:
    """With an order whose end nobody saw: the short is neither made again nor taken for nothing."""
    hedged(stage)
    sent = len(stage.setting.sent())
    stage.setting.set_price(1900)
    stage.server.faults.add(PLACE, faults.hang(60).after())
    stage.cycles_killed(3, after=70)
    stage.kill()
    stage.server.faults.clear()
    stage.server.faults.add(endpoint, fault, times=5)
    stage.start()
    settles(stage)
    assert len(stage.setting.sent()) == sent + 1


# -- orders that rest --------------------------------------------------------------------------------------------------


def resting_orders_are_offered() -> bool:
    hedge = {"chain": "bsc", "amm_type": "uniswap_v3", "lp_position_ids": [1], "symbol": SYMBOL}
    try:
        HedgeConfig.model_validate(hedge | {"order_type": "post_only"})
    except ValidationError:
        return False
    return True


CANCEL_FAULTS = (*UNKNOWN, *NOT_ACCEPTED, *CLOCK, faults.error(400, -2011, "Unknown order sent."))


@pytest.mark.skipif(not resting_orders_are_offered(), reason="no order rests yet")
@pytest.mark.parametrize("executed_too", [False, True])
@pytest.mark.parametrize("fault", CANCEL_FAULTS, ids=named)
def test_a_cancel_that_goes_wrong(stage: Stage, fault: Fault, executed_too: bool) -> None:
    """What was filled meanwhile counts, and nothing is sent beside an order that may rest still."""
    hedged(stage, {"order_type": "post_only", "limit_timeout_seconds": 4})
    stage.server.faults.add(CANCEL, fault.after() if executed_too else fault, times=2)
    stage.setting.set_price(1900)
    settles(stage)
