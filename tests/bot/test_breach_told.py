"""What the phone says of a breach while it is traded on, asked about, rejected, and opened by a /flatten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from bot.rendering.markup import plain
from core.events import EventKind
from core.status import HedgeStatus
from tests.bot.conftest import Desk
from tests.bot.samples import STATUS
from tests.bot.test_notifier import pass_time, tell

FIGURES = {"gap_base": "-2", "limit_quote": "1000", "band_quote": "500"}


def at(state: str, reason: str, gap_quote: int = 3000) -> HedgeStatus:
    return replace(STATUS, state=state, reason=reason, gap_quote=Decimal(gap_quote))


async def decide(desk: Desk, state: str, reason: str, gap_quote: int = 3000, *, for_s: float = 0) -> None:
    """A decision, as its event and as the status from then on. `for_s`: what a trade may take."""
    desk.engine.shown = (at(state, reason, gap_quote),)
    time = {"covered_until": (desk.clock.now() + timedelta(seconds=for_s)).isoformat()} if for_s else {}
    await tell(desk, EventKind.DECISION_CHANGED, state=state, reason=reason, gap_quote=str(gap_quote), **time)


async def ask(desk: Desk, gap_quote: int = 3000) -> None:
    """A breach that is told as one that waits for an answer."""
    await decide(desk, "AWAITING_APPROVAL", "band_exceeded", gap_quote)
    figures = FIGURES | {"gap_quote": str(gap_quote), "reason": "awaiting_approval"}
    await tell(desk, EventKind.EXPOSURE_BREACHED, **figures)


async def told(desk: Desk) -> list[tuple[str, bool]]:
    """The last line of each, and whether it rang."""
    return [(plain(message.text).splitlines()[-1], not message.silent) for message in await desk.messages()]


WAITS = ("It waits for your answer: /pending.", False)


async def test_what_was_approved_has_its_own_time(desk: Desk) -> None:
    """In slices: in silence for as long as they take, however long the question had stood; then aloud, and what is
    counted is the trading."""
    await ask(desk)
    await pass_time(desk, 90)
    await decide(desk, "ADJUSTING", "approved", for_s=70)
    await pass_time(desk, 10)
    await decide(desk, "ADJUSTING", "executing", 2500, for_s=10)
    await pass_time(desk, 50)
    assert await told(desk) == [WAITS]
    await pass_time(desk, 15)
    assert (await told(desk))[1:] == [
        ("70 s of trading have not closed it. See /status; /hedge trades to the target now.", True)
    ]


async def test_a_loud_word_that_it_is_traded_on_is_followed_by_another(desk: Desk) -> None:
    """When the trade ended and left the gap, also into an old rejection; once."""
    await ask(desk)
    await decide(desk, "ADJUSTING", "approved", for_s=70)
    await decide(desk, "ADJUSTING", "executing", 7000)
    await pass_time(desk, 20)
    assert await told(desk) == [WAITS, ("I am trading on it now.", True)]
    await decide(desk, "READY", "snoozed", 7000)
    await pass_time(desk, 60)
    rejected = "You rejected this side: nothing closes it for a while. /hedge does."
    assert (await told(desk))[2:] == [(f"20 s of trading have not closed it. {rejected}", True)]


async def test_a_rejection_makes_no_sound_of_its_own(desk: Desk) -> None:
    """Nothing was traded, and the operator knows why the gap is open."""
    await ask(desk)
    await pass_time(desk, 30)
    await decide(desk, "READY", "snoozed")
    await pass_time(desk, 300)
    assert await told(desk) == [WAITS]
    await decide(desk, "COOLDOWN", "cooldown")
    await pass_time(desk, 5)
    assert (await told(desk))[1:] == [("See /status for why it is not closed; /hedge trades to the target now.", True)]


async def test_a_hedge_by_command_that_leaves_a_gap_is_told(desk: Desk) -> None:
    """Each command once, also where the breach has rung before."""
    await ask(desk)
    await decide(desk, "COOLDOWN", "cooldown")
    for number in (2, 3):
        await pass_time(desk, 30)
        await decide(desk, "ADJUSTING", "operator_hedge", for_s=30)
        await pass_time(desk, 20)
        await decide(desk, "READY", "at_cap")
        await pass_time(desk, 60)
        assert [rang for _, rang in await told(desk)] == [False] + [True] * number
        assert (await told(desk))[-1][0].startswith("20 s of trading have not closed it.")


async def test_trades_that_the_program_repeats_by_itself_ring_once(desk: Desk) -> None:
    """A plan that is tried again and again is no news each time."""
    await decide(desk, "ADJUSTING", "band_exceeded", for_s=20)
    await tell(desk, EventKind.EXPOSURE_BREACHED, **FIGURES, gap_quote="3000")
    for _ in range(10):
        await pass_time(desk, 10)
        await decide(desk, "READY", "low_margin")
        await pass_time(desk, 10)
        await decide(desk, "ADJUSTING", "band_exceeded", for_s=20)
    assert [rang for _, rang in await told(desk)] == [False, True]


async def test_what_is_begun_anew_by_itself_gets_no_more_time(desk: Desk) -> None:
    """Though a trade is under way at every look: what ends and begins between two looks is not hidden by that."""
    await decide(desk, "ADJUSTING", "band_exceeded", for_s=20)
    await tell(desk, EventKind.EXPOSURE_BREACHED, **FIGURES, gap_quote="3000")
    for _ in range(10):
        await pass_time(desk, 10)
        await decide(desk, "READY", "low_margin")
        await decide(desk, "ADJUSTING", "band_exceeded", for_s=20)
    assert [rang for _, rang in await told(desk)] == [False, True]


async def test_a_gap_that_a_flatten_opens_is_no_news(desk: Desk) -> None:
    """However much it grows by it; what comes on top of that is."""
    await ask(desk, 1200)
    await decide(desk, "SUSPENDED", "halted", 1200)
    await decide(desk, "ADJUSTING", "operator_flatten", 1200, for_s=10)
    await pass_time(desk, 20)
    await decide(desk, "SUSPENDED", "halted", 10_000)
    await tell(desk, EventKind.EXPOSURE_BREACHED, **FIGURES, gap_quote="10000", reason="halted")
    await pass_time(desk, 60)
    assert await told(desk) == [WAITS]
    desk.engine.shown = (at("SUSPENDED", "halted", 20_000),)
    await pass_time(desk, 5)
    assert (await told(desk))[1:] == [("It is halted, so nothing closes it: /resume hedges again.", True)]


async def test_a_breach_in_a_trade_begins_in_silence_before_its_event(desk: Desk) -> None:
    """Events come at the end of a look; until then what the hedge stands at says that it is worked on."""
    await ask(desk)
    desk.engine.shown = (at("ADJUSTING", "approved"),)
    await pass_time(desk, 5)
    assert await told(desk) == [WAITS]
