"""Step 14: which plans ask, and what becomes of a question."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.hedging import afterwards
from core.hedging.kernel_types import Latch, Question, Since, Snooze
from core.hedging.memory import rejected
from core.hedging.states import Action, LpState, Reason, Request
from tests.hedging.givens import MINUTE_MS, NOW_MS, after_fill, decide, done, facts, gap, memory, policy, said

ASKS = policy(approvals=True, approval_over_quote="5000")


def test_a_large_gap_asks_for_all_of_it():
    """A gap that reaches the limit asks, for the whole gap, and trades nothing."""
    decision = decide(gap("-2.5"), ASKS, memory())
    assert (said(decision), done(decision)) == ("AWAITING_APPROVAL(band_exceeded)", Action.ASK)
    assert (decision.quantity_steps, decision.memory.latch.side) == (-2500, 0)


def test_a_gap_under_the_limit_does_not_ask():
    """Under the limit a plan starts by itself."""
    assert done(decide(gap("-2.499"), ASKS, memory())) is Action.ADJUST


def test_caps_do_not_hide_a_large_gap():
    """The limit is held against the gap before it is capped into small parts."""
    capped = ASKS._replace(max_plan_quote=ASKS.min_notional_quote)
    assert done(decide(gap("-2.5"), capped, memory())) is Action.ASK


CAPPED = ASKS._replace(max_position_quote=ASKS.min_notional_quote * 3200)  # 32,000: a short of 16 at 2000


def test_a_question_is_for_what_the_limits_leave():
    """10 are missing and the largest short leaves room for 1: 1 is asked for, and the decision says what cut it."""
    decision = decide(gap("-10"), CAPPED, memory())
    assert (said(decision), done(decision)) == ("AWAITING_APPROVAL(band_exceeded)", Action.ASK)
    assert (decision.quantity_steps, decision.wanted_steps) == (-1000, -10_000)
    assert Reason(decision.clipped_by) is Reason.AT_CAP
    poor = decide(gap("-10", available_quote="505"), ASKS, memory())
    assert (poor.quantity_steps, Reason(poor.clipped_by)) == (-5000, Reason.LOW_MARGIN)
    assert said(decide(gap("-10"), CAPPED._replace(max_position_quote=CAPPED.band_quote), memory())) == (
        "SUSPENDED(at_cap)"
    )


def test_a_question_past_a_long_position_is_cut_behind_it():
    """A long of 1 is closed in any case; the short behind it has room for 16."""
    decision = decide(facts(perp="1"), CAPPED, memory())
    assert (decision.quantity_steps, decision.wanted_steps) == (-17_000, -26_000)
    assert Reason(decision.clipped_by) is Reason.AT_CAP


def test_a_cut_question_is_judged_by_what_may_be_asked_for():
    """After silence or a no about the 1 that had room, the 10 that are missing neither ask again nor end the snooze;
    more room does."""
    silent = afterwards.unanswered(memory(), side=-1, size_steps=1000, now_ms=NOW_MS, partial=False)
    refused = memory(snooze=Snooze(-1, NOW_MS + MINUTE_MS, 1000))
    roomy = CAPPED._replace(max_position_quote=CAPPED.max_position_quote + 2000)
    assert said(decide(gap("-10"), CAPPED, silent)) == "AWAITING_APPROVAL(unanswered)"
    assert said(decide(gap("-10"), CAPPED, refused)) == "READY(snoozed)"
    assert [decide(gap("-10"), roomy, mind).quantity_steps for mind in (silent, refused)] == [-2000, -2000]


def test_nobody_is_asked_for_a_sliver_of_the_need():
    """Room for less than half a band: suspended by the limit that leaves it, also where no hysteresis is configured. A
    long position that is in the way is asked for all the same."""
    sliver = CAPPED._replace(max_position_quote=CAPPED.max_position_quote - 1002)
    decision = decide(gap("-10"), sliver, memory())
    assert (said(decision), decision.wanted_steps) == ("SUSPENDED(at_cap)", -10_000)
    assert said(decide(gap("-10"), sliver._replace(hysteresis_quote=sliver.band_quote * 0), memory())) == (
        "SUSPENDED(at_cap)"
    )
    assert said(decide(gap("-10", available_quote="49"), ASKS, memory())) == "SUSPENDED(low_margin)"
    half = CAPPED._replace(max_position_quote=CAPPED.max_position_quote - 1000)
    assert decide(gap("-10"), half, memory()).quantity_steps == -500
    full = CAPPED._replace(max_position_quote=CAPPED.min_notional_quote)
    assert decide(facts(perp="0.1"), full, memory()).quantity_steps == -105


@pytest.mark.parametrize("answer", ["no", "silence"])
def test_an_answer_about_a_cut_trade_holds_as_the_price_moves(answer: str):
    """The price falls by 1 bp at each look, and the room under the cap grows with it. From a room of 10 QUOTE and from
    one of half a band: in an hour no more questions than the snooze of a quarter of an hour, or the ever longer waits
    after silence, allow."""
    assert [_asked_while_falling(answer, room_quote) for room_quote in (10, 1000)] == [[], ASKED_AT_MIN[answer]]


ASKED_AT_MIN = {"no": [0, 15, 30, 45], "silence": [0, 10, 30]}


def _asked_while_falling(answer: str, room_quote: int) -> list[int]:
    """Minutes at which the 10 BASE that are missing are asked for, in one hour of looks 15 s apart."""
    capped = ASKS._replace(max_position_quote=ASKS.min_notional_quote * 3000 + room_quote)
    mind, asked_min, pending_steps, expires_ms = memory(), [], 0, 0
    for look in range(240):
        now_ms, price = NOW_MS + look * 15_000, Decimal(2000) * Decimal("0.9999") ** look
        if pending_steps and now_ms >= expires_ms:
            mind = afterwards.unanswered(mind, side=-1, size_steps=pending_steps, now_ms=now_ms, partial=False)
            pending_steps = 0
        seen = gap("-10", price=price, mark_price=price, pool_price=price, now_ms=now_ms)
        decision = decide(seen._replace(pending_side=-bool(pending_steps), pending_steps=pending_steps), capped, mind)
        mind = decision.memory
        if done(decision) is not Action.ASK:
            continue
        asked_min.append(look // 4)
        size_steps = -decision.quantity_steps
        if answer == "no":
            mind = rejected(mind, side=-1, size_steps=size_steps, now_ms=now_ms, snooze_ms=15 * MINUTE_MS)
        else:
            pending_steps, expires_ms = size_steps, now_ms + 5 * MINUTE_MS
    return asked_min


def test_a_limit_of_zero_asks_for_every_plan_and_off_for_none():
    """`approval_over_quote = 0`: every plan asks; "off": none does."""
    assert done(decide(gap("-1"), policy(approvals=True, approval_over_quote="0"), memory())) is Action.ASK
    assert done(decide(gap("-20"), policy(approvals=False), memory())) is Action.ADJUST


def test_the_default_limit_is_the_larger_of_1000_and_five_bands():
    """The band of 2000 makes it 10,000; a small band leaves 1000."""
    default = policy(approvals=True)
    assert decide(gap("-1"), default, memory()).approval_quote == 10_000
    assert decide(gap("-1"), default._replace(band_pct=policy().band_pct * 0), memory()).approval_quote == 1000


def test_many_small_plans_in_one_direction_ask():
    """Unapproved fills of the hour in this direction plus this plan reach five limits: it asks."""
    assert done(decide(gap("-2", unapproved_sell_quote="21000"), ASKS, memory())) is Action.ASK
    assert done(decide(gap("-2", unapproved_sell_quote="20999"), ASKS, memory())) is Action.ADJUST
    assert done(decide(gap("-2", unapproved_buy_quote="21000"), ASKS, memory())) is Action.ADJUST


def test_reductions_and_closes_ask_like_others():
    """A large buy, and a close, ask too; only /flatten and deleveraging do not."""
    assert done(decide(gap("3"), ASKS, memory())) is Action.ASK
    closing = ASKS._replace(enabled=False, close_on_disable=True)
    assert said(decide(facts(), closing, memory())) == "AWAITING_APPROVAL(close_on_disable)"
    assert done(decide(facts(request=int(Request.FLATTEN)), ASKS, memory())) is Action.ADJUST
    assert done(decide(facts(liquidation_price="2080"), ASKS, memory())) is Action.ADJUST


def test_the_confirmation_of_hedge_now_is_its_approval():
    """/hedge does not ask again, nor do the capped parts of its plan."""
    capped = ASKS._replace(max_plan_quote=ASKS.band_quote * 80)
    asked = gap("-4", request=int(Request.HEDGE))
    first = decide(asked, capped, memory())
    assert (first.quantity_steps, first.approved) == (-2000, True)
    rest = decide(after_fill(asked, first, request=0), capped, first.memory)
    assert (rest.quantity_steps, rest.approved) == (-2000, True)


def test_a_confirmation_is_for_what_its_question_showed():
    """4 were shown and 9 are missing by now: 4 in all, part by part; the rest is asked for."""
    shown = {"request": int(Request.HEDGE), "request_side": -1, "request_steps": 4000}
    capped = ASKS._replace(max_plan_quote=ASKS.band_quote * 60)
    first = decide(gap("-9", **shown), capped, memory())
    assert (said(first), first.quantity_steps) == ("ADJUSTING(operator_hedge)", -1500)
    second = decide(after_fill(gap("-9"), first), capped, first.memory)
    third = decide(after_fill(after_fill(gap("-9"), first), second), capped, second.memory)
    assert (second.quantity_steps, third.quantity_steps) == (-1500, -1000)
    done_with = after_fill(after_fill(after_fill(gap("-9"), first), second), third)
    assert said(decide(done_with, capped, third.memory)) == "AWAITING_APPROVAL(band_exceeded)"


def test_a_confirmed_sale_is_no_word_for_a_purchase():
    """The need has turned since: the usual rules hold, here those of approvals."""
    shown = {"request": int(Request.HEDGE), "request_side": -1, "request_steps": 4000}
    assert said(decide(gap("3", **shown), ASKS, memory())) == "AWAITING_APPROVAL(band_exceeded)"
    assert said(decide(gap("0.2", **shown), ASKS, memory())) == "READY(within_band)"
    pending = decide(gap("3", **shown, pending_side=1, pending_steps=3000), ASKS, memory())
    assert done(pending) is Action.KEEP_ASKING


def test_a_confirmation_overtakes_the_question_about_a_close():
    """/hedge of a hedge that is being closed is a word for closing it."""
    closing = ASKS._replace(enabled=False, close_on_disable=True)
    asked = facts(request=int(Request.HEDGE), pending_side=1, pending_steps=25_000)
    decision = decide(asked, closing, memory())
    assert (said(decision), decision.quantity_steps) == ("ADJUSTING(operator_hedge)", 25_000)


def test_a_confirmation_does_not_last_for_ever():
    """The rest of a /hedge that could not go on within the time of an approval asks."""
    old = memory(latch=Latch(-1, -25_000, int(Reason.OPERATOR_HEDGE), NOW_MS - 7 * MINUTE_MS))
    assert done(decide(gap("-3"), ASKS, old)) is Action.ASK


@pytest.mark.parametrize(("base", "action"), [("-9", Action.KEEP_ASKING), ("-1.5", Action.KEEP_ASKING)])
def test_a_question_stands_while_half_of_it_is_needed(base: str, action: Action):
    """Growth does not void a proposal, nor does a need of at least half, even inside the band."""
    asked = gap(base, pending_side=-1, pending_steps=3000)
    assert (said(decide(asked, ASKS, memory())), done(decide(asked, ASKS, memory()))) == (
        "AWAITING_APPROVAL(awaiting_approval)",
        action,
    )


@pytest.mark.parametrize("base", ["-1.499", "2", "0"])
def test_a_question_is_superseded_by_less_than_half_or_the_other_side(base: str):
    """A proposal falls when the need is under half of it or on the other side."""
    assert done(decide(gap(base, pending_side=-1, pending_steps=3000), ASKS, memory())) is Action.SUPERSEDE


def test_an_approval_is_carried_out_but_not_exceeded():
    """Approved: the smaller of what was approved and what is needed now, without asking."""
    grown = decide(gap("-9", granted_side=-1, granted_left_steps=3000), ASKS, memory())
    assert (said(grown), grown.quantity_steps, grown.approved) == ("ADJUSTING(approved)", -3000, True)
    fallen = decide(gap("-2", granted_side=-1, granted_left_steps=3000), ASKS, memory())
    assert fallen.quantity_steps == -2000


def test_the_rest_above_an_approval_is_proposed_anew():
    """Once the approved size is used up, what is still missing asks again."""
    first = gap("-9", granted_side=-1, granted_left_steps=3000)
    decision = decide(first, ASKS, memory())
    rest = after_fill(first, decision, granted_side=0, granted_left_steps=0)
    assert done(decide(rest, ASKS, decision.memory)) is Action.ASK


def test_one_approval_covers_the_capped_parts():
    """Every part of an approved plan goes out under the one approval."""
    capped = ASKS._replace(max_plan_quote=ASKS.band_quote * 80)
    now = gap("-3", granted_side=-1, granted_left_steps=3000)
    first = decide(now, capped, memory())
    second = decide(after_fill(now, first, granted_left_steps=1000), capped, first.memory)
    assert [first.quantity_steps, second.quantity_steps] == [-2000, -1000]
    assert second.approved


def test_an_approval_for_nothing_needed_does_nothing():
    """An approved plan whose need fell within the hysteresis does not start."""
    calm = gap("-0.4", granted_side=-1, granted_left_steps=3000)
    assert said(decide(calm, ASKS, memory())) == "READY(within_band)"


OUT = {"lp_state": int(LpState.OUT_OF_RANGE)}
LONG_OUT = memory(since=Since(out_ms=NOW_MS - 5 * MINUTE_MS))
ASKS_EARLY = policy(approvals=True, approval_over_quote="500", to_edge=True)


def test_what_the_clock_asked_for_is_carried_out_inside_the_hysteresis_too():
    """The excursion's one trade is worth 600, the hysteresis 1000: asked, granted, traded to the target, and done."""
    assert said(decide(gap("-0.3", **OUT), ASKS_EARLY, LONG_OUT)) == "AWAITING_APPROVAL(out_of_range)"
    granted = {"granted_side": -1, "granted_left_steps": 300}
    decision = decide(gap("-0.3", **OUT, **granted), ASKS_EARLY, LONG_OUT)
    assert (said(decision), decision.quantity_steps, decision.approved) == ("ADJUSTING(out_of_range)", -300, True)
    assert decision.memory.since.out_traded


def test_what_the_clock_asked_for_is_finished_part_by_part():
    """Also when the configured destination is the edge of the band."""
    granted = {"granted_side": -1, "granted_left_steps": 300}
    capped = ASKS_EARLY._replace(max_steps=100)
    first = decide(gap("-0.3", **OUT, **granted), capped, LONG_OUT)
    assert first.quantity_steps == -100
    rest = after_fill(gap("-0.3", **OUT, **granted), first)._replace(granted_left_steps=200)
    second = decide(rest, capped, first.memory)
    assert (said(second), second.quantity_steps) == ("ADJUSTING(out_of_range)", -100)


def test_silence_about_what_the_clock_asks_for_is_kept():
    """It is not asked again at once because its gap is small."""
    quiet = afterwards.unanswered(LONG_OUT, side=-1, size_steps=300, now_ms=NOW_MS, partial=False)
    assert said(decide(gap("-0.3", **OUT), ASKS_EARLY, quiet)) == "AWAITING_APPROVAL(unanswered)"


def test_an_approval_is_not_spent_on_the_other_side():
    """Approval to sell never buys."""
    flipped = gap("3", granted_side=-1, granted_left_steps=3000)
    decision = decide(flipped, ASKS, memory())
    assert (done(decision), decision.approved) == (Action.ASK, False)


UNANSWERED = afterwards.unanswered(memory(), side=-1, size_steps=3000, now_ms=NOW_MS, partial=False)


def test_an_unanswered_question_waits_before_it_is_asked_again():
    """Nobody answered: it holds for five minutes, or until the need has grown by half."""
    assert said(decide(gap("-4.499"), ASKS, UNANSWERED)) == "AWAITING_APPROVAL(unanswered)"
    assert done(decide(gap("-4.5"), ASKS, UNANSWERED)) is Action.ASK
    assert done(decide(gap("-3", now_ms=NOW_MS + 5 * MINUTE_MS), ASKS, UNANSWERED)) is Action.ASK


def test_questions_are_repeated_after_5_15_30_and_then_every_60_minutes():
    """The schedule of repetitions."""
    mind, waits = memory(), []
    for _ in range(5):
        mind = afterwards.unanswered(mind, side=-1, size_steps=3000, now_ms=NOW_MS, partial=False)
        waits.append((mind.question.again_ms - NOW_MS) // MINUTE_MS)
    assert waits == [5, 15, 30, 60, 60]


def test_the_question_is_forgotten_when_the_need_is_gone():
    """Back within the hysteresis: the next need is a new one."""
    assert decide(gap("-0.5"), ASKS, UNANSWERED).memory.question == Question()
    assert decide(gap("-0.6"), ASKS, UNANSWERED).memory.question == UNANSWERED.question


PARTIAL = afterwards.unanswered(memory(), side=-1, size_steps=3000, now_ms=NOW_MS, partial=True)


def test_partial_makes_one_plan_just_under_the_limit():
    """`approval_on_timeout = "partial"`: one unapproved plan just under the limit, the rest waits to be asked."""
    now = gap("-3")
    decision = decide(now, ASKS, PARTIAL)
    assert (decision.quantity_steps, decision.wanted_steps, decision.approved) == (-2499, -3000, False)
    rest = after_fill(now._replace(net_base_pool=now.net_base_pool + 2, net_base_mark=now.net_base_mark + 2), decision)
    assert said(decide(rest, ASKS, decision.memory)) == "AWAITING_APPROVAL(unanswered)"


def test_partial_is_bounded_by_the_hour():
    """The plan just under the limit also stays under what may go unapproved in an hour."""
    assert decide(gap("-3", unapproved_sell_quote="24000"), ASKS, PARTIAL).quantity_steps == -499
    full = decide(gap("-3", unapproved_sell_quote="25000"), ASKS, PARTIAL)
    assert (said(full), full.quantity_steps) == ("AWAITING_APPROVAL(unanswered)", 0)


def test_partial_of_a_limit_of_zero_is_nothing():
    """When every plan asks there is nothing just under the limit."""
    every = ASKS._replace(approval_over_quote=ASKS.approval_over_quote * 0)
    assert said(decide(gap("-3"), every, PARTIAL)) == "AWAITING_APPROVAL(unanswered)"
