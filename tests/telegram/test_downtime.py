"""What was said while the program, or Telegram, was away."""

from __future__ import annotations

import pytest

from bot.commands import COMMANDS
from core.clock import SystemClock
from storage.store import Store
from tests.bot.conftest import Desk, make_desk
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import OPERATOR, Running
from tests.telegram.strangers import lines

TYPED = [line for line in lines() if line.startswith("/") and "@" not in line]
VIEWS = [line for line, command in zip(TYPED, COMMANDS, strict=True) if command.read_only]
ORDERS = [line for line, command in zip(TYPED, COMMANDS, strict=True) if command.max_age_s is not None]


@pytest.fixture
def desk(store: Store) -> Desk:
    return make_desk(store, SystemClock(), "bnb")


def test_every_command_either_shows_or_grows_too_old_or_is_halt() -> None:
    """No third kind slips in unnoticed."""
    assert sorted([*VIEWS, *ORDERS, "/halt bnb"]) == sorted(TYPED)


@pytest.mark.parametrize("age_s", [130, 7_200, 86_000])
async def test_old_orders_are_refused_views_are_answered_and_halt_always_counts(
    rig: TelegramRig, desk: Desk, running: Running, age_s: int
) -> None:
    """Every command, said while the program was down."""
    for line in TYPED:
        rig.say(OPERATOR, line, age_s=age_s)

    def refusals() -> set[str]:
        return {message.text for message in rig.messages(OPERATOR, "Too old")}

    async with running(service=desk.operator):
        await rig.eventually(lambda: len(rig.messages(OPERATOR)) >= len(TYPED) and rig.unconfirmed() == 0)
        await rig.eventually(lambda: len(refusals()) == len(ORDERS))
    refused = refusals()
    for line in ORDERS:
        assert any(text.startswith(f"Too old: {line.split()[0]} was sent ") for text in refused), line
    assert (len(refused), rig.unconfirmed()) == (len(ORDERS), 0)
    assert await desk.queued() == [("halt", ("bnb",))]
    assert [entry.action for entry in await desk.store.audit.recent(10)] == ["halt"]


async def test_after_a_short_absence_everything_counts(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """Two minutes are the limit, by the time at which Telegram got the message."""
    for line in TYPED:
        rig.say(OPERATOR, line, age_s=60)
    async with running(service=desk.operator):
        await rig.eventually(lambda: len(rig.messages(OPERATOR)) >= len(TYPED))
    assert rig.messages(OPERATOR, "Too old") == []


async def test_what_is_older_than_a_day_never_arrives(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """Telegram forgets it; a halt from then is no halt now."""
    rig.say(OPERATOR, "/halt", age_s=90_000)
    async with running(service=desk.operator):
        rig.say(OPERATOR, "/version")
        await rig.eventually(lambda: rig.messages(OPERATOR))
    assert await desk.queued() == []
