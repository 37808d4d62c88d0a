"""`lp-hedge calibrate`, from its flags to its report."""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.backtest.case import Case, gather, inputs_of
from bot.calibrate.as_json import report_json
from bot.calibrate.picture import frontier_picture
from bot.calibrate.report import Report
from bot.calibrate.text import report_text
from bot.charts.maker import keep_fonts_apart
from bot.settings import Places
from bot.whole_file import require_writable, write_all
from core.clock import Clock
from core.config import HedgeConfig
from core.errors import ConfigurationError
from core.replay.calibration.candidates import RESTS, Candidate, Centre, Wanted, candidates
from core.replay.calibration.conclusion import CONFIGURED, Conclusion, conclude
from core.replay.calibration.measure import Measure, measure
from core.replay.calibration.optimum import Optimum, optimum
from core.replay.calibration.ranking import Aim
from core.replay.calibration.search import RESEARCH, Means, market_of, search
from core.replay.expectation import Terms, expected, terms_of
from core.replay.outcome import Observed
from core.replay.replay import replay
from core.replay.setup import begun_hedged
from core.replay.theory import Prediction, risk_aversion_for

NEEDED = ("joblib", "numba", "tqdm")
COMPILING = "compiling, half a minute, once"


@dataclass(frozen=True, slots=True)
class Theory:
    """What one replay of the configured setting shows, and what theory makes of it."""

    observed: Observed
    terms: Terms
    best: Optimum | None


def calibrate(options: argparse.Namespace, places: Places, clock: Clock) -> str:
    """What is to be printed. Raises ConfigurationError, Transient; then no file was written."""
    _require_packages()
    means = _means(options)
    if options.plot is not None:
        require_writable("--plot", options.plot, suffix=".png", inputs=inputs_of(options))
    with _stopped():
        _tell(f"Reading prices; then up to {options.settings:,} settings are replayed over them.")
        report = _searched(gather(options, places), options, means, clock)
    if options.plot is not None:
        write_all({options.plot: _picture(report)})
    return report_json(report) if options.json else report_text(report)


def _searched(case: Case, options: argparse.Namespace, means: Means, clock: Clock) -> Report:
    started_s = clock.monotonic_s()
    market = market_of(case.path, options.folds)
    aim = _aim(options, case)
    with progress_of(options.settings) as bar:
        # Also compiles the kernel, once, before the workers want it.
        theory = _theory(case, aim)
        tried = candidates(case.config, _centre(case, theory, aim), _wanted(options))
        setups = [case.setup(each.config) for each in tried]
        bar.total = len(setups)
        bar.set_description_str("")
        by_part = search(market, setups, means, progress=bar.update)
    _tell_speed(len(setups), len(case.path.time_ms) - 1, clock.monotonic_s() - started_s)
    return _report(case, theory, conclude(tried, by_part, aim), options.folds)


def _report(case: Case, theory: Theory, conclusion: Conclusion, parts: int) -> Report:
    return Report(
        hedge=case.hedge,
        quote=case.quote,
        symbol=case.config.symbol,
        start_ms=int(case.path.time_ms[0]),
        end_ms=int(case.path.time_ms[-1]),
        bars=len(case.path.time_ms) - 1,
        parts=parts,
        price=theory.observed.price,
        band_quote=_configured_band(case, theory.observed),
        conclusion=conclusion,
        optimum=theory.best,
        predicted=_predicted(theory, case.config, conclusion.candidates[conclusion.chosen]),
        straight=(_straight(case, conclusion, CONFIGURED), _straight(case, conclusion, conclusion.chosen)),
        notices=case.notices,
    )


def _straight(case: Case, conclusion: Conclusion, place: int) -> Measure:
    """The whole path in one run, the short in place: the balance is not filled up again at each part."""
    setup = case.setup(conclusion.candidates[place].config)
    return measure(replay(case.path, begun_hedged(setup)))


def _theory(case: Case, aim: Aim) -> Theory:
    setup = case.setup()
    seen = replay(case.path, setup)
    observed = seen.observed
    terms = terms_of(setup, seen, case.step_ms)
    return Theory(observed, terms, optimum(observed, terms, aim, RESTS))


def _predicted(theory: Theory, configured: HedgeConfig, chosen: Candidate) -> Prediction | None:
    """None where theory has no say: nothing moved, bands of several kinds, another ratio than was observed."""
    config = chosen.config
    if theory.best is None or chosen.origin == "configured" or config.hedge_ratio != configured.hedge_ratio:
        return None
    rest = float(config.hysteresis_in(config.band_quote) / config.band_quote)
    return expected(theory.observed, theory.terms, float(config.band_quote), rest)


def _centre(case: Case, theory: Theory, aim: Aim) -> Centre:
    price, best = theory.observed.price, theory.best
    smallest = max(case.config.min_notional_quote, case.rules.min_notional_quote)
    return Centre(
        configured_quote=_configured_band(case, theory.observed),
        theory_quote=None if best is None else best.band_quote,
        theory_rest=RESTS[0] if best is None else best.rest,
        smallest_quote=max(float(smallest), float(case.rules.min_quantity) * price),
        from_smallest=aim.most_residual_quote is not None,
    )


def _configured_band(case: Case, observed: Observed) -> float:
    """QUOTE; as typed where nothing else decides, else as the kernel had it at the mean price; where the position was
    never in range, as it would begin."""
    if not (case.config.band_pct or case.config.threshold_base):
        return float(case.config.band_quote)
    if observed.in_range_share > 0:
        return observed.band_base * observed.price
    return float(case.config.band_at(Decimal(float(case.path.mark[0])), Decimal(case.first_value_quote)))


def _aim(options: argparse.Namespace, case: Case) -> Aim:
    aversion = options.risk_aversion or risk_aversion_for(case.first_value_quote)
    return Aim(aversion, options.max_residual_quote)


def _wanted(options: argparse.Namespace) -> Wanted:
    return Wanted(options.settings, options.ratios, options.order_types, options.seed)


def _means(options: argparse.Namespace) -> Means:
    """Raises ConfigurationError for flags that belong to another backend."""
    if options.address is not None and options.backend != "dask":
        raise ConfigurationError("--address is of a dask scheduler: add --backend dask.")
    return Means(options.backend, options.jobs, options.address)


def _require_packages() -> None:
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        raise ConfigurationError(f"calibrate: {RESEARCH}")


def _picture(report: Report) -> bytes:
    keep_fonts_apart()
    from bot.charts.drawing import cloud_png  # heavy, and of no use to who wants no picture

    return cloud_png(frontier_picture(report))


@contextmanager
def progress_of(settings: int) -> Iterator[Any]:
    """On standard error, where a person looks at it, from the start; how many there are is known a little later."""
    from tqdm import tqdm

    hidden = not sys.stderr.isatty()
    with tqdm(desc=COMPILING, total=settings, unit="setting", file=sys.stderr, disable=hidden, leave=False) as bar:
        yield bar


@contextmanager
def _stopped() -> Iterator[None]:
    """Ctrl-C in one line."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, or its workers would outlive it
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing was written\n")
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"{line}\n")


def _tell_speed(settings: int, bars: int, seconds_s: float) -> None:
    sys.stderr.write(f"{settings:,} settings over {bars:,} bars in {seconds_s:.1f} s\n")
