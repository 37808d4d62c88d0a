"""A day with the phone: the running service, with real contracts, a strict exchange and a strict Bot API."""

from __future__ import annotations

import json

import pytest

from bot.commands import COMMANDS, Command, Does
from tests.e2e.stage import BY_ITSELF, OPERATOR, Service, Stage
from tests.rigs.telegram.world import Message

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0
ARGUMENTS = {"whatif": "2100", "chart": "1", "set": "delta_band_quote", "approve": "0000", "reject": "0000"}


def test_every_command_of_the_table_is_answered(stage: Stage) -> None:
    """Also those that act, with what they need; none is unknown, none fails inside."""
    stage.configure(BY_ITSELF)
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: stage.short() > 4, timeout_s=PATIENCE_S)
        stage.telegram.wait_message(OPERATOR, "🔁 eth: SELL", timeout_s=PATIENCE_S)
        for command in COMMANDS:
            if command.name not in ("halt", "flatten", "pause"):
                answer = _ask(stage, command)
                assert "do not know" not in answer.text, (command.name, answer.text)
                assert "wrong inside" not in answer.text, (command.name, answer.text)
        assert service.stop() == 0, service.output()
    assert stage.short() > 4


def _ask(stage: Stage, command: Command) -> Message:
    said = stage.telegram.say(OPERATOR, f"/{command.name} {ARGUMENTS.get(command.name, '')}".rstrip())
    return stage.telegram.wait_for(lambda: _after(stage, said), timeout_s=PATIENCE_S)[-1]


def _after(stage: Stage, said: Message) -> list[Message]:
    return [message for message in stage.telegram.messages(OPERATOR) if message.message_id > said.message_id]


def test_a_setting_changed_from_the_phone_is_in_force_and_survives_a_restart(stage: Stage) -> None:
    """Asked before it raises the risk; `check` names the chat as its origin; the file's own change ends it."""
    phone = stage.telegram
    stage.configure(BY_ITSELF)
    with Service(stage) as service:
        phone.wait_for(lambda: stage.short() > 4, timeout_s=PATIENCE_S)
        phone.say(OPERATOR, "/set max_position_notional 60000")
        question = phone.wait_message(OPERATOR, "60,000", timeout_s=PATIENCE_S)
        assert question.labels == ["Yes", "No"]
        phone.press(OPERATOR, question, "Yes")
        phone.wait_message(OPERATOR, "setting changed", timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
    found = json.loads(stage.call("check", "--json").stdout)["settings"]
    (cap,) = [each for each in found if each["key"] == "hedges.eth.max_position_notional"]
    assert (cap["value"], cap["from"]) == ("60000", "chat")
    stage.configure({"max_position_notional": "40000"})
    with Service(stage, "again") as service:
        phone.wait_message(OPERATOR, "max_position_notional", timeout_s=PATIENCE_S)
        phone.say(OPERATOR, "/set max_position_notional")
        phone.wait_message(OPERATOR, "40,000", timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()


def test_a_reason_typed_as_the_answer_is_kept_with_the_rejection(stage: Stage) -> None:
    """The question's own message ends with who rejected and why."""
    phone = stage.telegram
    with Service(stage) as service:
        proposal = phone.wait_message(OPERATOR, "Approve this hedge?", timeout_s=PATIENCE_S)
        phone.press(OPERATOR, proposal, "Reject")
        asked = phone.wait_message(OPERATOR, "eason", timeout_s=PATIENCE_S)
        phone.say(OPERATOR, "too late in the day", in_answer_to=asked)
        phone.wait_for(lambda: "too late in the day" in proposal.text, timeout_s=PATIENCE_S)
        assert proposal.labels == []
        assert service.stop() == 0, service.output()
    assert stage.orders_sent() == 0


def test_the_table_names_commands_of_every_kind() -> None:
    """What the test above goes through is the whole of it."""
    assert {command.does for command in COMMANDS} == set(Does)
