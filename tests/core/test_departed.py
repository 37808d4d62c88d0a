"""A followed position is gone and a new one is there: Follow, Keep and Close through the whole engine."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.events import EventKind
from tests.core.saying import said
from tests.core.test_stops import Outage, outage
from tests.core.wallet import NEW, Wallet
from tests.execution.world import HEDGED, Setting, World, running

__all__ = ["outage"]
ANSWERS = (EventKind.DEPARTED_KEPT, EventKind.DEPARTED_CLOSED)


@pytest.fixture
def wallet(setting: Setting) -> Wallet:
    wallet = Wallet(setting)
    setting.pool = wallet
    return wallet


async def recentred(world: World, wallet: Wallet) -> None:
    """Hedged; then the position is burnt and another one minted."""
    await world.until_hedged()
    wallet.gone, wallet.others = True, (NEW,)
    await world.cycles(3)


async def pass_the_grace(world: World) -> None:
    await world.cycles(35, every_s=10)


def departed(world: World) -> Decimal:
    base = world.status.departed_base
    assert base is not None
    return base


async def test_one_event_asks_what_becomes_of_it(setting: Setting, wallet: Wallet) -> None:
    """With the new position's number and what left; also when the new one was there first."""
    async with running(setting) as world:
        await world.until_hedged()
        wallet.others = (NEW,)
        await world.cycles(3)
        wallet.gone = True
        await world.cycles(10)
        first, second = await world.events(EventKind.POSITION_FOUND)
        assert (first.data, second.data["position_id"]) == ({"position_id": "7"}, "7")
        assert Decimal(second.data["departed_base"]) == departed(world)


async def test_what_is_kept_outlasts_the_grace_and_restarts(setting: Setting, wallet: Wallet) -> None:
    """Not a single order, and the question is not asked again."""
    async with running(setting) as world:
        await recentred(world, wallet)
        ok, answer = await said(world, "follow", "keep", "eth")
        assert ok and "is kept until" in answer
    async with running(setting) as world:
        await pass_the_grace(world)
        assert (setting.position, len(setting.sent())) == (HEDGED, 1)
        assert departed(world) > 4 and world.status.reason == "no_lp"
        (kept,) = await world.events(*ANSWERS)
        assert (kept.kind, kept.hedge) == (EventKind.DEPARTED_KEPT, "eth")
        assert kept.data == {"departed_base": str(departed(world)), "by": "Anna"}
        asked = [each for each in await world.events(EventKind.POSITION_FOUND) if "departed_base" in each.data]
        assert len(asked) == 1


async def test_follow_ends_what_was_kept(setting: Setting, wallet: Wallet) -> None:
    """The new position takes its place, long after the grace, without a trade; nothing is left over for ever."""
    async with running(setting) as world:
        await recentred(world, wallet)
        assert (await said(world, "follow", "keep"))[0]
        await pass_the_grace(world)
        assert (await said(world, "follow", "7"))[0]
        await world.until_hedged()
        assert (setting.position, len(setting.sent()), departed(world)) == (HEDGED, 1, Decimal(0))


async def test_what_a_smaller_position_does_not_replace_goes_after_a_new_grace(
    setting: Setting, wallet: Wallet
) -> None:
    """Kept, then a position of half the size followed: the rest stays hedged for the grace, no longer."""
    wallet.share_of_new = Decimal("0.5")
    async with running(setting) as world:
        await recentred(world, wallet)
        assert (await said(world, "follow", "keep"))[0]
        await pass_the_grace(world)
        assert (await said(world, "follow", "7"))[0]
        await world.cycles(20, every_s=10)
        assert setting.position == HEDGED and departed(world) > 2
        await world.cycles(20, every_s=10)
        assert departed(world) == 0 and abs(setting.position - HEDGED / 2) < Decimal("0.01")


@pytest.mark.parametrize("looks", [2, 3, 6], ids=["while it moves", "as it has settled", "later"])
async def test_close_takes_the_hedge_down_at_once(setting: Setting, wallet: Wallet, looks: int) -> None:
    """Reduce-only, to zero, without waiting for any of the grace."""
    async with running(setting) as world:
        await world.until_hedged()
        wallet.gone, wallet.others = True, (NEW,)
        await world.cycles(looks)
        left = departed(world)
        ok, answer = await said(world, "follow", "close", "eth", str(left))
        assert ok and "no longer count" in answer
        await world.cycles(5)
        assert setting.position == 0
        assert setting.server.requests("POST /fapi/v1/order")[-1].params["reduceOnly"] == "true"
        (closed,) = await world.events(*ANSWERS)
        assert closed.kind is EventKind.DEPARTED_CLOSED
        assert closed.data == {"departed_base": str(left), "by": "Anna"}


async def test_close_of_a_part_goes_down_by_that_part(setting: Setting, wallet: Wallet) -> None:
    """The liquidity that stayed is hedged on."""
    async with running(setting) as world:
        await world.until_hedged()
        wallet.liquidity //= 2
        wallet.others = (NEW,)
        await world.cycles(3)
        (asked,) = await world.events(EventKind.POSITION_FOUND)
        assert Decimal(asked.data["departed_base"]) > 2
        assert (await said(world, "follow", "close"))[0]
        await world.cycles(5)
        assert abs(setting.position - HEDGED / 2) < Decimal("0.01")


async def test_close_after_keep_is_the_later_word(setting: Setting, wallet: Wallet) -> None:
    """Beyond the grace as well."""
    async with running(setting) as world:
        await recentred(world, wallet)
        assert (await said(world, "follow", "keep"))[0]
        await pass_the_grace(world)
        assert (await said(world, "follow", "close"))[0]
        await world.cycles(5)
        assert setting.position == 0


@pytest.mark.parametrize("stop", ["halt", "pause"])
async def test_close_while_stopped_trades_after_resume(setting: Setting, wallet: Wallet, stop: str) -> None:
    """It only changes what counts, and says why nothing moves."""
    async with running(setting) as world:
        await recentred(world, wallet)
        assert (await said(world, stop))[0]
        ok, answer = await said(world, "follow", "close")
        assert ok and "nothing is traded until /resume" in answer
        await world.cycles(5)
        assert setting.position == HEDGED
        assert (await said(world, "resume"))[0]
        await world.cycles(5)
        assert setting.position == 0


async def test_close_says_when_the_short_is_held_all_the_same(setting: Setting, wallet: Wallet) -> None:
    """`close_when_no_lp = false` is the operator's own rule."""
    setting.settings["close_when_no_lp"] = False
    async with running(setting) as world:
        await recentred(world, wallet)
        ok, answer = await said(world, "follow", "close")
        assert ok and "close_when_no_lp = false" in answer
        await world.cycles(5)
        assert (setting.position, departed(world)) == (HEDGED, Decimal(0))


async def test_a_departure_after_close_has_its_own_grace(setting: Setting, wallet: Wallet) -> None:
    """The word was for what had left by then."""
    async with running(setting) as world:
        await world.until_hedged()
        wallet.liquidity //= 2
        await world.cycles(3)
        assert (await said(world, "follow", "close"))[0]
        await world.cycles(5)
        held = setting.position
        wallet.gone = True
        await world.cycles(25, every_s=10)
        assert setting.position == held < 0
        await world.cycles(15, every_s=10)
        assert setting.position == 0


async def test_unanswered_the_grace_ends_as_ever(setting: Setting, wallet: Wallet) -> None:
    """`close_when_no_lp` closes; Keep comes too late then, and says so."""
    async with running(setting) as world:
        await recentred(world, wallet)
        await pass_the_grace(world)
        assert setting.position == 0
        ok, answer = await said(world, "follow", "keep")
        assert not ok and "nothing to keep" in answer
        assert await world.events(*ANSWERS) == []


@pytest.mark.parametrize("word", ["keep", "close"])
async def test_with_nothing_departed_nothing_changes(setting: Setting, wallet: Wallet, word: str) -> None:
    """One clear sentence."""
    async with running(setting) as world:
        await world.until_hedged()
        before = await world.store.memory.load("eth")
        assert await said(world, "follow", word) == (
            False,
            f"eth: no ETH that left the LP counts any more, so there is nothing to {word}.",
        )
        assert await world.store.memory.load("eth") == before
        assert await world.events(*ANSWERS) == []


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("keep", "btc"), "There is no hedge 'btc'"),
        (("close", "eth", "1.5"), "have left by now, more than the 1.5"),
        (("close", "eth", "much"), "is no size"),
        (("7", "eth"), "needs the number"),
        (("hold",), "needs the number"),
    ],
)
async def test_what_is_not_understood_changes_nothing(
    setting: Setting, wallet: Wallet, args: tuple[str, ...], says: str
) -> None:
    """Nothing is done by guessing, and no more is dropped than was shown."""
    async with running(setting) as world:
        await recentred(world, wallet)
        before = departed(world)
        ok, answer = await said(world, "follow", *args)
        assert not ok and says in answer
        assert (departed(world), wallet.followed) == (before, ())


async def test_keep_while_the_exchange_is_not_ready(setting: Setting, wallet: Wallet, outage: Outage) -> None:
    """It is written into the memory that the hedge begins with; the grace may end meanwhile."""
    async with running(setting) as world:
        await recentred(world, wallet)
    outage.down = True
    async with running(setting, prepared=False) as world:
        await world.cycles(2)
        assert (await said(world, "follow", "keep"))[0]
        await pass_the_grace(world)
        outage.down = False
        await world.cycles(10, every_s=10)
        assert (setting.position, len(setting.sent())) == (HEDGED, 1)
        assert departed(world) > 4


async def test_close_while_the_exchange_is_not_ready(setting: Setting, wallet: Wallet, outage: Outage) -> None:
    """The hedge goes down as soon as it can trade."""
    async with running(setting) as world:
        await recentred(world, wallet)
    outage.down = True
    async with running(setting, prepared=False) as world:
        await world.cycles(2)
        assert (await said(world, "follow", "close"))[0]
        outage.down = False
        await world.cycles(10)
        assert setting.position == 0
