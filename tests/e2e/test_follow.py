"""A position opened while the program runs, followed from the phone, on the real contracts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.e2e.stage import BY_ITSELF, OPERATOR, Service, Stage

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0
STEP = Decimal("0.002")


def test_a_new_position_is_hedged_when_followed_and_still_after_a_restart(stage: Stage) -> None:
    """Told with its number, hedged on `/follow`; a restart and `status` beside it know of it as well."""
    stage.configure(BY_ITSELF)
    phone, chain = stage.telegram, stage.chain
    with Service(stage) as service:
        phone.wait_for(lambda: stage.short() > 4, timeout_s=PATIENCE_S)
        new = chain.mint_position(stage.pool, 1800, 2200, base=3, quote=6_000)
        phone.wait_message(OPERATOR, f"/follow {new} hedges it too", timeout_s=PATIENCE_S)
        before = stage.short()
        phone.say(OPERATOR, f"/follow {new}")
        phone.wait_for(lambda: stage.short() > before + 2, timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
    assert abs(stage.short() - stage.base_of(stage.position_id, new)) < STEP

    orders = stage.orders_sent()
    with Service(stage, "again") as service:
        stage.set_price(1980)
        phone.wait_for(lambda: stage.orders_sent() > orders, timeout_s=PATIENCE_S)
        phone.wait_for(lambda: abs(stage.short() - stage.base_of(stage.position_id, new)) < STEP, timeout_s=PATIENCE_S)
        assert f'"id": "{new}"' in stage.call("status", "--json").stdout
        assert service.stop() == 0, service.output()
