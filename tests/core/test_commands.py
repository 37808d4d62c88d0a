"""What the operator may do to a running hedge, through rows as the front ends write them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import structlog

from core.clock import PacedClock
from core.command_desk import CommandDesk
from core.events import EventKind
from core.following import Following
from tests.core.saying import said
from tests.execution.world import HEDGED, Setting, World, running


@pytest.mark.parametrize(("command", "reason"), [("halt", "halted"), ("pause", "paused")])
async def test_stopped_means_no_order_until_resumed(setting: Setting, command: str, reason: str) -> None:
    """Also through a restart; afterwards it goes on as if nothing had been."""
    async with running(setting) as world:
        assert (await said(world, command))[0]
    async with running(setting) as world:
        assert world.status.stopped == reason
        await world.cycles(10)
        assert (world.status.reason, setting.sent()) == (reason, [])
        assert (await said(world, "resume", "eth"))[0]
        await world.until_hedged()
        assert setting.position == HEDGED


async def test_flatten_closes_to_zero_and_stays_halted(setting: Setting, world: World) -> None:
    """With reduce-only orders, and nothing is opened again."""
    await world.until_hedged()
    assert (await said(world, "flatten", "eth"))[0]
    await world.cycles(10)
    last = setting.server.requests("POST /fapi/v1/order")[-1]
    assert (setting.position, world.status.reason) == (Decimal(0), "halted")
    assert last.params["reduceOnly"] == "true"


async def test_hedge_goes_to_the_target_inside_the_band(setting: Setting, world: World) -> None:
    """A gap far inside the band is closed because a person wants it so."""
    await world.until_hedged()
    setting.set_price(2010)
    await world.cycles(3)
    assert world.status.reason == "within_band"
    assert (await said(world, "hedge", "eth"))[0]
    await world.cycles(2)
    assert world.status.gap_base is not None and abs(world.status.gap_base) < Decimal("0.001")


async def test_a_hedge_that_the_facts_do_not_allow_is_dropped(setting: Setting, world: World) -> None:
    """A wish is not carried out an hour later, when the chain can be read again."""
    await world.until_hedged()
    setting.set_price(2010)
    setting.pool.blind = True
    setting.clock.skip(60)
    assert (await said(world, "hedge", "eth"))[0]
    await world.cycles(3, every_s=30)
    setting.pool.blind = False
    await world.cycles(3)
    assert len(setting.sent()) == 1


@pytest.mark.parametrize("command", ["hedge", "resume", "pause", "flatten"])
async def test_a_command_that_waited_too_long_is_refused(setting: Setting, world: World, command: str) -> None:
    """The world has moved on since it was written."""
    ok, answer = await said(world, command, "eth", age=timedelta(minutes=10))
    assert not ok and "too old" in answer


async def test_the_age_of_a_command_is_people_s_time(setting: Setting, world: World) -> None:
    """Where the market's runs faster, it is no older for that."""
    ahead = PacedClock(setting.clock, start=setting.clock.now() + timedelta(hours=1), speed_s=100)
    nothing = Following(feeds={}, followed=world.store.followed, events=world.office.notifier, clock=ahead)
    words = world.store.commands
    desk = CommandDesk(
        runners={}, following=nothing, queue=words, desk=world.office.desk, clock=ahead, people=setting.clock
    )
    written = await words.put("pause", ("eth",), actor="a", source="t", update_key=None, at=setting.clock.now())
    await desk.consume()
    assert written is not None
    assert (await words.answer(written)) == (False, "There is no hedge 'eth'; there are: .")


async def test_an_old_halt_still_counts(setting: Setting, world: World) -> None:
    """It was written while nothing ran, and it comes before the first look."""
    assert (await said(world, "halt", age=timedelta(days=1)))[0]
    assert (world.status.reason, setting.sent()) == ("halted", [])


@pytest.mark.parametrize("words", [("foo",), ("eth", "foo"), ("all",), ("--all",)])
async def test_a_halt_that_is_not_understood_halts_everything(
    setting: Setting, world: World, words: tuple[str, ...]
) -> None:
    """However it was written: a name that is not there, or was there when it was written, keeps nothing running."""
    ok, answer = await said(world, "halt", *words)
    assert ok and "Halted: eth." in answer and (words == ("all",) or "so all are halted" in answer)
    await world.cycles(3)
    assert (world.status.stopped, setting.sent()) == ("halted", [])


async def test_unknown_names_are_answered_with_the_known_ones(world: World) -> None:
    """Nothing is done by guessing."""
    ok, answer = await said(world, "pause", "btc")
    assert not ok and "eth" in answer


async def test_a_suspension_and_its_end_are_told_once(setting: Setting, world: World) -> None:
    """However many evaluations it lasted."""
    await world.until_hedged()
    setting.pool.blind = True
    await world.cycles(10, every_s=20)
    setting.pool.blind = False
    await world.cycles(3)
    told = await world.events(EventKind.SUSPENDED, EventKind.RECOVERED)
    assert [(event.kind.value, event.data["reason"]) for event in told] == [
        ("suspended", "stale_chain"),
        ("recovered", "stale_chain"),
    ]


async def test_a_breach_is_told_at_entry_when_doubled_and_at_its_end(setting: Setting) -> None:
    """With the gap that made it one."""
    setting.settings |= {"max_position_notional": 12_000, "alert_over_quote": 500, "delta_band_pct": 1}
    async with running(setting) as world:
        await world.until_hedged()
        for price in (1800, 1700, 1600, 1998):
            setting.set_price(price)
            await world.cycles(4)
        kinds = [e.kind for e in await world.events(EventKind.EXPOSURE_BREACHED, EventKind.EXPOSURE_RESTORED)]
        assert kinds[0] is EventKind.EXPOSURE_BREACHED and kinds[-1] is EventKind.EXPOSURE_RESTORED
        assert kinds.count(EventKind.EXPOSURE_BREACHED) <= 6


async def test_figures_of_a_status_fit_together(world: World) -> None:
    """gap = target - perp and residual = net + perp, to the last digit."""
    await world.cycles(2)
    status = world.status
    assert status.net_base is not None and status.target_base is not None and status.perp.position_base is not None
    assert status.gap_base == status.target_base - status.perp.position_base
    assert status.residual_base == status.net_base + status.perp.position_base


async def test_before_the_first_look_everything_is_unknown(world: World) -> None:
    """Not zero."""
    status = world.status
    assert (status.state, status.reason) == ("SUSPENDED", "starting")
    assert {status.net_base, status.gap_base, status.lp.base, status.perp.position_base} == {None}


async def test_each_command_carried_out_is_one_line_of_the_log(world: World) -> None:
    """Who, by what way, what, whether it was done, and the answer."""
    with structlog.testing.capture_logs() as logged:
        await said(world, "pause", "eth")
        await said(world, "pause", "btc")
    done, refused = [line for line in logged if line["event"] == "command"]
    assert (done["what"], done["done"], refused["what"], refused["done"]) == ("pause eth", True, "pause btc", False)
    assert done["by"] and done["via"] and done["answer"] and "eth" in refused["answer"]
