"""Nothing twice, and the journal equal to the exchange's books: each order, each fill, each payment, each position."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from core.execution.order_ids import parse_client_order_id
from tests.rigs.venue.ledger import Income
from tests.rigs.venue.orders import Trade
from tests.soak.records import reading
from tests.soak.stage import SoakStage

# The program asks for what was paid every ten minutes.
PAID_IS_BOOKED_WITHIN = timedelta(hours=1)
FILL = ("side", "position side", "price", "quantity", "fee", "realised", "maker", "order", "time")
PAYMENT = ("symbol", "amount")


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
    """Once settled."""
    with reading(stage.database) as database:
        yield from _positions_differ(stage, database)
        yield from _orders_differ(stage, database)
        yield from _fills_differ(stage, database)
        yield from _payments_differ(stage, database)


def _positions_differ(stage: SoakStage, database: sqlite3.Connection) -> Iterator[str]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in database.execute("SELECT symbol, net_base FROM leg_totals"):
        totals[row["symbol"]] += Decimal(row["net_base"])
    for symbol in sorted({leg.symbol for leg in stage.legs} | set(totals)):
        if (books := stage.exchange.net_position(symbol)) != totals[symbol]:
            yield f"{symbol}: the journal says {totals[symbol]}, the exchange {books}"


def _orders_differ(stage: SoakStage, database: sqlite3.Connection) -> Iterator[str]:
    executed = stage.exchange.executed_by_client_id()
    known = {row["client_order_id"]: Decimal(row["executed_base"]) for row in database.execute("SELECT * FROM orders")}
    for client_id in sorted(set(known) | set(executed)):
        if known.get(client_id, Decimal(0)) != executed.get(client_id, Decimal(0)):
            yield f"{client_id}: the journal says {known.get(client_id)}, the exchange {executed.get(client_id)}"


def _fills_differ(stage: SoakStage, database: sqlite3.Connection) -> Iterator[str]:
    booked = {(row["symbol"], row["trade_id"]): _fill_of(row) for row in database.execute("SELECT * FROM fills")}
    with stage.exchange.lock:
        traded = {(trade.symbol, trade.id): _fill_of_trade(trade) for trade in stage.exchange.ledger.trades}
    yield from _differ("fill", FILL, booked, traded)


def _payments_differ(stage: SoakStage, database: sqlite3.Connection) -> Iterator[str]:
    """What was paid just now need not be booked yet."""
    settled_ms = (stage.clock.now() - PAID_IS_BOOKED_WITHIN).timestamp() * 1000
    rows = database.execute("SELECT * FROM income").fetchall()
    booked: dict[tuple[str, int], tuple[object, ...]] = {
        (row["kind"], row["income_id"]): (row["symbol"], Decimal(row["amount"])) for row in rows
    }
    with stage.exchange.lock:
        income = list(stage.exchange.ledger.income)
    paid: dict[tuple[str, int], tuple[object, ...]] = {_payment(each): (each.symbol, each.amount) for each in income}
    due = {_payment(each) for each in income if each.time_ms <= settled_ms} | set(booked)
    yield from _differ("payment", PAYMENT, booked, {key: paid[key] for key in due if key in paid})


def _payment(income: Income) -> tuple[str, int]:
    return income.kind, income.id


def _differ(
    what: str,
    names: tuple[str, ...],
    journal: dict[tuple[str, int], tuple[object, ...]],
    books: dict[tuple[str, int], tuple[object, ...]],
) -> Iterator[str]:
    """Of rows under one key, every field by its name."""
    for key in sorted(set(journal) | set(books)):
        label = f"{what} {key[0]} {key[1]}"
        if key not in journal or key not in books:
            yield f"{label} is only in {'the journal' if key in journal else 'the books of the exchange'}"
            continue
        for name, ours, theirs in zip(names, journal[key], books[key], strict=True):
            if ours != theirs:
                yield f"{label}: {name} is {ours} in the journal, {theirs} on the exchange"


def _fill_of(row: sqlite3.Row) -> tuple[object, ...]:
    return (
        row["side"],
        row["position_side"],
        Decimal(row["price"]),
        Decimal(row["quantity_base"]),
        Decimal(row["fee"]),
        Decimal(row["realised_pnl_quote"]),
        bool(row["is_maker"]),
        row["venue_order_id"],
        round(datetime.fromisoformat(row["at"]).timestamp() * 1000),
    )


def _fill_of_trade(trade: Trade) -> tuple[object, ...]:
    return (
        trade.side,
        trade.position_side,
        trade.price,
        trade.quantity,
        trade.commission,
        trade.realised,
        trade.maker,
        trade.order_id,
        trade.time_ms,
    )
