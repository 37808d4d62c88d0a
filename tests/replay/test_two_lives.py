"""The one decision over Decimals, as live, and over machine numbers, as in replay."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given

from core.hedging.kernel import decide
from core.hedging.kernel_types import Decision, Facts
from core.replay.setup import machine_policy
from tests.hedging.moments import Moment, moments

# Machine numbers may see a limit met that is missed by less than this part of the price, and the other way round.
HAIR = Decimal("1e-9")


def machine(seen: Facts) -> Facts:
    numbers: list[Any] = [float(each) if isinstance(each, Decimal) else each for each in seen]
    return Facts(*numbers)


def deeds(decision: Decision) -> tuple[object, ...]:
    """All but the figures that go with it."""
    return (*decision[:9], decision.memory)


def moved(seen: Facts, part: Decimal) -> Facts:
    """The same moment a hair away: prices and what is needed."""
    factor = 1 + part
    return seen._replace(
        price=seen.price * factor,
        net_base_pool=seen.net_base_pool * (1 - part / 2),
        net_base_mark=seen.net_base_mark * (1 - part / 2),
        available_quote=seen.available_quote * (1 - 2 * part),
        margin_balance_quote=seen.margin_balance_quote * (1 - 2 * part),
    )


@given(moment=moments())
def test_both_lives_decide_alike(moment: Moment) -> None:
    """The same action, state, reason, size and memory; on the very edge of a limit, as a hair to either side."""
    seen, rules, mind = moment
    found = deeds(decide(machine(seen), machine_policy(rules), mind))
    allowed = [deeds(decide(moved(seen, part), rules, mind)) for part in (Decimal(0), HAIR, -HAIR)]
    assert found in allowed
