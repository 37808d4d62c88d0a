"""The rules of the soak, judged by the exchange's books, the chain's contracts and the database."""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from bot.loudness import OUTCOME_REPLIES, PACED, Loudness, loudness
from core.config import AlertsConfig
from core.events import EventKind
from core.execution.order_ids import parse_client_order_id
from tests.soak.records import Down, Gap, reading
from tests.soak.stage import OPERATOR, POLL_S, SoakStage

# Two looks and what a trade takes at most, by the fast clock, beside a network and a machine that are no faster than
# they are.
ALLOWANCE = timedelta(seconds=2 * POLL_S + 180)
# States in which a hedge is known not to be where it should be, and says why.
TOLD = ("SUSPENDED", "ADJUSTING", "AWAITING_APPROVAL", "COOLDOWN", "DISABLED", "DOWN")
# Reasons of READY that are a person's or a limit's word, and are shown as such.
HELD = ("snoozed", "unanswered", "max_per_hour", "cooldown", "low_margin", "low_liquidation_distance", "at_cap")
HELD_TOO = ("lp_moving", "no_lp", "within_basis")
# Told in their own way, or by messages that have other keys.
OTHERWISE_TOLD = {EventKind.POSITION_FOUND, EventKind.BASE_DEPARTED, *PACED, *OUTCOME_REPLIES}
ORDER_ENDS = ("final", "refused", "absent")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A hedge in one state for one reason."""

    hedge: str
    frm: datetime
    to: datetime
    state: str
    reason: str

    @property
    def is_told(self) -> bool:
        return self.state in TOLD or self.reason in (*HELD, *HELD_TOO)


def books_broken(stage: SoakStage) -> Iterator[str]:
    """At any moment: no id twice, nothing beyond a plan."""
    with reading(stage.database) as database:
        planned = {row["plan_id"]: Decimal(row["quantity_base"]) for row in database.execute("SELECT * FROM plans")}
    executed: dict[str, Decimal] = defaultdict(Decimal)
    carried: Counter[str] = Counter()
    with stage.exchange.lock:
        orders = [(order.request.client_id, order.executed) for order in stage.exchange.orders.values()]
    for client_id, amount in orders:
        if (name := parse_client_order_id(client_id)) is None:
            yield f"an order that is not the program's: {client_id}"
            continue
        carried[client_id] += 1
        executed[name.plan_id] += amount
    yield from (f"{client_id} was carried by {count} orders" for client_id, count in carried.items() if count > 1)
    for plan_id, amount in executed.items():
        if amount > planned.get(plan_id, Decimal(0)):
            yield f"plan {plan_id} of {planned.get(plan_id)} executed {amount}"


def is_settled(stage: SoakStage) -> bool:
    """No order is under way."""
    with reading(stage.database) as database:
        return database.execute("SELECT 1 FROM unsettled_orders LIMIT 1").fetchone() is None


def journal_differs(stage: SoakStage) -> Iterator[str]:
    """Once settled: positions, and each order's executed amount, are those of the exchange's books."""
    with reading(stage.database) as database:
        totals: dict[str, Decimal] = defaultdict(Decimal)
        for row in database.execute("SELECT symbol, net_base FROM leg_totals"):
            totals[row["symbol"]] += Decimal(row["net_base"])
        orders = database.execute("SELECT client_order_id, executed_base FROM orders").fetchall()
        fills = database.execute("SELECT count(*) FROM fills").fetchone()[0]
    for leg in stage.legs:
        if (books := stage.exchange.net_position(leg.symbol)) != totals[leg.symbol]:
            yield f"{leg.symbol}: the journal says {totals[leg.symbol]}, the exchange {books}"
    executed = stage.exchange.executed_by_client_id()
    for client_id, amount in orders:
        if Decimal(amount) != executed.get(client_id, Decimal(0)):
            yield f"{client_id}: the journal says {amount}, the exchange {executed.get(client_id)}"
    if fills != len(stage.exchange.ledger.trades):
        yield f"the journal has {fills} fills, the exchange {len(stage.exchange.ledger.trades)}"


def undelivered(stage: SoakStage) -> int:
    """Messages that wait."""
    with reading(stage.database) as database:
        return int(database.execute("SELECT count(*) FROM outbox WHERE finished_at IS NULL").fetchone()[0])


def alerts_lost(stage: SoakStage) -> Iterator[str]:
    """Once nothing waits: each event that is for people has its message, and each message its place in the chat."""
    shown = {message.message_id for message in stage.telegram.messages(OPERATOR)}
    with reading(stage.database) as database:
        rows = database.execute("SELECT key, edits, gist FROM outbox").fetchall()
        delivered = {row["key"]: row["message_id"] for row in database.execute("SELECT * FROM deliveries")}
        events = database.execute("SELECT kind, hedge, count(*) AS many FROM events GROUP BY kind, hedge").fetchall()
    told = {_thread(row) for row in rows if delivered.get(row["key"]) in shown}
    for row in rows:
        together = _thread(row) and _thread(row) in told
        if row["edits"] is None and not together and delivered.get(row["key"]) not in shown:
            yield f"{row['key']} was delivered to nobody"
    messages = Counter(":".join(row["key"].split(":")[:2]) for row in rows)
    for event in events:
        kind = EventKind(event["kind"])
        if kind in OTHERWISE_TOLD or loudness(kind, AlertsConfig()) is Loudness.OFF:
            continue
        missing = event["many"] - messages[f"{kind.value}:{event['hedge'] or '-'}"]
        if missing > 0:
            yield f"{missing} of {event['many']} {kind.value} of {event['hedge']} were told to nobody"


def _thread(row: sqlite3.Row) -> str:
    """What waited of one thread is told by one message."""
    return str(json.loads(row["gist"])["thread"]) if row["gist"] else ""


def stretches(stage: SoakStage, downs: Sequence[Down], since: datetime, until: datetime) -> list[Stretch]:
    """What state each hedge was in, when, as the program itself wrote it down; DOWN where there was none."""
    with reading(stage.database) as database:
        rows = database.execute("SELECT * FROM events WHERE kind = 'decision_changed' ORDER BY seq").fetchall()
    found = []
    for leg in stage.legs:
        moments = [(datetime.fromisoformat(row["at"]), *_state(row)) for row in rows if row["hedge"] == leg.name]
        moments += [(since, "DOWN", "not started"), *((down.frm, "DOWN", down.how) for down in downs)]
        moments = [*sorted(moments), (until, "", "")]
        found += [Stretch(leg.name, a[0], b[0], a[1], a[2]) for a, b in pairwise(moments)]
    return found


def _state(row: sqlite3.Row) -> tuple[str, str]:
    data = json.loads(row["data"])
    return data["state"], data["reason"]


def over_band(gaps: Sequence[Gap], lasted: Sequence[Stretch]) -> Iterator[str]:
    """A gap beyond the band, longer than allowed, of a hedge that says that all is well."""
    for hedge in sorted({gap.hedge for gap in gaps}):
        mine = [stretch for stretch in lasted if stretch.hedge == hedge]
        begins, ends = [stretch.frm for stretch in mine], [stretch.to for stretch in mine]
        since: datetime | None = None
        said = False
        for gap in (gap for gap in gaps if gap.hedge == hedge):
            lately = mine[bisect_left(ends, gap.at - ALLOWANCE / 2) : bisect_right(begins, gap.at)]
            told = any(each.is_told for each in lately)
            if not gap.is_over or told:
                since, said = None, False
                continue
            since = since or gap.at
            if gap.at - since > ALLOWANCE and not said:
                said = True
                state = next((f"{s.state} {s.reason}" for s in mine if s.frm <= gap.at <= s.to), "nothing")
                yield f"{hedge} at {gap.at:%d %H:%M}: {gap.gap_quote:.0f} over {gap.band_quote:.0f}, and said {state}"


def said_while_over(gaps: Sequence[Gap], lasted: Sequence[Stretch]) -> str:
    """How many of the looks that found a gap over its band fell into each state."""
    states: Counter[str] = Counter()
    for hedge in sorted({gap.hedge for gap in gaps}):
        mine = [stretch for stretch in lasted if stretch.hedge == hedge]
        begins = [stretch.frm for stretch in mine]
        states.update(
            mine[place - 1].state
            for gap in gaps
            if gap.hedge == hedge and gap.is_over and (place := bisect_right(begins, gap.at))
        )
    return ", ".join(f"{name} {count}" for name, count in states.most_common()) or "none"
