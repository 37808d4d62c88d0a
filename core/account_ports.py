"""The account as history: what it was paid and has paid, how it stood, and when its venue does not answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol


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
class AccountSample:
    """The account behind one symbol as it was read at `at`, by our clock; signs and units as in `core.facts`.

    `liquidation_price` None: there is none. `funding_rate`: fraction of notional at `next_funding_at`.
    """

    symbol: str
    at: datetime
    position_base: Decimal
    mark_price: Decimal
    margin_balance_quote: Decimal
    maintenance_margin_quote: Decimal
    available_quote: Decimal
    liquidation_price: Decimal | None
    funding_rate: Decimal
    next_funding_at: datetime


class IncomeBook(Protocol):
    """The income rows of one mode and account, kept beyond the venue's own memory."""

    async def book(self, rows: Sequence[Income], at: datetime) -> int:
        """Adds the rows not yet there, by (`kind`, `income_id`), all or none; how many those were."""
        ...

    async def newest_at(self) -> datetime | None: ...

    async def between(self, start: datetime, end: datetime) -> tuple[Income, ...]:
        """Oldest first, `start` included, `end` not."""
        ...


class AccountSamples(Protocol):
    async def append(self, sample: AccountSample) -> None:
        """A second sample of the same symbol and moment is dropped."""
        ...

    async def between(self, symbol: str, start: datetime, end: datetime) -> tuple[AccountSample, ...]:
        """Oldest first, `start` included, `end` not."""
        ...
