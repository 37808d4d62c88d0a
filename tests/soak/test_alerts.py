"""The judge of what people are told finds what it is there for: each rule, broken by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.soak import alerts
from tests.soak.broken import MINUTE, NOON, happened, message
from tests.soak.records import Down
from tests.soak.stage import SoakStage

HOUR = 60 * MINUTE


def _lost(stage: SoakStage, *downs: Down) -> list[str]:
    return list(alerts.alerts_lost(stage, downs))


def _key(topic: str, number: int = 1) -> str:
    return f"{topic}:eth:x:{number}"


def test_nothing_is_lost_where_all_is_told(stage: SoakStage) -> None:
    """The one trade of the stage."""
    assert _lost(stage) == []


def test_an_event_without_a_message_is_found(stage: SoakStage) -> None:
    """And one whose message was made before it happened, or long after."""
    happened(stage, "halted", NOON)
    assert _lost(stage) == ["halted of eth at 01 12:00:00 was told to nobody"]
    message(stage, _key("halted"), NOON - MINUTE, "halted")
    message(stage, _key("halted", 2), NOON + MINUTE, "halted")
    assert _lost(stage) == ["halted of eth at 01 12:00:00 was told to nobody"]
    message(stage, _key("resumed", 3), NOON, "resumed")
    happened(stage, "resumed", NOON)
    assert len(_lost(stage)) == 1


def test_two_events_need_two_messages(stage: SoakStage) -> None:
    """One does not do for both."""
    happened(stage, "halted", NOON, told="halted")
    happened(stage, "halted", NOON + timedelta(seconds=1))
    assert len(_lost(stage)) == 1


def test_a_message_that_no_chat_got_is_found(stage: SoakStage) -> None:
    """Also one whose place in the chat holds other words."""
    message(stage, _key("halted"), NOON, "halted", shown=False)
    assert _lost(stage) == ["halted:eth:x:1 was delivered to nobody"]
    message(stage, _key("paused"), NOON, "paused")
    stage.telegram.world.messages[-1].revisions[0] = stage.telegram.world.messages[0].revisions[0]
    assert "paused:eth:x:1 was delivered to nobody" in _lost(stage)


def test_only_a_later_word_of_the_same_matter_excuses_one_that_was_not_sent(stage: SoakStage) -> None:
    """What was told before it cannot have told it."""
    message(stage, _key("halted", 1), NOON, "halted", thread="stopped:eth")
    message(stage, _key("halted", 2), NOON + MINUTE, "halted again", thread="stopped:eth", shown=False)
    assert _lost(stage) == ["halted:eth:x:2 was delivered to nobody"]
    message(stage, _key("resumed", 3), NOON + 2 * MINUTE, "resumed", thread="other")
    assert len(_lost(stage)) == 1
    message(stage, _key("resumed", 4), NOON + 2 * MINUTE, "resumed", thread="stopped:eth")
    assert _lost(stage) == []


def test_an_edit_that_is_not_on_the_screen_is_found(stage: SoakStage) -> None:
    """The last one counts."""
    message(stage, "approval:q", NOON, "asked")
    message(stage, "approval:q:approved", NOON, "approved", edits="approval:q", shown=False)
    message(stage, "approval:q:done", NOON, "done", edits="approval:q", shown=False)
    assert _lost(stage) == ["approval:q:done was never shown: its message says something else"]
    message(stage, "approval:q:voided", NOON, "voided", edits="approval:q")
    assert _lost(stage) == []


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("approval_asked", ["approval:q"]),
        ("approval_approved", ["approval:q:approved"]),
        ("approval_done", ["approval:q:done"]),
        ("approval_expired", ["approval:q:expired", "approval:q:expired:said"]),
        ("approval_failed", ["approval:q:failed", "approval:q:failed:said"]),
    ],
)
def test_a_question_of_which_nothing_was_written_is_found(stage: SoakStage, kind: str, missing: list[str]) -> None:
    """Asked, each change shown, and what fills do not say said."""
    happened(stage, kind, NOON, approval_id="q")
    assert _lost(stage) == [f"{each} was never written" for each in missing]


LASTING = [
    ("exposure_breached", "exposure_restored", "breach", "", {}),
    ("basis_exceeded", "basis_restored", "basis", "", {}),
    ("chain_estimated", "chain_read_again", "estimate", "", {}),
    ("order_refused", "", "refused", "-2019", {"code": "-2019"}),
    ("plan_failed", "", "failed", "", {}),
    ("task_failed", "task_recovered", "task", "tidying", {"task": "tidying"}),
]


@pytest.mark.parametrize(("begins", "ends", "topic", "tag", "data"), LASTING)
def test_what_lasts_untold_is_found(
    stage: SoakStage, begins: str, ends: str, topic: str, tag: str, data: dict[str, str]
) -> None:
    """Its beginning, unless it was short; and its end, if its beginning was told."""
    happened(stage, begins, NOON, **data)
    if ends:
        happened(stage, ends, NOON + timedelta(seconds=50), **data)
        assert _lost(stage) == []
        happened(stage, begins, NOON + MINUTE, **data)
        happened(stage, ends, NOON + 5 * MINUTE, **data)
    assert [each for each in _lost(stage) if each.startswith(f"{begins} of eth")]
    thread = f"{topic}:eth:{tag}:x"
    message(stage, _key(topic), NOON + 2 * MINUTE, "it lasts", thread="another:eth::x")
    assert [each for each in _lost(stage) if each.startswith(f"{begins} of eth")]
    message(stage, _key(topic, 2), NOON + 2 * MINUTE, "it lasts", thread=thread)
    over = [f"{topic} of eth was over at 01 12:05:00, which was told to nobody"] if ends else []
    assert _lost(stage) == over
    message(stage, _key(f"{topic}_over", 3), NOON + 5 * MINUTE, "it is over", thread=thread)
    assert _lost(stage) == []


def test_what_began_just_before_the_program_was_ended_need_not_be_told(stage: SoakStage) -> None:
    """It has no time to last; a life that went on had."""
    happened(stage, "exposure_breached", NOON)
    happened(stage, "suspended", NOON, reason="stale_chain")
    assert len(_lost(stage)) == 2
    assert _lost(stage, Down(NOON + MINUTE / 2, "kill -9", NOON + MINUTE)) == []


def test_a_suspension_that_was_never_told_is_found(stage: SoakStage) -> None:
    """Unless the operator asked for it; and its end, if it was told."""
    happened(stage, "suspended", NOON, reason="paused")
    happened(stage, "suspended", NOON + 10 * MINUTE, reason="stale_chain")
    happened(stage, "recovered", NOON + 20 * MINUTE)
    assert _lost(stage) == ["suspended for stale_chain of eth at 01 12:10:00 was told to nobody"]
    message(stage, _key("suspended"), NOON + 11 * MINUTE, "suspended", thread="suspended:eth:x")
    assert _lost(stage) == ["recovered of eth at 01 12:20:00 was told to nobody"]
    message(stage, _key("recovered", 2), NOON + 20 * MINUTE, "recovered", thread="suspended:eth:x")
    assert _lost(stage) == []


def test_a_suspension_that_says_its_reason_again_was_told_once(stage: SoakStage) -> None:
    """What is said of it anew is no new trouble, a new reason is one."""
    happened(stage, "suspended", NOON, reason="stale_venue", detail="a")
    message(stage, _key("suspended"), NOON + MINUTE, "suspended", thread="suspended:eth:x")
    happened(stage, "suspended", NOON + 10 * MINUTE, reason="stale_venue", detail="b")
    assert _lost(stage) == []
    happened(stage, "suspended", NOON + 20 * MINUTE, reason="stale_chain")
    assert _lost(stage) == ["suspended for stale_chain of eth at 01 12:20:00 was told to nobody"]


def test_an_order_of_unknown_outcome_tells_of_its_suspension(stage: SoakStage) -> None:
    """Its own event has said it."""
    happened(stage, "outcome_unknown", NOON, told="unknown")
    happened(stage, "suspended", NOON, reason="outcome_unknown")
    assert _lost(stage) == []


def test_a_swarm_of_which_nothing_is_told_is_found(stage: SoakStage) -> None:
    """One message within the pace does for all of it."""
    for minute in range(3):
        happened(stage, "lp_state_changed", NOON + minute * MINUTE, frm="opening", to="in_range")
    assert len(_lost(stage)) == 3
    message(stage, _key("lp_state_changed"), NOON + 4 * MINUTE, "opening")
    assert _lost(stage) == []


def test_a_price_beyond_the_range_that_was_never_told_is_found(stage: SoakStage) -> None:
    """Longer than at its edge."""
    happened(stage, "lp_state_changed", NOON, frm="in_range", to="out_of_range")
    happened(stage, "lp_state_changed", NOON + 4 * MINUTE, frm="out_of_range", to="in_range")
    assert _lost(stage) == []
    happened(stage, "lp_state_changed", NOON + HOUR, frm="in_range", to="out_of_range")
    assert _lost(stage) == ["out_of_range of eth at 01 13:00:00 was told to nobody"]
    message(stage, _key("out_of_range"), NOON + HOUR + 6 * MINUTE, "beyond")
    assert _lost(stage) == []
