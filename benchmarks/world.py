"""The world that the running program is measured in: real contracts, a strict exchange and a strict Bot API."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from tests.e2e.stage import OPERATOR, START_PRICE, SYMBOL, Stage, set_stage
from tests.rigs.chain.proxy import RpcProxy
from tests.rigs.chain.rig import ChainRig
from tests.rigs.telegram.rig import TelegramRig
from tests.rigs.venue.exchange import Exchange
from tests.rigs.venue.server import VenueServer, VenueThread


@contextmanager
def world(exchange: Exchange | None = None) -> Iterator[Stage]:
    with (
        tempfile.TemporaryDirectory() as folder,
        ChainRig() as chain,
        RpcProxy(chain.rpc_url) as proxy,
        VenueThread(VenueServer(exchange)) as venue,
        TelegramRig() as telegram,
    ):
        venue.exchange.set_price(SYMBOL, START_PRICE)
        venue.exchange.set_balance(Decimal(100_000))
        telegram.add_chat(OPERATOR)
        yield set_stage(Path(folder), chain, proxy, venue, telegram)
