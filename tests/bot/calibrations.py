"""Reports of calibrations made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bot.calibrate.report import Report
from core.replay.calibration.candidates import Candidate
from core.replay.calibration.conclusion import conclude
from core.replay.calibration.measure import Measure
from core.replay.calibration.optimum import Optimum
from core.replay.calibration.ranking import Aim
from core.replay.theory import Prediction
from tests.replay.outcomes import DAY_MS, hedge_config, measured

START_MS = 1_746_316_800_000  # 2025-05-04
BASIC = measured(40, 200, variance=50_000)
BETTER = measured(12, 250, variance=60_000)
THEORYS = measured(13, 240, variance=59_000)
CLOSE = measured(90, 50, variance=3000)
BROKE = measured(1, 9000, variance=9e7, liquidations=2)


def tried() -> tuple[Candidate, ...]:
    """Configured, theory's, and three of the grid: better, closer, and one that is liquidated."""
    grid = {
        Decimal(1230): {"rebalance_to": "edge", "delta_hysteresis_quote": 615, "cooldown_seconds": 0},
        Decimal(100): {"force_rebalance_seconds": 14_400, "hedge_ratio": "0.9", "order_type": "post_only"},
        Decimal(9000): {},
    }
    return (
        Candidate(hedge_config(), "configured"),
        Candidate(hedge_config(delta_band_quote=1190, rebalance_to="edge", delta_hysteresis_quote=595), "theory"),
        *(Candidate(hedge_config(delta_band_quote=band, **keys), "grid") for band, keys in grid.items()),
    )


def report(
    *by_setting: Sequence[Measure],
    aim: Aim | None = None,
    candidates: tuple[Candidate, ...] | None = None,
    optimum: bool = True,
    notices: tuple[str, ...] = (),
    straight: tuple[Measure, Measure] = (BASIC, BETTER),
) -> Report:
    """Four parts of a day each; without measures those named above, the same on every part."""
    rows = by_setting or tuple([each] * 4 for each in (BASIC, THEORYS, BETTER, CLOSE, BROKE))
    prediction = Prediction(4.1, 5000.0, 11.5, 0.12)
    best = Optimum(1190.4, Decimal("0.5"), prediction, 14.25)
    return Report(
        hedge="eth",
        quote="USDT",
        symbol="ETHUSDT",
        start_ms=START_MS,
        end_ms=START_MS + 4 * DAY_MS,
        bars=5760,
        parts=4,
        price=2000.0,
        band_quote=500.0,
        conclusion=conclude(candidates or tried(), rows, aim or Aim(1e-4)),
        optimum=best if optimum else None,
        predicted=prediction if optimum else None,
        straight=straight,
        notices=notices,
    )
