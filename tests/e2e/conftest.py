from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.stage import OPERATOR, START_PRICE, SYMBOL, Stage, set_stage
from tests.rigs.chain.fixtures import chain, chain_proxy, chain_session
from tests.rigs.chain.proxy import RpcProxy
from tests.rigs.chain.rig import ChainRig
from tests.rigs.telegram.rig import TelegramRig
from tests.rigs.venue.server import VenueServer, VenueThread

__all__ = ["chain", "chain_proxy", "chain_session"]


@pytest.fixture
def venue() -> Iterator[VenueServer]:
    with VenueThread() as server:
        server.exchange.set_price(SYMBOL, START_PRICE)
        server.exchange.set_balance(Decimal(20000))
        yield server


@pytest.fixture
def telegram() -> Iterator[TelegramRig]:
    with TelegramRig() as rig:
        rig.add_chat(OPERATOR)
        yield rig


@pytest.fixture
def stage(tmp_path: Path, chain: ChainRig, chain_proxy: RpcProxy, venue: VenueServer, telegram: TelegramRig) -> Stage:
    """As `set_stage`."""
    return set_stage(tmp_path, chain, chain_proxy, venue, telegram)
