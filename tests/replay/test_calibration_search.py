"""The search over many settings: the same whoever does it, near theory's optimum, and honest when a worker fails."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pytest

from bot.demo.market import RULES
from core.config import PaperConfig
from core.errors import ConfigurationError, InvariantBroken, Transient
from core.replay.calibration.candidates import RESTS, Centre, Wanted, candidates
from core.replay.calibration.conclusion import CONFIGURED, Conclusion, conclude
from core.replay.calibration.measure import Measure
from core.replay.calibration.optimum import Optimum, optimum
from core.replay.calibration.ranking import Aim
from core.replay.calibration.search import Means, market_of, search
from core.replay.calibration.walk_forward import has_held
from core.replay.expectation import Terms, expected
from core.replay.outcome import Outcome
from core.replay.path import Path
from core.replay.setup import MARKET, POST_ONLY, Costs, Position, Setup, setup_from
from tests.replay.outcomes import COST_RATE, by_theory, hedge_config, minutes, outcome
from tests.replay.paths import path_of, setup_with

COSTS = Costs(taker_rate=COST_RATE, half_spread_bps=0.0, impact_bps=0.0)
POSITION = Position(1600.0, 2500.0, 10590.16994374947)


def setup(**changes: object) -> Setup:
    return setup_from(hedge_config(**changes), RULES, position=POSITION, paper=PaperConfig(), costs=COSTS)


def terms(costs: Costs = COSTS) -> Terms:
    return Terms(costs, MARKET, look_every_s=60.0, hedge_ratio=1.0)


def quiet(_: int) -> None:
    """No progress is shown."""


def fails(path: Path, each: Setup) -> Outcome:
    if each.policy.band_quote == 300:
        raise InvariantBroken("the account does not add up")
    return by_theory(path, each)


def dies(path: Path, each: Setup) -> Outcome:
    if each.policy.band_quote == 300:
        os.kill(os.getpid(), signal.SIGKILL)
    return by_theory(path, each)


def setups() -> list[Setup]:
    return [setup(delta_band_quote=band) for band in range(100, 1300, 100)]


@pytest.fixture(autouse=True)
def _no_worker_stays() -> Iterator[None]:
    """Each test leaves no process behind."""
    yield
    if "joblib" in sys.modules:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True, kill_workers=True)


def test_parts_share_their_ends_and_cover_everything() -> None:
    """No move of the price between two parts is lost."""
    market = market_of(minutes(1.0), 4)
    assert market.bounds == ((0, 360), (360, 720), (720, 1080), (1080, 1440))


def test_opening_the_hedge_does_not_count() -> None:
    """A part begins with its short in place: where the price stands still nothing is traded and nothing is open."""
    still = path_of([2000.0] * 1441)
    (found, *_) = search(market_of(still, 2), [setup_with(costs=Costs())], Means(jobs=1), progress=quiet)
    for part in found:
        assert part.rebalances == 0
        assert part.cost_quote == 0
        assert part.residual_rms_quote < 1e-3 * 2000


def test_too_few_prices_are_refused() -> None:
    """A part of some minutes tells nothing."""
    with pytest.raises(ConfigurationError, match="too few for 100 parts"):
        market_of(minutes(1.0), 100)


def test_the_result_does_not_depend_on_the_number_of_workers() -> None:
    """In the order of the settings, one measure for each part, to the last digit; every setting is told of once."""
    market, told = market_of(minutes(), 3), list[int]()
    alone = search(market, setups(), Means(jobs=1), progress=told.append, run=by_theory)
    both = search(market, setups(), Means(jobs=2), progress=quiet, run=by_theory)
    assert alone == both
    assert [len(parts) for parts in alone] == [3] * 12
    assert sum(told) == 12
    costs = [sum(part.cost_quote for part in parts) for parts in alone]
    assert costs == sorted(costs, reverse=True)


def test_a_path_large_enough_to_be_shared_is_read_the_same() -> None:
    """Above a megabyte an array reaches the workers as a file that all of them map."""
    market = market_of(minutes(100.0), 2)
    assert market.path.mark.nbytes > 1_000_000
    alone = search(market, setups()[:4], Means(jobs=1), progress=quiet, run=by_theory)
    assert alone == search(market, setups()[:4], Means(jobs=2), progress=quiet, run=mapped)


def mapped(path: Path, each: Setup) -> Outcome:
    """As `by_theory`, but refuses arrays of this process's own."""
    assert isinstance(path.mark, np.memmap)
    assert path.mark.flags.c_contiguous
    return by_theory(path, each)


def test_a_worker_that_finds_a_fault_ends_the_search_with_its_sentence() -> None:
    """Not with the library's."""
    with pytest.raises(InvariantBroken, match="does not add up"):
        search(market_of(minutes(1.0), 2), setups(), Means(jobs=2), progress=quiet, run=fails)


def test_a_worker_that_is_killed_ends_the_search_with_a_sentence() -> None:
    """As the system does where memory is short."""
    with pytest.raises(Transient, match="worker ended"):
        search(market_of(minutes(1.0), 2), setups(), Means(jobs=2), progress=quiet, run=dies)


@pytest.mark.parametrize(
    ("sentence", "means"),
    [
        ("needs --address", Means("dask")),
        ("no dask scheduler answers at nonsense", Means("dask", address="nonsense:x:y")),
        ("pip install ray", Means("ray")),
        pytest.param(
            "no dask scheduler answers at tcp://127.0.0.1:9",
            Means("dask", address="tcp://127.0.0.1:9"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_backend_that_cannot_be_had_is_one_sentence(sentence: str, means: Means) -> None:
    """No address, no address at all in it, a package that is not there, nobody at the address."""
    with pytest.raises(ConfigurationError, match=sentence):
        search(market_of(minutes(1.0), 2), setups(), means, progress=quiet, run=by_theory)


@pytest.mark.slow
def test_a_cluster_of_two_workers_finds_the_same() -> None:
    """dask's own local cluster of processes, over its real network."""
    distributed = pytest.importorskip("distributed")
    market = market_of(minutes(1.0), 3)
    alone = search(market, setups(), Means(jobs=1), progress=quiet, run=by_theory)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as cluster:
        means = Means("dask", address=cluster.scheduler_address)
        assert search(market, setups(), means, progress=quiet, run=by_theory) == alone
        with pytest.raises(InvariantBroken, match="does not add up"):
            search(market, setups(), means, progress=quiet, run=fails)


@dataclass(frozen=True, slots=True)
class Searched:
    conclusion: Conclusion
    theory: Optimum
    measures: list[tuple[Measure, ...]]


def searched(aim: Aim) -> Searched:
    market = market_of(minutes(20.0), 4)
    observed = by_theory(market.path, setup()).observed
    best = optimum(observed, terms(), aim, RESTS)
    assert best is not None
    centre = Centre(500, best.band_quote, best.rest, 20)
    tried = candidates(hedge_config(), centre, Wanted(settings=120))
    cases = [setup_from(each.config, RULES, position=POSITION, paper=PaperConfig(), costs=COSTS) for each in tried]
    measures = search(market, cases, Means(jobs=1), progress=quiet, run=by_theory)
    return Searched(conclude(tried, measures, aim), best, measures)


def test_where_theory_holds_the_search_finds_its_optimum() -> None:
    """Within one step of the grid, and it holds on the parts it has not seen."""
    found = searched(Aim(risk_aversion=1e-4))
    chosen = found.conclusion.candidates[found.conclusion.chosen].config
    assert float(chosen.band_quote) == pytest.approx(found.theory.band_quote, rel=0.5)
    assert chosen.rebalance_to == "edge"
    assert len(found.conclusion.steps) == 3
    assert has_held(found.conclusion.steps)
    assert found.conclusion.totals[found.conclusion.chosen].days == pytest.approx(20)
    assert found.conclusion.candidates[CONFIGURED].origin == "configured"
    assert found.conclusion.theory == 1


def test_under_a_limit_the_search_keeps_to_it() -> None:
    """And spends no more than theory's own band under that limit."""
    found = searched(Aim(risk_aversion=1e-4, most_residual_quote=800.0))
    totals = found.conclusion.totals
    assert totals[found.conclusion.chosen].residual_rms_quote < 800
    # As looked at without end; theory's own figure allows for looks a minute apart.
    assert totals[found.conclusion.chosen].cost_per_day <= found.theory.prediction.cost_quote_per_day * 1.1


def test_theory_under_a_limit_fills_it() -> None:
    """The widest band that keeps to it is the cheapest one."""
    observed = by_theory(minutes(), setup()).observed
    best = optimum(observed, terms(), Aim(1e-4, most_residual_quote=800.0), RESTS)
    assert best is not None
    assert best.prediction.residual_rms_base * observed.price == pytest.approx(800, rel=1e-6)
    assert best.rest == RESTS[-1]


def test_theory_knows_that_large_trades_move_the_price() -> None:
    """With impact the best band is wider; the cost rate is that of the trade it leads to."""
    observed, aim = by_theory(minutes(), setup()).observed, Aim(1e-4)
    plain = optimum(observed, terms(), aim, RESTS[:1])
    costly = terms(COSTS._replace(impact_bps=20.0))
    moved = optimum(observed, costly, aim, RESTS[:1])
    assert plain is not None
    assert moved is not None
    assert moved.band_quote > plain.band_quote
    assert moved.prediction == expected(observed, costly, moved.band_quote, 0.0)
    assert costly.rate(100_000) == pytest.approx(COST_RATE + 0.002)
    assert Terms(costly.costs, POST_ONLY, 60.0, 1.0).rate(100_000) == costly.costs.maker_rate


def test_a_position_seldom_in_range_is_worth_a_tighter_band() -> None:
    """Costs arise in range only, what is left open is a risk all the time. Here a day has three hours in range."""
    observed, aim = by_theory(minutes(), setup()).observed, Aim(1e-4)
    always = optimum(observed, terms(), aim, RESTS[:1])
    squeezed = replace(observed, in_range_share=0.125, sigma_base_per_day=observed.sigma_base_per_day / 8**0.5)
    seldom = optimum(squeezed, terms(), aim, RESTS[:1])
    assert always is not None
    assert seldom is not None
    assert seldom.band_quote == pytest.approx(always.band_quote / 2, rel=0.1)
    assert expected(squeezed, terms(), 2000, 0.0).trades_per_day == pytest.approx(
        expected(observed, terms(), 2000, 0.0).trades_per_day / 8
    )


def test_half_a_hedge_trades_half_as_much() -> None:
    """The target moves by the ratio of what the LP's BASE moves; the same band is then left a quarter as often."""
    observed = by_theory(minutes(), setup()).observed
    half = replace(terms(), hedge_ratio=0.5)
    trades = expected(observed, terms(), 20_000, 0.0).trades_per_day
    assert expected(observed, half, 20_000, 0.0).trades_per_day == pytest.approx(trades / 4, rel=0.05)


def test_a_target_that_stands_still_has_no_optimum() -> None:
    """Nothing was ever to be hedged."""
    observed = outcome().observed
    still = replace(observed, sigma_base_per_day=0.0, in_range_share=0.0)
    assert optimum(still, terms(), Aim(1e-4), (Decimal(0),)) is None
