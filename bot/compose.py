"""The composition root: from settings to a running program. Nothing else makes adapters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from decimal import getcontext
from itertools import chain
from typing import TYPE_CHECKING

import structlog

from bot.assembly import build_engine
from bot.chain_feeds import ChainFeeds
from bot.fast_clock import program_clock
from bot.front import Front, stop_on_signals
from bot.logs import LogRing, configure_logs
from bot.mode_change import leave_behind
from bot.office import open_office
from bot.redaction import Redactor
from bot.venues import perp_venue
from bot.version import program_version
from core.clock import Clock, PacedClock, SystemClock
from core.engine import Engine
from core.errors import ConfigurationError, LpHedgeError, Refused, Transient
from core.events import Event, EventKind
from core.hedge_memory import from_json
from core.hedging.pairing import wrong_perp
from core.observation import SHARED_READ_S
from core.ports import PerpVenue
from core.status import HedgeStatus
from storage.lock import InstanceLock, is_running
from storage.store import Store

if TYPE_CHECKING:
    from bot.settings import DemoOptions, Settings

BEGAN_KEY = "began:"
AMOUNT_DIGITS = 50
STALLED_AFTER_S = 60.0

log = structlog.get_logger(__name__)


async def run_service(settings: Settings) -> int:
    """The service, until stopped. Raises ConfigurationError and Refused as the start-up rules say."""
    keep_every_digit()
    clock = program_clock(settings.around)
    redactor = Redactor(settings.secrets())
    logs = configure_logs(settings.around.values.lp_hedge_log_level, redactor)
    for notice in settings.notices:
        log.warning("worth a look", notice=notice)
    with InstanceLock(settings.database_path):
        async with AsyncExitStack() as stack:
            store = await Store.open(settings.database_path, scope=settings.scope, clock=clock)
            await stack.enter_async_context(store)
            await stop_on_signals(_serve(settings, store, clock, redactor, logs))
    return 0


async def run_demo(options: DemoOptions) -> int:
    logs = configure_logs("WARNING", Redactor())
    from bot.demo import run

    return await run.run_demo(options, logs)


async def read_status(settings: Settings) -> tuple[HedgeStatus, ...]:
    """One fresh read of everything and the decision that would be taken; trades nothing, writes nothing."""
    from bot.status_once import read_once

    keep_every_digit()
    return await read_once(settings, program_clock(settings.around))


def service_runs(settings: Settings) -> bool | None:
    """On this database, now; None when that cannot be seen."""
    try:
        return is_running(settings.database_path)
    except ConfigurationError:
        return None


def keep_every_digit() -> None:
    """Sums of 18-decimal tokens in their billions need more than the 28 digits of the default context."""
    getcontext().prec = AMOUNT_DIGITS


async def _serve(settings: Settings, store: Store, clock: Clock, redactor: Redactor, logs: LogRing) -> None:
    people = SystemClock()
    office = open_office(settings.config, store, clock, settings.zone, logs=logs, people=people)
    await leave_behind(store, clock)
    await office.settings.load()
    settings = replace(settings, config=office.config.now)
    async with AsyncExitStack() as stack:
        chains = ChainFeeds(settings, clock, await followed_ids(settings, store))
        stack.push_async_callback(chains.aclose)
        venue, streams = perp_venue(settings, store.paper, clock, sets_terms=True)
        stack.push_async_callback(venue.aclose)
        await _prepare(settings, chains, venue, store)
        began = await _began(store, clock)
        office.probes.append(chains.health)
        engine = await build_engine(
            settings.config,
            chains=chains.by_hedge,
            venue=venue,
            store=store,
            office=office,
            clock=clock,
            began=began,
            watches=chains.watches(office.slot.stir, office.notifier, office.config),
            streams=streams,
            people=people,
        )
        started = {"version": program_version(), "mode": settings.config.mode}
        await office.notifier.append(Event(EventKind.STARTED, None, clock.now(), started))

        async def say_goodbye() -> None:
            left = await engine.take_back()
            still = f"an order of {', '.join(left)} may still rest, and is cancelled by the exchange within two minutes"
            data = {"detail": still} if left else {}
            await office.notifier.append(Event(EventKind.STOPPED, None, clock.now(), data))

        front = Front(
            office,
            store,
            clock,
            people=people,
            chat_speed=clock.speed_s if isinstance(clock, PacedClock) else 1.0,
            telegram=settings.telegram(),
            redactor=redactor,
            last_word=say_goodbye,
            chores=_chores(settings, engine, clock),
        )
        await front.run(engine)


def _chores(
    settings: Settings, engine: Engine, clock: Clock
) -> Mapping[str, Callable[[], Coroutine[None, None, None]]]:
    url = settings.around.values.lp_hedge_heartbeat_url
    if url is None:
        return {}
    from bot.heartbeat import Heartbeat

    return {"heartbeat": Heartbeat(url, stalled=lambda: engine.stalled(STALLED_AFTER_S), clock=clock).run}


async def followed_ids(settings: Settings, store: Store) -> Mapping[str, Sequence[int]]:
    """By hedge, what the operator had followed beside the configured positions."""
    return {name: await store.followed.of(name) for name in settings.config.hedges}


async def _prepare(settings: Settings, chains: ChainFeeds, venue: PerpVenue, store: Store) -> None:
    """Ask everything once. What does not answer is asked again by the hedges that need it, under the operator's eyes.

    Raises Refused or ConfigurationError only while nothing is held: a short is not left alone over a mistake.
    """
    held = await store.holds_position()
    symbols = [hedge.symbol for hedge in settings.config.hedges.values()]
    troubles = [*chain.from_iterable(await asyncio.gather(_first_word(venue, symbols), chains.prepare()))]
    for trouble in troubles:
        if not held and not isinstance(trouble, Transient):
            raise trouble
        log.warning("not ready", error=str(trouble), position_held=held)
    if not held and not troubles:
        await asyncio.gather(*(_first_sight(settings, name, chains, venue, store) for name in settings.config.hedges))


async def _first_sight(settings: Settings, name: str, chains: ChainFeeds, venue: PerpVenue, store: Store) -> None:
    """Raises Refused when a symbol exists but is not that of the position's asset.

    What cannot be read now is judged by the hedge itself, later.
    """
    symbol, text = settings.config.hedges[name].symbol, await store.memory.load(name)
    reading = await chains.by_hedge[name].facts(name, max_age_s=SHARED_READ_S)
    known_pair = from_json(text).known_pair if text else ""
    try:
        market = await venue.market(symbol)
    except (Transient, Refused):
        return
    if reading.value is None:
        return
    if wrong := wrong_perp(reading.value, market, venue.rules(symbol), known_pair=known_pair):
        raise Refused(wrong, code="wrong_symbol")


async def _first_word(venue: PerpVenue, symbols: Sequence[str]) -> tuple[LpHedgeError, ...]:
    try:
        await venue.prepare(symbols)
    except LpHedgeError as error:
        return (error,)
    return ()


async def _began(store: Store, clock: Clock) -> datetime:
    """When this account was first run with this database: earlier trades are not ours."""
    key = f"{BEGAN_KEY}{store.scope}"
    if text := await store.meta.get(key):
        return datetime.fromisoformat(text)
    now = clock.now()
    await store.meta.set(key, now.isoformat())
    return now
