"""A found position as it was told to the operator, with buttons, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class OfferOutcome(StrEnum):
    """`SUPERSEDED`: a later message asks about all that has left by then."""

    FOLLOWED = "followed"
    KEPT = "kept"
    CLOSED = "closed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Offer:
    """`departed_base`: what had left and was asked about; None: only to follow was offered. `text`: as it was shown.

    `outcome` None: open.
    """

    offer_id: str
    hedge: str
    position_id: int
    departed_base: Decimal | None
    text: str
    outcome: OfferOutcome | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def key(self) -> str:
        """Of its message in the outbox."""
        return f"found:{self.offer_id}"


class Offers(Protocol):
    """They are written with the events that open and settle them (`core.ports.News`)."""

    async def get(self, offer_id: str) -> Offer | None:
        """None for an id that was never offered."""
        ...

    async def of(self, hedge: str) -> tuple[Offer, ...]:
        """Open and settled ones, oldest first."""
        ...
