"""The recorded markets that tests read, and small files made to order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.replay.reading.pair import PoolPair

DATA = Path(__file__).parents[1] / "data"
ETH_KLINES = DATA / "market/ETHUSDT-perp-1m-2025-05-04_2025-06-15.csv.gz"
ETH_FUNDING = DATA / "market/ETHUSDT-funding-8h-from-2025-04-15.csv"
BNB_KLINES = DATA / "market/BNBUSDT-perp-1m-2025-05-04_2025-06-03.csv.gz"
POLYGON_RISE = DATA / "pool/polygon_univ3_usdc_weth_500_minute_2022-07-19_2022-08-12.csv.gz"
POLYGON_FALL = DATA / "pool/polygon_univ3_usdc_weth_500_minute_2023-08-13_2023-08-17.csv.gz"
MAINNET_MINUTES = DATA / "pool/ethereum_univ3_usdc_weth_500_minute_2024-01-05.csv.gz"
MAINNET_EVENTS = DATA / "pool/ethereum_univ3_usdc_weth_500_events_2024-01-05.csv.gz"
# Of all recorded pools: token0 USDC, token1 WETH.
USDC_WETH = PoolPair(base_is_token0=False, decimals0=6, decimals1=18, fee=0.0005, protocol_share=0.0)

MINUTE_MS = 60_000
START_MS = 1_746_372_780_000
KLINE_HEADER = "open_time_ms,open,high,low,close,volume"
POOL_HEADER = (
    "timestamp,netAmount0,netAmount1,closeTick,openTick,lowestTick,highestTick,inAmount0,inAmount1,currentLiquidity"
)
EVENT_HEADER = (
    "block_number,block_timestamp,tx_type,transaction_hash,log_index,amount0,amount1,sqrtPriceX96,tick,"
    "total_liquidity,token_id,tick_lower,tick_upper,liquidity"
)


def kline(minute: int, close: float = 100.0) -> str:
    """A row of `KLINE_HEADER`, one unit of price tall."""
    return f"{START_MS + minute * MINUTE_MS},{close},{close + 0.5},{close - 0.5},{close},10.5"


def klines(minutes: Sequence[int]) -> list[str]:
    """A header and a row for each minute, the price rising by one."""
    return [KLINE_HEADER, *(kline(minute, 100.0 + place) for place, minute in enumerate(minutes))]


def pool_minute(time: str, tick: int = 200_000, *, paid1_raw: int = 10**18) -> str:
    """A row of `POOL_HEADER` in which the price moved by a tick to either side."""
    return f"{time},0,0,{tick},{tick},{tick - 1},{tick + 1},0,{paid1_raw},12453647101533358277"


def write(file: Path, lines: Sequence[str]) -> Path:
    """The file, written."""
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
