"""What comes next by itself: each kind at its moment, soonest first, and nothing that has passed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.config import HedgeConfig
from core.hedging.kernel_types import Memory, Question, Since, Snooze
from core.hedging.life_memory import Departed, LifeMemory
from core.ports import ApprovalState
from core.status import DueKind
from core.status_due import upcoming
from tests.bot.samples import an_approval
from tests.exchange.paper_rig import flat_market

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
CONFIG = HedgeConfig.model_validate(
    {"chain": "bsc", "amm_type": "uniswap_v3", "lp_position_ids": [1], "symbol": "BNBUSDT"}
    | {"force_rebalance_seconds": 7200, "out_of_range_seconds": 300, "no_lp_grace_seconds": 300}
)


def found(kernel: Memory = Memory(), life: LifeMemory | None = None, **more: object) -> dict[str, float]:  # noqa: B008
    """Kind -> seconds from now, in the order given."""
    given: dict[str, object] = {"approval": None, "market": None, "look_at": None} | more
    dues = upcoming(CONFIG, kernel, life or LifeMemory(), now=NOW, **given)  # type: ignore[arg-type]
    return {due.kind.value: (due.at - NOW).total_seconds() for due in dues}


@pytest.mark.parametrize(
    ("kernel", "due"),
    [
        (Memory(last_rebalance_ms=NOW_MS - 10_000), {"cooldown": 20.0, "force": 7190.0}),
        (Memory(snooze=Snooze(1, NOW_MS + 60_000, 5)), {"snooze": 60.0}),
        (Memory(question=Question(1, 5, 1, NOW_MS + 9000)), {"ask_again": 9.0}),
        (Memory(since=Since(out_ms=NOW_MS - 100_000)), {"out_of_range": 200.0}),
        (Memory(since=Since(out_ms=NOW_MS - 100_000, out_traded=True)), {}),
        (Memory(since=Since(none_ms=NOW_MS - 1000)), {"close": 299.0}),
        (Memory(last_rebalance_ms=NOW_MS - 10_000, halted=True), {}),
        (Memory(snooze=Snooze(1, NOW_MS - 1, 5)), {}),
        (Memory(snooze=Snooze(0, NOW_MS + 60_000, 5)), {}),
        (Memory(), {}),
    ],
)
def test_what_the_kernel_waits_for(kernel: Memory, due: dict[str, float]) -> None:
    """Not while stopped, and not what is over."""
    assert found(kernel) == due


def test_everything_at_once_is_in_order() -> None:
    """Approval, grace, funding and the next look beside the kernel's own; what is kept has no end."""
    life = LifeMemory(
        departed=(Departed(Decimal(1), NOW + timedelta(seconds=40)), Departed(Decimal(2), None)), started=True
    )
    pending, answered = an_approval(), an_approval(state=ApprovalState.APPROVED)
    market = flat_market("600")
    look_at = NOW + timedelta(seconds=7)
    all_of_it = found(Memory(snooze=Snooze(1, NOW_MS + 20_000, 1)), life, approval=pending, look_at=look_at)
    assert list(all_of_it) == ["look", "snooze", "grace", "expiry"]
    assert DueKind.EXPIRY not in found(approval=answered)
    assert found(market=market) == {}  # paid long ago
