"""From configuration to policy, and the memory's way through the database."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import HedgeConfig
from core.errors import ConfigurationError, InvariantBroken
from core.hedging import afterwards
from core.hedging import memory as remember
from core.hedging.kernel_types import Latch, Memory, Question, Since, Snooze
from core.hedging.policy import policy_from
from core.hedging.states import State
from tests.hedging.test_specifications import RULES

NOW_MS = 1_760_000_000_000
whole = st.integers(-(2**53), 2**53)


def config(**different: object) -> HedgeConfig:
    plain = {"chain": "bsc", "amm_type": "uniswap_v3", "lp_position_ids": [1], "symbol": "BNBUSDT"}
    return HedgeConfig.model_validate(plain | different)


def test_defaults_that_depend_on_the_band_are_left_to_the_evaluation():
    """Hysteresis, approval and alert limit default to what the band of the moment makes of them."""
    policy = policy_from(config(), RULES)
    assert (policy.hysteresis_quote, policy.approval_over_quote, policy.alert_over_quote) == (-1, -1, -1)
    assert (policy.band_quote, policy.band_pct, policy.approvals) == (50, 2, True)


def test_the_effective_minimum_is_the_larger_one():
    """Ours or the venue's, whichever is larger."""
    assert policy_from(config(min_notional_quote=3), RULES).min_notional_quote == 5
    assert policy_from(config(min_notional_quote=30), RULES).min_notional_quote == 30


def test_the_tightest_of_two_caps_counts_and_zero_is_none():
    """`max_hedge_notional` and `max_order_quote` together; 0 is off."""
    assert policy_from(config(max_hedge_notional=500, max_order_quote=300), RULES).max_plan_quote == 300
    assert policy_from(config(max_hedge_notional=500), RULES).max_plan_quote == 500
    assert policy_from(config(), RULES).max_plan_quote == 0


def test_steps_and_lots_come_from_both_filters():
    """A coarser step for market orders makes lots; sizes are counted in the finer one."""

    policy = policy_from(config(max_order_size="1.55"), replace(RULES, market_step_size=Decimal("0.1")))
    assert (policy.step_base, policy.lot_steps, policy.max_steps) == (Decimal("0.01"), 10, 155)


@pytest.mark.parametrize("impossible", [{"max_order_quote": 4}, {"max_order_size": "0.001"}])
def test_a_cap_that_no_order_passes_is_refused(impossible: dict[str, object]):
    """A cap under the smallest order would hold the hedge for ever."""
    with pytest.raises(ConfigurationError, match="smallest"):
        policy_from(config(**impossible), RULES)


def test_approvals_off_and_every_plan():
    """`"off"` asks for none, 0 for every plan."""
    assert not policy_from(config(approval_over_quote="off"), RULES).approvals
    assert policy_from(config(approval_over_quote=0), RULES).approval_over_quote == 0


@given(
    memory=st.builds(
        Memory,
        state=st.sampled_from([int(state) for state in State]),
        halted=st.booleans(),
        paused=st.booleans(),
        last_rebalance_ms=whole,
        latch=st.builds(Latch, whole, whole, whole, whole),
        since=st.builds(Since, whole, st.booleans(), whole),
        snooze=st.builds(Snooze, whole, whole, whole),
        question=st.builds(Question, whole, whole, whole, whole, whole),
    )
)
def test_the_memory_survives_the_database(memory: Memory):
    """What is written is read back."""
    assert remember.from_json(remember.to_json(memory)) == memory


def test_a_memory_of_another_version_is_read():
    """Missing keys keep their defaults, unknown ones are dropped."""
    text = json.dumps({"halted": True, "invented": 1, "latch": {"side": -1, "colour": "red"}})
    assert remember.from_json(text) == Memory(halted=True, latch=Latch(side=-1))


@pytest.mark.parametrize("text", ["", "[", '{"halted": "no"}', '{"latch": 3}', '{"last_rebalance_ms": 1.5}', "[]"])
def test_what_is_no_memory_is_refused(text: str):
    """A broken memory is not read as an empty one: it might have said halted."""
    with pytest.raises(InvariantBroken):
        remember.from_json(text)


def test_halt_and_pause_end_the_plan_that_had_begun():
    """After a resume nothing goes on by itself, and the flags are gone."""
    begun = Memory(latch=Latch(-1, -5, 33, 1), question=Question(-1, 5, 1, 9, 0))
    for stopped in (remember.halted(begun), remember.paused(begun)):
        assert (stopped.latch, stopped.question) == (Latch(), Question())
        assert stopped.halted or stopped.paused
        assert remember.resumed(stopped) == Memory()


def test_a_rejection_snoozes_its_side():
    """The side, until when, and the size that was refused."""
    mind = remember.rejected(Memory(latch=Latch(-1, -5, 33, 1)), side=-1, size_steps=70, now_ms=NOW_MS, snooze_ms=900)
    assert (mind.snooze, mind.latch) == (Snooze(-1, NOW_MS + 900, 70), Latch())


def test_cooldown_runs_from_the_last_fill():
    """A fill booked late does not turn the clock back."""
    assert afterwards.filled(afterwards.filled(Memory(), 20), 10).last_rebalance_ms == 20
