"""What was earned, asked from the phone of a running service."""

from __future__ import annotations

import time

import pytest

from tests.e2e.stage import BY_ITSELF, OPERATOR, Service, Stage

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0


def test_pnl_on_the_phone(stage: Stage) -> None:
    """The service keeps its readings by itself: soon after the first trade there is an account of it."""
    phone = stage.telegram
    stage.configure(BY_ITSELF)

    def answer() -> str:
        phone.say(OPERATOR, "/pnl")
        time.sleep(0.5)
        return next((message.text for message in phone.messages(OPERATOR, "1 trade, turnover")), "")

    with Service(stage) as service:
        phone.wait_for(lambda: stage.short() > 0, timeout_s=PATIENCE_S)
        shown = phone.wait_for(answer, timeout_s=PATIENCE_S)
        assert "LP fees" in shown and "Net" in shown and "Not in the net" not in shown
        phone.say(OPERATOR, "/report")
        phone.wait_message(OPERATOR, "Daily report", timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
