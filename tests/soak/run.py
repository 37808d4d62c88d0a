"""The soak itself: moves markets, breaks things, restarts the program, speaks for its operator, and looks."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from random import Random

from bot.version import VERSION
from tests.rigs.chain.evm import RpcFailed
from tests.soak import alerts, books, residual
from tests.soak.happened import events_differ, has_begun, words_lost
from tests.soak.people import People
from tests.soak.records import Down, Records
from tests.soak.report import Result, exits, exits_broken, memory, memory_broken, processor, time_in_states
from tests.soak.stage import OF_ALL, OPERATOR, Leg, Program, SoakStage, soak_stage
from tests.soak.troubles import Troubles

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0
MARKET_EVERY_S = 30.0
CHAIN_EVERY_S = 60.0
LOOK_EVERY_S = 120.0
QUIET_WITHIN_S = 120.0  # of the machine's own time
BAND_PCT, BAND_QUOTE = Decimal(OF_ALL["delta_band_pct"]), Decimal(OF_ALL["delta_band_quote"])
KINDS = ("kill -9", "SIGTERM")
LEAST_ENDS = len(KINDS)
TIDE = Decimal("0.0003")


@dataclass(frozen=True, slots=True)
class Plan:
    """`hours` of simulated time at `speed`.

    Restarts come about every `restart_every_h` (more often in a short time) for the first `restarts_for` of it (0..1),
    and at least two, one of each kind; after it one life goes on to the end, so that its memory can be followed.
    """

    hours: float
    speed: int
    seed: int
    faults: float = 0.1
    restart_every_h: float = 4.0
    restarts_for: float = 0.5
    trouble_every_h: float = 0.75
    act_every_h: float = 0.5
    quiet_every_h: float = 12.0

    def random(self, chore: str) -> Random:
        """Its own for each chore: what one draws does not hang on how often the machine let another one draw."""
        return Random(f"{self.seed}:{chore}")


@dataclass(slots=True)
class _Chore:
    """Done again and again; `every_s` gives the pause until the next time, by the fast clock."""

    do: Callable[[float], None]
    every_s: Callable[[], float]
    due_s: float = 0.0


class Soak:
    """`say` is told of each quiet moment."""

    def __init__(self, plan: Plan, stage: SoakStage, command: str, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._stage = stage
        self._tides, self._liquidity, self._ends = plan.random("tides"), plan.random("liquidity"), plan.random("ends")
        self._kinds = cycle(self._ends.sample(KINDS, len(KINDS)))
        self._command = command
        self._version = _version()
        self._say = say
        self._records = Records()
        self._program = Program(stage)
        self._people = People(stage, plan.random("people"))
        self._troubles = Troubles(stage, plan.random("troubles"), plan.faults)
        self._funding_due_ms = stage.exchange.funding["ETHUSDT"].next_ms
        self._began = stage.clock.now()
        self._started_at = self._began
        self._still = False
        self._priced_at_s = 0.0
        self._start_at_s: float | None = None
        self._until_end_s: Callable[[], float] = lambda: 0.0
        self._end_at_s = 0.0

    def run(self) -> Result:
        chores = self._chores()
        try:
            self._start(self._stage.elapsed_s())
            self._troubles.begin()
            while (at_s := self._stage.elapsed_s()) < self._plan.hours * HOUR_S or self._lacks_ends():
                for chore in chores:
                    if at_s >= chore.due_s:
                        chore.do(at_s)
                        chore.due_s = self._stage.elapsed_s() + chore.every_s()
                time.sleep(max(0.0, min(chore.due_s for chore in chores) - self._stage.elapsed_s()) / self._plan.speed)
            self._quiet(self._stage.elapsed_s())
            return self._result()
        finally:
            if self._program.pid is not None:
                self._program.kill()

    def _chores(self) -> list[_Chore]:
        plan = self._plan

        def about(chore: str, hours: float) -> Callable[[], float]:
            random = plan.random(f"times of {chore}")
            return lambda: random.uniform(0.4, 1.6) * hours * HOUR_S

        chores = [
            _Chore(self._move_venue, lambda: MARKET_EVERY_S),
            _Chore(self._move_chain, lambda: CHAIN_EVERY_S),
            _Chore(self._look, lambda: LOOK_EVERY_S),
            _Chore(self._keep_running, lambda: MINUTE_S),
            _Chore(self._troubles.look, lambda: MINUTE_S),
            _Chore(self._people.look, lambda: 5 * MINUTE_S),
            _Chore(self._weigh, lambda: HOUR_S / 2),
            _Chore(self._troubles.strike, about("troubles", plan.trouble_every_h)),
            _Chore(self._people.act, about("people", plan.act_every_h)),
            _Chore(self._end_program, lambda: MINUTE_S),
            _Chore(self._move_liquidity, about("liquidity", 5.0)),
            _Chore(self._quiet, lambda: plan.quiet_every_h * HOUR_S),
        ]
        for chore in chores[7:]:
            chore.due_s = chore.every_s()
        self._until_end_s = about("ends", min(plan.restart_every_h, plan.restarts_for * plan.hours / 4))
        self._end_at_s = self._until_end_s()
        return chores

    # -- the market ----------------------------------------------------------------------------------------------------

    def _move_venue(self, at_s: float) -> None:
        """With a little tide in it, as a quote is filled by what passes it."""
        exchange = self._stage.exchange
        for leg in self._stage.legs:
            tide = Decimal(0) if self._still else TIDE * self._tides.choice((-1, 0, 1))
            exchange.set_price(leg.symbol, (self._price(leg, at_s) * (1 + tide)).quantize(Decimal("1e-6")))
        if exchange.now_ms() >= self._funding_due_ms:
            for symbol in [leg.symbol for leg in self._stage.legs]:
                exchange.pay_funding(symbol)
                rate = Decimal(self._tides.randrange(-30, 60)).scaleb(-5)
                exchange.set_funding(symbol, rate, self._funding_due_ms + int(8 * HOUR_S * 1000))
            self._funding_due_ms += int(8 * HOUR_S * 1000)

    def _move_chain(self, at_s: float) -> None:
        now_s = int(self._stage.clock.now().timestamp())
        for chain in self._stage.chains.values():
            chain.rpc.call("evm_setTime", now_s)
        for leg in self._stage.legs:
            leg.chain.swap_to_price(leg.pool, self._price(leg, at_s))
        for chain in self._stage.chains.values():
            chain.mine()

    def _price(self, leg: Leg, at_s: float) -> Decimal:
        if not self._still:
            self._priced_at_s = at_s
        return leg.path.at(self._priced_at_s)

    def _move_liquidity(self, at_s: float) -> None:
        """The owner adds or takes some, or is paid what is owed; out of range some of it cannot be done."""
        leg = self._liquidity.choice(self._stage.legs)
        price = leg.path.at(at_s)
        with contextlib.suppress(RpcFailed):
            drawn = self._liquidity.random()
            if drawn < 0.4:
                leg.chain.increase(leg.position_id, leg.pool, base=3000 / price, quote=3000)
            elif drawn < 0.8:
                leg.chain.decrease(leg.position_id, share=Decimal("0.1"))
            leg.chain.collect(leg.position_id)

    # -- the program ---------------------------------------------------------------------------------------------------

    def _start(self, at_s: float) -> None:
        self._started_at = self._stage.clock.now()
        self._program.start()
        self._start_at_s = None
        if self._records.downs and self._records.downs[-1].until is None:
            self._records.downs[-1].until = self._started_at

    def _lacks_ends(self) -> bool:
        """Refused starts are none: the exchange may say of the first calls that the key is wrong."""
        return sum(down.how in KINDS for down in self._records.downs) < LEAST_ENDS

    def _end_program(self, at_s: float) -> None:
        """When it is due and it runs; not amid its first seconds, in which it has no word for SIGTERM."""
        over = at_s > self._plan.restarts_for * self._plan.hours * HOUR_S and not self._lacks_ends()
        if at_s < self._end_at_s or over or self._program.pid is None:
            return
        if not has_begun(self._stage, self._started_at):
            return
        self._weigh(at_s)
        down = Down(self._stage.clock.now(), next(self._kinds))
        self._records.downs.append(down)
        if down.how == "kill -9":
            self._program.kill()
        else:
            self._stop_politely()
        self._start_at_s = self._stage.elapsed_s() + self._ends.uniform(0, 15) * MINUTE_S
        self._end_at_s = self._start_at_s + self._until_end_s()

    def _stop_politely(self) -> None:
        try:
            self._records.exits.append(self._program.stop())
        except subprocess.TimeoutExpired:
            self._records.broken.append("SIGTERM did not end it within a minute")
            self._program.kill()

    def _keep_running(self, at_s: float) -> None:
        if self._program.pid is not None:
            return
        if self._start_at_s is None:
            began = has_begun(self._stage, self._started_at)
            if began:
                self._records.broken.append(f"it ended by itself at {self._stage.clock.now():%d %H:%M}")
            self._records.downs.append(Down(self._stage.clock.now(), "by itself" if began else "a refused start"))
            self._start_at_s = at_s
        if at_s >= self._start_at_s:
            self._start(at_s)

    def _weigh(self, at_s: float) -> None:
        self._records.weigh(self._stage, self._program)

    def _look(self, at_s: float) -> None:
        for leg in self._stage.legs:
            self._records.look_at(self._stage, leg, BAND_PCT, BAND_QUOTE)

    # -- a quiet moment ------------------------------------------------------------------------------------------------

    def _quiet(self, at_s: float) -> None:
        """Nothing moves and nothing fails until all is settled; then books and journal must agree."""
        self._troubles.end()
        self._still = True
        if self._program.pid is None:
            self._start(at_s)
        trouble = self._until_quiet()
        self._records.quiet += 1
        if trouble is not None:
            self._records.broken.append(f"never came to rest at {self._stage.clock.now():%d %H:%M}: {trouble}")
        broken = [
            *books.books_broken(self._stage),
            *books.journal_differs(self._stage),
            *alerts.alerts_lost(self._stage, self._records.downs),
            *events_differ(self._stage, self._records.downs, self._began),
        ]
        fresh = [each for each in broken if each not in self._records.broken]
        self._records.broken += fresh
        done = f"{self._stage.elapsed_s() / HOUR_S:.1f} h"
        self._say(f"{done}: quiet, {trouble or 'at rest'}; findings {fresh or 'none'}; {len(self._records.downs)} ends")
        self._result()
        self._still = False
        self._troubles.begin()

    def _until_quiet(self) -> str | None:
        """None, or what it still waited for when the time was over."""
        deadline_s = time.monotonic() + QUIET_WITHIN_S
        waits: str | None = "nothing yet"
        turn = 0
        while waits is not None and time.monotonic() < deadline_s:
            at_s = self._stage.elapsed_s()
            self._move_venue(at_s)
            self._move_chain(at_s)
            self._ripple(turn)
            if turn % 40 == 0:
                self._people.resume()
            self._people.confirm()
            time.sleep(0.25)
            waits = self._unsettled()
            turn += 1
        return waits

    def _ripple(self, turn: int) -> None:
        """A market that never moves fills no quote."""
        for leg in self._stage.legs:
            price = self._price(leg, 0.0)
            for part in ("1.001", "0.999", "1"):
                self._stage.exchange.set_price(leg.symbol, (price * Decimal(part)).quantize(Decimal("1e-6")))

    def _unsettled(self) -> str | None:
        if not books.is_settled(self._stage):
            return "an order without an end"
        if waiting := alerts.undelivered(self._stage):
            return f"{waiting} messages wait"
        for leg in self._stage.legs:
            gap = self._records.look_at(self._stage, leg, BAND_PCT, BAND_QUOTE)
            if gap.is_over:
                return f"{leg.name} is {gap.gap_quote:.0f} off, its band is {gap.band_quote:.0f}"
        return next(books.journal_differs(self._stage), None)

    # -- the result ----------------------------------------------------------------------------------------------------

    def _result(self) -> Result:
        stage, records, plan = self._stage, self._records, self._plan
        lasted = residual.stretches(stage, records.downs, self._began, stage.clock.now())
        over = list(residual.over_band(records.gaps, lasted, plan.speed))
        chance = self._troubles.chance
        calls = {name: f"{chance.failed[name]} of {count}" for name, count in sorted(chance.calls.items())}
        facts = {
            "program": self._version,
            "simulated time": f"{stage.elapsed_s() / DAY_S:.2f} days at {plan.speed} times real time, seed {plan.seed}",
            "orders, and fills": f"{len(stage.exchange.orders)}, {len(stage.exchange.ledger.trades)}",
            "calls answered with a fault": "; ".join(f"{name} {text}" for name, text in calls.items()),
            "troubles that last": ", ".join(f"{name} {n}" for name, n in sorted(self._troubles.began.items())),
            "the operator": ", ".join(f"{name} {n}" for name, n in sorted(self._people.did.items())),
            "messages told": str(len(stage.telegram.messages(OPERATOR))),
            **exits(records),
            **words_lost(stage, records.downs),
            "quiet moments at which books and journal were compared": str(records.quiet),
            "looks at the residual, over its band": f"{len(records.gaps)}, {sum(gap.is_over for gap in records.gaps)}",
            "states at the looks over the band": residual.said_while_over(records.gaps, lasted),
            "over its band, unexplained": str(len(over)),
            **time_in_states(lasted),
            **memory(records),
            **processor(records, stage.elapsed_s()),
        }
        found = [*records.broken, *over, *memory_broken(records), *exits_broken(records)]
        result = Result(self._command, facts, found)
        result.write(stage.folder)
        return result


def _version() -> str:
    """With the commit, where there is a repository; `dirty` if what ran was not that commit."""
    described = ""
    with contextlib.suppress(OSError):
        git = ["git", "describe", "--always", "--dirty"]
        described = subprocess.run(
            git, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
        ).stdout.strip()
    return f"{VERSION}, {described or 'of no repository'}"


def run_soak(plan: Plan, folder: Path, command: str, say: Callable[[str], None] = print) -> Result:
    """The result is also in `folder`, while it runs as of the last quiet moment; beside it database and log."""
    minutes = int(plan.hours * 60) + 600
    with soak_stage(folder, speed=plan.speed, minutes=minutes, random=plan.random("prices")) as stage:
        return Soak(plan, stage, command, say).run()
