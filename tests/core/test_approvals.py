"""Approvals as the design states them, through the real engine, storage and adapter before the strict exchange."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal

import pytest

from bot.rendering.markup import plain
from bot.replies import Actor
from core.errors import Transient
from core.events import EventKind
from core.ports import Approval, ApprovalState, OutboxMessage
from storage.database import Transaction
from storage.outbox import SqliteOutbox, put_message
from tests.execution.world import HEDGED, SYMBOL, Setting, World, running

MINUTE_S = 60.0


async def asked(world: World) -> Approval:
    """Evaluate until a question stands, and that question."""
    for _ in range(5):
        await world.cycles(1)
        for approval in await world.store.approvals.live():
            if approval.state is ApprovalState.PENDING:
                return approval
    raise AssertionError(f"nothing was asked: {world.status.state} {world.status.reason}")


async def answer(world: World, approval: Approval, *, approve: bool, by: str = "Anna") -> bool:
    told = await world.office.desk.answer(approval.approval_id, approve=approve, by=by, note=None)
    return told.won


async def state_of(world: World, approval: Approval) -> ApprovalState:
    found = await world.store.approvals.get(approval.approval_id)
    assert found is not None
    return found.state


async def test_nothing_is_traded_before_the_answer_and_the_shown_size_after(asking: Setting) -> None:
    """One question stands, however often one looks; the yes executes it whole, once."""
    async with running(asking) as world:
        approval = await asked(world)
        await world.cycles(20)
        assert (asking.sent(), len(await world.store.approvals.live())) == ([], 1)
        assert await answer(world, approval, approve=True)
        await world.until_hedged()
        assert (asking.position, len(asking.sent())) == (HEDGED, 1)
        assert await state_of(world, approval) is ApprovalState.DONE


async def test_of_two_taps_one_wins(asking: Setting) -> None:
    """Two operators at the same moment: one decides, the other hears who it was; one order."""
    async with running(asking) as world:
        approval = await asked(world)
        wins = await asyncio.gather(*(answer(world, approval, approve=True, by=name) for name in ("Anna", "Ben")))
        assert sorted(wins) == [False, True]
        await world.until_hedged()
        assert len(asking.sent()) == 1


async def test_at_the_tap_only_what_is_still_needed_is_traded(asking: Setting) -> None:
    """The need has fallen to three fifths since the question: that much is sold."""
    async with running(asking) as world:
        approval = await asked(world)
        asking.set_price(2190)
        assert await answer(world, approval, approve=True)
        await world.until_hedged()
        needed = world.status.net_base
        assert needed is not None and 0 <= needed + asking.position < Decimal("0.001")
        assert asking.position > -approval.quantity_base


async def test_never_more_than_was_shown_and_the_rest_is_asked_for(asking: Setting) -> None:
    """The need has grown by half: the shown size is sold, the rest is a new question."""
    async with running(asking) as world:
        approval = await asked(world)
        asking.set_price(1800)
        await world.cycles(2)
        assert await state_of(world, approval) is ApprovalState.PENDING
        await answer(world, approval, approve=True)
        rest = await asked(world)
        assert asking.position == -approval.quantity_base
        assert rest.approval_id != approval.approval_id and rest.quantity_base == Decimal("2.562")


async def test_a_need_under_half_supersedes_the_question(asking: Setting) -> None:
    """The question is withdrawn and nothing is traded under it."""
    async with running(asking) as world:
        approval = await asked(world)
        asking.set_price(2420)
        await world.cycles(1)
        assert await state_of(world, approval) is ApprovalState.SUPERSEDED
        assert not await answer(world, approval, approve=True)


async def test_a_tap_on_a_need_that_has_turned_trades_nothing_on_the_old_side(asking: Setting) -> None:
    """Approved to sell; before the engine looks again the short is too large by another hand, and adopted."""
    asking.settings["adopt_external"] = "auto"
    async with running(asking) as world:
        approval = await asked(world)
        asking.server.exchange.set_position(SYMBOL, Decimal(-8))
        await answer(world, approval, approve=True)
        await world.cycles(5)
        assert all(entry.params["side"] == "BUY" for entry in asking.server.requests("POST /fapi/v1/order"))
        assert await state_of(world, approval) in (ApprovalState.SUPERSEDED, ApprovalState.FAILED)


async def test_a_rejection_rests_its_side_until_the_snooze_ends(asking: Setting) -> None:
    """No question and no trade for `reject_snooze_seconds`, then it is asked again."""
    async with running(asking) as world:
        approval = await asked(world)
        assert await answer(world, approval, approve=False)
        await world.cycles(14, every_s=MINUTE_S)
        assert (world.status.reason, asking.sent()) == ("snoozed", [])
        await world.cycles(2, every_s=MINUTE_S)
        assert (await asked(world)).approval_id != approval.approval_id


async def test_a_rejection_survives_a_restart(asking: Setting) -> None:
    """Also when the process died between the tap and the next look."""
    async with running(asking) as world:
        assert await answer(world, await asked(world), approve=False)
    async with running(asking) as world:
        await world.cycles(5)
        assert (world.status.reason, asking.sent()) == ("snoozed", [])


async def test_a_rejection_by_command_may_be_explained_by_another(asking: Setting) -> None:
    """From a terminal: decided at once, the reason afterwards, once."""
    async with running(asking) as world:
        approval = await asked(world)
        await world.command("reject", approval.approval_id)
        await world.command("reject", approval.approval_id, "the", "pool", "is", "pushed")
        await world.command("reject", approval.approval_id, "another", "reason")
        await world.cycles(1)
        found = await world.store.approvals.get(approval.approval_id)
        assert found is not None and found.note == "the pool is pushed"


async def test_hedge_overrides_a_rejection(asking: Setting) -> None:
    """/hedge is a person's later word."""
    async with running(asking) as world:
        await answer(world, await asked(world), approve=False)
        await world.cycles(1)
        await world.command("hedge", "eth")
        await world.until_hedged()
        assert asking.position == HEDGED


async def test_hedge_ends_a_rejection(asking: Setting) -> None:
    """The part that it did not trade is asked for at once, though less than was rejected."""
    async with running(asking) as world:
        rejected = await asked(world)
        await answer(world, rejected, approve=False)
        await world.cycles(1)
        await world.command("hedge", "eth", "-1")
        rest = await asked(world)
        assert asking.position == -1
        assert rest.side is rejected.side and rest.quantity_base < rejected.quantity_base


async def test_silence_trades_nothing_and_asks_again_ever_later(asking: Setting) -> None:
    """After 5, 15 and 30 minutes of silence, then every hour."""
    asking.settings["approval_timeout_seconds"] = 60
    async with running(asking) as world:
        await world.cycles(4 * 60, every_s=30)
        questions = [event.at for event in await world.events(EventKind.APPROVAL_ASKED)]
        waits = [(later - earlier).total_seconds() / 60 for earlier, later in itertools.pairwise(questions)]
        assert [round(wait) for wait in waits[:3]] == [6, 16, 31]
        assert asking.sent() == []


async def test_on_timeout_partial_trades_one_plan_just_under_the_limit(asking: Setting) -> None:
    """The rest goes on waiting."""
    asking.settings |= {"approval_timeout_seconds": 60, "approval_on_timeout": "partial"}
    async with running(asking) as world:
        await asked(world)
        await world.cycles(8, every_s=20)
        (client_id,) = asking.sent()
        executed = asking.server.exchange.executed_by_client_id()[client_id]
        assert Decimal("0.49") <= executed < Decimal("0.5")


async def test_expired_at_the_tap(asking: Setting) -> None:
    """A tap after the time is up is told so and trades nothing."""
    async with running(asking) as world:
        approval = await asked(world)
        asking.clock.skip(301)
        assert not await answer(world, approval, approve=True)
        await world.cycles(3)
        assert asking.sent() == []


async def test_an_approval_that_cannot_start_within_a_minute_fails_and_is_proposed_anew(asking: Setting) -> None:
    """The chain goes blind after the tap: when it comes back, the old yes no longer counts."""
    async with running(asking) as world:
        approval = await asked(world)
        asking.pool.blind = True
        asking.clock.skip(40)
        await answer(world, approval, approve=True)
        await world.cycles(9, every_s=10)
        assert asking.sent() == []
        asking.pool.blind = False
        fresh = await asked(world)
        assert await state_of(world, approval) is ApprovalState.FAILED
        assert fresh.approval_id != approval.approval_id


async def test_slippage_above_the_limit_at_the_tap_fails_it_with_the_figure(asking: Setting) -> None:
    """The book has thinned since the question."""
    asking.settings["urgent_slippage_bps"] = 30
    async with running(asking) as world:
        approval = await asked(world)
        thin = [(Decimal("1999.9"), Decimal("0.1")), (Decimal(1900), Decimal(100))]
        asking.server.exchange.set_book(SYMBOL, thin, [(Decimal("2000.1"), Decimal(100))])
        await answer(world, approval, approve=True)
        await world.cycles(1)
        failed = await world.store.approvals.get(approval.approval_id)
        assert failed is not None and failed.state is ApprovalState.FAILED and "bps" in (failed.note or "")
        assert asking.sent() == []


async def test_a_pending_question_survives_a_restart_and_can_be_approved_once(asking: Setting) -> None:
    """Asked by one process, answered to the next."""
    async with running(asking) as world:
        approval = await asked(world)
    async with running(asking) as world:
        await world.cycles(3)
        assert len(await world.store.approvals.live()) == 1
        assert await answer(world, approval, approve=True)
        assert not await answer(world, approval, approve=True)
        await world.until_hedged()
        assert (asking.position, len(asking.sent())) == (HEDGED, 1)


async def test_approved_right_before_the_end_is_executed_once_after_the_restart(asking: Setting) -> None:
    """The yes was kept; it is carried out by whoever comes next, at most once."""
    async with running(asking) as world:
        approval = await asked(world)
        await answer(world, approval, approve=True)
    for _ in range(2):
        async with running(asking) as world:
            await world.cycles(5)
    assert (asking.position, len(asking.sent())) == (HEDGED, 1)


@pytest.mark.parametrize("command", ["halt", "pause"])
async def test_halt_and_pause_void_what_was_asked_and_what_was_granted(asking: Setting, command: str) -> None:
    """Neither the question nor the yes counts any more, also after a restart."""
    async with running(asking) as world:
        approval = await asked(world)
        await answer(world, approval, approve=True)
        await world.command(command)
        await world.cycles(2)
        assert await state_of(world, approval) is ApprovalState.VOIDED
    async with running(asking) as world:
        await world.cycles(3)
        assert (world.status.state, asking.sent()) == ("SUSPENDED", [])


async def test_one_approval_covers_all_capped_parts(asking: Setting) -> None:
    """A cap of 3000 a plan: four plans, one question."""
    asking.settings["max_hedge_notional"] = 3000
    async with running(asking) as world:
        await answer(world, await asked(world), approve=True)
        await world.until_hedged()
        assert (asking.position, len(asking.sent())) == (HEDGED, 4)
        assert len(await world.events(EventKind.APPROVAL_ASKED)) == 1


async def test_a_question_rings_once(asking: Setting) -> None:
    """The gap that it is about is told as well, but without a second sound."""
    async with running(asking) as world:
        await asked(world)
        await world.cycles(2)
        due = await world.store.outbox.due(asking.clock.now(), 1000)
        assert [each.key.partition(":")[0] for each in due if not each.silent] == ["approval"]
        assert any("It waits for your answer: /pending." in each.text for each in due)


async def replies(world: World, approval: Approval) -> list[str]:
    """What answers the question's message, as the chat shows it, oldest first."""
    due = await world.store.outbox.due(world.setting.clock.now(), 1000)
    key = f"approval:{approval.approval_id}"
    found = sorted((each for each in due if each.replies_to == key), key=lambda each: each.created_at)
    return [plain(each.text) for each in found]


async def test_the_outcome_answers_the_question_with_its_figures(asking: Setting) -> None:
    """Fills, price, fee, slippage against the mid and against what was shown, and what is left; said once."""
    async with running(asking) as world:
        approval = await asked(world)
        await answer(world, approval, approve=True)
        await world.until_hedged()
        (told,) = await replies(world, approval)
        assert "SELL 4.999 ETH @ " in told and "Fee " in told and "slippage " in told
        assert "at the price shown, that is all that was approved." in told and "fill" in told


async def test_the_end_of_many_parts_is_summed(asking: Setting) -> None:
    """Each part is told as it comes, and the whole at the end, also in the question's own message."""
    asking.settings["max_hedge_notional"] = 3000
    async with running(asking) as world:
        approval = await asked(world)
        await answer(world, approval, approve=True)
        await world.until_hedged()
        *parts, whole = await replies(world, approval)
        assert len(parts) == 4 and "of the approved 4.999 BASE not traded." in parts[0]
        assert "Done: 4.999 BASE in " in whole and "that is all that was approved." in whole
        due = await world.store.outbox.due(asking.clock.now(), 1000)
        (edit,) = [each for each in due if each.edits and each.key.endswith(":done")]
        assert plain(edit.text).endswith(whole)
        late = await world.office.operator.press(
            f"reject:{approval.approval_id}", actor=Actor("tg:9", "Ben"), update_key=None, at=asking.clock.now()
        )
        assert late.edited is not None and plain(late.edited.text) == plain(edit.text)


async def test_a_quoting_plan_is_asked_for_with_both_costs(asking: Setting) -> None:
    """The maker's fee where it rests, and what it costs if it ends at market."""
    asking.settings |= {"order_type": "post_only", "urgent_band_multiple": 1000}
    async with running(asking) as world:
        approval = await asked(world)
        shown = {key: Decimal(approval.shown[key]) for key in ("quote_price", "quote_fee_quote", "expected_cost_quote")}
        assert shown["quote_price"] > Decimal(approval.shown["expected_price"])
        assert 0 < shown["quote_fee_quote"] < shown["expected_cost_quote"]
        assert (approval.shown["quote_for_s"], approval.shown["fallback"]) == ("20", "market")


async def test_many_small_steps_in_one_direction_ask_as_well(asking: Setting) -> None:
    """Unapproved fills of an hour in one direction never pass five times the limit without a question."""
    asking.settings["approval_over_quote"] = 600
    async with running(asking) as world:
        await answer(world, await asked(world), approve=True)
        await world.until_hedged()
        price = Decimal(2000)
        while len(await world.events(EventKind.APPROVAL_ASKED)) == 1:
            price -= 20
            asking.set_price(price)
            await world.cycles(3)
            assert price > 1500
        unapproved = -asking.position + HEDGED
        assert unapproved * price < 5 * 600


async def test_hedge_after_the_tap_trades_on_its_own_word(asking: Setting) -> None:
    """The need has grown since the question; /hedge comes before the yes is carried out and does not use it up."""
    async with running(asking) as world:
        approval = await asked(world)
        await answer(world, approval, approve=True)
        asking.set_price(1950)
        await world.command("hedge", "eth")
        await world.until_hedged()
        assert -asking.position > approval.quantity_base
        assert await state_of(world, approval) is ApprovalState.SUPERSEDED
        assert (await world.store.approvals.get(approval.approval_id)).used_base == 0  # type: ignore[union-attr]


async def test_hedge_in_the_middle_of_an_approved_plan_ends_the_approval(asking: Setting) -> None:
    """Its first part stays under it, the rest is the command's."""
    asking.settings["max_order_size"] = 3
    async with running(asking) as world:
        approval = await asked(world)
        await answer(world, approval, approve=True)
        await world.cycles(1)
        assert asking.position == -3
        asking.set_price(1900)
        await world.command("hedge", "eth")
        await world.until_hedged()
        used = await world.store.approvals.get(approval.approval_id)
        assert used is not None and used.used_base == 3 and used.state is ApprovalState.DONE


async def test_a_close_is_carried_out_under_its_approval(asking: Setting) -> None:
    """Switched off with `close_on_disable`: asked for like any other plan, and its yes is used up by it."""
    async with running(asking) as world:
        await answer(world, await asked(world), approve=True)
        await world.until_hedged()
    asking.settings |= {"enabled": False, "close_on_disable": True}
    async with running(asking) as world:
        approval = await asked(world)
        assert approval.quantity_base == -HEDGED
        await answer(world, approval, approve=True)
        await world.cycles(3)
        assert asking.position == 0
        used = await world.store.approvals.get(approval.approval_id)
        assert used is not None and (used.used_base, used.state) == (-HEDGED, ApprovalState.DONE)


async def test_what_was_commanded_does_not_count_as_unapproved(asking: Setting) -> None:
    """After a confirmed /hedge of 10,000 a small step of the same hour trades by itself."""
    async with running(asking) as world:
        await world.command("hedge", "eth")
        await world.until_hedged()
        asking.set_price(1980)
        await world.until_hedged()
        assert (asking.position < HEDGED, await world.store.approvals.live()) == (True, ())


@pytest.mark.parametrize("stop", ["halt", "pause"])
async def test_a_tap_after_the_stop_does_not_count_after_the_resume(asking: Setting, stop: str) -> None:
    """The stop voids at once, not when it is looked at next."""
    async with running(asking) as world:
        approval = await asked(world)
        await world.command(stop)
        await world.command("approve", approval.approval_id)
        await world.command("resume")
        await world.cycles(1)
        assert await state_of(world, approval) is ApprovalState.VOIDED
        assert asking.sent() == []


def lock_the_outbox(monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
    """The message of a question cannot be written, so often, neither beside its event nor alone."""
    alone, failures = SqliteOutbox.put, [Transient("the database is locked")] * times

    def fail(message: OutboxMessage) -> None:
        if failures and message.key.startswith("approval:"):
            raise failures.pop()

    async def failing_beside(transaction: Transaction, message: OutboxMessage) -> None:
        fail(message)
        await put_message(transaction, message)

    async def failing_alone(outbox: SqliteOutbox, message: OutboxMessage) -> None:
        fail(message)
        await alone(outbox, message)

    monkeypatch.setattr("storage.history.put_message", failing_beside)
    monkeypatch.setattr(SqliteOutbox, "put", failing_alone)


async def is_shown(asking: Setting, world: World, approval: Approval) -> bool:
    due = await world.store.outbox.due(asking.clock.now(), 100)
    return f"approval:{approval.approval_id}" in [each.key for each in due]


async def test_a_question_that_could_not_be_written_down_for_the_phone_is_written_at_the_next_start(
    asking: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can answer what nobody saw: the proposal stands in the database, and the start shows it."""
    lock_the_outbox(monkeypatch, times=1_000)
    async with running(asking) as world:
        await world.cycles(2)
        (approval,) = await world.store.approvals.live()
        assert not await is_shown(asking, world, approval)
    monkeypatch.undo()
    lock_the_outbox(monkeypatch, times=1)
    async with running(asking) as world:
        await world.office.notifier.present_pending()
        assert await is_shown(asking, world, approval)


async def test_a_question_is_shown_by_the_next_look_after_a_locked_database(
    asking: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a restart."""
    lock_the_outbox(monkeypatch, times=1)
    async with running(asking) as world:
        await world.cycles(3)
        (approval,) = await world.store.approvals.live()
        assert await is_shown(asking, world, approval)
