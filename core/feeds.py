"""Where facts come from: each feed keeps the last good read and what went wrong since."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, TypeVar

import structlog

from core.cancellation import end
from core.clock import Clock
from core.errors import ConfigurationError, LpHedgeError, Refused, Transient
from core.facts import LpFacts, Market, PerpAccount
from core.ports import LpPositions, PerpVenue
from core.venue_watch import VenueWatch

# A node that lags behind the last one asked is not believed, for so long; a chain that was really rolled back is, then.
LAGGING_FOR_S = 60.0
# Longer than all tries of a read take: one still under way is given up, or it would be waited for always.
GIVEN_UP_AFTER_S = 300.0
NEVER_S = float("-inf")
# Balances move with the price, of which no news tells.
ACCOUNT_BELIEVED_S = 15.0

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """`value`: the last good read, None before the first. `trouble`: why the newest try failed, None if it did not.

    `age_s`: how long ago `value` was read, however the wall clock was set since.
    """

    value: T | None
    trouble: str | None
    age_s: float


class ChainFeed:
    """One chain's positions. Hedges that ask at the same time share one request."""

    def __init__(self, positions: LpPositions, clock: Clock) -> None:
        self._positions = positions
        self._clock = clock
        self._lock = asyncio.Lock()
        self._facts: Mapping[str, LpFacts] = {}
        self._facts_at_s: Mapping[str, float] = {}
        self._trouble: str | None = None
        self._read_at_s: float | None = None
        self._believed_at_s = NEVER_S
        self._prepared = False
        self._reading: asyncio.Task[None] | None = None
        self._reading_since_s = 0.0

    async def prepare(self) -> None:
        """Raises Refused or Transient, as the port says; may be called again after either."""
        await self._positions.prepare()
        self._prepared = True

    async def facts(self, hedge: str, *, max_age_s: float, patience_s: float | None = None) -> Reading[LpFacts]:
        """Read unless the last read is younger than `max_age_s`. Never raises for a failed read.

        `patience_s`: after so long the last good read is returned, and the read under way serves whoever asks next; a
        node that hangs must not make what else was read meanwhile grow old.
        """
        await self._begin_reading(max_age_s)
        if self._reading is not None:
            done, _ = await asyncio.wait({self._reading}, timeout=patience_s)
            if not done:
                return self._last_good(hedge, f"the chain has not answered within {patience_s} s")
            if (reading := done.pop()).cancelled():
                return self._last_good(hedge, "a read of the chain hung and was given up")
            reading.result()
        fault = self.fault(hedge)
        return self._last_good(hedge, self._trouble or (str(fault) if fault else None))

    def _last_good(self, hedge: str, trouble: str | None) -> Reading[LpFacts]:
        now_s = self._clock.monotonic_s()
        return Reading(self._facts.get(hedge), trouble, now_s - self._facts_at_s.get(hedge, now_s))

    def fault(self, hedge: str) -> LpHedgeError | None:
        """Why this hedge alone was not in the last read."""
        return self._positions.faults().get(hedge)

    def last(self, hedge: str) -> LpFacts | None:
        """The last good read, however old."""
        return self._facts.get(hedge)

    async def follow(self, hedge: str, position_id: int) -> None:
        """Raises as the port does; what is read next has the position in it."""
        async with self._lock:
            await self._positions.follow(hedge, position_id)
            self._read_at_s = None

    async def _begin_reading(self, max_age_s: float) -> None:
        """Unless one is under way, or the last is young enough."""
        now_s = self._clock.monotonic_s()
        if self._reading is not None and now_s - self._reading_since_s > GIVEN_UP_AFTER_S:
            log.error("a read of the chain hung and was given up", after_s=GIVEN_UP_AFTER_S)
            await end(self._reading)
        if self._reading is None and (self._read_at_s is None or self._read_at_s < now_s - max_age_s):
            self._reading, self._reading_since_s = asyncio.create_task(self._read_alone()), now_s

    async def _read_alone(self) -> None:
        try:
            async with self._lock:
                await self._read()
        finally:
            self._reading = None

    async def _read(self) -> None:
        started_s = self._clock.monotonic_s()
        try:
            if not self._prepared:
                await self.prepare()
            facts = await self._positions.read()
            self._trouble = self._lag(facts, started_s)
            if self._trouble is None:
                self._facts, self._believed_at_s = {**self._facts, **facts}, started_s
                self._facts_at_s = {**self._facts_at_s, **dict.fromkeys(facts, self._clock.monotonic_s())}
        except (Transient, Refused, ConfigurationError) as error:
            self._trouble = str(error)
        self._read_at_s = started_s

    def _lag(self, facts: Mapping[str, LpFacts], now_s: float) -> str | None:
        """Why an answer from before the last believed block is not news: the price would seem to go back and forth."""
        if not facts or now_s - self._believed_at_s > LAGGING_FOR_S:
            return None
        if any(each.reorganised_from is not None for each in facts.values()):
            return None
        answered, believed = min(_blocks(facts)), max(_blocks(self._facts), default=0)
        if answered >= believed:
            return None
        return f"the node answered with block {answered}, but block {believed} was read before"

    async def aclose(self) -> None:
        """Ends the read under way first, so that nobody reads from what is closed."""
        if self._reading is not None:
            await end(self._reading)
        await self._positions.aclose()


def _blocks(facts: Mapping[str, LpFacts]) -> list[int]:
    return [each.block.number for each in facts.values()]


@dataclass(frozen=True, slots=True)
class VenueFacts:
    """`pushed`: the venue told the market by itself."""

    account: PerpAccount
    market: Market
    pushed: bool = False


class VenueFeed:
    """One symbol of the venue, as it tells by itself where `watch` hears it, else as it answers."""

    def __init__(self, venue: PerpVenue, symbol: str, clock: Clock, watch: VenueWatch | None = None) -> None:
        self._venue = venue
        self._symbol = symbol
        self._clock = clock
        self._watch = watch
        self._last: VenueFacts | None = None
        self._last_at_s = clock.monotonic_s()
        self._account_read_at_s: float | None = None

    @property
    def connections(self) -> int:
        """How often the account's news have come back: each time what happened before must be read."""
        return self._watch.connections if self._watch else 0

    def forget_account(self) -> None:
        """Something is known to have happened to it."""
        self._account_read_at_s = None

    async def read(self, *, max_age_s: float) -> Reading[VenueFacts]:
        """Position, balances, book and mark. Never raises for a failed read.

        `max_age_s`: of a market that was told. The account is read unless nothing can have happened to it meanwhile.
        """
        try:
            account, (market, pushed) = await asyncio.gather(self._account(), self._market(max_age_s))
        except (Transient, Refused) as error:
            return Reading(self._last, str(error), self._clock.monotonic_s() - self._last_at_s)
        self._last, self._last_at_s = VenueFacts(account, market, pushed), self._clock.monotonic_s()
        return Reading(self._last, None, 0)

    async def deepened(self, facts: VenueFacts) -> VenueFacts:
        """With the whole visible book; the same when it cannot be read now."""
        try:
            return replace(facts, market=await self._venue.market(self._symbol))
        except (Transient, Refused):
            return facts

    async def _account(self) -> PerpAccount:
        now_s, read_at_s = self._clock.monotonic_s(), self._account_read_at_s
        if self._last is not None and read_at_s is not None and now_s - read_at_s < ACCOUNT_BELIEVED_S:
            as_of = self._clock.now()
            if self._watch is not None and self._watch.is_quiet_since(self._symbol, read_at_s):
                return replace(self._last.account, as_of=as_of)
        self._account_read_at_s = None
        account = await self._venue.account(self._symbol)
        self._account_read_at_s = now_s
        return account

    async def _market(self, max_age_s: float) -> tuple[Market, bool]:
        """With whether it was told."""
        told, oldest = self._watch.market(self._symbol) if self._watch else None, timedelta(seconds=max_age_s)
        # One from later than now was told before the clock was set back, nobody knows how long ago.
        if told is not None and abs(self._clock.now() - told.as_of) <= oldest and told.best_bid < told.best_ask:
            return told, True
        return await self._venue.market(self._symbol), False
