"""Replays every setting over every part of the path, on all cores or on a cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from itertools import chain, pairwise
from types import FrameType
from typing import Any, Literal, cast

from core.errors import ConfigurationError, Transient
from core.replay.calibration.measure import Measure, measure
from core.replay.outcome import Outcome
from core.replay.path import Path, part_of
from core.replay.replay import replay
from core.replay.setup import Setup, begun_hedged

Replay = Callable[[Path, Setup], Outcome]
Progress = Callable[[int], None]
Backend = Literal["local", "dask", "ray"]
# So many batches for each worker: few enough to cost nothing, enough that none waits long for the last one.
BATCHES_PER_WORKER = 12
LARGEST_BATCH = 16
FEWEST_POINTS = 240
CONNECT_S = 10
RESEARCH = "this needs more packages: make research (see docs/calibration.md)."
CLUSTER = '--backend dask needs more packages: pip install ".[cluster]" in the folder of the source.'
RAY = "--backend ray needs ray: pip install ray."


@dataclass(frozen=True, slots=True)
class Means:
    """`jobs` None: all cores. `address`: of the cluster's scheduler, for `dask` alone."""

    backend: Backend = "local"
    jobs: int | None = None
    address: str | None = None

    @property
    def workers(self) -> int:
        """Processes of this machine: as many as it has cores unless `jobs` says otherwise."""
        return self.jobs or os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Market:
    """`bounds`: of each part the points at which it begins and ends. Both belong to it, so that no move is lost."""

    path: Path
    bounds: tuple[tuple[int, int], ...]


def market_of(path: Path, folds: int) -> Market:
    """Raises ConfigurationError when there are too few points."""
    steps = len(path.time_ms) - 1
    if steps < folds * FEWEST_POINTS:
        raise ConfigurationError(
            f"the prices have {steps + 1} points, which is too few for {folds} parts: give at least "
            f"{folds * FEWEST_POINTS + 1}, or fewer --folds."
        )
    cuts = [steps * fold // folds for fold in range(folds + 1)]
    return Market(path, tuple(pairwise(cuts)))


def search(
    market: Market, setups: Sequence[Setup], means: Means, *, progress: Progress, run: Replay = replay
) -> list[tuple[Measure, ...]]:
    """For each setup its measures, one for each part; the same whatever the workers. `progress`: settings done.

    Raises ConfigurationError for missing packages and a cluster that does not answer, Transient when a worker ended.
    """
    joblib = _joblib()
    batches = _batches(setups, means.workers)
    found: list[list[tuple[Measure, ...]]] = [[] for _ in batches]
    end = _End()
    with _cluster(joblib, market, means) as options, _workers_lost(end):
        tasks = (joblib.delayed(_batch)(market, run, *each) for each in enumerate(batches))
        with end.heeded() if means.backend == "local" else nullcontext():
            with _inherited():
                results = joblib.Parallel(**options)(tasks)
            end.carry_out_from_now_on()
            for place, measured in results:
                found[place] = measured
                progress(len(measured))
    return list(chain.from_iterable(found))


def _batch(market: Market, run: Replay, place: int, setups: Sequence[Setup]) -> tuple[int, list[tuple[Measure, ...]]]:
    """A worker's share. Opening the short would outweigh all else in a short part."""
    parts = [part_of(market.path, first, last + 1) for first, last in market.bounds]
    hedged = [begun_hedged(setup) for setup in setups]
    return place, [tuple(measure(run(part, setup)) for part in parts) for setup in hedged]


def _batches(setups: Sequence[Setup], workers: int) -> list[Sequence[Setup]]:
    size = min(max(len(setups) // (workers * BATCHES_PER_WORKER), 1), LARGEST_BATCH)
    return [setups[first : first + size] for first in range(0, len(setups), size)]


@contextmanager
def _cluster(joblib: Any, market: Market, means: Means) -> Iterator[dict[str, Any]]:
    """The options of joblib's Parallel, while what they need stands."""
    if means.backend == "dask":
        with _dask(means.address) as client, joblib.parallel_config(backend="dask", client=client, scatter=[market]):
            yield {"return_as": "generator_unordered"}
    elif means.backend == "ray":
        _register_ray()
        with joblib.parallel_config(backend="ray"):
            yield {"n_jobs": means.jobs or -1}
    else:
        yield {"n_jobs": means.workers, "return_as": "generator_unordered", "backend": "loky"}


@contextmanager
def _dask(address: str | None) -> Iterator[Any]:
    if address is None:
        raise ConfigurationError("--backend dask needs --address, such as tcp://10.0.0.5:8786.")
    try:
        import distributed
    except ImportError:
        raise ConfigurationError(CLUSTER) from None
    try:
        client = cast(Any, distributed).Client(address, timeout=CONNECT_S)
    except (OSError, ValueError, TypeError):  # distributed says what it could not parse with any of these
        raise ConfigurationError(f"no dask scheduler answers at {address}: is it running, and reachable?") from None
    with client:
        yield client


def _register_ray() -> None:
    try:
        from ray.util.joblib import register_ray  # type: ignore[import-not-found]
    except ImportError:
        raise ConfigurationError(RAY) from None
    register_ray()


def _joblib() -> Any:
    try:
        import joblib
    except ImportError:
        raise ConfigurationError(RESEARCH) from None
    return joblib


class _End:
    """Ctrl-C and SIGTERM end the local workers, and the library then says that it lost them.

    An exception out of nowhere it cannot clean up after: one that comes while its processes start leaves them behind.
    """

    def __init__(self) -> None:
        self.asked = False
        self._started = False

    @contextmanager
    def heeded(self) -> Iterator[None]:
        handlers = {each: signal.signal(each, self._ask) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def carry_out_from_now_on(self) -> None:
        """Raises KeyboardInterrupt when it was asked for already and this process does the work alone."""
        self._started = True
        if self.asked:
            self._carry_out()

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        if self._started:
            self._carry_out()

    def _carry_out(self) -> None:
        workers = [each.pid for each in multiprocessing.active_children() if each.pid is not None]
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not workers:
            raise KeyboardInterrupt


@contextmanager
def _inherited() -> Iterator[None]:
    """Processes that are started meanwhile inherit that Ctrl-C is blocked, and print nothing about it.

    The trackers of shared memory set it free when they start, so they come first.
    """
    from multiprocessing import resource_tracker

    from joblib.externals.loky.backend import resource_tracker as workers_tracker

    resource_tracker.ensure_running()
    workers_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _workers_lost(end: _End) -> Iterator[None]:
    """What the libraries raise when a worker ended, in one sentence; KeyboardInterrupt when that was asked for."""
    from joblib.externals.loky.process_executor import BrokenProcessPool

    try:
        yield
    except (BrokenProcessPool, OSError) as error:
        if end.asked:
            raise KeyboardInterrupt from None
        raise Transient(
            f"a worker ended before its work was done ({type(error).__name__}): try fewer --jobs."
        ) from None
    except KeyboardInterrupt:
        # The library would tell of tasks that were cancelled, which is what was asked for.
        warnings.filterwarnings("ignore", module="joblib")
        raise
