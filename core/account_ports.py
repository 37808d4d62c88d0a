"""The account as history: what it was paid and has paid, what the hedges held, and when its venue does not answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Ban:
    """The venue answers nothing at all until then; `detail` says so in a few words, without the time."""

    until: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Income:
    """One row of the account's income history: signed QUOTE (of `asset`), positive when received.

    Unique by (`kind`, `income_id`). `kind` is the venue's own word: FUNDING_FEE, COMMISSION, REALIZED_PNL, TRANSFER …
    """

    kind: str
    income_id: int
    symbol: str
    amount: Decimal
    asset: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HeldLiquidity:
    """One LP position's principal: liquidity in a range, and what a decrease parked in `tokensOwed`."""

    position_id: int
    base_is_token0: bool
    base_decimals: int
    quote_decimals: int
    tick_lower: int
    tick_upper: int
    liquidity: int
    parked_base: Decimal
    parked_quote: Decimal


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One hedge at one moment, as it was read and believed; None is unknown. Signs and units as in the design.

    `price` is the pool's, `mark_price` the perpetual's. `lp_*`: principal, also what is parked; `fee_*`: uncollected.
    `symbol`, `held`: what the hedge was made of, None where that was not kept. `landmark`: the last before or the first
    after a change of what is held, or the first of an hour: these alone tell a long period.
    `figures`: further amounts, zero where absent; `beside_base` is BASE beside the LP that is hedged too.
    """

    hedge: str
    at: datetime
    price: Decimal | None = None
    net_base: Decimal | None = None
    perp_base: Decimal | None = None
    gap_base: Decimal | None = None
    gap_quote: Decimal | None = None
    residual_base: Decimal | None = None
    figures: Mapping[str, Decimal] = field(default_factory=dict)
    mark_price: Decimal | None = None
    lp_base: Decimal | None = None
    lp_quote: Decimal | None = None
    fee_base: Decimal | None = None
    fee_quote: Decimal | None = None
    symbol: str | None = None
    held: tuple[HeldLiquidity, ...] | None = None
    landmark: bool = False


class Exposure(NamedTuple):
    """What a snapshot tells of price and position; None is unknown."""

    at: datetime
    price: Decimal | None
    net_base: Decimal | None
    perp_base: Decimal | None
    gap_base: Decimal | None
    residual_base: Decimal | None
    band_quote: Decimal | None = None


class SeriesBook(Protocol):
    """The snapshots of one mode and account."""

    async def append(self, snapshot: Snapshot) -> None:
        """A second snapshot of the same hedge and moment adds nothing but that it is a landmark."""
        ...

    async def between(
        self, hedge: str, start: datetime, end: datetime, *, landmarks_only: bool = False
    ) -> tuple[Snapshot, ...]:
        """Oldest first, `start` included, `end` not."""
        ...

    async def exposures(self, hedge: str, start: datetime, end: datetime) -> tuple[Exposure, ...]:
        """Of the same snapshots as `between`, as little as a picture needs: quick enough for a month of minutes."""
        ...

    async def newest(self, hedge: str, until: datetime) -> Snapshot | None:
        """The last one not after `until`."""
        ...


class IncomeBook(Protocol):
    """The income rows of one mode and account, kept beyond the venue's own memory."""

    async def book(self, rows: Sequence[Income], at: datetime) -> int:
        """Adds the rows not yet there, by (`kind`, `income_id`), all or none; how many those were."""
        ...

    async def newest_at(self) -> datetime | None:
        """The venue's own time of the newest row booked; None while there is none."""
        ...

    async def between(self, start: datetime, end: datetime, *, without: Collection[str] = ()) -> tuple[Income, ...]:
        """Oldest first, `start` included, `end` not; no rows of the kinds `without`."""
        ...
