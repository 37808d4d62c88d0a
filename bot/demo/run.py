"""`lp-hedge demo`: the whole program over the embedded market, watched live or run through in seconds."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bot.accounts import Accounts
from bot.assembly import build_engine
from bot.demo.chain import HEDGE
from bot.demo.market import RULES, SYMBOL, DemoMarket
from bot.demo.path import RECORDED_START
from bot.front import Front
from bot.logs import LogRing
from bot.office import Office, open_office
from bot.rendering.numbers import amount, money, number, span
from bot.settings import DemoOptions
from bot.stopping import Stopping
from bot.version import VERSION
from core.account_keeping import AccountKeeper
from core.accounting.attribution import Parts
from core.clock import Clock, ManualClock, PacedClock, SystemClock
from core.engine import Engine
from core.events import Event, EventKind
from core.exchange.paper import PaperVenue, terms_of
from core.feeds import ChainFeed
from core.ports import ApprovalState
from core.series_keeping import SeriesKeeper
from storage.store import Store

SCOPE = "paper:demo"
SHOWN_MODE = "demo"
IN_TELEGRAM = "The demo runs in Telegram: write /status to your bot. Ctrl-C ends it."
PACE = "The market runs {speed:g} times as fast as life: a minute here is {span} of market."
ADDS_UP = "Net is the sum: LP fees, LP value, hedge, funding and costs, from the first reading to the last."
UNHEDGED = "The position alone, LP fees and LP value: {without}; with the hedge: {net}."
ANSWERER = "demo"
UNKNOWN = "unknown"
ACCOUNT_FIGURES = ("lp_fees_quote", "lp_value_quote", "hedge_quote", "funding_quote", "costs_quote", "net_quote")
DEFAULT_FAST_HOURS = 24
# Of the viewer's own time; the configuration allows a day of the market's.
ANSWER_WITHIN_S = 300
LONGEST_APPROVAL_S = 86_400
NOBODY_ASKED = "Nobody can be asked in a run this fast: proposals are approved (--approvals reject or ignore: not)."


@dataclass(frozen=True, slots=True)
class Summary:
    """What a fast run shows: counts, and amounts in BASE or QUOTE as text with every digit.

    The last six are the account's, of which the last is the sum; realised is the short's side alone.
    """

    seed: int
    hours: int
    cycles: int
    orders: int
    fills: int
    rebalances: int
    approvals_asked: int
    approvals_approved: int
    approvals_rejected: int
    approvals_expired: int
    final_gap_base: str
    final_gap_quote: str
    band_quote: str
    lp_base: str
    position_base: str
    trading_fees_quote: str
    realised_pnl_quote: str
    lp_fees_quote: str
    lp_value_quote: str
    hedge_quote: str
    funding_quote: str
    costs_quote: str
    net_quote: str


@dataclass(frozen=True, slots=True)
class Stage:
    market: DemoMarket
    venue: PaperVenue
    store: Store
    office: Office
    engine: Engine
    clock: Clock


async def run_demo(options: DemoOptions, logs: LogRing | None = None, stopping: Stopping | None = None) -> int:
    """The exit code. `speed` None: as fast as it goes, with a summary; else live until its hours or a signal end it."""
    stopping = stopping or Stopping()
    if options.speed is None:
        return await _run_fast(options, logs)
    people = SystemClock()
    clock = PacedClock(people, start=RECORDED_START, speed_s=options.speed)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lp-hedge-demo-"))
        stage = await set_stage(stack, options, clock, Path(folder), logs, people=people)
        print(PACE.format(speed=options.speed, span=span(60 * options.speed)), flush=True)
        if options.telegram is not None:
            print(IN_TELEGRAM, flush=True)

        async def tell(kind: EventKind) -> None:
            data = {"version": VERSION, "mode": SHOWN_MODE} if kind is EventKind.STARTED else {}
            await stage.office.notifier.append(Event(kind, None, clock.now(), data))

        front = Front(
            stage.office,
            stage.store,
            clock,
            people=people,
            telegram=options.telegram,
            last_word=lambda _by_fault: tell(EventKind.STOPPED),
        )
        await tell(EventKind.STARTED)
        ends = timedelta(hours=options.hours) if options.hours else None
        await stopping.run(front.run(stage.engine, ends_after=ends))
    return 0


async def set_stage(
    stack: AsyncExitStack,
    options: DemoOptions,
    clock: Clock,
    folder: Path,
    logs: LogRing | None,
    *,
    people: Clock | None = None,
) -> Stage:
    market = DemoMarket.load(seed=options.seed, clock=clock)
    answer_within_s = min(LONGEST_APPROVAL_S, int(ANSWER_WITHIN_S * max(1.0, options.speed or 1.0)))
    config = market.config(approval_timeout_s=answer_within_s)
    store = await Store.open(folder / "demo.db", scope=SCOPE, clock=clock)
    await stack.enter_async_context(store)
    venue = PaperVenue(market.feed(), store.paper, clock, terms_of(config.paper))
    await venue.prepare([SYMBOL])
    office = open_office(config, store, clock, UTC, logs=logs, people=people, shown_mode=SHOWN_MODE)
    chains = {HEDGE: ChainFeed(market.lp_positions(), clock)}
    engine = await build_engine(
        config, chains=chains, venue=venue, store=store, office=office, clock=clock, began=clock.now(), people=people
    )
    return Stage(market, venue, store, office, engine, clock)


async def _run_fast(options: DemoOptions, logs: LogRing | None = None) -> int:
    hours = options.hours or DEFAULT_FAST_HOURS
    clock = ManualClock(RECORDED_START, sleep_advances=True)
    began_s = time.perf_counter()
    if options.approvals == "ask" and not options.json:
        print(NOBODY_ASKED)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lp-hedge-demo-"))
        stage = await set_stage(stack, options, clock, Path(folder), logs)
        cycles = await drive(stage, clock, hours, options)
        summary = await _summarise(stage, options.seed, hours, cycles)
    if options.json:
        print(json.dumps(asdict(summary), indent=2))
    else:
        print(_as_text(summary, time.perf_counter() - began_s))
    return 0


async def drive(stage: Stage, clock: ManualClock, hours: int, options: DemoOptions) -> int:
    poll_s = float(stage.market.config().hedges[HEDGE].poll_seconds)
    end = clock.now() + timedelta(hours=hours)
    cycles, told, progress = 0, asyncio.Event(), _Progress(hours)
    stage.office.bell.listen(told.set)
    books = SeriesKeeper(engine=stage.engine, series=stage.store.series)
    while clock.now() < end:
        await stage.engine.cycle()
        await books.turn()
        cycles += 1
        if told.is_set() and await _answer(stage, options):
            continue
        told.clear()
        progress.show(clock.now())
        await clock.sleep(poll_s)
    progress.end()
    return cycles


class _Progress:
    """The hour of market, for whoever watches a fast run: one line, written over."""

    def __init__(self, hours: int) -> None:
        self._hours = hours
        self._shown_hour = -1

    def show(self, now: datetime) -> None:
        hour = (now - RECORDED_START) // timedelta(hours=1)
        if hour != self._shown_hour and sys.stderr.isatty():
            print(f"\r{hour}/{self._hours} h of market", end="", file=sys.stderr)
            self._shown_hour = hour

    def end(self) -> None:
        if sys.stderr.isatty():
            print("\r", end="", file=sys.stderr)


async def _answer(stage: Stage, options: DemoOptions) -> bool:
    """Stand in for the operator; nobody can be asked in a run without input, so `ask` says yes."""
    if options.approvals == "ignore":
        return False
    answered = False
    for approval in await stage.store.approvals.live(HEDGE):
        if approval.state is ApprovalState.PENDING:
            approve = options.approvals != "reject"
            await stage.office.desk.answer(approval.approval_id, approve=approve, by=ANSWERER, note=None)
            answered = True
    return answered


async def _summarise(stage: Stage, seed: int, hours: int, cycles: int) -> Summary:
    status = stage.engine.statuses()[0]
    account = await stage.venue.account(SYMBOL)
    ledger = await stage.venue.ledger()
    counts = await _counts(stage.store)
    figures = _account_figures(await _account(stage))
    return Summary(
        seed=seed,
        hours=hours,
        cycles=cycles,
        orders=counts["orders"],
        fills=counts["fills"],
        rebalances=counts["rebalances"],
        approvals_asked=counts["asked"],
        approvals_approved=counts["approved"],
        approvals_rejected=counts["rejected"],
        approvals_expired=counts["expired"],
        final_gap_base=_text(status.gap_base),
        final_gap_quote=_text(status.gap_quote),
        band_quote=_text(status.band_quote),
        lp_base=_text(status.lp.base),
        position_base=_text(account.position_base),
        trading_fees_quote=_text(ledger.fees),
        realised_pnl_quote=_text(ledger.realised),
        **figures,
    )


def _account_figures(parts: Parts | None) -> dict[str, str]:
    """By the summary's names."""
    if parts is None:
        return dict.fromkeys(ACCOUNT_FIGURES, UNKNOWN)
    amounts = (parts.lp_fees, parts.lp, parts.hedge, parts.funding, parts.costs, parts.net)
    return dict(zip(ACCOUNT_FIGURES, map(_text, amounts), strict=True))


async def _account(stage: Stage) -> Parts | None:
    """As `/pnl` has it, the income being read first."""
    store, clock = stage.store, stage.clock
    keeper = AccountKeeper(
        venue=stage.venue,
        engine=stage.engine,
        income=store.income,
        clock=clock,
        began=RECORDED_START,
    )
    await keeper.turn()
    accounts = Accounts(store.series, store.journal, store.income, stage.office.config)
    statement = await accounts.statement(HEDGE, RECORDED_START, clock.now())
    return statement.total if statement else None


async def _counts(store: Store) -> dict[str, int]:
    fills = await store.journal.recent_fills(1_000_000)
    events = await store.events.recent(hedge=HEDGE, limit=1_000_000)
    kinds = [event.kind.value for event in events]
    return {
        "orders": len({fill.venue_order_id for _, fill in fills}),
        "fills": len(fills),
        "rebalances": kinds.count("hedge_executed"),
        "asked": kinds.count("approval_asked"),
        "approved": kinds.count("approval_approved"),
        "rejected": kinds.count("approval_rejected"),
        "expired": kinds.count("approval_expired"),
    }


def _text(number: Decimal | None) -> str:
    return UNKNOWN if number is None else f"{number:f}"


def _as_text(summary: Summary, wall_s: float) -> str:
    """Figures cut for the eye; --json has every digit."""
    rows = asdict(summary)
    width = max(len(key) for key in rows)
    lines = [f"{key.replace('_', ' '):<{width}}  {_shown(key, value)}" for key, value in rows.items()]
    alone = UNHEDGED.format(without=_unhedged(summary), net=_shown("net_quote", summary.net_quote))
    return "\n".join([*lines, ADDS_UP, alone, f"({summary.hours} h of market in {wall_s:.1f} s)"])


def _unhedged(summary: Summary) -> str:
    fees, value = number(summary.lp_fees_quote), number(summary.lp_value_quote)
    return money(None if fees is None or value is None else fees + value, RULES.quote_asset)


def _shown(key: str, value: str | int) -> str:
    if key.endswith("_quote"):
        return money(number(str(value)), RULES.quote_asset)
    return amount(number(str(value)), RULES.base_asset) if key.endswith("_base") else str(value)
