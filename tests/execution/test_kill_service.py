"""The whole service, killed again and again around its orders: nothing doubled, nothing forgotten.

20 kills by default, 500 with LP_HEDGE_SOAK=1. The chain, the exchange and the chat are the rigs; the process is real.
"""

from __future__ import annotations

import os
import sqlite3
import time
from decimal import Decimal
from random import Random

import pytest

from tests.e2e import conftest as end_to_end
from tests.e2e.stage import BY_ITSELF, SYMBOL, Service, Stage
from tests.execution.world import IntentWitness
from tests.rigs.venue import PLACE, QUERY, TRADES, VenueServer, faults

pytestmark = [pytest.mark.e2e, pytest.mark.chain, pytest.mark.slow]

KILLS = 500 if os.environ.get("LP_HEDGE_SOAK") == "1" else 20
KILLS_OF_A_PART = 5  # a part of ten takes a minute, and three on a busy machine, where its time is up
# Far enough from each other to be hedged at once, without being so far that it matters which.
PRICES = (1850, 1950, 2050, 2150)
UP_WITHIN_S = 20.0
# Longer than a service takes to start beside others, and less than it takes to prove an order absent.
FOUND_OUT_WITHIN_S = 8.0
RESOLVED_WITHIN_S = 120.0
CLOSE = Decimal("0.002")

chain_session = end_to_end.chain_session
chain = end_to_end.chain
chain_proxy = end_to_end.chain_proxy
venue = end_to_end.venue
telegram = end_to_end.telegram
stage = end_to_end.stage


@pytest.mark.parametrize("part", range(KILLS // KILLS_OF_A_PART))
def test_the_service_killed_around_its_orders(stage: Stage, part: int) -> None:
    """After each kill the next process goes on from what is on the disk; in the end all books agree."""
    random, witness = Random(part), IntentWitness(stage.database)
    stage.configure(BY_ITSELF | {"cooldown_seconds": "0", "max_per_hour": "0", "max_order_quote": "1500"})
    stage.venue.exchange.listeners.append(witness)
    price = 0
    for number in range(KILLS_OF_A_PART):
        price = random.choice([each for each in PRICES if each != price])
        stage.set_price(price)
        _trouble(stage.venue, random)
        _run_and_kill(stage, random, f"run{number}")
    stage.venue.faults.clear()
    _settle_and_check(stage)
    assert witness.missing == []
    assert stage.orders_sent() >= KILLS_OF_A_PART // 2


def _trouble(venue: VenueServer, random: Random) -> None:
    """Answers slow enough to be killed before, and now and then one that is lost, or a replica that is behind."""
    venue.faults.clear()
    if random.random() < 0.3:
        venue.faults.add(PLACE, random.choice([faults.drop().after(), faults.unknown_503().after(), faults.drop()]))
    venue.faults.add(PLACE, faults.slow(0.05), times=100)
    if random.random() < 0.3:
        venue.faults.add(QUERY, faults.no_such_order_2013(), times=2)
        venue.faults.add(TRADES, faults.empty_list(), times=2)


def _run_and_kill(stage: Stage, random: Random, name: str) -> None:
    """Up to a quarter of a second after an order, or, where there is an older one to be found out first, after that."""
    before, deadline_s = stage.orders_sent(), time.monotonic() + UP_WITHIN_S
    patience_s = random.choice([FOUND_OUT_WITHIN_S, UP_WITHIN_S])
    began_s = time.monotonic()
    with Service(stage, name) as service:
        while stage.orders_sent() == before and time.monotonic() - began_s < patience_s:
            assert service.is_running() and time.monotonic() < deadline_s + 60, service.output()
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.25))
        service.kill()


def _settle_and_check(stage: Stage) -> None:
    with Service(stage, "last") as service:
        stage.telegram.wait_for(lambda: abs(stage.short() - _base(stage)) < CLOSE, timeout_s=RESOLVED_WITHIN_S)
        stage.telegram.wait_for(lambda: not _unsettled(stage), timeout_s=RESOLVED_WITHIN_S)
        assert service.stop() == 0, service.output()
    executed = stage.executed()
    rows = _rows(stage, "SELECT client_order_id, executed_base FROM orders")
    assert {row[0] for row in rows} >= {name for name in executed if name.startswith("lph.")}
    for client_id, booked in rows:
        assert Decimal(booked) == executed.get(client_id, Decimal(0))
        assert len(stage.venue.exchange.orders_by_client_id(client_id)) <= 1
    ((net_base,),) = _rows(stage, "SELECT net_base FROM leg_totals")
    assert Decimal(net_base) == stage.venue.exchange.net_position(SYMBOL)
    for plan_id, planned in _rows(stage, "SELECT plan_id, quantity_base FROM plans"):
        assert sum(base for name, base in executed.items() if f".{plan_id}." in name) <= Decimal(planned)


def _base(stage: Stage) -> Decimal:
    return stage.base_of(stage.position_id)


def _unsettled(stage: Stage) -> list[tuple[str, ...]]:
    return _rows(stage, "SELECT client_order_id FROM orders WHERE state NOT IN ('final', 'refused', 'absent')")


def _rows(stage: Stage, sql: str) -> list[tuple[str, ...]]:
    reader = sqlite3.connect(f"file:{stage.database}?mode=ro", uri=True)
    try:
        return reader.execute(sql).fetchall()
    finally:
        reader.close()
