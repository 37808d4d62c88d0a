"""What of a breach makes a sound, through the real engine: decisions, events and statuses as they come."""

from __future__ import annotations

from bot.rendering.markup import plain
from core.status import HedgeStatus
from tests.core.test_approvals import answer, asked
from tests.execution.world import Setting, World, running


async def watched(world: World, seconds: int) -> HedgeStatus:
    """A look and then the clock of the alerts, once a second."""
    for _ in range(seconds):
        await world.cycles(1)
        await world.office.notifier.tick((world.status,))
    return world.status


async def breaches(world: World) -> list[tuple[str, bool]]:
    """Last lines, and whether each rang."""
    due = await world.store.outbox.due(world.setting.clock.now(), 1000)
    return [
        (plain(each.text).splitlines()[-1], not each.silent)
        for each in due
        if "exposure" in plain(each.text).splitlines()[0] and "🚨" in each.text
    ]


WAITS = ("It waits for your answer: /pending.", False)


async def test_an_approved_plan_in_slices_makes_no_sound(asking: Setting) -> None:
    """While it trades, a minute and a half after the question; nor does the /flatten that opens the gap once more."""
    asking.settings |= {"twap_over_quote": 1000, "twap_duration_seconds": 60, "urgent_band_multiple": 1000}
    async with running(asking) as world:
        approval = await asked(world)
        await watched(world, 90)
        await answer(world, approval, approve=True)
        assert (await watched(world, 30)).state == "ADJUSTING"
        assert await breaches(world) == [WAITS]
        assert (await watched(world, 60)).reason == "within_band"
        asking.set_price(1850)
        await watched(world, 5)
        await world.command("flatten", "eth")
        assert (await watched(world, 20)).reason == "halted" and asking.position == 0
        assert [rang for _, rang in await breaches(world)] == [False, False]


async def test_a_rejected_breach_makes_no_sound(asking: Setting) -> None:
    """A question about what a /hedge of a part left stands in silence too."""
    async with running(asking) as world:
        await answer(world, await asked(world), approve=False)
        assert (await watched(world, 60)).reason == "snoozed"
        assert await breaches(world) == [WAITS]
        await world.command("hedge", "eth", "-1")
        assert (await watched(world, 20)).reason == "awaiting_approval"
        assert [rang for _, rang in await breaches(world)] == [False]
