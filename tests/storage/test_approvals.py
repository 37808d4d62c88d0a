"""Approvals: proposed once, decided once, used up to what was shown."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from core.errors import InvariantBroken
from core.ports import ApprovalState
from storage.store import Store
from tests.storage.samples import a_plan, a_report, after, an_approval, place


async def test_proposal_comes_back_as_it_was_shown(store: Store) -> None:
    """Get, live and latest give what was proposed."""
    assert await store.approvals.propose(an_approval())
    assert await store.approvals.get("a1") == an_approval()
    assert await store.approvals.live("bnb") == (an_approval(),)
    assert await store.approvals.latest("bnb") == an_approval()
    assert await store.approvals.get("a2") is None
    assert await store.approvals.live("eth") == ()
    assert await store.approvals.latest("eth") is None


@pytest.mark.parametrize("state", [ApprovalState.PENDING, ApprovalState.APPROVED, ApprovalState.EXECUTING])
async def test_hedge_has_one_live_proposal(store: Store, state: ApprovalState) -> None:
    """While one is pending, approved or executing a second is not written; other hedges are free."""
    await store.approvals.propose(replace(an_approval(), state=state))
    assert not await store.approvals.propose(an_approval("a2"))
    assert await store.approvals.get("a2") is None
    assert await store.approvals.propose(an_approval("a3", hedge="eth"))
    assert [approval.approval_id for approval in await store.approvals.live()] == ["a1", "a3"]


async def test_ended_proposal_makes_room(store: Store) -> None:
    """After an end the next one is accepted and is the latest; an id never returns."""
    await store.approvals.propose(an_approval())
    moved = await store.approvals.move("a1", frm=ApprovalState.PENDING, to=ApprovalState.EXPIRED, now=after(300))
    assert moved
    with pytest.raises(InvariantBroken):
        await store.approvals.propose(an_approval("a1"))
    second = replace(an_approval("a2"), ask_count=2)
    assert await store.approvals.propose(second)
    assert await store.approvals.latest("bnb") == second


async def test_first_answer_wins(store: Store) -> None:
    """The second answer changes nothing and sees the first."""
    await store.approvals.propose(an_approval())
    won, approval = await store.approvals.decide("a1", approve=False, by="7", note="later", now=after(5))
    expected = replace(an_approval(), state=ApprovalState.REJECTED, decided_at=after(5), decided_by="7", note="later")
    assert (won, approval) == (True, expected)
    assert await store.approvals.decide("a1", approve=True, by="8", note=None, now=after(6)) == (False, expected)
    assert await store.approvals.decide("zz", approve=True, by="8", note=None, now=after(6)) == (False, None)


@pytest.mark.parametrize(("seconds_s", "in_time"), [(299.999999, True), (300, False), (301, False)])
async def test_answer_counts_until_expiry(store: Store, seconds_s: float, in_time: bool) -> None:
    """In time is strictly before the expiry that was shown."""
    await store.approvals.propose(an_approval())
    won, approval = await store.approvals.decide("a1", approve=True, by="7", note=None, now=after(seconds_s))
    assert won is in_time
    assert approval is not None
    assert approval.state is (ApprovalState.APPROVED if in_time else ApprovalState.PENDING)


async def test_one_of_many_taps_wins_across_connections(store: Store, second_store: Store) -> None:
    """Forty answers through two connections at once: one wins, and its word is what stands."""
    await store.approvals.propose(an_approval())
    answers = await asyncio.gather(
        *(
            (store, second_store)[number % 2].approvals.decide(
                "a1", approve=number % 3 == 0, by=str(number), note=None, now=after(1)
            )
            for number in range(40)
        )
    )
    (winner,) = [number for number, (won, _) in enumerate(answers) if won]
    approval = await store.approvals.get("a1")
    assert approval is not None
    assert approval.decided_by == str(winner)


async def test_one_of_many_proposals_wins_across_connections(store: Store, second_store: Store) -> None:
    """Two engines that ask for one hedge at once leave one proposal."""
    stores = (store, second_store)
    proposed = await asyncio.gather(*(stores[n % 2].approvals.propose(an_approval(f"a{n}")) for n in range(10)))
    assert sum(proposed) == 1
    assert len(await store.approvals.live("bnb")) == 1


async def test_execution_starts_once(store: Store, second_store: Store) -> None:
    """Of many that would start executing one gets the right to."""
    await store.approvals.propose(replace(an_approval(), state=ApprovalState.APPROVED))
    starts = await asyncio.gather(
        *(
            each.approvals.move("a1", frm=ApprovalState.APPROVED, to=ApprovalState.EXECUTING, now=after(1))
            for each in (store, second_store) * 5
        )
    )
    assert sum(starts) == 1


async def test_move_needs_the_state_it_saw(store: Store) -> None:
    """A tap that came between keeps its word, and an earlier note stays when none is given."""
    await store.approvals.propose(an_approval())
    await store.approvals.decide("a1", approve=True, by="7", note="go", now=after(1))
    assert not await store.approvals.move("a1", frm=ApprovalState.PENDING, to=ApprovalState.EXPIRED, now=after(300))
    assert await store.approvals.move("a1", frm=ApprovalState.APPROVED, to=ApprovalState.EXECUTING, now=after(2))
    approval = await store.approvals.get("a1")
    assert approval is not None
    assert (approval.state, approval.note) == (ApprovalState.EXECUTING, "go")


@pytest.mark.parametrize("frm", sorted(set(ApprovalState) - {"pending", "approved", "executing"}))
async def test_no_way_back_from_an_end(store: Store, frm: ApprovalState) -> None:
    """What has ended is never moved again, and nothing becomes pending again."""
    await store.approvals.propose(replace(an_approval(), state=frm))
    with pytest.raises(InvariantBroken):
        await store.approvals.move("a1", frm=frm, to=ApprovalState.EXECUTING, now=after(1))
    with pytest.raises(InvariantBroken):
        await store.approvals.move("a1", frm=ApprovalState.APPROVED, to=ApprovalState.PENDING, now=after(1))


async def test_use_adds_up_to_what_was_approved(store: Store) -> None:
    """Parts are summed exactly; one step more than approved breaks and changes nothing."""
    await store.approvals.propose(replace(an_approval(quantity="1"), state=ApprovalState.EXECUTING))
    for part in ("0.7", "0.2", "0.1"):
        await store.approvals.use("a1", Decimal(part))
    for wrong in ("1E-18", "-0.1"):
        with pytest.raises(InvariantBroken):
            await store.approvals.use("a1", Decimal(wrong))
    approval = await store.approvals.get("a1")
    assert approval is not None
    assert approval.used_base == 1


async def test_concurrent_use_never_passes_the_limit(store: Store, second_store: Store) -> None:
    """Of twenty parts of a tenth through two connections ten are counted."""
    await store.approvals.propose(replace(an_approval(quantity="1"), state=ApprovalState.EXECUTING))
    uses = [(store, second_store)[n % 2].approvals.use("a1", Decimal("0.1")) for n in range(20)]
    results = await asyncio.gather(*uses, return_exceptions=True)
    assert sum(isinstance(result, InvariantBroken) for result in results) == 10
    approval = await store.approvals.get("a1")
    assert approval is not None
    assert approval.used_base == 1


@pytest.mark.parametrize("state", [ApprovalState.PENDING, ApprovalState.REJECTED])
async def test_use_needs_a_yes(store: Store, state: ApprovalState) -> None:
    """What nobody approved cannot be used, nor what is not there."""
    await store.approvals.propose(replace(an_approval(), state=state))
    for approval_id in ("a1", "a2"):
        with pytest.raises(InvariantBroken):
            await store.approvals.use(approval_id, Decimal("0.1"))


async def test_late_fill_counts_after_the_end(store: Store) -> None:
    """A fill booked after a halt voided the approval is still counted under it."""
    await store.approvals.propose(replace(an_approval(), state=ApprovalState.EXECUTING))
    await store.approvals.move("a1", frm=ApprovalState.EXECUTING, to=ApprovalState.VOIDED, now=after(1))
    await store.approvals.use("a1", Decimal(2))
    approval = await store.approvals.get("a1")
    assert approval is not None
    assert approval.used_base == 2


async def test_execution_counts_even_when_its_use_was_not_recorded(store: Store) -> None:
    """A crash between an order's report and `use` leaves no more to execute than was shown."""
    await store.approvals.propose(replace(an_approval(quantity="2"), state=ApprovalState.EXECUTING))
    await store.journal.open_plan(a_plan(approval_id="a1"))
    await place(store)
    await store.journal.record_report(a_report(executed="1.5"), after(1))
    for approval in (
        await store.approvals.get("a1"),
        *await store.approvals.live(),
        await store.approvals.latest("bnb"),
    ):
        assert approval is not None
        assert approval.used_base == Decimal("1.5")
    await store.approvals.use("a1", Decimal("1.5"))
    approval = await store.approvals.get("a1")
    assert approval is not None
    assert approval.used_base == Decimal("1.5")


async def test_scopes_do_not_see_each_other(store: Store, live_store: Store) -> None:
    """A paper approval approves nothing live."""
    await store.approvals.propose(an_approval())
    assert await live_store.approvals.decide("a1", approve=True, by="7", note=None, now=after(1)) == (False, None)
    assert await live_store.approvals.live() == ()
    assert await live_store.approvals.propose(an_approval())
