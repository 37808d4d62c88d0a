"""The main job on the real protocols: from a position on chain to a hedge, approved from the phone."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import pytest

from tests.e2e.stage import OPERATOR, Service, Stage
from tests.rigs.telegram.rig import TelegramRig

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0
QUESTION = "Approve this hedge?"
ALERT = "exposure over its limit"


def test_from_a_position_on_chain_to_a_hedge_approved_on_the_phone(stage: Stage) -> None:
    """Asked, approved, hedged; a small change is hedged with an alert, a large one rejected; a restart adds nothing."""
    phone, chain = stage.telegram, stage.chain
    with Service(stage) as service:
        question = phone.wait_message(OPERATOR, QUESTION, timeout_s=PATIENCE_S)
        assert stage.orders_sent() == 0

        phone.press(OPERATOR, question, "Approve")
        phone.wait_for(lambda: stage.short() > 0, timeout_s=PATIENCE_S)
        base = Decimal(chain.expected_collect(stage.position_id).total[0]).scaleb(-18)
        assert abs(stage.short() - base) < Decimal("0.002")
        outcome = phone.wait_message(OPERATOR, "🔁 eth: SELL", timeout_s=PATIENCE_S)
        assert (stage.orders_sent(), outcome.reply_to) == (1, question.message_id)

        phone.wait_message(OPERATOR, "back under its limit", timeout_s=PATIENCE_S)
        before = stage.short()
        alerts = len(phone.messages(OPERATOR, ALERT))
        stage.set_price(2022)
        phone.wait_for(lambda: len(phone.messages(OPERATOR, ALERT)) > alerts, timeout_s=PATIENCE_S)
        phone.wait_for(lambda: stage.short() != before, timeout_s=PATIENCE_S)
        assert (stage.orders_sent(), phone.messages(OPERATOR, QUESTION)) == (2, [])

        stage.set_price(1900)
        large = phone.wait_message(OPERATOR, QUESTION, timeout_s=PATIENCE_S)
        held = stage.short()
        phone.press(OPERATOR, large, "Reject")
        phone.wait_message(OPERATOR, "ejected", timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()

    with Service(stage, "again") as service:
        phone.wait_for(lambda: "you rejected this side" in _status(phone), timeout_s=PATIENCE_S)
        assert (stage.short(), stage.orders_sent()) == (held, 2)
        assert service.stop() == 0, service.output()
    assert sum(stage.executed().values()) == before + abs(before - held)


def _status(phone: TelegramRig) -> str:
    phone.say(OPERATOR, "/status")
    time.sleep(0.5)
    return "".join(message.text for message in phone.messages(OPERATOR)[-2:])


def test_status_prints_the_position_to_the_last_unit(stage: Stage) -> None:
    """`status --json` carries every digit the chain has and trades nothing."""
    result = stage.call("status", "--json")
    hedge = json.loads(result.stdout)["hedges"][0]
    pay = stage.chain.expected_collect(stage.position_id)
    assert Decimal(hedge["lp"]["base"]) == Decimal(pay.principal[0]).scaleb(-18)
    assert Decimal(hedge["lp"]["quote"]) == Decimal(pay.principal[1]).scaleb(-6)
    assert (hedge["state"], result.returncode) == ("AWAITING_APPROVAL", 0)
    assert stage.orders_sent() == 0
