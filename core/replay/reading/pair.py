"""The pool that a recording is of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.errors import ConfigurationError
from core.replay.path import Floats
from core.replay.swap_fees import LOG_TICK

_MOST_DECIMALS = 36


@dataclass(frozen=True, slots=True)
class PoolPair:
    """Which token is BASE, both tokens' decimals, and of a swap's input the part paid as fee and of that fee the part
    that the protocol keeps; fractions. Raises ConfigurationError for what no pool can have."""

    base_is_token0: bool
    decimals0: int
    decimals1: int
    fee: float
    protocol_share: float

    def __post_init__(self) -> None:
        if not (0 <= self.decimals0 <= _MOST_DECIMALS and 0 <= self.decimals1 <= _MOST_DECIMALS):
            raise ConfigurationError(f"a token has 0 to {_MOST_DECIMALS} decimals")
        if not 0.0 < self.fee < 1.0:
            raise ConfigurationError(f"a pool's fee is a fraction between 0 and 1, such as 0.0005, was {self.fee}")
        if not 0.0 <= self.protocol_share < 1.0:
            raise ConfigurationError(f"the protocol's share is a fraction from 0 to 1, was {self.protocol_share}")

    @property
    def fee_kept(self) -> float:
        """Of a swap's input, the part that liquidity providers get."""
        return self.fee * (1.0 - self.protocol_share)

    @property
    def liquidity_unit(self) -> float:
        """Raw liquidity in one sqrt(BASE * QUOTE) of whole tokens."""
        return math.pow(10.0, (self.decimals0 + self.decimals1) / 2)

    def log_price(self, ticks: Floats) -> Floats:
        """Logarithm of QUOTE per BASE at ticks, which need not be whole."""
        logs = ticks * LOG_TICK + math.log(10.0) * (self.decimals0 - self.decimals1)
        return logs if self.base_is_token0 else -logs

    def base_quote(self, amount0_raw: Floats, amount1_raw: Floats) -> tuple[Floats, Floats]:
        """Whole tokens of raw amounts, BASE first."""
        amount0, amount1 = amount0_raw / 10.0**self.decimals0, amount1_raw / 10.0**self.decimals1
        return (amount0, amount1) if self.base_is_token0 else (amount1, amount0)

    def ordered(self, one: Floats, other: Floats) -> tuple[Floats, Floats]:
        """(lower, higher) of the two ends of a range whose order depends on which token is BASE."""
        return np.minimum(one, other), np.maximum(one, other)
