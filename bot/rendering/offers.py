"""A found position's message once it was answered, and what a later press is told."""

from __future__ import annotations

from datetime import tzinfo

from bot.rendering.approvals import person
from bot.rendering.markup import bold, esc, lines
from bot.rendering.numbers import hour
from core.offers import Offer, OfferOutcome

OUTCOMES = {
    OfferOutcome.FOLLOWED: ("✅", "Followed", "it is hedged too"),
    OfferOutcome.KEPT: ("📌", "Kept", "the short for what left stays"),
    OfferOutcome.CLOSED: ("✅", "Closed", "what left counts no more"),
}
ASKED_AGAIN = "Asked again in a later message."


def settled_offer_text(offer: Offer, zone: tzinfo) -> str:
    """The message as it was shown, and under it the outcome."""
    return lines(offer.text, "", _outcome_line(offer, zone))


def settled_offer_sentence(offer: Offer, zone: tzinfo) -> str:
    """For a press that came later: who was there before, and when."""
    if offer.outcome is None or offer.outcome not in OUTCOMES:
        return ASKED_AGAIN
    _, word, meaning = OUTCOMES[offer.outcome]
    return f"{word} by {person(offer.decided_by)} {hour(offer.decided_at, zone)}: {meaning}."


def _outcome_line(offer: Offer, zone: tzinfo) -> str:
    if offer.outcome is None or offer.outcome not in OUTCOMES:
        return f"↓ {ASKED_AGAIN}"
    sign, word, meaning = OUTCOMES[offer.outcome]
    return f"{sign} {bold(word)} by {esc(person(offer.decided_by))} {hour(offer.decided_at, zone)}: {meaning}."
