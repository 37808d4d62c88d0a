"""The demo's market as a path of whole seconds, and the live engine driven through it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cache
from itertools import groupby
from pathlib import Path as FilePath

import numpy as np

from bot.demo.chain import HEDGE
from bot.demo.market import RULES, DemoMarket
from bot.demo.path import RECORDED_START
from core.clock import ManualClock
from core.config import Config
from core.ports import ApprovalState
from core.replay.path import Path
from core.replay.setup import Costs, Position, Setup, setup_from
from core.status import DueKind
from tests.demo.embedded import embedded


@dataclass
class Lived:
    """What the live engine did: orders as (milliseconds, signed BASE executed), and milliseconds in each reason."""

    orders: list[tuple[int, Decimal]] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    looks: int = 0


def config_with(seed: int, changes: Mapping[str, object]) -> Config:
    """The demo's own configuration with these keys of its hedge changed."""
    plain = DemoMarket.load(seed=seed, clock=ManualClock(RECORDED_START)).config()
    data = plain.model_dump(exclude_unset=True)
    data["hedges"][HEDGE] |= changes
    return Config.model_validate(data)


@cache
def recorded_path(seed: int, seconds: int) -> tuple[Path, Position]:
    """Second by second what the demo's ports say; the fees are those that its pool owes the position."""
    clock = ManualClock(RECORDED_START)
    market = DemoMarket.load(seed=seed, clock=clock, moves=False)
    rows, owed = [], (Decimal(0), Decimal(0))
    for second in range(seconds + 1):
        market.chain.advance_to(RECORDED_START + timedelta(seconds=second))
        held = market.chain.position()
        assert held is not None
        earned = (held.owed_base - owed[0], held.owed_quote - owed[1])
        owed = (held.owed_base, held.owed_quote)
        rows.append((market.path.price_ticks(second) / 100, float(held.price), float(earned[0]), float(earned[1])))
    table = np.array(rows)
    start_ms = int(RECORDED_START.timestamp() * 1000)
    logs = np.log(table[:, 1])
    path = Path(
        time_ms=start_ms + 1000 * np.arange(seconds + 1, dtype=np.int64),
        mark=table[:, 0].copy(),
        high=table[:, 0].copy(),
        low=table[:, 0].copy(),
        pool=table[:, 1].copy(),
        fee_base=table[:, 2].copy(),
        fee_quote=table[:, 3].copy(),
        pool_liquidity=np.zeros(seconds + 1),
        pool_low=logs,
        pool_high=logs,
        funding_ms=np.zeros(0, np.int64),
        funding_rate=np.zeros(0),
    )
    assert held is not None
    liquidity = held.liquidity / 10 ** ((18 + 6) / 2)
    return path, Position(float(held.price_lower), float(held.price_upper), liquidity)


def setup_of(config: Config, position: Position) -> Setup:
    """Orders at once and answers at once, as the driver below has them; nobody but the clock calls for a look."""
    setup = setup_from(
        config.hedges[HEDGE], RULES, position=position, paper=config.paper, costs=Costs(latency_ms=0), answer_s=0
    )
    return setup._replace(conduct=setup.conduct._replace(stirs=False))


async def lived(config: Config, seed: int, seconds: int, folder: FilePath) -> Lived:
    """The whole program, each look when the hedge itself says that it is due; what is asked is approved at once."""
    async with AsyncExitStack() as stack:
        world = await embedded(stack, folder, seed=seed, moves=False, config=config)
        clock, store, engine = world.clock, world.store, world.engine
        found, end = Lived(), RECORDED_START + timedelta(seconds=seconds)
        while clock.now() <= end:
            await engine.cycle()
            found.looks += 1
            pending = [each for each in await store.approvals.live(HEDGE) if each.state is ApprovalState.PENDING]
            for approval in pending:
                await world.office.desk.answer(approval.approval_id, approve=True, by="test", note=None)
            if pending:
                continue
            status = engine.statuses()[0]
            due = next(each.at for each in status.due if each.kind is DueKind.LOOK)
            stood = min(due, end) - clock.now()
            found.reasons[status.reason] = found.reasons.get(status.reason, 0) + stood // timedelta(milliseconds=1)
            await clock.sleep((due - clock.now()).total_seconds())
        fills = [fill for _, fill in reversed(await store.journal.recent_fills(100_000))]
        for at, levels in groupby(fills, key=lambda fill: fill.at):
            found.orders.append(
                (int(at.timestamp() * 1000), sum((each.side.sign * each.quantity_base for each in levels), Decimal(0)))
            )
        return found
