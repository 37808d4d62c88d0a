"""The pinned message's content: short, stamped, and the very same until something but the time has changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from bot.board import STAMP_EVERY, BoardContent
from bot.live_config import LiveConfig
from bot.rendering.markup import plain
from core.clock import ManualClock
from tests.bot.conftest import FakeEngine
from tests.bot.samples import STATUS, T0, UNREAD, a_config


def made(*names: str) -> tuple[BoardContent, FakeEngine, ManualClock]:
    engine, clock = FakeEngine(*names), ManualClock(T0)
    return BoardContent(engine, LiveConfig(a_config(*names)), clock, UTC, mode="paper"), engine, clock


def text(content: BoardContent) -> str:
    reply = content()
    assert reply is not None
    assert reply.html
    return plain(reply.text)


def test_the_board_is_read_at_a_glance() -> None:
    """Mode and state first, four lines a hedge, a stamp last."""
    content, _, _ = made("bnb")
    assert text(content) == (
        "PAPER · RUNNING ✅\n"
        "bnb READY: the gap is within the band\n"
        "550 ├──────●─────┤ 660 · 605.25 USDT\n"
        "Short -14 of -14.1357 BNB · gap 82.11 USDT, 27 % of the band\n"
        "Liquidation 907.5 USDT (50 % away) · free 8,000.5 USDT\n"
        "Updated 12:00:00 UTC"
    )


def test_nothing_is_shown_before_there_is_something() -> None:
    """No board before the first look is over; a hedge that could not be read has one full of unknowns."""
    content, engine, _ = made()
    assert content() is None
    engine.shown = (replace(UNREAD, name="bnb"),)
    assert content() is None
    engine.shown = (replace(UNREAD, name="bnb", reason="stale_venue"),)
    assert "unknown" in text(content)


def test_the_last_board_says_that_nothing_runs() -> None:
    """It stays pinned; the figures below are the last that were seen."""
    content, _, _ = made("bnb")
    content.stop()
    assert text(content).startswith("PAPER · STOPPED ⚪\nNothing is hedged until it runs again; the short stays.")


async def test_only_the_time_changes_nothing() -> None:
    """The very same reply, so that nothing is edited; and every ten minutes a sign of life that says so."""
    content, engine, clock = made("bnb")
    first = content()
    await clock.advance(30)
    engine.shown = (replace(STATUS, chain_age_s=11.0, venue_age_s=9.0),)
    assert content() == first
    await clock.advance(STAMP_EVERY.total_seconds())
    assert text(content).endswith("Updated 12:10:30 UTC, unchanged since 12:00:00 UTC")
    again = content()
    await clock.advance(30)
    assert content() == again


async def test_a_change_is_shown_and_stamped_at_once() -> None:
    """Also right after a sign of life."""
    content, engine, clock = made("bnb")
    text(content)
    await clock.advance(45)
    engine.shown = (replace(STATUS, state="SUSPENDED", reason="halted"),)
    assert text(content).startswith("PAPER · HALTED ⛔\nbnb SUSPENDED: halted")
    assert text(content).endswith("\nUpdated 12:00:45 UTC")


async def test_what_is_old_is_said() -> None:
    """Ages show only once a source is no longer fresh."""
    content, engine, _ = made("bnb")
    assert "old" not in text(content)
    engine.shown = (replace(STATUS, chain_age_s=200.0, venue_age_s=1.0),)
    assert "⚠️ chain is 3 min old" in text(content)


@pytest.mark.parametrize("reason", ["band_exceeded", "awaiting_approval"])
async def test_a_proposal_that_waits_heads_the_board(reason: str) -> None:
    """With where to answer it, from the look on that asks."""
    content, engine, _ = made("bnb")
    engine.shown = (replace(STATUS, state="AWAITING_APPROVAL", reason=reason),)
    assert text(content).startswith("PAPER · WAITING FOR YOUR ANSWER ⚖️\n⚖️ 1 to answer: /pending\n")


async def test_a_clock_that_was_set_back_does_not_freeze_it() -> None:
    """The stamp goes on from the new time."""
    content, _, clock = made("bnb")
    text(content)
    await clock.advance(-7200)
    assert text(content).endswith("Updated 10:00:00 UTC")


def test_many_hedges_stay_on_one_screen() -> None:
    """Eight are shown; the rest is counted."""
    content, _, _ = made(*(f"h{n}" for n in range(11)))
    assert "… and 3 more, see /status" in text(content)
    assert text(content).count("Liquidation") == 8
