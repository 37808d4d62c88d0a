"""A wallet whose followed position goes, and with others in it that may be followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from core.facts import LpFacts
from tests.execution.world import HEDGED, Setting, StillPool
from tests.hedging.positions import LIQUIDITY, position

NEW = 7
TWICE = 2 * HEDGED


class Wallet(StillPool):
    """The still pool's position, until it is gone, and another of the same wallet that may be followed.

    `share_of_new`: its size against the first one's.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting.clock)
        self.others: tuple[int, ...] = ()
        self.followed: tuple[int, ...] = ()
        self.gone = False
        self.share_of_new = Decimal(1)

    async def read(self) -> Mapping[str, LpFacts]:
        (name, facts), *_ = (await super().read()).items()
        size = int(LIQUIDITY // 5 * self.share_of_new)
        others = tuple(position(one, liquidity=size, price=str(self.price)) for one in self.followed)
        kept = () if self.gone else facts.positions
        unfollowed = tuple(one for one in self.others if one not in self.followed)
        missing = (1,) if self.gone else ()
        return {name: replace(facts, positions=(*kept, *others), unfollowed_ids=unfollowed, missing_ids=missing)}

    async def follow(self, hedge: str, position_id: int) -> None:
        self.followed = (*self.followed, position_id)
