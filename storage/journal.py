"""The journal of one scope: plans, orders, fills, and the position that they add up to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from sqlite3 import Row

from core.errors import InvariantBroken
from core.facts import OrderReport, OrderRequest, OrderSide, PositionSide, Trade
from core.ports import COUNTED_ORIGINS, BookedFill, LegPositions, Plan, TradeOrigin
from storage.columns import EXACT, maybe_number, number_text, time_text
from storage.database import Database, Transaction
from storage.journal_orders import OrderBook, PlanBook
from storage.journal_rows import trade_of
from storage.legs import ZERO, add_to_leg, leg_positions, signed_quantity


class FillBook:
    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def book_trades(self, trades: Sequence[tuple[Trade, TradeOrigin]], at: datetime) -> tuple[Trade, ...]:
        """All or none, in one transaction. A fill of an order of this journal is booked as ours whatever was said.

        Raises InvariantBroken when a trade id comes back with another side, price, quantity or order.
        """
        fresh = []
        async with self._db.transaction() as tx:
            for trade, origin in trades:
                if await self._is_booked(tx, trade):
                    continue
                ours = await self._is_of_our_order(tx, trade)
                await self._book(tx, trade, TradeOrigin.OURS if ours else origin, at)
                fresh.append(trade)
        return tuple(fresh)

    async def plan_fills(self, plan_id: str) -> tuple[Trade, ...]:
        """Oldest first."""
        rows = await self._db.rows(
            "SELECT fills.* FROM orders CROSS JOIN fills ON fills.scope = orders.scope AND fills.symbol = orders.symbol"
            " AND fills.venue_order_id = orders.venue_order_id"  # CROSS: from the plan's few orders to their fills
            " WHERE orders.scope = ? AND orders.plan_id = ? ORDER BY fills.at, fills.trade_id",
            (self._scope, plan_id),
        )
        return tuple(trade_of(row) for row in rows)

    async def last_trade_id(self, symbol: str) -> int | None:
        """The greatest, whatever its time; fills that were only told do not count."""
        row = await self._db.row(
            "SELECT max(trade_id) AS newest FROM fills WHERE scope = ? AND symbol = ? AND told = 0",
            (self._scope, symbol),
        )
        return None if row is None else row["newest"]

    async def positions(self, symbol: str) -> LegPositions | None:
        """Fills booked as foreign do not count until adopted; with only such fills the sums are zero, not None."""
        rows = await self._db.rows(
            "SELECT leg, net_base FROM leg_totals WHERE scope = ? AND symbol = ?", (self._scope, symbol)
        )
        return leg_positions({row["leg"]: Decimal(row["net_base"]) for row in rows}) if rows else None

    async def adopt(self, symbol: str, leg: PositionSide, delta_base: Decimal, *, actor: str, at: datetime) -> None:
        """`delta_base` is signed as the net position is, on every leg: negative adds to a short."""
        async with self._db.transaction() as tx:
            await tx.execute(
                "INSERT INTO adoptions (scope, symbol, leg, delta_base, actor, at) VALUES (?, ?, ?, ?, ?, ?)",
                (self._scope, symbol, leg, number_text(delta_base), actor, time_text(at)),
            )
            await add_to_leg(tx, self._scope, symbol, leg, delta_base)

    async def unapproved_fills_quote(
        self, hedge: str, since: datetime, *, confirmed: Collection[str]
    ) -> Mapping[OrderSide, Decimal]:
        """Fills at `since` itself count."""
        rows = await self._db.rows(
            "SELECT fill.side, fill.price, fill.quantity_base, plans.reason FROM attributed_fills AS fill"
            " JOIN plans ON plans.scope = fill.scope AND plans.plan_id = fill.plan_id"
            " WHERE fill.scope = ? AND fill.at >= ? AND fill.hedge = ? AND plans.approval_id IS NULL",
            (self._scope, time_text(since), hedge),
        )
        totals = dict.fromkeys(OrderSide, ZERO)
        for row in (each for each in rows if each["reason"] not in confirmed):
            side, notional = row["side"], EXACT.multiply(Decimal(row["price"]), Decimal(row["quantity_base"]))
            totals[side] = EXACT.add(totals[side], notional)
        return totals

    async def recent_fills(self, limit: int) -> tuple[tuple[str, Trade], ...]:
        """A fill without an order of ours goes to the last hedge that traded its symbol, '' when none did."""
        rows = await self._db.rows(
            "SELECT *, coalesce(hedge, (SELECT plans.hedge FROM plans WHERE plans.scope = fill.scope"
            " AND plans.symbol = fill.symbol ORDER BY plans.seq DESC LIMIT 1), '') AS its_hedge"
            " FROM attributed_fills AS fill WHERE scope = ? ORDER BY at DESC, seq DESC LIMIT ?",
            (self._scope, limit),
        )
        return tuple((row["its_hedge"], trade_of(row)) for row in rows)

    async def fills_between(self, start: datetime, end: datetime) -> tuple[BookedFill, ...]:
        """Hedges as in `recent_fills`."""
        pages = self._db.pages(
            "SELECT fill.*, plans.reference_price, coalesce(fill.hedge, (SELECT latest.hedge FROM plans AS latest"
            " WHERE latest.scope = fill.scope AND latest.symbol = fill.symbol ORDER BY latest.seq DESC LIMIT 1), '')"
            " AS its_hedge FROM attributed_fills AS fill"
            " LEFT JOIN plans ON plans.scope = fill.scope AND plans.plan_id = fill.plan_id"
            " WHERE fill.scope = ? AND fill.at < ? AND fill.at >= ? AND (fill.at, fill.trade_id, fill.seq) > (?, ?, ?)"
            " ORDER BY fill.at, fill.trade_id, fill.seq LIMIT ?",
            (self._scope, time_text(end)),
            key=("at", "at", "trade_id", "seq"),
            before=(time_text(start), "", 0, 0),
        )
        return tuple([_booked(row) async for rows in pages for row in rows])

    async def _is_booked(self, tx: Transaction, trade: Trade, *, told: bool = False) -> bool:
        """The trade list has the last word on fee and profit of what was only told before."""
        row = await tx.row(
            "SELECT * FROM fills WHERE scope = ? AND symbol = ? AND trade_id = ?",
            (self._scope, trade.symbol, trade.trade_id),
        )
        if row is None:
            return False
        known = trade_of(row)
        same = (known.venue_order_id, known.side, known.price, known.quantity_base) == (
            trade.venue_order_id,
            trade.side,
            trade.price,
            trade.quantity_base,
        )
        if not same:
            raise InvariantBroken(f"trade {trade.trade_id} of {trade.symbol} came back as another trade")
        if row["told"] and not told:
            await tx.execute(
                "UPDATE fills SET told = 0, fee = ?, fee_asset = ?, realised_pnl_quote = ? WHERE seq = ?",
                (number_text(trade.fee), trade.fee_asset, number_text(trade.realised_pnl_quote), row["seq"]),
            )
        return True

    async def _is_of_our_order(self, tx: Transaction, trade: Trade) -> bool:
        row = await tx.row(
            "SELECT 1 FROM orders WHERE scope = ? AND symbol = ? AND venue_order_id = ?",
            (self._scope, trade.symbol, trade.venue_order_id),
        )
        return row is not None

    async def _book(
        self, tx: Transaction, trade: Trade, origin: TradeOrigin, at: datetime, *, told: bool = False
    ) -> None:
        await tx.execute(
            "INSERT INTO fills (scope, symbol, trade_id, venue_order_id, origin, side, position_side, price,"
            " quantity_base, fee, fee_asset, realised_pnl_quote, is_maker, at, booked_at, told)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._scope,
                trade.symbol,
                trade.trade_id,
                trade.venue_order_id,
                origin,
                trade.side,
                trade.position_side,
                number_text(trade.price),
                number_text(trade.quantity_base),
                number_text(trade.fee),
                trade.fee_asset,
                number_text(trade.realised_pnl_quote),
                int(trade.is_maker),
                time_text(trade.at),
                time_text(at),
                int(told),
            ),
        )
        counts = origin in COUNTED_ORIGINS
        delta_base = signed_quantity(trade.side, trade.quantity_base) if counts else ZERO
        await add_to_leg(tx, self._scope, trade.symbol, trade.position_side, delta_base)


class SqliteJournal(PlanBook, OrderBook, FillBook):
    """`core.ports.Journal`."""

    async def record_intent(self, order: OrderRequest, plan: Plan, *, attempt: int, at: datetime) -> None:
        """Durable when it returns."""
        async with self._db.transaction() as tx:
            if attempt == 1 and not await self._has(tx, plan):
                await self._open(tx, plan)
            await self._intend(tx, order, hedge=plan.hedge, plan_id=plan.plan_id, attempt=attempt, at=at)

    async def take_in(self, report: OrderReport, fill: Trade | None, at: datetime) -> bool:
        """In one transaction. Raises InvariantBroken as `record_report` and `book_trades` do."""
        async with self._db.transaction() as tx:
            row = await self._stored(tx, report.client_order_id)
            if fill is not None and not await self._is_booked(tx, fill, told=True):
                await self._book(tx, fill, TradeOrigin.OURS, at, told=True)
            settled = report.status.is_final and await self._booked_of(tx, report) >= report.executed_base
            await self._record(tx, row, report, at, final=settled)
        return settled

    async def _booked_of(self, tx: Transaction, report: OrderReport) -> Decimal:
        rows = await tx.rows(
            "SELECT quantity_base FROM fills WHERE scope = ? AND symbol = ? AND venue_order_id = ?",
            (self._scope, report.symbol, report.venue_order_id),
        )
        return sum((Decimal(each["quantity_base"]) for each in rows), ZERO)


def _booked(row: Row) -> BookedFill:
    origin = TradeOrigin(row["origin"])
    return BookedFill(row["its_hedge"], origin, trade_of(row), maybe_number(row["reference_price"]))
