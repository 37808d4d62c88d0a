"""`/follow`: positions that the operator hedges beside the configured ones, kept across restarts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from core.clock import Clock
from core.errors import Refused
from core.events import Event, EventKind
from core.facts import LpFacts
from core.feeds import ChainFeed
from core.ports import EventLog


class FollowedPositions(Protocol):
    """What the operator had followed beside the configured positions."""

    async def of(self, hedge: str) -> tuple[int, ...]:
        """Oldest first; empty when there are none."""
        ...

    async def add(self, hedge: str, position_id: int) -> None:
        """Durable when it returns; a second time changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Followed:
    hedge: str
    answer: str


class Following:
    """`feeds`: each hedge's chain, by name. Only what was found in a hedge's own wallet and pools can be followed: a
    mistyped number must not hedge a stranger's position."""

    def __init__(
        self, *, feeds: Mapping[str, ChainFeed], followed: FollowedPositions, events: EventLog, clock: Clock
    ) -> None:
        self._feeds = feeds
        self._followed = followed
        self._events = events
        self._clock = clock

    async def follow(self, position_id: int, by: str) -> Followed:
        """Raises Refused for a position that is not to be followed, and what reading the chain raises."""
        hedge = self._hedge_of(position_id)
        await self._feeds[hedge].follow(hedge, position_id)
        await self._followed.add(hedge, position_id)
        data = {"position_id": str(position_id), "by": by}
        await self._events.append(Event(EventKind.POSITION_FOLLOWED, hedge, self._clock.now(), data))
        return Followed(hedge, f"{hedge}: position {position_id} is hedged too from now on.")

    def _hedge_of(self, position_id: int) -> str:
        hedged, found = self._hedged(), self._found()
        if position_id in hedged:
            raise Refused(f"{hedged[position_id]}: position {position_id} is hedged already.", code="followed")
        if position_id in found:
            return found[position_id]
        there = ", ".join(map(str, found)) or "none"
        raise Refused(
            f"Position {position_id} holds no liquidity in a hedge's wallet and pool (found there: {there}).",
            code="not_found",
        )

    def _hedged(self) -> dict[int, str]:
        """By position, whose it is."""
        return {position.position_id: hedge for hedge, facts in self._last() for position in facts.positions}

    def _found(self) -> dict[int, str]:
        """By position that could be followed, in whose wallet and pools it is."""
        return {other: hedge for hedge, facts in self._last() for other in facts.unfollowed_ids}

    def _last(self) -> Iterator[tuple[str, LpFacts]]:
        """Of each hedge whose chain has been read, the last good read."""
        for hedge, feed in self._feeds.items():
            if (facts := feed.last(hedge)) is not None:
                yield hedge, facts
