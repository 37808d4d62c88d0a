"""A found position: its message, its buttons and their typed twins, over a real store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC
from decimal import Decimal

import pytest

from bot.console import message_text
from bot.live_config import LiveConfig
from bot.notifier import Notifier
from bot.operator import PressResult, Reply
from bot.rendering.markup import plain
from core.clock import SystemClock
from core.events import EventKind
from core.ports import OutboxMessage
from storage.store import Store
from tests.bot.conftest import ANNA, BEN, Desk, make_desk
from tests.bot.samples import STATUS, a_config, an_event
from tests.bot.test_operator import buttons

LEFT = replace(STATUS, departed_base=Decimal("2.5"), net_base=Decimal(10), target_base=Decimal(-5))


@pytest.fixture
def timely(store: Store, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """On the real clock, with an engine's side that answers."""
    monkeypatch.setattr("bot.operator.ANSWER_WAIT_S", 30)
    desk = make_desk(store, SystemClock(), "bnb", "eth")
    desk.engine.shown = (LEFT, replace(LEFT, name="eth"))
    return desk


@pytest.fixture
def one(desk: Desk) -> Desk:
    desk.engine.shown = (LEFT,)
    return desk


async def found(desk: Desk, number: int = 7, *, departed: str | None = "2.5", hedge: str = "bnb") -> OutboxMessage:
    """Told, and what stands in the outbox of it."""
    before = {message.key for message in await desk.messages()}
    data = {"position_id": str(number)} | ({"departed_base": departed} if departed else {})
    await desk.notifier.append(an_event(EventKind.POSITION_FOUND, hedge=hedge, at=desk.clock.now(), **data))
    (message,) = [each for each in await desk.messages() if each.key not in before and each.edits is None]
    return message


def data_of(message: OutboxMessage) -> dict[str, str]:
    return {label: data for row in message.buttons for label, data, _ in row}


async def edits(desk: Desk, message: OutboxMessage) -> list[str]:
    return [plain(each.text) for each in await desk.messages() if each.edits == message.key]


KINDS = {"keep": EventKind.DEPARTED_KEPT, "close": EventKind.DEPARTED_CLOSED}


async def carry_out(desk: Desk, refusals: list[str]) -> None:
    """The engine's side: what waits is refused, or done and told."""
    for row in await desk.store.commands.pending():
        if refusals:
            await desk.store.commands.finish(row.command_id, ok=False, answer=refusals.pop(), at=desk.clock.now())
            continue
        kind, hedge = KINDS.get(row.args[0], EventKind.POSITION_FOLLOWED), [*row.args, "bnb"][1]
        data = {"by": row.actor} | ({"departed_base": "2.5"} if row.args[0] in KINDS else {"position_id": row.args[0]})
        await desk.notifier.append(an_event(kind, hedge=hedge, at=desk.clock.now(), **data))
        await desk.store.commands.finish(row.command_id, ok=True, answer="Done.", at=desk.clock.now())


@asynccontextmanager
async def engine_at_work(desk: Desk, refusals: Sequence[str] = ()) -> AsyncIterator[None]:
    left = list(refusals)

    async def work() -> None:
        while True:
            await carry_out(desk, left)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def all_rows(desk: Desk) -> list[tuple[str, ...]]:
    rows = await desk.store.database.rows("SELECT args FROM commands ORDER BY command_id")
    return [tuple(json.loads(row["args"])) for row in rows]


# the message


async def test_with_something_gone_there_are_three_buttons(one: Desk) -> None:
    """Loud, at once, with figures, and with what to type instead."""
    message = await found(one)
    assert list(data_of(message)) == ["Follow", "Close", "Keep"] and not message.silent and message.priority == 0
    assert plain(message.text) == (
        "🆕 bnb: position 7 is in the same wallet and pool and is not hedged.\n"
        "2.5 BNB left the followed positions. The short for it stays for the grace time.\n"
        "Follow: /follow 7 hedges it too and takes the place of what left.\n"
        "Close: it is not coming back, the short goes down now. /follow close bnb\n"
        "Keep: the short stays beyond the grace. /follow keep bnb"
    )
    assert "Type:" not in message_text(message)


async def test_with_nothing_gone_there_is_one(one: Desk) -> None:
    """Nothing to close or keep."""
    assert list(data_of(await found(one, departed=None))) == ["Follow"]


async def test_button_data_is_short_and_of_one_offer(one: Desk) -> None:
    """At most 64 bytes; the same button of another message is another one."""
    data = [*data_of(await found(one)).values(), *data_of(await found(one, 10**77)).values()]
    assert all(len(each.encode()) <= 64 for each in data) and len(set(data)) == 6


async def test_what_was_told_is_not_told_again(one: Desk) -> None:
    """A new run finds the same position unanswered: the first message stands, its buttons work."""
    await found(one)
    for _ in range(2):
        for data in ({"departed_base": "2.5"}, {}):
            event = an_event(EventKind.POSITION_FOUND, at=one.clock.now(), position_id="7", **data)
            await one.notifier.append(event)
    assert len(await one.messages()) == 1


async def test_when_more_has_left_the_later_message_asks(one: Desk) -> None:
    """Of one hedge only one question is open."""
    first = await found(one)
    other = await found(one, hedge="eth")
    second = await found(one, departed="3.5")
    assert list(data_of(second)) == ["Follow", "Close", "Keep"] and await edits(one, other) == []
    (settled,) = await edits(one, first)
    assert settled == f"{plain(first.text)}\n\n↓ Asked again in a later message."
    assert "Asked again" in (await one.press(data_of(first)["Keep"])).toast and await one.queued() == []


async def test_off_means_off(store: Store) -> None:
    """`[alerts] positions = "off"`: no message, no offer."""
    notifier = Notifier(
        log=store.events,
        outbox=store.outbox,
        approvals=store.approvals,
        offers=store.offers,
        config=LiveConfig(a_config("bnb", alerts={"positions": "off"})),
        clock=SystemClock(),
        zone=UTC,
    )
    await notifier.append(an_event(EventKind.POSITION_FOUND, position_id="7"))
    assert await store.offers.of("bnb") == () and await store.outbox.backlog() == 0


# presses


async def pressed(desk: Desk, message: OutboxMessage, label: str, *, ben: bool = False) -> PressResult:
    return await desk.press(data_of(message)[label], actor=BEN if ben else ANNA)


@pytest.mark.parametrize(
    ("label", "row", "outcome"), [("Follow", ("7",), "✅ Followed by"), ("Keep", ("keep", "bnb"), "📌 Kept by")]
)
async def test_a_press_is_carried_out_and_shown(timely: Desk, label: str, row: tuple[str, ...], outcome: str) -> None:
    """The text stays, the outcome comes under it, the buttons go; every copy is edited to the same."""
    message = await found(timely)
    async with engine_at_work(timely):
        result = await pressed(timely, message, label)
    assert result.toast == "✅ Done." and await all_rows(timely) == [row]
    assert result.edited is not None and not result.edited.buttons
    assert plain(result.edited.text).startswith(f"{plain(message.text)}\n\n{outcome} Anna ")
    assert await edits(timely, message) == [plain(result.edited.text)]
    (entry,) = await timely.store.audit.recent(5)
    assert (entry.actor, entry.action, entry.detail) == ("Anna (tg:1)", "follow", " ".join(row))
    news = [each for each in await timely.messages() if each.replies_to == message.key]
    assert [each.silent for each in news] == [True]


async def test_a_later_press_hears_who_was_first(timely: Desk) -> None:
    """Whoever presses whatever: nothing is written, and the message is shown as it stands."""
    message = await found(timely)
    async with engine_at_work(timely):
        await pressed(timely, message, "Keep")
        for label in ("Follow", "Close", "Keep"):
            late = await pressed(timely, message, label, ben=True)
            assert late.toast.startswith("Kept by Anna ") and late.said is None
            assert late.edited is not None and "Kept by Anna" in plain(late.edited.text)
    assert await all_rows(timely) == [("keep", "bnb")]


async def test_of_presses_at_one_moment_the_first_counts(timely: Desk) -> None:
    """Two people, and a double tap: one row, and the others hear whose it is."""
    message = await found(timely)
    async with engine_at_work(timely):
        results = await asyncio.gather(
            pressed(timely, message, "Keep"),
            pressed(timely, message, "Follow", ben=True),
            pressed(timely, message, "Keep"),
        )
    assert len(await all_rows(timely)) == 1
    toasts = [result.toast for result in results]
    assert toasts.count("✅ Done.") == 1
    assert all(toast.startswith(("✅", "Pressed already by ", "Kept by ", "Followed by ")) for toast in toasts)


async def test_a_press_that_waits_is_not_overtaken(one: Desk) -> None:
    """The engine is slow: the second hears that the first is at work, also in another run of the program."""
    message = await found(one)
    assert "Working on it" in (await pressed(one, message, "Follow")).toast
    again = make_desk(one.store, one.clock, "bnb")
    late = await pressed(again, message, "Keep", ben=True)
    assert late.toast == "Pressed already by Anna 12:00:00 UTC: it is being carried out." and late.edited is None
    assert await one.queued() == [("follow", ("7",))]


async def test_one_that_was_refused_may_be_pressed_again(timely: Desk) -> None:
    """The node was down; the buttons stay."""
    message = await found(timely)
    async with engine_at_work(timely, refusals=["The node does not answer."]):
        first = await pressed(timely, message, "Follow")
        assert (first.toast, first.edited) == ("⚠️ The node does not answer.", None)
        second = await pressed(timely, message, "Follow", ben=True)
    assert second.edited is not None and "Followed by Ben" in plain(second.edited.text)


async def test_typing_it_settles_the_message_too(timely: Desk) -> None:
    """From the chat, the console or the command line."""
    message = await found(timely)
    async with engine_at_work(timely):
        assert plain((await timely.say("/follow keep bnb", actor=BEN)).text) == "✅ Done."
    (settled,) = await edits(timely, message)
    assert "Kept by Ben" in settled
    assert (await pressed(timely, message, "Close")).toast.startswith("Kept by Ben ")


async def test_following_settles_that_position_only(timely: Desk) -> None:
    """Another one that was found still waits; what left of another hedge too."""
    first, other, third = (
        await found(timely, 7),
        await found(timely, 8, departed=None),
        await found(timely, hedge="eth"),
    )
    async with engine_at_work(timely):
        await pressed(timely, first, "Follow")
        assert await edits(timely, other) == await edits(timely, third) == []
        await pressed(timely, third, "Keep")
        assert await edits(timely, other) == []
        assert (await pressed(timely, other, "Follow")).edited is not None


async def test_an_unknown_button_does_nothing(one: Desk) -> None:
    """Of another database, or made up."""
    for data in ("follow:", "keep:0000", "close:7", "follow:7"):
        assert (await one.press(data)).toast == "I do not know this button."
    assert await one.queued() == []


# close asks once more


async def question(desk: Desk, message: OutboxMessage, *, ben: bool = False) -> Reply:
    result = await pressed(desk, message, "Close", ben=ben)
    assert result.said is not None and result.edited is None
    return result.said


async def test_close_asks_in_a_message_of_its_own(one: Desk) -> None:
    """How much is dropped and what will happen; until it is answered the offer stays as it is."""
    asked = await question(one, await found(one))
    assert plain(asked.text) == (
        "❓ Close the short of bnb for what left the LP?\n"
        "2.5 BNB ≈ 1,512.75 USDT are dropped: they count no more, as if their grace ended now."
        " Target -5 BNB → -3.75 BNB.\n"
        "The short is bought back to it at once, by the usual rules; nothing is sold for this."
    )
    assert list(buttons(asked)) == ["Yes", "No"] and await one.queued() == []


async def test_a_yes_closes_what_was_shown(timely: Desk) -> None:
    """The row carries the size of the question; the offer's message is settled."""
    message = await found(timely)
    asked = await question(timely, message)
    timely.engine.shown = (replace(LEFT, departed_base=Decimal(9)),)
    async with engine_at_work(timely):
        result = await timely.press(buttons(asked)["Yes"])
    assert await all_rows(timely) == [("close", "bnb", "2.5")]
    assert result.edited is not None
    assert plain(result.edited.text) == "Asked: /follow close bnb 2.5\n✅ Done."
    (settled,) = await edits(timely, message)
    assert "Closed by Anna" in settled


async def test_a_no_leaves_everything_open(one: Desk) -> None:
    """It may be asked again."""
    message = await found(one)
    asked = await question(one, message)
    assert (await one.press(buttons(asked)["No"])).toast == "Nothing was done."
    assert await one.queued() == [] and await edits(one, message) == []
    assert "Yes" in buttons(await question(one, message))


async def test_a_yes_after_another_answer_does_nothing(timely: Desk) -> None:
    """Ben asked to close, Anna has kept it meanwhile."""
    message = await found(timely)
    asked = await question(timely, message, ben=True)
    async with engine_at_work(timely):
        await pressed(timely, message, "Keep")
        result = await timely.press(buttons(asked)["Yes"], actor=BEN)
    assert result.toast.startswith("Kept by Anna ") and await all_rows(timely) == [("keep", "bnb")]


async def test_a_yes_counts_from_the_asker_only(one: Desk) -> None:
    """As of every dangerous command."""
    asked = await question(one, await found(one))
    assert "closed" in (await one.press(buttons(asked)["Yes"], actor=BEN)).toast and await one.queued() == []


async def test_a_yes_from_another_mode_does_nothing(one: Desk) -> None:
    """Asked on paper, answered to the live program on the same database."""
    asked = await question(one, await found(one))
    async with await Store.open(one.store.database.path, scope="live:abcd", clock=one.clock) as live:
        assert "closed" in (await make_desk(live, one.clock, "bnb").press(buttons(asked)["Yes"])).toast
    assert await one.queued() == []


async def test_a_stopped_hedge_says_that_nothing_will_be_traded(one: Desk) -> None:
    """Closing is fine then: it only changes what counts."""
    one.engine.shown = (replace(LEFT, state="SUSPENDED", reason="paused"),)
    assert "It is paused: nothing is traded until /resume." in (await one.say("/follow close")).text


# typed


@pytest.mark.parametrize(("departed", "says"), [(Decimal(0), "nothing to close"), (None, "not known yet")])
async def test_close_asks_nothing_without_a_size(one: Desk, departed: Decimal | None, says: str) -> None:
    """One clear sentence, typed or pressed."""
    message = await found(one)
    one.engine.shown = (replace(LEFT, departed_base=departed),)
    typed = await one.say("/follow close bnb")
    assert says in typed.text and not typed.buttons
    assert says in (await question(one, message)).text and await one.queued() == []


async def test_typed_close_asks_and_keep_does_not(one: Desk) -> None:
    """The hedge may be left out while there is one; any case will do."""
    await one.say("/follow KEEP")
    await one.press(buttons(await one.say("follow close"))["Yes"])
    assert await one.queued() == [("follow", ("keep", "bnb")), ("follow", ("close", "bnb", "2.5"))]


async def test_several_hedges_are_offered(timely: Desk) -> None:
    """Keep is carried out once the hedge is chosen, close asks then."""
    async with engine_at_work(timely):
        chosen = await timely.press(buttons(await timely.say("/follow keep"))["eth"])
        assert chosen.edited is not None and "/follow keep eth" in plain(chosen.edited.text)
        asked = await timely.press(buttons(await timely.say("/follow close"))["eth"])
        assert asked.edited is not None and "Close the short of eth" in asked.edited.text
        await timely.press(buttons(asked.edited)["Yes"])
    assert await all_rows(timely) == [("keep", "eth"), ("close", "eth", "2.5")]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("/follow", "Which position? /follow ID | keep [NAME] | close [NAME]"),
        ("/follow seven", "Which position?"),
        ("/follow 7 bnb", "Which position?"),
        ("/follow keep btc", "I know no hedge 'btc'; there is bnb"),
        ("/follow close bnb 2.5", "name one hedge"),
    ],
)
async def test_what_is_not_understood_does_nothing(one: Desk, typed: str, says: str) -> None:
    """And is told what is."""
    assert says in plain((await one.say(typed)).text) and await one.queued() == []
