"""Any history: prices, liquidity, faults of every kind, strangers, operators and kills in any order; the rules hold.

500 histories of 50 steps by default; LP_HEDGE_SOAK=1 asks for 5000. A history that breaks a rule is printed as the list
of its steps, in a soak cut down to its shortest form first. The exchange's own books judge, beside the database.
"""

from __future__ import annotations

import faulthandler
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pydantic import ValidationError

from core.config import HedgeConfig
from core.errors import Transient
from core.execution.order_ids import parse_client_order_id
from core.ports import ApprovalState
from tests.execution.stage import Stage
from tests.execution.troubles import (
    BEHIND,
    BY_NAME,
    CLOCK,
    COUNTDOWN,
    MISREAD,
    NOT_ACCEPTED,
    READS,
    REFUSED,
    UNKNOWN,
    names,
)
from tests.execution.world import HEDGE, SYMBOL, Setting
from tests.hedging.positions import LIQUIDITY
from tests.rigs.venue import CANCEL, PLACE, POSITION, QUERY, Fault
from tests.rigs.venue.refusals import Refusal
from tests.rigs.venue.stream_faults import StreamFaults

SOAK = os.environ.get("LP_HEDGE_SOAK") == "1"
# Each part has a seed of its own, always the same.
HISTORIES_OF_A_PART = 20
PARTS = (5000 if SOAK else 500) // HISTORIES_OF_A_PART
STEPS = 50
WATCHED_FOR_S = 1200
MEMORY_DISK = "/dev/shm"

FULL = LIQUIDITY // 5
BALANCE = Decimal(50_000)
OPERATORS = ("ann", "bob")
PRICES = (900, 1300, 1500, 1620, 1850, 1930, 1980, 1995, 2000, 2005, 2020, 2070, 2180, 2450, 2600)
AT_REST = {
    ("READY", "within_band"),
    ("READY", "below_min_notional"),
    ("READY", "below_step"),
    ("READY", "within_basis"),
    ("SUSPENDED", "no_lp"),
}


def offered(choices: Mapping[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    """Of each key, what the configuration takes today; what it takes tomorrow is drawn from tomorrow on."""
    given = {"chain": "ethereum", "amm_type": "uniswap_v3", "lp_position_ids": [1], "symbol": SYMBOL}
    found: dict[str, tuple[object, ...]] = {}
    for key, values in choices.items():
        for value in values:
            try:
                HedgeConfig.model_validate(given | {key: value})
            except ValidationError:
                continue
            found[key] = (*found.get(key, ()), value)
    return found


# As long as people and slices take here.
SHORT_TIMES = {
    "approval_timeout_seconds": 30,
    "limit_timeout_seconds": 4,
    "twap_duration_seconds": 12,
    "twap_interval_seconds": 3,
    "max_per_hour": 0,
}
CHOICES = offered(
    {
        "approval_over_quote": (1500, 4000, "off"),
        "approval_on_timeout": ("hold", "partial"),
        "reject_snooze_seconds": (10, 300),
        "hedge_ratio": ("0.5",),
        "hedge_threshold": ("0.4",),
        "rebalance_to": ("edge",),
        "max_hedge_notional": (1200,),
        "max_order_quote": (3000,),
        "max_order_size": ("0.9",),
        "max_per_hour": (6,),
        "cooldown_seconds": (5,),
        "order_type": ("limit", "post_only"),
        "fallback": ("none",),
        "twap_over_quote": (0, 1000),
        "urgent_band_multiple": (0, 100),
        "max_slippage_bps": (5, 0),
        "max_retries": (0,),
        "force_rebalance_seconds": (60,),
        "adopt_external": ("auto",),
        "on_chain_blind": ("estimate",),
        "close_when_no_lp": (False,),
        "no_lp_grace_seconds": (20,),
        "min_liquidation_distance_pct": (0,),
    }
)
ANY = st.fixed_dictionaries({}, optional={key: st.sampled_from(each) for key, each in CHOICES.items()})
# Most of what can go wrong needs an order that rests.
QUOTING: dict[str, object] = {"order_type": "post_only", "urgent_band_multiple": 0}
CONFIGURATIONS = st.tuples(ANY, st.booleans()).map(lambda drawn: drawn[0] | QUOTING if drawn[1] else drawn[0])
PACES = st.sampled_from([0.3, 1.0, 3.0])
PASSES = st.integers(0, 60)


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        disk = MEMORY_DISK if os.access(MEMORY_DISK, os.W_OK) else None
        self._folder = tempfile.TemporaryDirectory(dir=disk)
        self.stage: Stage
        self._steps, self._looks_every = 0, 1

    @initialize(
        configuration=CONFIGURATIONS,
        hedge_mode=st.sampled_from([False] * 3 + [True]),
        hearing=st.booleans(),
        looks_every=st.sampled_from([1, 2, 4]),
    )
    def begin(self, configuration: dict[str, object], hedge_mode: bool, hearing: bool, looks_every: int) -> None:
        self._looks_every = looks_every
        self.stage = Stage(Path(self._folder.name), SHORT_TIMES | configuration)
        self.stage.exchange.set_hedge_mode(hedge_mode)
        self.stage.hearing = hearing
        self.stage.start()

    @property
    def setting(self) -> Setting:
        return self.stage.setting

    # -- the program at work -------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3), every_s=PACES)
    def evaluate(self, count: int, every_s: float) -> None:
        self.stage.cycles(count, every_s=every_s)

    @rule(seconds=st.sampled_from([5, 20, 70, 400]))
    def evaluate_later(self, seconds: int) -> None:
        self.stage.run(self.stage.clock.pass_time(seconds))
        self.stage.cycles(2)

    @rule(after=PASSES, count=st.integers(1, 3))
    def evaluate_and_be_killed(self, after: int, count: int) -> None:
        self.stage.cycles_killed(count, after=after)
        self._up_again()

    @rule(configuration=CONFIGURATIONS, change=st.booleans())
    def restart(self, configuration: dict[str, object], change: bool) -> None:
        self.stage.stop()
        if change:
            self.stage.witness.settings_change()
            self.setting.settings.clear()
            self.setting.settings.update(SHORT_TIMES | configuration)
        self._up_again()

    @rule(after=PASSES, name=st.sampled_from(["halt", "pause", "resume", "flatten"]), by=st.sampled_from(OPERATORS))
    def command_meanwhile(self, after: int, name: str, by: str) -> None:
        async def deed() -> None:
            await self._command(name, by)
            await self.stage.world.engine.carry_out_halts()

        self.stage.cycles_meanwhile(1, deed, after=after)

    @rule(after=PASSES, yes=st.booleans())
    def answer_meanwhile(self, after: int, yes: bool) -> None:
        self.stage.cycles_meanwhile(1, lambda: self._answers([(OPERATORS[0], yes)]), after=after)

    @rule(after=PASSES, price=st.sampled_from(PRICES))
    def price_meanwhile(self, after: int, price: int) -> None:
        async def deed() -> None:
            self.setting.set_price(price)

        self.stage.cycles_meanwhile(1, deed, after=after)

    # -- the market and the pool ---------------------------------------------------------------------------------------

    @rule(price=st.sampled_from(PRICES))
    def price(self, price: int) -> None:
        self.setting.set_price(price)

    @rule(basis_bps=st.sampled_from([-600, -150, -40, 40, 150, 600]))
    def perpetual_alone(self, basis_bps: int) -> None:
        price = self.setting.pool.price * (10_000 + basis_bps) / 10_000
        self.stage.exchange.set_price(SYMBOL, price.quantize(Decimal("0.01")))

    @rule(size=st.sampled_from(["0.002", "0.3", "0.7", "2.5"]), levels=st.integers(1, 4))
    def thin_book(self, size: str, levels: int) -> None:
        mark = self.stage.exchange.marks[SYMBOL].quantize(Decimal("0.01"))
        bids = [(mark - Decimal(1 + 2 * each), Decimal(size)) for each in range(levels)]
        asks = [(mark + Decimal(1 + 2 * each), Decimal(size)) for each in range(levels)]
        self.stage.exchange.set_book(SYMBOL, bids, asks)

    @rule(off_pct=st.sampled_from([-10, 4, 10]))
    def mark_leaves_its_index(self, off_pct: int) -> None:
        price = self.setting.pool.price
        self.stage.exchange.set_price(SYMBOL, price, mark=price * (100 + off_pct) / 100)

    @rule(move_bps=st.sampled_from([-20, 20]), back=st.booleans())
    def trade_through(self, move_bps: int, back: bool) -> None:
        """The perpetual passes whatever rests, and the pool does not."""
        price = self.stage.exchange.marks[SYMBOL]
        self.stage.exchange.set_price(SYMBOL, (price * (10_000 + move_bps) / 10_000).quantize(Decimal("0.01")))
        if back:
            self.stage.exchange.set_price(SYMBOL, price)

    @rule(part_pct=st.sampled_from([1, 50, 99, 100]))
    def fill_what_rests(self, part_pct: int) -> None:
        for order in self.stage.exchange.open_orders(SYMBOL):
            size = (order.remaining * part_pct / 100).quantize(Decimal("0.001")) or Decimal("0.001")
            self._meet(order.request.side, order.request.price or Decimal(0), size)

    @rule(percent=st.sampled_from([0, 40, 90, 100, 100, 110, 200]))
    def liquidity(self, percent: int) -> None:
        self.setting.pool.liquidity = FULL * percent // 100

    @rule(blind=st.booleans())
    def chain(self, blind: bool) -> None:
        self.setting.pool.blind = blind

    # -- the exchange --------------------------------------------------------------------------------------------------

    @rule(fault=st.sampled_from(names(*UNKNOWN)), stage=st.sampled_from(["before", "after", "late 2", "late 4.5"]))
    def order_unknown(self, fault: str, stage: str) -> None:
        self.stage.server.faults.add(PLACE, _staged(BY_NAME[fault], stage))

    @rule(fault=st.sampled_from(names(*NOT_ACCEPTED, *CLOCK)), executed=st.booleans(), times=st.sampled_from([1, 3]))
    def order_not_accepted(self, fault: str, executed: bool, times: int) -> None:
        """Said not to be accepted; after a clock refusal, that is sure. A lie can be found out by one query."""
        chosen = BY_NAME[fault]
        done = executed and chosen not in CLOCK and chosen.status not in (403, 418)
        done = done and not self.stage.server.faults.waiting(QUERY)
        self.stage.server.faults.add(PLACE, chosen.after() if done else chosen, times=1 if done else times)

    @rule(fault=st.sampled_from(names(*REFUSED)), times=st.sampled_from([1, 4]))
    def order_refused(self, fault: str, times: int) -> None:
        self.stage.server.faults.add(PLACE, BY_NAME[fault], times=times)

    @rule(endpoint=st.sampled_from(READS), fault=st.sampled_from(names(*MISREAD)), times=st.sampled_from([1, 2, 6]))
    def misread(self, endpoint: str, fault: str, times: int) -> None:
        self.stage.server.faults.add(endpoint, BY_NAME[fault], times=times)

    @rule(endpoint=st.sampled_from(sorted(BEHIND)), times=st.sampled_from([1, 2, 5]))
    def replica_behind(self, endpoint: str, times: int) -> None:
        # A list of positions that is empty says flat: so often in a row it would be the truth.
        times = 1 if endpoint == POSITION else times
        if endpoint == QUERY and self.stage.server.faults.waiting(PLACE):
            return  # it might cover a lie
        self.stage.server.faults.add(endpoint, BEHIND[endpoint][0], times=times)

    @rule()
    def faults_end(self) -> None:
        self.stage.server.faults.clear()

    @rule(offset_ms=st.sampled_from([-4000, -1500, 0, 1500, 4000]))
    def exchange_clock(self, offset_ms: int) -> None:
        self.stage.exchange.clock_offset_ms = offset_ms

    @rule(balance=st.sampled_from([300, 3000, 50_000]), leverage=st.sampled_from([1, 5, 20]))
    def money(self, balance: int, leverage: int) -> None:
        self.stage.exchange.set_balance(Decimal(balance))
        self.stage.exchange.account.leverage[SYMBOL] = leverage

    @rule(rate=st.sampled_from(["-0.002", "0.0001", "0.01"]))
    def funding(self, rate: str) -> None:
        self.stage.exchange.set_funding(SYMBOL, Decimal(rate))
        self.stage.exchange.pay_funding(SYMBOL)

    @rule(
        endpoint=st.sampled_from([CANCEL, COUNTDOWN]),
        fault=st.sampled_from(names(*UNKNOWN, *NOT_ACCEPTED, *CLOCK)),
        stage=st.sampled_from(["before", "after", "late 2"]),
        times=st.sampled_from([1, 1, 4]),
    )
    def resting_untended(self, endpoint: str, fault: str, stage: str, times: int) -> None:
        self.stage.server.faults.add(endpoint, _staged(BY_NAME[fault], stage), times=times)

    @rule()
    def quote_taken_off(self) -> None:
        """A person at the web page cancels what rests."""
        for order in self.stage.exchange.open_orders(SYMBOL):
            self.stage.exchange.cancel(order)

    @rule(side=st.sampled_from(["BUY", "SELL"]), closes=st.booleans(), size=st.sampled_from(["0.4", "3"]))
    def stranger_rests(self, side: str, closes: bool, size: str) -> None:
        exchange, mark = self.stage.exchange, self.stage.exchange.marks[SYMBOL].quantize(Decimal("0.01"))
        leg = ("SHORT" if (side == "SELL") != closes else "LONG") if exchange.account.dual else "BOTH"
        order = {
            "symbol": SYMBOL,
            "side": side,
            "positionSide": leg,
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": size,
            "price": str(mark - 6 if side == "BUY" else mark + 6),
            "newClientOrderId": f"web_{exchange.next_id()}",
        }
        with suppress(Refusal):
            exchange.submit(order | ({"reduceOnly": "true"} if closes and leg == "BOTH" else {}))
        self.stage.server.hub.settled()

    # -- what it tells -------------------------------------------------------------------------------------------------

    @rule(
        kind=st.sampled_from([None, "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]),
        trouble=st.sampled_from(["drop", "duplicate", "swap", "delay 0.5", "delay 4", "delay 40"]),
        times=st.integers(1, 3),
    )
    def mistold(self, kind: str | None, trouble: str, times: int) -> None:
        told = self.stage.server.hub.user_faults
        for _ in range(times):
            if trouble.startswith("delay"):
                told.delay(float(trouble.split()[1]), kind)
            else:
                {"drop": told.drop, "duplicate": told.duplicate, "swap": told.swap}[trouble](kind)

    @rule(root=st.sampled_from([None, "private", "public", "market"]), way=st.sampled_from(["close", "silent", "key"]))
    def connection_lost(self, root: str | None, way: str) -> None:
        hub = self.stage.server.hub
        if way == "key":
            hub.expire_listen_key(times=2)
        elif way == "silent":
            hub.go_silent(root=root)
        else:
            hub.close_all(1001, root=root)

    @rule(refusing=st.booleans(), muted=st.booleans())
    def deaf(self, refusing: bool, muted: bool) -> None:
        self.stage.server.hub.refusing, self.stage.server.hub.muted = refusing, muted

    @precondition(lambda self: self.setting.position != 0)
    @rule(deed=st.sampled_from(["adl", "liquidation"]))
    def exchange_closes(self, deed: str) -> None:
        self.stage.witness.disturbed()
        if deed == "liquidation":
            self.stage.exchange.liquidate(SYMBOL)
            return
        for leg in list(self.stage.exchange.account.open_legs(SYMBOL)):
            self.stage.exchange.deleverage(SYMBOL, min(abs(leg.amount), Decimal("0.5")), side=leg.side)

    @rule(change=st.sampled_from(["-1", "-0.2", "0.003", "1", "6"]))
    def stranger(self, change: str) -> None:
        self.stage.witness.disturbed()
        side = ("LONG" if change[0] != "-" else "SHORT") if self.stage.exchange.account.dual else "BOTH"
        amount = self.stage.exchange.position(SYMBOL, side) + Decimal(change)
        self.stage.exchange.set_position(SYMBOL, amount, side=side)

    # -- the operators -------------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(["halt", "pause", "resume", "resume", "hedge", "flatten", "adopt", "adopt"]))
    def command(self, name: str) -> None:
        self.stage.run(self._command(name, OPERATORS[0]))

    @rule(words=st.lists(st.tuples(st.sampled_from(OPERATORS), st.booleans()), min_size=1, max_size=2))
    def answer(self, words: list[tuple[str, bool]]) -> None:
        self.stage.run(self._answers(words))

    # -- the rules -----------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_broken(self) -> None:
        if hasattr(self, "stage"):
            self._steps += 1
            if self._steps % self._looks_every == 0:
                self.stage.cycles(1)
            self._hold()

    def teardown(self) -> None:
        try:
            if hasattr(self, "stage") and not self.stage.failed:
                self._come_to_rest()
        finally:
            if hasattr(self, "stage"):
                self.stage.close()
            self._folder.cleanup()

    def _hold(self) -> None:
        if self.stage.witness.broken:
            raise AssertionError("; ".join(self.stage.witness.broken))
        if self.stage.world.broke:
            raise AssertionError(f"a loop beside the hedge ended: {self.stage.world.broke}")
        self.stage.run(self.stage.world.check())
        self.stage.run(self._check_approvals())
        self.stage.run(self._check_told())

    def _up_again(self) -> None:
        """An exchange that cannot be asked is no reason not to start."""
        try:
            self.stage.start(prepared=self.stage.server.faults.waiting() == 0)
        except Transient:
            self.stage.failed = False
            self.stage.start(prepared=False)

    def _come_to_rest(self) -> None:
        """Trouble ends. First nobody says anything: what holds it up has a name, and was told. Then people speak."""
        self._end_trouble()
        self.stage.cycles(14, every_s=5)
        self._hold()
        self._until_at_rest()
        self._hold()
        self.stage.run(self.stage.world.check_settled())
        self.stage.run(self._check_legs())

    def _end_trouble(self) -> None:
        exchange, hub = self.stage.exchange, self.stage.server.hub
        hub.refusing = hub.muted = False
        hub.user_faults = StreamFaults()
        for order in exchange.open_orders(SYMBOL):
            if parse_client_order_id(order.request.client_id) is None:
                exchange.cancel(order)
        self.stage.server.faults.clear()
        self.setting.pool.blind = False
        exchange.clock_offset_ms = 0
        exchange.set_balance(BALANCE)
        exchange.account.leverage[SYMBOL] = 20
        exchange.set_price(SYMBOL, self.setting.pool.price)

    def _until_at_rest(self) -> None:
        self.stage.run(self._command("resume", OPERATORS[0]))
        for _ in range(400):
            for _ in range(3 if self.stage.world.status.state == "ADJUSTING" else 1):
                self.stage.cycles(1, every_s=1.5)
                self._trade_through_quotes()
            status = self.stage.world.status
            if status.reason in ("max_per_hour", "unanswered", "snoozed"):  # all of them end by the clock
                self.stage.run(self.stage.clock.pass_time(600))
            if (status.state, status.reason) in AT_REST:
                return
            if status.reason == "position_mismatch":
                self.stage.run(self._command("adopt", OPERATORS[1]))
            self.stage.run(self._answers([(OPERATORS[1], True)]))
        raise AssertionError(f"never came to rest: {status.state} {status.reason} {status.detail}")

    def _trade_through_quotes(self) -> None:
        """A market that never moves fills no quote."""
        for part in ("1.002", "0.998", "1"):
            self.stage.exchange.set_price(SYMBOL, self.setting.pool.price * Decimal(part))

    def _meet(self, side: str, price: Decimal, size: Decimal) -> None:
        """Somebody takes so much of what rests at that price, and nothing else changes."""
        exchange = self.stage.exchange
        for order in exchange.open_orders(SYMBOL):
            if order.request.side == side and order.request.price == price:
                book, tick = exchange.books[SYMBOL], Decimal("0.01")
                bids, asks = list(book.bids), list(book.asks)
                if side == "SELL":
                    exchange.set_book(SYMBOL, [(price, size)], [(price + tick, Decimal(5))])
                else:
                    exchange.set_book(SYMBOL, [(price - tick, Decimal(5))], [(price, size)])
                exchange.set_book(SYMBOL, bids, asks)

    async def _check_told(self) -> None:
        """Whatever holds it up was told when it began, and not taken back since."""
        status = self.stage.world.status
        if status.state != "SUSPENDED" or status.reason == "starting":
            return
        rows = await self.stage.world.store.database.rows(
            "SELECT data FROM events WHERE kind IN ('suspended', 'recovered') ORDER BY rowid DESC LIMIT 1"
        )
        said = await self.stage.world.store.database.rows(
            "SELECT 1 FROM events WHERE kind = ?"
            " AND rowid > (SELECT coalesce(max(rowid), 0) FROM events WHERE kind = 'resumed')",
            (status.reason,),
        )
        assert said or (rows and f'"{status.reason}"' in rows[0]["data"]), f"{status.reason} was told to nobody"

    async def _check_legs(self) -> None:
        legs = await self.stage.world.store.journal.positions(SYMBOL)
        if legs is not None and self.stage.exchange.account.dual:
            books = [self.stage.exchange.position(SYMBOL, side) for side in ("LONG", "SHORT")]
            assert [legs.long_base, -legs.short_base] == books

    async def _check_approvals(self) -> None:
        """No more was executed under an approval than it showed."""
        store = self.stage.world.store
        for row in await store.database.rows("SELECT used_base, quantity_base FROM approvals"):
            assert Decimal(row["used_base"]) <= Decimal(row["quantity_base"])

    async def _command(self, name: str, by: str) -> None:
        now = self.stage.clock.now()
        await self.stage.world.store.commands.put(name, (HEDGE,), actor=by, source="test", update_key=None, at=now)

    async def _answers(self, words: list[tuple[str, bool]]) -> None:
        world = self.stage.world
        for approval in await world.store.approvals.live(HEDGE):
            if approval.state is ApprovalState.PENDING:
                for by, yes in words:
                    await world.office.desk.answer(approval.approval_id, approve=yes, by=by, note=None)


def _staged(fault: Fault, stage: str) -> Fault:
    if stage.startswith("late"):
        return fault.late(float(stage.split()[1]))
    return fault.after() if stage == "after" else fault.before()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_any_history(part: int) -> None:
    """Nothing twice, nothing beyond a plan or an approval, nothing while in doubt; and in the end all agree."""
    run = settings(
        max_examples=HISTORIES_OF_A_PART,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink) if SOAK else (Phase.generate,),  # cutting one down takes long
    )
    faulthandler.dump_traceback_later(WATCHED_FOR_S, exit=True)  # cutting a history down outlasts pytest's own watch
    run_state_machine_as_test(seed(part)(Histories), settings=run)
