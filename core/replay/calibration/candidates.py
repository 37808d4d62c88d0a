"""The settings to be tried: a grid around what is configured and what theory says, each a validated configuration."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Literal

from pydantic import ValidationError

from core.config import HedgeConfig
from core.errors import ConfigurationError

OFF = Decimal(0)
# Where a trade ends, as a share of the band; 0: at the target.
RESTS = (OFF, Decimal("0.25"), Decimal("0.5"), Decimal("0.75"))
FORCE_SECONDS = (0, 14_400, 86_400)
COOLDOWN_SECONDS = (0, 30, 300)
# Half steps of an octave on each side.
AROUND_THEORY, AROUND_CONFIGURED = 6, 4
# Bands nearer to one another than this cannot be told apart by a year of prices.
TOO_NEAR = 1.1
SIGNIFICANT_DIGITS = 3

Origin = Literal["configured", "theory", "grid"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many settings, and what varies beside band, hysteresis and pace; an empty tuple: as configured."""

    settings: int = 1000
    ratios: tuple[Decimal, ...] = ()
    order_types: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Centre:
    """Bands in QUOTE at the path's price. `theory_quote` None: theory has none, the position was never in range.

    `theory_rest`: one of RESTS. `smallest_quote`: of an order; narrower bands than that decide nothing.
    `from_smallest`: a limit on the residual is to be met, so the grid goes down to the smallest order.
    """

    configured_quote: float
    theory_quote: float | None
    theory_rest: Decimal
    smallest_quote: float
    from_smallest: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    config: HedgeConfig
    origin: Origin


def candidates(configured: HedgeConfig, centre: Centre, wanted: Wanted) -> tuple[Candidate, ...]:
    """What is configured first, then theory's setting, then the grid, thinned evenly over the bands where it is larger
    than wanted. Raises ConfigurationError for a setting that the configuration would refuse."""
    found = [Candidate(configured, "configured")]
    if centre.theory_quote is not None:
        band = rounded(max(centre.theory_quote, centre.smallest_quote))
        found.append(Candidate(_with(configured, _rest(configured, band, centre.theory_rest)), "theory"))
    known = {each.config for each in found}
    room = max(wanted.settings - len(found), 0)
    for config in _spread(_grid(configured, centre, wanted), wanted.seed):
        if room and config not in known:
            found.append(Candidate(config, "grid"))
            room -= 1
    return tuple(found)


def bands(centre: Centre) -> tuple[Decimal, ...]:
    """Rising, by the square root of two around theory's and around the configured one, and from the smallest up."""
    kept: list[float] = []
    for band in (max(each, centre.smallest_quote) for each in _exact(centre)):
        if all(abs(math.log(band / other)) > math.log(TOO_NEAR) for other in kept):
            kept.append(band)
    return tuple(sorted(rounded(each) for each in kept))


def _exact(centre: Centre) -> list[float]:
    """Above zero, those first that are to stay where two are near each other."""
    exact = [centre.configured_quote, *_around(centre.configured_quote, AROUND_CONFIGURED)]
    if centre.theory_quote is not None:
        exact = [centre.theory_quote, *_around(centre.theory_quote, AROUND_THEORY), *exact]
    above = [each for each in exact if each > 0]
    if centre.from_smallest and above:
        above += _upwards(centre.smallest_quote, min(above))
    return above


def rounded(value: float) -> Decimal:
    """To three significant digits: what a person would type."""
    exact = Decimal(repr(value))
    return Decimal(f"{round(exact, SIGNIFICANT_DIGITS - 1 - exact.adjusted()):f}")


def _around(centre: float, steps: int) -> Iterator[float]:
    return (centre * 2 ** (step / 2) for step in range(-steps, steps + 1) if step)


def _upwards(low: float, high: float) -> Iterator[float]:
    while 0 < low < high:
        yield low
        low *= 2**0.5


def _grid(configured: HedgeConfig, centre: Centre, wanted: Wanted) -> list[list[HedgeConfig]]:
    """By band."""
    paces = list(
        product(
            RESTS,
            _with_configured(FORCE_SECONDS, configured.force_rebalance_seconds),
            _with_configured(COOLDOWN_SECONDS, configured.cooldown_seconds),
            wanted.ratios or (configured.hedge_ratio,),
            wanted.order_types or (configured.order_type,),
        )
    )
    return [[_at(configured, band, *pace) for pace in paces] for band in bands(centre)]


def _at(
    configured: HedgeConfig, band: Decimal, rest: Decimal, force: int, cooldown: int, ratio: Decimal, order: str
) -> HedgeConfig:
    rest_changes = _rest(configured, band, rest)
    pace = {"force_rebalance_seconds": force, "cooldown_seconds": cooldown}
    return _with(configured, {**rest_changes, **pace, "hedge_ratio": ratio, "order_type": order})


def _rest(configured: HedgeConfig, band: Decimal, rest: Decimal) -> dict[str, object]:
    """One band in QUOTE, all others off. At the target the hysteresis decides nothing and stays as it is."""
    hysteresis = rounded(float(band * rest)) if rest else configured.delta_hysteresis_quote
    return {
        "delta_band_quote": band,
        "delta_band_pct": OFF,
        "hedge_threshold": OFF if configured.hedge_threshold else configured.hedge_threshold,
        "rebalance_to": "edge" if rest else "target",
        "delta_hysteresis_quote": hysteresis,
    }


def _with(configured: HedgeConfig, changes: Mapping[str, object]) -> HedgeConfig:
    try:
        return HedgeConfig.model_validate({**configured.model_dump(), **changes})
    except ValidationError as error:
        first = error.errors()[0]
        named = ".".join(map(str, first["loc"])) or "a setting"
        raise ConfigurationError(f"{named} cannot be tried: {first['msg']}.") from None


def _with_configured(usual: Iterable[int], configured: int) -> tuple[int, ...]:
    return tuple(sorted({*usual, configured}))


def _spread(by_band: Sequence[Sequence[HedgeConfig]], seed: int) -> Iterator[HedgeConfig]:
    """One of each band in turn, within a band in an order that the seed alone decides."""
    order = random.Random(seed)
    shuffled = [order.sample(row, len(row)) for row in by_band]
    for turn in range(max(map(len, shuffled), default=0)):
        yield from (row[turn] for row in shuffled)
