"""The composition root: from settings to a running program. Nothing else makes adapters."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import getcontext
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot.assembly import build_engine
from bot.chain_feeds import ChainFeeds
from bot.fast_clock import program_clock
from bot.first_look import ask_everything_once
from bot.front import Front, deliver_only
from bot.key_rights import KeyWatch
from bot.logs import LogRing, LogSettings, configure_logs, take_python_s_words
from bot.loop_watch import LoopWatch
from bot.mode_change import leave_behind
from bot.office import Office, open_office
from bot.pulse import Pulse, forget_pulse
from bot.redaction import Redactor
from bot.restarts import BY_FAULT, Runs
from bot.stopping import Stopping
from bot.venues import live_venue, perp_venue
from bot.version import VERSION
from core.clock import Clock, SystemClock, speed_s
from core.engine import Engine
from core.errors import ConfigurationError
from core.events import Event, EventKind
from core.ports import EventLog
from core.status import HedgeStatus
from core.supervision import Task
from storage.lock import Holding, InstanceLock, is_running
from storage.store import Store

if TYPE_CHECKING:
    from bot.settings import DemoOptions, Settings

BEGAN_KEY = "began:"
AMOUNT_DIGITS = 50
STALLED_AFTER_S = 60.0
# Made as they are needed. A name that nobody resolves holds one for half a minute, a chain has several, and all others
# that look up a name or write a file want one meanwhile; asyncio's own are six on two cores.
MOST_THREADS = 32

log = structlog.get_logger(__name__)


async def run_service(
    settings: Settings, stopping: Stopping, log_settings: LogSettings, *, allows_withdrawal_key: bool = False
) -> int:
    """The service, until stopped. Raises ConfigurationError and Refused as the start-up rules say."""
    keep_every_digit()
    loop = asyncio.get_running_loop()
    LoopWatch().watch(loop)
    loop.set_default_executor(ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="waits"))
    clock = program_clock(settings.around)
    redactor = Redactor(settings.secrets())
    logs = configure_logs(log_settings, redactor)
    take_python_s_words()
    for notice in settings.notices:
        log.warning(notice)
    with InstanceLock(settings.database_path, Holding.UPDATE) as lock:
        forget_pulse(settings.database_path)
        async with AsyncExitStack() as stack:
            store = await Store.open(settings.database_path, scope=settings.scope, clock=clock)
            await stack.enter_async_context(store)
            lock.now_for(Holding.SERVICE)
            ground = Ground(settings, store, clock, redactor, logs, stopping)
            await stopping.run(_serve(ground, allows_withdrawal_key=allows_withdrawal_key))
    return stopping.code


async def run_demo(options: DemoOptions, stopping: Stopping) -> int:
    """The exit code."""
    logs = configure_logs(LogSettings(options.log_level), Redactor())
    from bot.demo import run

    return await run.run_demo(options, logs, stopping)


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


@dataclass(frozen=True, slots=True)
class Ground:
    """What a service stands on. `clock`: the program's, which a test may let run faster than people's."""

    settings: Settings
    store: Store
    clock: Clock
    redactor: Redactor
    logs: LogRing
    stopping: Stopping


async def _serve(ground: Ground, *, allows_withdrawal_key: bool) -> None:
    store, clock, people = ground.store, ground.clock, SystemClock()
    settings = ground.settings
    office = open_office(settings.config, store, clock, settings.zone, logs=ground.logs, people=people)
    telegram, redactor = settings.telegram(), ground.redactor
    deliver = partial(deliver_only, office, store, people, telegram=telegram, redactor=redactor)
    runs = Runs(store.meta, store.scope, office.notifier, clock, deliver=deliver)
    async with AsyncExitStack() as stack:
        async with runs.beginning():
            await leave_behind(store, clock)
            await office.settings.load()
            settings = replace(settings, config=office.config.now)
            ground = replace(ground, settings=settings)
            key = _key_watch(settings, office.notifier, clock, allows_withdrawals=allows_withdrawal_key)
            engine = await _engine(ground, office, people, key, stack)
            gc.freeze()  # all that is loaded and built by now stays, and need not be searched for garbage
            gc.enable()
            await runs.tell_start({"version": VERSION, "mode": settings.config.mode})
        await _front(ground, office, engine, people, key, runs).run(engine)


async def _engine(ground: Ground, office: Office, people: Clock, key: KeyWatch | None, stack: AsyncExitStack) -> Engine:
    """On connections that `stack` closes, after everything was asked once."""
    settings, store, clock = ground.settings, ground.store, ground.clock
    chains = ChainFeeds(settings, clock, await store.followed.by_hedge(settings.config.hedges))
    stack.push_async_callback(chains.aclose)
    venue, streams = perp_venue(settings, store.paper, clock, sets_terms=True)
    stack.push_async_callback(venue.aclose)
    await ask_everything_once(settings, chains, venue, store, key)
    office.probes.append(chains.health)
    return await build_engine(
        settings.config,
        chains=chains.by_hedge,
        venue=venue,
        store=store,
        office=office,
        clock=clock,
        began=await _began(store, clock),
        watches=chains.watches(office.slot.stir, office.notifier, office.config),
        streams=streams,
        people=people,
    )


def _front(ground: Ground, office: Office, engine: Engine, people: Clock, key: KeyWatch | None, runs: Runs) -> Front:
    clock = ground.clock

    async def say_goodbye(by_fault: bool) -> None:
        left = await engine.take_back()
        still = f"an order of {', '.join(left)} may still rest, and is cancelled by the exchange within two minutes"
        data = ({"detail": still} if left else {}) | (BY_FAULT if by_fault else {})
        await office.notifier.append(Event(EventKind.STOPPED, None, clock.now(), data))
        if not by_fault:
            await runs.ended()

    return Front(
        office,
        ground.store,
        clock,
        people=people,
        chat_speed=speed_s(clock),
        telegram=ground.settings.telegram(),
        redactor=ground.redactor,
        last_word=say_goodbye,
        chores=(Task("row of starts", runs.tell_when_it_is_over), *_chores(ground, engine, office, key)),
        stopping=ground.stopping,
    )


def _chores(ground: Ground, engine: Engine, office: Office, key: KeyWatch | None) -> tuple[Task, ...]:
    # Another process compares the pulse's seconds with its own: the machine's, whatever the program's clock.
    pulse = Pulse(ground.settings.database_path, office.health, redact=ground.redactor.redact, clock=SystemClock())
    chores = [Task("pulse", pulse.run)]
    if key is not None:
        chores.append(Task("key's rights", key.run))
    if (url := ground.settings.around.values.lp_hedge_heartbeat_url) is not None:
        from bot.heartbeat import Heartbeat

        beat = Heartbeat(url, stalled=lambda: engine.stalled(STALLED_AFTER_S), clock=ground.clock)
        chores.append(Task("heartbeat", beat.run))
    return tuple(chores)


def _key_watch(settings: Settings, events: EventLog, clock: Clock, *, allows_withdrawals: bool) -> KeyWatch | None:
    if settings.config.mode != "live":
        return None
    return KeyWatch(
        lambda: live_venue(settings, clock),
        events,
        clock,
        allows_withdrawals=allows_withdrawals,
        exposed=settings.around.exposed,
    )


async def _began(store: Store, clock: Clock) -> datetime:
    """When this account was first run with this database: earlier trades are not ours."""
    key = f"{BEGAN_KEY}{store.scope}"
    if text := await store.meta.get(key):
        return datetime.fromisoformat(text)
    now = clock.now()
    await store.meta.set(key, now.isoformat())
    return now
