"""What a backtest says it does otherwise than the live program, and which prices it does not believe."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from bot.arguments import build_parser
from bot.backtest.notices import of_latency, of_moves, of_settings
from core.config import HedgeConfig, PaperConfig
from tests.bot.replays import CONFIG, MINUTE_MS, path

ROOT = Path(__file__).parents[2]


def told(settings: Mapping[str, object], step_ms: int = MINUTE_MS) -> list[str]:
    config = HedgeConfig.model_validate({**CONFIG.model_dump(exclude_unset=True), **settings})
    return list(of_settings(config, PaperConfig(leverage=7), step_ms))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"include_wallet_base": True, "wallet": "0x" + "1" * 40}, "include_wallet_base: what the wallet held"),
        ({"margin_type": "isolated"}, "replayed as cross margin"),
        ({"leverage": 3}, "leverage = 3 has no effect: the account's counts, [paper] leverage = 7"),
        ({"force_rebalance_seconds": 59}, "force_rebalance_seconds = 59 is shorter than a bar of 60 s"),
        ({"cooldown_seconds": 30}, "cooldown_seconds = 30 is shorter"),
        ({"out_of_range_seconds": 1}, "out_of_range_seconds = 1 is shorter"),
    ],
)
def test_a_setting_that_acts_otherwise_is_told(settings: dict[str, object], words: str) -> None:
    """One sentence for each."""
    (notice,) = told(settings)
    assert words in notice


def test_settings_that_act_as_live_are_not_told() -> None:
    """Nor those that nobody set, that are off, or that are no shorter than a bar."""
    assert told({}) == []
    assert (
        told({"margin_type": "cross", "leverage": "keep", "force_rebalance_seconds": 0, "cooldown_seconds": 60}) == []
    )
    assert told({"out_of_range_seconds": 1}, 1000) == []


def test_settings_without_effect_are_documented() -> None:
    """Whatever neither the policy nor the replay's setup reads is named in docs/replay.md."""
    read = (ROOT / "core/hedging/policy.py").read_text() + (ROOT / "core/replay/setup.py").read_text()
    used = set(re.findall(r"config\.(\w+)", read)) | {"hedge_threshold", "delta_band_quote", "delta_band_pct"}
    section = (ROOT / "docs/replay.md").read_text().split("## Settings without effect")[1].split("\n## ")[0]
    assert set(HedgeConfig.model_fields) - used <= set(re.findall(r"`(\w+)`", section))


def test_a_latency_of_more_than_a_bar_is_told() -> None:
    """One of just a bar is not."""
    assert list(of_latency(MINUTE_MS, MINUTE_MS)) == []
    (notice,) = of_latency(MINUTE_MS + 1, MINUTE_MS)
    assert "--latency-ms 60001 is longer than a bar of 60 s" in notice


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mark": 3100.0, "high": 3100.0}, "ended 2025-05-04 15:36 UTC, from 2002.5 to between"),
        ({"high": 3100.0}, "and 3100: look at the file. Bars like this: 1."),
        ({"low": 900.0}, "to between 900 and"),
        ({"low": 1002.0, "high": 3003.0}, None),
    ],
)
def test_a_move_past_belief_is_told_with_its_time(changes: dict[str, float], words: str | None) -> None:
    """By half within one bar, up or down, also where only an extreme was there."""
    usual = path()
    arrays = {name: getattr(usual, name).copy() for name in changes}
    for name, value in changes.items():
        arrays[name][2] = value
    if "mark" in arrays:
        arrays["mark"][3:] = changes["mark"]
    if "high" in arrays and "mark" in arrays:
        arrays["high"][3:] = changes["high"]
    notices = list(of_moves(usual._replace(**arrays)))
    assert [words in each for each in notices if words] == ([True] if words else [])
    assert bool(notices) == bool(words)
    assert list(of_moves(usual)) == []


def test_the_worst_of_several_is_told() -> None:
    """With how many there are."""
    usual = path()
    (notice,) = of_moves(usual._replace(low=usual.low * np.array([1.0, 0.4, 0.3, 1.0, 0.45])))
    assert "15:36 UTC" in notice and "Bars like this: 3." in notice


@pytest.mark.parametrize("words", [("--fee-apr", "25"), ("--fee-apr", "5.01"), ("--fee-apr", "-1")])
def test_fees_in_percent_are_refused(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    """In one sentence that says what a fraction is."""
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(["backtest", "--prices", "p.csv", *words])
    assert ended.value.code == 2
    assert "is not a fraction from 0 to 5 (0.25 = 25 % a year)" in capsys.readouterr().err


def test_fees_as_a_fraction_are_taken() -> None:
    """Up to 500 % a year."""
    assert build_parser().parse_args(["backtest", "--prices", "p.csv", "--fee-apr", "5"]).fee_apr == 5
