"""SIGKILL at any instant of an order's life: after the restart nothing was doubled and nothing is forgotten."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from tests.execution.world import SYMBOL, IntentWitness, Setting, running
from tests.rigs.venue import PLACE, QUERY, TRADES, VenueServer, VenueThread, faults
from tests.rigs.venue.gate import RateLimits

KILLS = 8
PATIENCE_S = 60.0


@pytest.fixture
def server() -> Iterator[VenueServer]:
    with VenueThread() as server:
        server.exchange.set_price(SYMBOL, Decimal(2000))
        server.exchange.set_balance(Decimal(50_000))
        yield server


@pytest.mark.slow
def test_killed_again_and_again(server: VenueServer, tmp_path: Path) -> None:
    """Eight processes one after the other, each killed around an order, some answers lost besides."""
    setting, random = Setting(server, tmp_path / "lp_hedge.db"), Random(7)
    server.limits = RateLimits(lambda: 100 * time.monotonic())  # the children's minutes are short
    witness = IntentWitness(setting.database)
    server.exchange.listeners.append(witness)
    for number in range(KILLS):
        _trouble(server, random)
        child = _process(setting, tmp_path / "price", skipped_s=1000 * number)
        try:
            _wait_around_an_order(child, setting, tmp_path / "price", random)
        finally:
            child.kill()
            child.wait()
    server.faults.clear()
    setting.clock.skip(1000 * KILLS)
    asyncio.run(_settle_and_check(setting))
    assert witness.missing == []
    assert len(setting.sent()) >= KILLS


async def _settle_and_check(setting: Setting) -> None:
    async with running(setting) as world:
        await world.until_hedged()
        await world.check_settled()
        assert abs(setting.position + Decimal(str(world.status.lp.base))) < Decimal("0.25")


def _trouble(server: VenueServer, random: Random) -> None:
    """Answers that come late enough to be killed before, and now and then one that is lost or behind."""
    server.faults.clear()
    lost = [faults.drop().after(), faults.drop().before(), faults.unknown_503().after()]
    if random.random() < 0.4:
        server.faults.add(PLACE, random.choice(lost))
    server.faults.add(PLACE, faults.slow(0.03), times=100)
    if random.random() < 0.4:
        server.faults.add(QUERY, faults.no_such_order_2013(), times=2)
        server.faults.add(TRADES, faults.empty_list(), times=2)


def _wait_around_an_order(child: subprocess.Popen[bytes], setting: Setting, price: Path, random: Random) -> None:
    """Until up to 60 ms after a first order, or a second."""
    wanted = len(setting.sent()) + random.choice([1, 1, 2])
    deadline = time.monotonic() + PATIENCE_S
    while len(setting.sent()) < wanted:
        assert child.poll() is None and time.monotonic() < deadline
        _move(setting, price, random)
        time.sleep(0.05)
    time.sleep(random.uniform(0, 0.06))


def _move(setting: Setting, price: Path, random: Random) -> None:
    setting.set_price(random.choice([1900, 1950, 2000, 2060, 2120]))
    scratch = price.with_suffix(".new")
    scratch.write_text(str(setting.pool.price))
    scratch.replace(price)


def _process(setting: Setting, price: Path, *, skipped_s: int) -> subprocess.Popen[bytes]:
    if not price.exists():
        price.write_text("2000")
    arguments = [str(setting.database), setting.server.url, str(price), str(skipped_s)]
    return subprocess.Popen([sys.executable, "-m", "tests.execution.child", *arguments], stdout=subprocess.DEVNULL)
