from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.execution.stage import Stage
from tests.execution.world import HEDGED, SYMBOL, IntentWitness, Setting, World, running
from tests.rigs.venue import VenueServer


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    """An exchange at 2000 with nothing on the account, and a database that is not there yet."""
    async with VenueServer() as server:
        server.exchange.set_price(SYMBOL, Decimal(2000))
        server.exchange.set_balance(Decimal(50_000))
        setting = Setting(server, tmp_path / "lp_hedge.db")
        witness = IntentWitness(setting.database)
        server.exchange.listeners.append(witness)
        yield setting
        assert witness.missing == []


@pytest.fixture
async def world(setting: Setting) -> AsyncIterator[World]:
    async with running(setting) as world:
        yield world


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """The same on a time of its own, not started yet; in the end the witness at the exchange's door is content."""
    with Stage(tmp_path) as stage:
        yield stage
        assert stage.witness.broken == []


@pytest.fixture
def hedged(stage: Stage) -> Stage:
    """Started, at 2000, just under 5 BASE short by one order."""
    stage.start()
    stage.until_hedged()
    assert stage.setting.position == HEDGED
    return stage
