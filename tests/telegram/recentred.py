"""The whole program on a paper account with a Telegram chat: a followed position goes, another one is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from pydantic import SecretStr

from bot.redaction import Redactor
from bot.telegram import TelegramFrontEnd, TelegramSettings
from core.clock import SystemClock
from core.facts import LpFacts
from tests.core.pair import HandPool, Pair, Programme, started
from tests.hedging.positions import LIQUIDITY, position
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import QUICK

STEP_S = 0.2
NEW = 7


class Wallet(HandPool):
    """The position of the hand-made pool, and others that may be followed, of the same size."""

    def __init__(self, pair: Pair) -> None:
        super().__init__("eth", pair.feed, pair.clock)
        self.followed: tuple[int, ...] = ()
        pair.pools["eth"] = self

    def recentre(self) -> None:
        """All liquidity is taken out, and a new position is minted."""
        self.liquidity, self.unfollowed = 0, (NEW,)

    async def read(self) -> Mapping[str, LpFacts]:
        ((name, facts),) = (await super().read()).items()
        others = tuple(position(one, liquidity=LIQUIDITY // 5, price=str(facts.price)) for one in self.followed)
        left = tuple(one for one in self.unfollowed if one not in self.followed)
        return {name: replace(facts, positions=(*facts.positions, *others), unfollowed_ids=left)}

    async def follow(self, hedge: str, position_id: int) -> None:
        self.followed = (*self.followed, position_id)


@asynccontextmanager
async def at_work(
    pair: Pair, rig: TelegramRig, operators: frozenset[int], *, chat_id: int | None = None
) -> AsyncIterator[Programme]:
    """Engine and chat side by side; entered again on the same pair, it is a restart. The market's time is its own."""
    async with started(pair) as programme:
        await programme.cycles(3)
        front = TelegramFrontEnd(
            TelegramSettings(SecretStr(rig.token), operators, chat_id, rig.api_url),
            operator=programme.office.operator,
            outbox=programme.store.outbox,
            clock=SystemClock(),
            redactor=Redactor(),
            timings=QUICK,
        )
        programme.office.bell.listen(front.poke)
        tasks = [asyncio.create_task(front.run()), asyncio.create_task(_go_on(programme))]
        try:
            yield programme
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=30)


async def _go_on(programme: Programme) -> None:
    while True:
        await programme.cycles(1, every_s=STEP_S)
        await asyncio.sleep(0.005)
