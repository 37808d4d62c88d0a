"""Whatever operators type and press, what is in force is what a fresh start from file and database would find."""

from __future__ import annotations

import random

import pytest

from bot.chat_settings.keys import Key
from bot.chat_settings.table import NOT_FROM_CHAT, ROWS
from bot.chat_settings.takes import takes
from core.clock import ManualClock
from core.config import AlertsConfig, Config
from storage.store import Store
from tests.bot.conftest import ANNA, BEN, Desk, make_desk
from tests.bot.samples import a_config

LINES = 120
KEYS = [*ROWS, *NOT_FROM_CHAT, *(f"alerts.{name}" for name in AlertsConfig.model_fields), "moon", "hedges", ""]
WORDS = [
    "0", "1", "2", "0.5", "5", "30", "60", "1000", "-1", "0.0", "1e9", "nan", "inf", "true", "false", "on", "off",
    "default", "unset", "loud", "silent", "market", "limit", "post_only", "edge", "target", "none", "hold", "partial",
    "estimate", "auto", "ask", "mark", "mid", "live", "<b>", "'", '"60"', "9" * 400, "60s", "٣", "=", "a b", "\x00",
]  # fmt: skip
SEEDS = range(6)


def a_file() -> Config:
    """Two hedges, of which one says more in the file than the other."""
    data = a_config("bnb", "eth").model_dump(exclude_unset=True)
    data["hedges"]["eth"] |= {"cooldown_seconds": 45, "delta_band_quote": 100, "approval_over_quote": "off"}
    return Config.model_validate(data)


def fixed(config: Config) -> object:
    """What chat must never change."""
    hedges = [hedge.model_dump(include=set(NOT_FROM_CHAT)) for hedge in config.hedges.values()]
    return config.mode, config.timezone, config.paper, config.chains, hedges


def a_line(chance: random.Random) -> str:
    """Half of them make sense."""
    hedge, key = chance.choice(["bnb", "eth"]), chance.choice(KEYS)
    if key in ROWS and chance.random() < 0.7:
        choices = takes(Key(hedge, key)).choices or ("default", *map(str, range(1, 90)))
        return f"/set {hedge} {key} {chance.choice(choices)}"
    place = chance.choice(["", "", f"{hedge} ", f"{hedge}.", f"hedges.{hedge}.", "gone "])
    values = " ".join(chance.choices(WORDS, k=chance.choice([0, 1, 1, 1, 2])))
    return f"{chance.choice(['/set', '/set', '/alerts'])} {place}{key} {values}"


async def converse(desk: Desk, chance: random.Random) -> None:
    """One line and, mostly, a press on something it offers, and on what that offers."""
    actor = chance.choice([ANNA, BEN])
    key = chance.choice([None, f"tg:1:{chance.randrange(40)}"])
    shown = await desk.say(a_line(chance), actor=actor, key=key)
    for _ in range(3):
        offered = [button.data for row in shown.buttons for button in row]
        if not offered or chance.random() < 0.2:
            return
        result = await desk.press(chance.choice(offered), actor=actor)
        if result.edited is None:
            return
        shown = result.edited


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_in_force_is_what_a_fresh_start_finds(store: Store, clock: ManualClock, seed: int) -> None:
    """At every moment, and it is a whole valid configuration; what is fixed stays as the file has it."""
    chance, file = random.Random(seed), a_file()
    desk = make_desk(store, clock, "bnb", "eth", config=file)
    settled = 0
    for _ in range(LINES):
        before = desk.live.now
        await converse(desk, chance)
        await clock.advance(chance.choice([0, 1, 30]))
        if desk.live.now != before:
            settled += 1
            fresh = make_desk(store, clock, "bnb", "eth", config=file)
            await fresh.settings.load()
            assert fresh.live.now == desk.live.now
            assert Config.model_validate(desk.live.now.model_dump()) == desk.live.now
    assert settled > LINES / 20
    audited = await store.audit.recent(10_000)
    told = await store.events.recent(hedge=None, limit=10_000)
    assert len(audited) == len(told) >= settled
    for name, hedge in desk.live.now.hedges.items():
        assert all(
            getattr(hedge, key) == getattr(file.hedges[name], key) for key in NOT_FROM_CHAT if hasattr(hedge, key)
        )
    assert (desk.live.now.mode, desk.live.now.timezone, desk.live.now.paper) == (file.mode, file.timezone, file.paper)
