"""A setting changed from the phone: hedged by, shown by every command, kept through a kill, until the file moves."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.e2e.stage import BY_ITSELF, OPERATOR, Service, Stage

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0
STEP = Decimal("0.002")


def test_a_setting_from_the_phone_is_hedged_by_until_the_file_says_otherwise(stage: Stage) -> None:
    """Half the ratio is half the short, also for `status` and `check` and after kill -9; then the file wins, told."""
    stage.configure(BY_ITSELF)
    phone, whole = stage.telegram, stage.base_of(stage.position_id)
    with Service(stage) as service:
        stage.until_short(whole, within=STEP, timeout_s=PATIENCE_S)
        phone.say(OPERATOR, "/set hedge_ratio 0.5")
        question = phone.wait_message(OPERATOR, "hedge_ratio: 1 → 0.5?", timeout_s=PATIENCE_S)
        phone.press(OPERATOR, question, "Yes")
        stage.until_short(whole / 2, within=STEP, timeout_s=PATIENCE_S)
        service.kill()

    (seen,) = json.loads(stage.call("status", "--json").stdout)["hedges"]
    assert abs(Decimal(seen["target_base"]) + whole / 2) < STEP
    stage.call("halt")
    checked = json.loads(stage.call("check", "--json").stdout)
    assert {"key": "hedges.eth.hedge_ratio", "value": "0.5", "from": "chat"} in checked["settings"]
    assert [each["detail"] for each in checked["checks"] if each["subject"] == "eth: stopped"] == [
        "a halt waits to be read: the next start halts first, until /resume"
    ]

    with Service(stage, "again") as service:
        phone.wait_message(OPERATOR, "HALTED", timeout_s=PATIENCE_S)
        phone.say(OPERATOR, "/config")
        phone.wait_message(OPERATOR, "hedge_ratio = 0.5 ← from chat by", timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
    checked = json.loads(stage.call("check", "--json").stdout)
    assert [each["detail"] for each in checked["checks"] if each["subject"] == "eth: stopped"] == [
        "it is halted: nothing is traded until /resume"
    ]

    stage.configure({"hedge_ratio": '"0.8"'})
    assert "dropped at the next start" in stage.call("check").stdout
    with Service(stage, "a third time") as service:
        phone.wait_message(OPERATOR, "by hedge.toml: its own value of it changed", timeout_s=PATIENCE_S)
        phone.say(OPERATOR, "/resume")
        phone.press(OPERATOR, phone.wait_message(OPERATOR, "Hedge again?", timeout_s=PATIENCE_S), "Yes")
        stage.until_short(whole * Decimal("0.8"), within=STEP, timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
