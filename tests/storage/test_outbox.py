"""The outbox: a message is a row first, and leaves once, in order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.telegram.settings import Timings
from core.errors import InvariantBroken
from core.ports import Delivery, Gist
from storage.outbox import LONGEST_POSTPONEMENT
from storage.store import Store
from tests.storage.samples import T0, a_message, after


async def test_message_comes_back_whole(store: Store) -> None:
    """Text, buttons and references are as they were put."""
    message = replace(
        a_message(),
        text="<b>Größe</b> 🐻 'quoted' \x00",
        buttons=((("Approve", "ap:1", "success"), ("Reject", "rj:1", "")), (("More", "mo:1", ""),)),
        edits="m0",
        replies_to="m-1",
    )
    await store.outbox.put(message)
    assert await store.outbox.due(T0, 10) == (message,)


async def test_same_key_is_one_message(store: Store) -> None:
    """The first text of a key stands, also when it was delivered meanwhile."""
    await store.outbox.put(a_message())
    await store.outbox.put(replace(a_message(), text="other"))
    assert await store.outbox.due(T0, 10) == (a_message(),)
    await store.outbox.finish("m1", after(1))
    await store.outbox.put(a_message())
    assert await store.outbox.due(after(2), 10) == ()


async def test_due_is_by_priority_then_age(store: Store) -> None:
    """Approvals and alarms go first, among equals the older one; at most `limit`."""
    for key, priority, created_s in (("late", 1, 2), ("early", 1, 1), ("alarm", 0, 3), ("same", 1, 2)):
        await store.outbox.put(a_message(key, priority=priority, created_at=after(created_s)))
    assert [message.key for message in await store.outbox.due(after(9), 10)] == ["alarm", "early", "late", "same"]
    assert [message.key for message in await store.outbox.due(after(9), 2)] == ["alarm", "early"]


async def test_postponed_message_waits(store: Store) -> None:
    """Until its moment a postponed message is not due, but counts as backlog."""
    await store.outbox.put(a_message())
    await store.outbox.postpone("m1", after(30), "429")
    assert await store.outbox.due(after(29.9), 10) == ()
    assert await store.outbox.backlog() == 1
    assert await store.outbox.due(after(30), 10) == (a_message(),)


async def test_a_clock_that_is_set_back_holds_no_message(store: Store) -> None:
    """What was postponed before that is due, and the next postponement counts by the new time."""
    await store.outbox.put(a_message())
    await store.outbox.postpone("m1", after(3630), "429")
    assert await store.outbox.due(after(1), 10) == (a_message(),)
    await store.outbox.postpone("m1", after(31), "429")
    assert await store.outbox.due(after(2), 10) == ()
    assert Timings().unreachable_retry_s < LONGEST_POSTPONEMENT.total_seconds()


async def test_finished_message_is_gone(store: Store) -> None:
    """Finished means neither due nor backlog; its deliveries remain for edits."""
    await store.outbox.put(a_message())
    await store.outbox.record_delivery("m1", Delivery(-1001234567890, 5))
    await store.outbox.record_delivery("m1", Delivery(7, 6))
    await store.outbox.record_delivery("m1", Delivery(7, 6))
    await store.outbox.finish("m1", after(1))
    assert (await store.outbox.due(after(2), 10), await store.outbox.backlog()) == ((), 0)
    assert await store.outbox.deliveries("m1") == (Delivery(-1001234567890, 5), Delivery(7, 6))
    assert await store.outbox.deliveries("m2") == ()


async def test_unknown_key_is_an_error(store: Store) -> None:
    """Nothing can be delivered, finished or put off that was never put."""
    for call in (
        store.outbox.finish("m9", T0),
        store.outbox.postpone("m9", T0, "why"),
        store.outbox.record_delivery("m9", Delivery(1, 1)),
    ):
        with pytest.raises(InvariantBroken):
            await call


async def test_a_digest_takes_the_place_of_its_messages_whole_or_not_at_all(store: Store) -> None:
    """Finished in one transaction with the digest's own row; one key that is not there undoes all of it."""
    gist = Gist("bnb", "hedge_executed", "03-01 12:00:00", "t", ends=True, figures={"quantity_base": "1"})
    for key in ("a", "b"):
        await store.outbox.put(replace(a_message(), key=key, gist=gist))
    digest = replace(a_message(), key="digest")
    with pytest.raises(InvariantBroken):
        await store.outbox.merge(digest, ("a", "b", "missing"), T0)
    assert {message.key: message.gist for message in await store.outbox.due(T0, 10)} == {"a": gist, "b": gist}
    await store.outbox.merge(digest, ("a", "b"), T0)
    assert [message.key for message in await store.outbox.due(T0, 10)] == ["digest"]
