"""Every fill of a replay as a line of a CSV file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bot.backtest.figures import digits, iso
from bot.csv_table import csv_bytes
from core.hedging.states import Reason

HEADER = "time,side,quantity,price,arrival_price,fee,liquidity,reason,position"


def csv_of(fills: NDArray[np.void]) -> bytes:
    """`core.replay.outcome.FILL_FIELDS`, oldest first, as `csv_bytes` has it."""
    return csv_bytes(HEADER.split(","), (_row(fill) for fill in fills))


def _row(fill: np.void) -> tuple[str, ...]:
    return (
        iso(int(fill["time_ms"])),
        "BUY" if fill["side"] > 0 else "SELL",
        digits(float(fill["quantity_base"])),
        digits(float(fill["price"])),
        digits(float(fill["arrival_price"])),
        digits(float(fill["fee_quote"])),
        "maker" if fill["is_maker"] else "taker",
        Reason(int(fill["reason"])).text,
        digits(float(fill["position_base"])),
    )
