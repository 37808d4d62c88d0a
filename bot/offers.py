"""Which found positions are open questions to the operator, and which events answer them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from core.events import Event, EventKind
from core.offers import Offer, OfferOutcome, Offers

ID_BYTES = 6
OUTCOMES: Mapping[EventKind, OfferOutcome] = {
    EventKind.POSITION_FOLLOWED: OfferOutcome.FOLLOWED,
    EventKind.DEPARTED_KEPT: OfferOutcome.KEPT,
    EventKind.DEPARTED_CLOSED: OfferOutcome.CLOSED,
}


def is_offer(event: Event) -> bool:
    """A found position whose number can be followed."""
    return event.kind is EventKind.POSITION_FOUND and event.data.get("position_id", "").isdecimal()


class OfferBook:
    """Of each hedge one question at most is open about what departed; a later one takes its place.

    Only reads: what it gives back is to be written with the event.
    """

    def __init__(self, offers: Offers) -> None:
        self._offers = offers

    async def opened(self, event: Event, text: str) -> tuple[Offer | None, tuple[Offer, ...]]:
        """(the offer whose message is to be there, those that it supersedes, settled). None: it was told and answered
        before."""
        offer = _offer_of(event, text)
        earlier = await self._offers.of(offer.hedge)
        if (told := next((each for each in reversed(earlier) if _says(each, offer)), None)) is not None:
            return told if told.outcome is None else None, ()
        return offer, _settled(_replaced_by(offer, earlier), OfferOutcome.SUPERSEDED, event)

    async def settled_by(self, event: Event) -> tuple[Offer, ...]:
        """As they stand now, each told once."""
        outcome = OUTCOMES.get(event.kind)
        if outcome is None or event.hedge is None:
            return ()
        followed = event.data.get("position_id")
        answered = [
            offer
            for offer in await self._offers.of(event.hedge)
            if (str(offer.position_id) == followed if followed else offer.departed_base is not None)
        ]
        return _settled(answered, outcome, event)


def _offer_of(event: Event, text: str) -> Offer:
    departed = event.data.get("departed_base")
    return Offer(
        offer_id=secrets.token_hex(ID_BYTES),
        hedge=event.hedge or "",
        position_id=int(event.data["position_id"]),
        departed_base=None if departed is None else Decimal(departed),
        text=text,
    )


def _says(told: Offer, new: Offer) -> bool:
    """Whether the message of `told` holds all that `new` would say."""
    return told.position_id == new.position_id and new.departed_base in (None, told.departed_base)


def _replaced_by(new: Offer, earlier: Sequence[Offer]) -> list[Offer]:
    """A question about what departed takes the place of those before it."""
    if new.departed_base is None:
        return []
    return [each for each in earlier if each.departed_base is not None]


def _settled(offers: list[Offer], outcome: OfferOutcome, event: Event) -> tuple[Offer, ...]:
    by, at = event.data.get("by", ""), event.at
    return tuple(
        replace(each, outcome=outcome, decided_by=by, decided_at=at) for each in offers if each.outcome is None
    )
