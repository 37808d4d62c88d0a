"""The terminal is as good as the phone for settings."""

from __future__ import annotations

from tests.bot.conftest import Desk
from tests.bot.test_console import Screen, real, screen

__all__ = ["real", "screen"]


async def test_a_risky_change_is_chosen_and_confirmed_by_number(screen: Screen, real: Desk) -> None:
    """Which hedge, then yes: each by its number or its word."""
    screen.type("set max_slippage_bps 60")
    await screen.until("of which hedge?")
    await screen.until("2) eth")
    screen.type("2")
    await screen.until("eth max_slippage_bps: 30 bps → 60 bps?")
    await screen.until("1) Yes")
    screen.type("yes")
    await screen.until("✅ eth max_slippage_bps: 30 bps → 60 bps.")
    assert real.live.hedge("eth").max_slippage_bps == 60
    screen.type("alerts")
    await screen.until("🔊 breach")
    await screen.until("1) 🔊 breach")
    screen.type("1")
    await screen.until("1) silent")
    screen.type("silent")
    await screen.until("✅ alerts.breach: loud → silent.")
