"""The hedge that replay and calibration are timed with: 100,000 QUOTE of liquidity that the year never leaves."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from bot.demo.market import RULES
from core.config import HedgeConfig, PaperConfig
from core.replay.setup import Position, Setup, setup_from
from core.replay.theory.position import liquidity_of_value

LOWER, UPPER, VALUE_QUOTE = 1500.0, 3000.0, 100_000.0
PAPER = PaperConfig(balance_quote=Decimal(1_000_000), leverage=20)
_TOML = """\
mode = "paper"
[paper]
balance_quote = 1000000
leverage = 20
[hedges.eth]
chain = "ethereum"
amm_type = "uniswap_v3"
lp_position_ids = [1]
symbol = "ETHUSDT"
approval_over_quote = "off"
delta_band_quote = 2000
delta_band_pct = 0
rebalance_to = "edge"
"""


def setup(band_quote: int, first_price: float) -> Setup:
    config = HedgeConfig(
        chain="ethereum",
        amm_type="uniswap_v3",
        lp_position_ids=(1,),
        symbol="ETHUSDT",
        approval_over_quote="off",
        delta_band_quote=Decimal(band_quote),
        delta_band_pct=Decimal(0),
        rebalance_to="edge",
        max_per_hour=0,
    )
    return setup_from(config, RULES, position=position(first_price), paper=PAPER)


def position(first_price: float) -> Position:
    return Position(LOWER, UPPER, liquidity_of_value(VALUE_QUOTE, first_price, LOWER, UPPER))


def flags(folder: Path, klines: Path, funding: Path) -> list[str]:
    """What `lp-hedge backtest` and `calibrate` are given; writes hedge.toml into the folder."""
    config = folder / "hedge.toml"
    config.write_text(_TOML)
    data = ["--config", str(config), "--hedge", "eth", "--prices", str(klines), "--funding", str(funding)]
    return [
        *data,
        "--lower",
        f"{LOWER:g}",
        "--upper",
        f"{UPPER:g}",
        "--value-quote",
        f"{VALUE_QUOTE:g}",
        "--fee-apr",
        "0.2",
    ]
