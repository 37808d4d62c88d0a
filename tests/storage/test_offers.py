"""Offers: kept with every field, settled once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.events import Event, EventKind
from core.offers import Offer, OfferOutcome, Offers
from storage.store import Store
from tests.storage.samples import T0, after

OFFER = Offer("a1b2", "bnb", 7, Decimal("2.5000000000000000000000000000000001"), "<b>found</b> 🐻")


async def tell(store: Store, offer: Offer) -> None:
    await store.events.append(Event(EventKind.POSITION_FOUND, offer.hedge, T0, {}), offers=[offer])


async def test_an_offer_is_read_as_it_was_written(store: Store, second_store: Store, live_store: Store) -> None:
    """Every digit, by another process too, oldest first; other scopes and hedges do not see it."""
    later = replace(OFFER, offer_id="0000", departed_base=None)
    for offer in (OFFER, later, replace(OFFER, offer_id="ffff", hedge="eth")):
        await tell(store, offer)
    offers: Offers = second_store.offers
    assert await offers.get("a1b2") == OFFER
    assert await offers.of("bnb") == (OFFER, later)
    assert await live_store.offers.of("bnb") == () and await live_store.offers.get("a1b2") is None


async def test_the_first_to_settle_it_counts(store: Store, second_store: Store) -> None:
    """Another process that read it while it was open changes nothing, nor does whoever opens it again."""
    await tell(store, OFFER)
    first = replace(OFFER, outcome=OfferOutcome.KEPT, decided_by="first", decided_at=after(1))
    for each, offer in ((store, first), (second_store, replace(first, decided_by="late")), (second_store, OFFER)):
        await tell(each, offer)
        assert await store.offers.get("a1b2") == first


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
