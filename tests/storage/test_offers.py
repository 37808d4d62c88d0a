"""Offers: kept with every field, settled once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from core.errors import InvariantBroken
from core.offers import Offer, OfferOutcome, Offers
from storage.store import Store
from tests.storage.samples import T0, after

OFFER = Offer("a1b2", "bnb", 7, Decimal("2.5000000000000000000000000000000001"), "<b>found</b> 🐻")


async def test_an_offer_is_read_as_it_was_written(store: Store, second_store: Store, live_store: Store) -> None:
    """Every digit, by another process too, oldest first; other scopes and hedges do not see it."""
    offers: Offers = store.offers
    later = replace(OFFER, offer_id="0000", departed_base=None)
    for offer in (OFFER, later, replace(OFFER, offer_id="ffff", hedge="eth")):
        await offers.add(offer)
    assert await second_store.offers.get("a1b2") == OFFER
    assert await second_store.offers.of("bnb") == (OFFER, later)
    assert await live_store.offers.of("bnb") == () and await live_store.offers.get("a1b2") is None


async def test_an_id_is_used_once(store: Store) -> None:
    """A second offer must not take the place of the first."""
    await store.offers.add(OFFER)
    with pytest.raises(InvariantBroken):
        await store.offers.add(OFFER)


async def test_one_of_many_settles_it(store: Store, second_store: Store) -> None:
    """Whoever is first; the others learn that they were not."""
    await store.offers.add(OFFER)
    answers = await asyncio.gather(
        *(
            each.offers.settle(OFFER, outcome, by=outcome, at=after(1))
            for each in (store, second_store)
            for outcome in OfferOutcome
        )
    )
    (won,) = [answer for answer in answers if answer is not None]
    assert await store.offers.get("a1b2") == won
    assert won.outcome is not None and (won.decided_by, won.decided_at) == (won.outcome.value, after(1))
    assert await store.offers.settle(won, OfferOutcome.KEPT, by="late", at=T0) is None


async def test_a_row_is_found_by_its_key(store: Store) -> None:
    """Whether it waits, was carried out, or refused."""
    assert await store.commands.of_key("found:a1b2:1") is None
    row = await store.commands.put("follow", ("7",), actor="7", source="b", update_key="found:a1b2:1", at=T0)
    assert row is not None
    found = await store.commands.of_key("found:a1b2:1")
    assert found is not None and (found[0].command_id, found[0].args, found[1]) == (row, ("7",), None)
    await store.commands.finish(row, ok=False, answer="no", at=after(1))
    found = await store.commands.of_key("found:a1b2:1")
    assert found is not None and found[1] is False
