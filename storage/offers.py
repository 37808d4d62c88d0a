"""Offers to the operator, kept with the database's notes: one JSON text each."""

from __future__ import annotations

import json
from decimal import Decimal

from core.offers import Offer, OfferOutcome
from storage.columns import maybe_number_text, time_of, time_text
from storage.database import Database, Transaction


class SqliteOffers:
    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._prefix = _prefix(scope)

    async def get(self, offer_id: str) -> Offer | None:
        """None also for another scope's."""
        row = await self._db.row("SELECT key, value FROM meta WHERE key = ?", (self._prefix + offer_id,))
        return None if row is None else self._offer_of(row["key"], row["value"])

    async def of(self, hedge: str) -> tuple[Offer, ...]:
        """Reads those of every hedge of the scope, which are few."""
        rows = await self._db.rows(
            "SELECT key, value FROM meta WHERE substr(key, 1, ?) = ? ORDER BY rowid", (len(self._prefix), self._prefix)
        )
        offers = (self._offer_of(row["key"], row["value"]) for row in rows)
        return tuple(offer for offer in offers if offer.hedge == hedge)

    def _offer_of(self, key: str, text: str) -> Offer:
        data = json.loads(text)
        return Offer(
            offer_id=key.removeprefix(self._prefix),
            hedge=data["hedge"],
            position_id=int(data["position_id"]),
            departed_base=None if data["departed_base"] is None else Decimal(data["departed_base"]),
            text=data["text"],
            outcome=None if data["outcome"] is None else OfferOutcome(data["outcome"]),
            decided_by=data["decided_by"],
            decided_at=None if data["decided_at"] is None else time_of(data["decided_at"]),
        )


async def put_offer(tx: Transaction, scope: str, offer: Offer) -> None:
    """A new one is added, an open one settled; a settled one stays."""
    await tx.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        " WHERE json_extract(value, '$.outcome') IS NULL",
        (_prefix(scope) + offer.offer_id, _text_of(offer)),
    )


def _prefix(scope: str) -> str:
    return f"offer:{scope}:"


def _text_of(offer: Offer) -> str:
    return json.dumps(
        {
            "hedge": offer.hedge,
            "position_id": str(offer.position_id),
            "departed_base": maybe_number_text(offer.departed_base),
            "text": offer.text,
            "outcome": offer.outcome,
            "decided_by": offer.decided_by,
            "decided_at": None if offer.decided_at is None else time_text(offer.decided_at),
        }
    )
