"""A database, an exchange and a chat in which one plan, its order, its fill and its messages are as they should be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from core.clock import PacedClock, SystemClock
from storage.store import Store
from tests.rigs.telegram.rig import TelegramRig
from tests.rigs.venue import VenueServer
from tests.soak.broken import AT, NOON, happened, sell, write
from tests.soak.stage import OPERATOR, Leg, SoakStage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[SoakStage]:
    """Its clock stands a day after NOON, at the speed of one."""
    clock = PacedClock(SystemClock(), start=datetime(2026, 1, 2, 12, tzinfo=UTC), speed_s=1)
    leg = cast(Leg, SimpleNamespace(name="eth", symbol="ETHUSDT"))
    with TelegramRig() as telegram:
        telegram.add_chat(OPERATOR)
        stage = SoakStage(tmp_path, clock, "", {}, {}, VenueServer(), telegram, [leg])
        asyncio.run(_made(stage))
        _one_hedge(stage)
        yield stage


async def _made(stage: SoakStage) -> None:
    async with await Store.open(stage.database, scope="s", clock=stage.clock):
        return


def _one_hedge(stage: SoakStage) -> None:
    sell(stage, "lph.eth.abc.1", "1.000")
    plan = "INSERT INTO plans VALUES (1,'s','abc','eth','ETHUSDT','SELL','1',0,'','','',NULL,?,'done',?)"
    write(stage, plan, AT, AT)
    (trade,) = stage.exchange.ledger.trades
    order = (
        "INSERT INTO orders VALUES (1,'lph.eth.abc.1','s','eth','abc',1,'ETHUSDT','SELL','BOTH','1','MARKET',NULL,NULL,"
        "0,'final',?,'1',?,?,'')"
    )
    write(stage, order, trade.order_id, AT, AT)
    write(stage, "INSERT INTO leg_totals VALUES ('s','ETHUSDT','BOTH','-1')")
    at = f"{datetime.fromtimestamp(trade.time_ms / 1000, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    fill = "INSERT INTO fills VALUES (1,'s','ETHUSDT',?,?,'ours','SELL','BOTH',?,'1',?,'USDT','0',0,?,?,0)"
    write(stage, fill, trade.id, trade.order_id, str(trade.price), str(trade.commission), at, at)
    for number, paid in enumerate(stage.exchange.ledger.income):
        income = "INSERT INTO income VALUES (?,'s',?,?,?,?,'USDT',?,?)"
        write(stage, income, number, paid.kind, paid.id, paid.symbol, str(paid.amount), at, at)
    happened(stage, "plan_opened", NOON, plan_id="abc")
    happened(stage, "hedge_executed", NOON, plan_id="abc", told="sold")
