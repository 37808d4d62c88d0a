"""Stands at the exchange's door: each order that arrives is held against what the database said at that instant.

It reads the file as another process would, and the exchange's own books; nothing of the program is asked.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from core.execution.order_ids import parse_client_order_id
from core.feeds import ACCOUNT_BELIEVED_S
from core.status import HedgeStatus
from tests.execution.virtual_time import VirtualClock
from tests.execution.world import HEDGE, SYMBOL, Setting
from tests.hedging.positions import position
from tests.rigs.venue import PLACE, POSITION, faults
from tests.rigs.venue.gate import Received
from tests.rigs.venue.orders import Order, Trade

ZERO = Decimal(0)
STEP = Decimal("0.001")
# A word that came while the request was on the wire came too late.
ON_THE_WIRE_S = 0.1
# What stands above approvals, or is itself a person's word.
NEEDS_NO_WORD = ("operator_hedge", "operator_flatten", "net_legs", "deleverage")
NEEDS_NO_CHAIN = ("operator_flatten", "net_legs", "deleverage")
# As long as BASE that left by a liquidity decrease may count, and one look more.
DEPARTED_FOR_S = 400.0
# A stranger's trade is seen at the next good read.
UNSEEN_FOR_S = 25.0
HOUR = timedelta(hours=1)
# What is not wanted any more is gone by then, of an exchange that can be reached.
WITHDRAWN_WITHIN_S = 3.0
COUNTDOWN = "POST /fapi/v1/countdownCancelAll"
SAYS_FLAT = faults.empty_list().name  # a lie at times, but a reading


class Witness:
    """`broken`: each rule that was broken, as a sentence."""

    def __init__(self, setting: Setting, clock: VirtualClock) -> None:
        self._setting = setting
        self._clock = clock
        self._file: sqlite3.Connection | None = None
        self.disturbed_at_s = -1000.0
        self.broken: list[str] = []
        self._heard_at_s = -1000.0
        self._rests_since_s: float | None = None
        self._requests = self._noted = 0
        self._older_plans: set[str] = set()
        self._position_read_at_s = -1000.0
        setting.server.witnesses.append(self._arrived)
        setting.server.exchange.listeners.append(self)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None

    def settings_change(self) -> None:
        """A plan under way was opened under the limits of before."""
        self._older_plans |= {row["plan_id"] for row in self._rows("SELECT plan_id FROM plans WHERE state = 'active'")}

    def disturbed(self) -> None:
        """The position was changed from outside, now."""
        self.disturbed_at_s = self._clock.monotonic_s()

    def heard(self, event: dict[str, Any]) -> None:
        """The program took an event of the account off its stream, now."""
        symbols = {event.get("o", {}).get("s")} | {row["s"] for row in event.get("a", {}).get("P", ())}
        if SYMBOL in symbols and event["e"] != "TRADE_LITE":
            self._heard_at_s = self._clock.monotonic_s()

    def looked(self, status: HedgeStatus) -> None:
        """An evaluation ended, and this is its word."""
        self._note_requests()
        entries = self._setting.server.journal[self._requests :]
        self._requests = len(self._setting.server.journal)
        now_s, ours = self._clock.monotonic_s(), self._own_open()
        wanted = status.state != "SUSPENDED" and all(self._is_active(each) for each in ours)
        was_reached = entries and all(each.status == 200 and each.fault is None for each in entries)
        if not ours or wanted or not was_reached or self._rests_since_s is None:
            self._rests_since_s = now_s if ours and not wanted else None
        since_s = now_s if self._rests_since_s is None else self._rests_since_s
        self._expect(now_s - since_s <= WITHDRAWN_WITHIN_S, f"{ours} rests while {status.state} {status.reason}")
        self._look_at_guard()

    def order_changed(self, order: Order, execution: str, trade: Trade | None) -> None:
        if trade is not None and parse_client_order_id(order.request.client_id) is None:
            self.disturbed()

    def account_changed(self, reason: str, symbol: str, sides: tuple[str, ...]) -> None: ...

    def _own_open(self) -> list[str]:
        ids = (order.request.client_id for order in self._setting.server.exchange.open_orders(SYMBOL))
        return [each for each in ids if parse_client_order_id(each) is not None]

    def _is_active(self, client_id: str) -> bool:
        name = parse_client_order_id(client_id)
        return bool(name and self._rows("SELECT 1 FROM plans WHERE plan_id = ? AND state = 'active'", name.plan_id))

    def _look_at_guard(self) -> None:
        ours = self._own_open()
        self._expect(not ours or SYMBOL in self._setting.server.exchange.countdowns, f"{ours} rests unguarded")

    def _arrived(self, received: Received) -> None:
        self._note_requests()
        params = received.params()
        self._look_at_guard()
        if received.endpoint == COUNTDOWN and params["countdownTime"] == "0":
            self._expect(not self._own_open(), f"the guard of {self._own_open()} is taken away")
        name = parse_client_order_id(params.get("newClientOrderId", ""))
        if received.endpoint != PLACE or name is None:
            return
        client_id, quantity = params["newClientOrderId"], Decimal(params["quantity"])
        rows = self._rows("SELECT state, seq FROM orders WHERE client_order_id = ?", client_id)
        plans = self._rows("SELECT * FROM plans WHERE plan_id = ?", name.plan_id)
        if not rows or not plans:
            self.broken.append(f"{client_id} was sent and is not in the journal")
            return
        plan = plans[0]
        self._expect(rows[0]["state"] == "intent", f"{client_id} was sent again, being {rows[0]['state']}")
        unsettled = self._rows(
            "SELECT client_order_id FROM orders WHERE client_order_id != ? AND state IN ('intent', 'unknown', 'open')",
            client_id,
        )
        self._expect(not unsettled, f"{client_id} was sent while {[row[0] for row in unsettled]} was not settled")
        self._expect(not self._own_open(), f"{client_id} was sent while {self._own_open()} is open")
        if params.get("timeInForce") == "GTX":
            self._expect(SYMBOL in self._setting.server.exchange.countdowns, f"{client_id} was sent unguarded")
        self._look_at_leg(client_id, params, quantity)
        self._look_at_words(client_id, plan)
        self._look_at_facts(client_id, plan)
        self._look_at_size(client_id, plan, quantity)
        self._look_at_approval(client_id, plan, quantity)
        if params.get("positionSide") != "LONG":
            self._look_at_the_lp(client_id, params["side"], quantity)

    def _look_at_leg(self, client_id: str, params: dict[str, str], quantity: Decimal) -> None:
        """Closed is only what the journal owns."""
        leg = params.get("positionSide", "BOTH")
        if leg == "BOTH" or (leg, params["side"]) == ("SHORT", "SELL"):
            return
        rows = self._rows("SELECT net_base FROM leg_totals WHERE leg = ?", leg)
        owned = abs(Decimal(rows[0]["net_base"])) if rows else ZERO
        self._expect(quantity <= owned, f"{client_id} closes {quantity} of the {leg} leg, the journal has {owned}")

    def _look_at_words(self, client_id: str, plan: sqlite3.Row) -> None:
        last = self._rows(
            "SELECT kind, at FROM events WHERE kind IN ('halted', 'paused', 'resumed') ORDER BY rowid DESC LIMIT 1"
        )
        if not last or last[0]["kind"] == "resumed" or plan["reason"] == "operator_flatten":
            return
        if plan["reason"] == "net_legs" and self._rows("SELECT 1 FROM commands WHERE name = 'flatten' AND ok = 1"):
            return  # its first part where two legs are open
        since_s = (self._clock.now() - datetime.fromisoformat(last[0]["at"])).total_seconds()
        self._expect(since_s <= ON_THE_WIRE_S, f"{client_id} was sent {since_s} s after it was {last[0]['kind']}")

    def _look_at_facts(self, client_id: str, plan: sqlite3.Row) -> None:
        config = self._setting.config().hedges[HEDGE]
        read_at_s = self._position_read_at_s
        position_s = self._clock.monotonic_s() - read_at_s
        heard_at_s = self._heard_at_s if self._heard_at_s < self._setting.looked_at_s else -1000.0
        self._expect(
            read_at_s >= heard_at_s - ON_THE_WIRE_S,
            f"{client_id} was sent on a position read at {read_at_s}, of which news came at {heard_at_s}",
        )
        limit_s = max(config.max_price_age_seconds, ACCOUNT_BELIEVED_S) + 1
        self._expect(position_s <= limit_s, f"{client_id} was sent on a position read {position_s} s ago")
        if plan["reason"] not in NEEDS_NO_CHAIN and config.on_chain_blind == "hold":
            chain_s = self._clock.monotonic_s() - self._setting.pool.read_at_s
            limit_s = config.max_chain_age_seconds + 1
            self._expect(chain_s <= limit_s, f"{client_id} was sent on a chain read {chain_s} s ago")

    def _note_requests(self) -> None:
        """The exchange writes down its own time, and its clock may be set at any moment but while it is asked."""
        exchange, fresh = self._setting.server.exchange, self._setting.server.journal[self._noted :]
        self._noted += len(fresh)
        now_ms, now_s = exchange.now_ms(), self._clock.monotonic_s()
        for entry in fresh:
            if entry.endpoint == POSITION and entry.status == 200 and entry.fault in (None, "slow", SAYS_FLAT):
                self._position_read_at_s = now_s - (now_ms - entry.at_ms) / 1000

    def _look_at_size(self, client_id: str, plan: sqlite3.Row, quantity: Decimal) -> None:
        executed = self._setting.server.exchange.executed_by_client_id()
        done = sum(
            (base for each, base in executed.items() if f".{plan['plan_id']}." in each and each != client_id), ZERO
        )
        most = Decimal(plan["quantity_base"])
        self._expect(done + quantity <= most, f"{client_id}: {done} were executed and {quantity} sent, of {most}")

    def _look_at_approval(self, client_id: str, plan: sqlite3.Row, quantity: Decimal) -> None:
        limit = self._setting.config().hedges[HEDGE].approval_over_quote
        if limit in ("off", None):
            return
        if plan["approval_id"] is not None:
            approval = self._rows("SELECT * FROM approvals WHERE approval_id = ?", plan["approval_id"])[0]
            self._expect(approval["state"] == "executing", f"{client_id}: its approval is {approval['state']}")
            done = self._executed_under(plan["approval_id"])
            most = Decimal(approval["quantity_base"])
            self._expect(done + quantity <= most, f"{client_id}: approved were {most}, {done} + {quantity} is more")
            return
        if plan["reason"] in NEEDS_NO_WORD or plan["plan_id"] in self._older_plans:
            return
        assert isinstance(limit, Decimal)
        worth = Decimal(plan["quantity_base"]) * Decimal(plan["reference_price"])
        self._expect(worth < limit * Decimal("1.01") + 1, f"{client_id}: a plan of {worth} that nobody approved")
        recent = self._unapproved_quote(plan["side"]) + quantity * Decimal(plan["reference_price"])
        most = 5 * limit * Decimal("1.05") + 1
        self._expect(recent <= most, f"{client_id}: {recent} within the hour that nobody approved")

    def _executed_under(self, approval_id: str) -> Decimal:
        executed = self._setting.server.exchange.executed_by_client_id()
        rows = self._rows(
            "SELECT client_order_id FROM orders JOIN plans USING (scope, plan_id) WHERE approval_id = ?", approval_id
        )
        return sum((executed.get(row[0], ZERO) for row in rows), ZERO)

    def _unapproved_quote(self, side: str) -> Decimal:
        rows = self._rows(
            "SELECT client_order_id FROM orders JOIN plans USING (scope, plan_id) WHERE approval_id IS NULL"
            " AND plans.reason NOT IN ('operator_hedge', 'operator_flatten', 'net_legs', 'deleverage')"
            " AND orders.side = ?",
            side,
        )
        exchange, mine = self._setting.server.exchange, {row[0] for row in rows}
        since_ms = exchange.now_ms() - HOUR / timedelta(milliseconds=1)
        return sum(
            (
                trade.price * trade.quantity
                for trade in exchange.ledger.trades
                if trade.time_ms > since_ms and exchange.orders[trade.order_id].request.client_id in mine
            ),
            ZERO,
        )

    def _look_at_the_lp(self, client_id: str, side: str, quantity: Decimal) -> None:
        """1.02 x ratio x what the positions could turn into; a stranger's trade not seen yet is not our doing."""
        if side != "SELL" or self._clock.monotonic_s() - self.disturbed_at_s < UNSEEN_FOR_S:
            return
        most = self._most_base() * self._setting.config().hedges[HEDGE].hedge_ratio
        short = quantity - self._setting.position
        self._expect(short <= most * Decimal("1.02") + STEP, f"{client_id} would make a short of {short}, LP {most}")

    def _most_base(self) -> Decimal:
        """Of all that was read within the time that BASE counts after it left; what came back no longer counts as left.

        A reading counts until so long after the next one is sure: while the chain was blind, nobody knew of a change.
        """
        readings, since_s = self._setting.pool.readings, self._clock.monotonic_s() - DEPARTED_FOR_S
        sure = (number for number, each in enumerate(readings) if each.again_at_s and each.again_at_s < since_s)
        recent = readings[max(sure, default=0) :]
        most, departed = recent[0].edge_base, ZERO
        for before, after in pairwise(recent):
            moved = after.liquidity - before.liquidity
            base = position(liquidity=abs(moved), price=str(after.price)).base if moved else ZERO
            departed = max(ZERO, departed - base if moved > 0 else departed + base)
            most = max(most, after.edge_base + departed)
        return most

    def _rows(self, sql: str, *values: str) -> list[sqlite3.Row]:
        if self._file is None:
            self._file = sqlite3.connect(f"file:{self._setting.database}?mode=ro", uri=True, isolation_level=None)
            self._file.row_factory = sqlite3.Row
        return self._file.execute(sql, values).fetchall()

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.broken.append(otherwise)
