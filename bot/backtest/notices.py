"""What a replay does otherwise than the live program would, or what its figures should not be believed for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bot.backtest.figures import minute
from bot.rendering.numbers import span
from core.clock import at_ms
from core.config import HedgeConfig, PaperConfig
from core.hedging.states import Reason, State
from core.replay.outcome import Outcome
from core.replay.path import Path

# Kept by a clock of seconds live; a replay looks at them at the end of each bar.
TIMED = ("force_rebalance_seconds", "cooldown_seconds", "out_of_range_seconds")
# Within one bar, as fractions of the price before it: hardly a market, rather a file with a fault.
WILD_RISE, WILD_FALL = 1.5, 0.5
# A hedge that stands still for longer says little of its settings.
MOST_SUSPENDED = 0.05
# With which the kernel suspends a hedge whose readings are all there, as they are in replay.
SUSPENDING = frozenset(
    {
        Reason.POSITION_MISMATCH,
        Reason.VENUE_DISLOCATED,
        Reason.WRONG_SYMBOL,
        Reason.MAX_PER_HOUR,
        Reason.LOW_MARGIN,
        Reason.LOW_LIQUIDATION_DISTANCE,
        Reason.AT_CAP,
        Reason.STARTING,
    }
)


def of_settings(config: HedgeConfig, paper: PaperConfig, step_ms: int) -> Iterator[str]:
    """Of what is set and plays no part, or another one than live; docs/replay.md lists the rest."""
    if config.include_wallet_base:
        yield "include_wallet_base: what the wallet held is not known, its BASE is left out."
    if config.margin_type == "isolated":
        yield (
            "margin_type = isolated: replayed as cross margin. Liquidations, and how near they were, are not those of "
            "isolated."
        )
    if config.leverage != "keep":
        yield f"leverage = {config.leverage} has no effect: the account's counts, [paper] leverage = {paper.leverage}."
    yield from _of_bars(config, step_ms)


def _of_bars(config: HedgeConfig, step_ms: int) -> Iterator[str]:
    for name in TIMED:
        seconds = getattr(config, name)
        if name in config.model_fields_set and 0 < seconds * 1000 < step_ms:
            yield f"{name} = {seconds} is shorter than a bar of {span(step_ms / 1000)}: it acts at bars only."


def of_latency(latency_ms: int, step_ms: int) -> Iterator[str]:
    """Nothing, unless an order arrives later than the next bar."""
    if latency_ms > step_ms:
        yield (
            f"--latency-ms {latency_ms} is longer than a bar of {span(step_ms / 1000)}: looks in between take "
            "an order for filled already. Its price and its time are those of the fill."
        )


def of_moves(path: Path) -> Iterator[str]:
    """The largest move within one bar, where it is past belief."""
    wild = _wildness(path.mark, path.high, path.low) if len(path.mark) > 1 else np.zeros(0)
    if len(wild) and (found := int((wild > 1).sum())):
        worst = int(wild.argmax()) + 1
        ended = f"{minute(at_ms(int(path.time_ms[worst])))} UTC"
        low, high = float(path.low[worst]), float(path.high[worst])
        yield (
            f"The price moved by more than 50 % within the bar that ended {ended}, from {path.mark[worst - 1]:g} to "
            f"between {low:g} and {high:g}: look at the file. Bars like this: {found}."
        )


def of_suspension(outcome: Outcome) -> Iterator[str]:
    """That it mostly tells of a hedge that stood still."""
    suspended, whole = outcome.states.get(State.SUSPENDED, 0), sum(outcome.states.values())
    if not whole or suspended <= MOST_SUSPENDED * whole:
        return
    why = {reason: ms for reason, ms in outcome.reasons.items() if reason in SUSPENDING}
    longest = max(why, key=lambda reason: why[reason], default=None)
    because = f", most of it for {longest.text}: {longest.explanation}" if longest is not None else "."
    yield f"The hedge was SUSPENDED {100 * suspended / whole:.1f} % of the time{because}"


def _wildness(mark: NDArray[np.float64], high: NDArray[np.float64], low: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each bar but the first: above 1 where an extreme is past what a bar may be from the price before."""
    before = mark[:-1]
    highest, lowest = np.maximum(high, mark)[1:], np.minimum(low, mark)[1:]
    return np.maximum(highest / before / WILD_RISE, WILD_FALL * before / lowest)
