"""A new position beside the configured ones: told, and hedged when the operator says so."""

from __future__ import annotations

import pytest

from core.events import EventKind
from tests.core.saying import said
from tests.core.wallet import NEW, TWICE, Wallet
from tests.execution.world import HEDGED, Setting, running


@pytest.fixture
def wallet(setting: Setting) -> Wallet:
    wallet = Wallet(setting)
    setting.pool = wallet
    return wallet


async def test_a_position_that_appears_is_told_once_and_not_hedged(setting: Setting, wallet: Wallet) -> None:
    """Whose it is and what it is for only the operator knows."""
    async with running(setting) as world:
        await world.until_hedged()
        wallet.others = (NEW,)
        await world.cycles(5)
        told = await world.events(EventKind.POSITION_FOUND)
        assert [event.data["position_id"] for event in told] == ["7"]
        assert setting.position == HEDGED


async def test_one_that_was_there_at_the_start_is_left_alone(setting: Setting, wallet: Wallet) -> None:
    """It is not hedged knowingly; but when the followed one is gone, it is worth a word."""
    wallet.others = (NEW,)
    async with running(setting) as world:
        await world.until_hedged()
        assert await world.events(EventKind.POSITION_FOUND) == []
    wallet.gone = True
    async with running(setting) as world:
        await world.cycles(5)
        assert len(await world.events(EventKind.POSITION_FOUND)) == 1


async def test_follow_hedges_it_too_and_is_kept(setting: Setting, wallet: Wallet) -> None:
    """From the next read on, and after a restart."""
    async with running(setting) as world:
        await world.until_hedged()
        wallet.others = (NEW,)
        await world.cycles(1)
        assert await said(world, "follow", "7") == (True, "eth: position 7 is hedged too from now on.")
        await world.until_hedged()
        assert setting.position == TWICE
        assert await world.store.followed.of("eth") == (NEW,)


async def test_a_recentre_by_a_new_position_keeps_the_hedge(setting: Setting, wallet: Wallet) -> None:
    """The old one is gone, the new one followed within the grace: nothing was traded on the way."""
    async with running(setting) as world:
        await world.until_hedged()
        wallet.gone, wallet.others = True, (NEW,)
        await world.cycles(5)
        assert (await said(world, "follow", "7"))[0]
        await world.until_hedged()
        assert (setting.position, len(setting.sent())) == (HEDGED, 1)


@pytest.mark.parametrize(("number", "says"), [("8", "7"), ("1", "already"), ("x", "number"), ("", "number")])
async def test_nothing_else_can_be_followed(setting: Setting, wallet: Wallet, number: str, says: str) -> None:
    """A mistyped number must not hedge a stranger's position."""
    wallet.others = (NEW,)
    async with running(setting) as world:
        await world.until_hedged()
        ok, answer = await said(world, "follow", *filter(None, [number]))
        assert not ok and says in answer
        assert wallet.followed == ()
