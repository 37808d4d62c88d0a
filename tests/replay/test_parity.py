"""The live engine, driven through the demo's ports, and the replay of the same path take the same decisions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from core.replay.replay import replay
from tests.replay.market import config_with, lived, recorded_path, setup_of

SEED = 31
HOURS = 3
OFF = {"approval_over_quote": "off", "twap_over_quote": 0}
CONFIGURATIONS: Mapping[str, Mapping[str, object]] = {
    "a narrow band": OFF | {"delta_band_quote": 60, "delta_band_pct": 0},
    "to the edge": OFF
    | {"delta_band_quote": 80, "delta_band_pct": 0, "delta_hysteresis_quote": 40, "rebalance_to": "edge"},
    "a threshold in BASE": OFF | {"hedge_threshold": "0.05"},
    "in capped parts": OFF | {"delta_band_quote": 120, "delta_band_pct": 0, "max_hedge_notional": 50},
    "a long cooldown": OFF | {"delta_band_quote": 40, "delta_band_pct": 0, "cooldown_seconds": 1800},
    "few an hour": OFF | {"delta_band_quote": 40, "delta_band_pct": 0, "max_per_hour": 2, "cooldown_seconds": 0},
    "by the clock": OFF | {"force_rebalance_seconds": 900},
    "a part of it": OFF | {"delta_band_quote": 50, "hedge_ratio": "0.6", "include_fees": False},
    "asking": {"delta_band_quote": 60, "delta_band_pct": 0, "approval_over_quote": 100, "twap_over_quote": 0},
    "asking for what the cap leaves": {
        "delta_band_quote": 60,
        "delta_band_pct": 0,
        "approval_over_quote": 100,
        "twap_over_quote": 0,
        "max_position_notional": 9800,  # also leaves less than half a band, for which nobody is asked
    },
    "a basis to mind": OFF | {"delta_band_quote": 60, "delta_band_pct": 0, "max_basis_bps": 1},
    "limit orders at the mark": OFF
    | {"delta_band_quote": 60, "delta_band_pct": 0, "order_type": "limit", "price_type": "mark"},
    "at the cap": OFF | {"delta_band_quote": 60, "delta_band_pct": 0, "max_position_notional": 10000},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGURATIONS)
async def test_live_and_replay_take_the_same_decisions(name: str, tmp_path: Path) -> None:
    """Every order at the same second with the same sign and size, as many looks, as long in every reason."""
    config = config_with(SEED, CONFIGURATIONS[name])
    path, position = recorded_path(SEED, HOURS * 3600)
    live = await lived(config, SEED, HOURS * 3600, tmp_path)
    found = replay(path, setup_of(config, position), fills=True)
    rows = zip(found.fills["time_ms"], found.fills["side"], found.fills["quantity_base"], strict=True)
    assert [(int(at), Decimal(f"{side * size:.3f}")) for at, side, size in rows] == [*live.orders]
    assert found.looks == live.looks
    assert {reason.text: ms for reason, ms in found.reasons.items()} == live.reasons
    assert len(live.orders) > 3
