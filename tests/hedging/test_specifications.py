"""Both specifications are met by configuration alone, held against their own formulas in their own words."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import Config, HedgeConfig
from core.facts import SymbolRules
from core.hedging.kernel_types import Policy
from core.hedging.policy import policy_from
from core.hedging.states import Action
from tests.hedging.givens import after_fill, decide, done, facts, memory, said

EXAMPLES = Path(__file__).parents[2] / "examples"
RULES = SymbolRules(
    symbol="BNBUSDT",
    base_asset="BNB",
    quote_asset="USDT",
    tick_size=Decimal("0.01"),
    step_size=Decimal("0.01"),
    min_quantity=Decimal("0.01"),
    max_quantity=Decimal(10_000),
    market_step_size=Decimal("0.01"),
    market_min_quantity=Decimal("0.01"),
    market_max_quantity=Decimal(2_000),
    min_notional_quote=Decimal(5),
)
# 20 BASE of liquidity and 0 wallet at 600: what each test changes.
PRICE = Decimal(600)
HUNDREDTHS = st.integers(min_value=0, max_value=4_000)


def config(spec: str) -> HedgeConfig:
    text = (EXAMPLES / f"{spec}.toml").read_text(encoding="utf-8")
    return Config.model_validate(tomllib.loads(text)).hedges[spec]


def policy_of(spec: str) -> Policy:
    return policy_from(config(spec), RULES)


def seen(exposure_base: Decimal, short_steps: int, lp_value_quote: Decimal):
    return facts(
        net=exposure_base,
        edge_base=Decimal(1000),
        lp_value_quote=lp_value_quote,
        price=PRICE,
        pool_price=PRICE,
        mark_price=PRICE,
        perp_steps=-short_steps,
        short_steps=short_steps,
    )


@given(base_hundredths=HUNDREDTHS, short_steps=HUNDREDTHS)
def test_spec_a_trades_exactly_when_its_deviation_exceeds_the_threshold(base_hundredths: int, short_steps: int):
    """`|base_amount - perp_position| > hedge_threshold`, the perp position being the size of the short."""
    base_amount, perp_position = Decimal(base_hundredths) / 100, Decimal(short_steps) / 100
    deviation = base_amount - perp_position
    decision = decide(seen(base_amount, short_steps, base_amount * PRICE * 2), policy_of("spec_a"), memory())
    assert (done(decision) is Action.ADJUST) == (abs(deviation) > config("spec_a").threshold_base)
    if done(decision) is Action.ADJUST:
        assert decision.gap_base == -deviation
        assert (decision.quantity_steps < 0) == (deviation > 0)


@given(base_hundredths=HUNDREDTHS, wallet_hundredths=HUNDREDTHS, short_steps=HUNDREDTHS)
def test_spec_b_trades_exactly_when_both_bands_are_reached(
    base_hundredths: int, wallet_hundredths: int, short_steps: int
):
    """`B_target = -hedge_ratio * B_net` on the exposure before the perp; both bands, in QUOTE and in % of the LP."""
    spec, base, wallet = config("spec_b"), Decimal(base_hundredths) / 100, Decimal(wallet_hundredths) / 100
    lp_value = base * PRICE * 2
    gap_quote = abs(-spec.hedge_ratio * (base + wallet) + Decimal(short_steps) / 100) * PRICE
    starts = gap_quote >= spec.band_quote and gap_quote * 100 >= spec.band_pct * lp_value
    late_enough = memory(last_rebalance_ms=memory().last_rebalance_ms + 60_000)
    decision = decide(seen(base + wallet, short_steps, lp_value), policy_of("spec_b"), late_enough)
    assert (decision.wanted_steps != 0) == starts
    assert decision.gap_quote == gap_quote


@pytest.mark.parametrize("spec", ["spec_a", "spec_b"])
def test_repeated_hedging_comes_to_rest_at_the_configured_ratio(spec: str):
    """Capped parts add up to ratio times exposure and stop there: the perp is not inside the target."""
    now, mind = seen(Decimal(20), 0, Decimal(24_000)), memory()
    for _ in range(40):
        decision = decide(now, policy_of(spec), mind)
        now = after_fill(now, decision)
        mind = decision.memory._replace(last_rebalance_ms=now.now_ms)
        if not decision.quantity_steps:
            break
    assert said(decision) == "READY(within_band)"
    assert Decimal(-now.perp_steps) / 100 == config(spec).hedge_ratio * 20


def test_spec_a_has_only_its_threshold():
    """Setting `hedge_threshold` alone switches the two bands in QUOTE off."""
    policy = policy_of("spec_a")
    assert (policy.threshold_base, policy.band_quote, policy.band_pct) == (Decimal("0.5"), 0, 0)


def test_spec_b_caps_an_order():
    """`hedge_max_order_quote` clips, and what is left follows."""
    decision = decide(seen(Decimal(20), 0, Decimal(24_000)), policy_of("spec_b"), memory())
    assert decision.quantity_steps == -166
