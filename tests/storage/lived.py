"""A database that was lived in: rows as the program writes them, of so many hedges and days, put in by the thousand.

Also into the schema of an earlier version: a column or table that it does not have is left out.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from core.account_ports import HeldLiquidity
from storage.columns import time_text
from storage.database import open_database
from storage.schema import MIGRATIONS
from storage.series import held_text

SCOPE = "paper:default"
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
SYMBOLS = ("ETHUSDT", "BNBUSDT", "BTCUSDT", "SOLUSDT", "LINKUSDT")
TRADES_A_DAY, DECISIONS_A_DAY, MINUTES_A_DAY = 10, 60, 1440
HELD = (HeldLiquidity(7, True, 18, 18, 60_000, 68_000, 10**21, Decimal(0), Decimal(0)),)
TEXT = (
    "✅ <b>{}</b>: SELL 0.412 BASE at 2,004.12, mid 2,004.31, 0.9 bp of slippage, fee 0.41 QUOTE. Position -4.123 BASE."
)
Row = dict[str, object]


@dataclass(slots=True)
class Hedge:
    """Where its walk is; mutable. Quantities in thousandths of BASE."""

    name: str
    symbol: str
    price: float = 2000.0
    position: int = -4000
    fees: float = 0.0


@dataclass(slots=True)
class Life:
    """`per_minute` False: readings by the hour, for what is about something else."""

    path: Path
    hedges: int = 5
    per_minute: bool = True
    days: int = 0
    trades: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    walks: list[Hedge] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return BEGAN + timedelta(days=self.days)

    async def begin(self, version: int | None = None) -> None:
        """An empty database, of an earlier schema version if asked."""
        folder = MIGRATIONS
        if version is not None:
            folder = self.path.with_name(f"migrations of {version}")
            folder.mkdir(exist_ok=True)
            for file in sorted(MIGRATIONS.glob("*.sql"))[:version]:
                (folder / file.name).write_text(file.read_text())
        async with open_database(self.path, now=BEGAN, migrations=folder):
            self.walks = [Hedge(symbol[:-4].lower(), symbol) for symbol in SYMBOLS[: self.hedges]]
        with closing(sqlite3.connect(self.path)) as connection, connection:
            _Writer(connection).put(
                "meta", [{"key": f"began:{SCOPE}", "value": BEGAN.isoformat()}, {"key": "last_scope", "value": SCOPE}]
            )

    def go_on(self, days: int) -> None:
        """So many more days, in one transaction that nobody waits for."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            writer = _Writer(connection)
            for _ in range(days):
                for walk in self.walks:
                    self._day(writer, walk)
                self.days += 1
            writer.put("leg_totals", [_total(walk) for walk in self.walks], replace=True)

    def _day(self, writer: _Writer, walk: Hedge) -> None:
        at = self.now
        if self.days % 30 == 0:
            held = {"at": time_text(at), "symbol": walk.symbol, "positions": held_text(HELD[: 1 - self.days // 30 % 2])}
            writer.put("holdings", [{"scope": SCOPE, "hedge": walk.name, **held}])
        if self.days % 7 == 0:
            writer.put("events", [_event(None, "started", at, version="1.0.0", mode="paper")])
        step = 1 if self.per_minute else 60
        traded = sorted(self.chance.sample(range(0, MINUTES_A_DAY, step), TRADES_A_DAY))
        rows = []
        for minute in range(0, MINUTES_A_DAY, step):
            walk.price *= 1 + self.chance.gauss(0, 0.0006)
            walk.fees += self.chance.random() * 0.02
            moment = at + timedelta(minutes=minute, microseconds=self.chance.randrange(1_000_000))
            if minute in traded:
                self._trade(writer, walk, moment)
            rows.append(self._reading(walk, moment, landmark=minute % 60 == 0))
        writer.put("series", rows)
        writer.put("account_samples", [_sample(walk, row) for row in rows])
        writer.put("events", [self._decision(walk, at, number) for number in range(DECISIONS_A_DAY)])
        writer.put("income", [_income(walk, at + timedelta(hours=8 * n), "FUNDING_FEE", n) for n in range(3)])
        self._said(writer, walk, at)

    def _digits(self, value: float) -> str:
        return f"{value:.6f}{self.chance.getrandbits(40):012d}"

    def _reading(self, walk: Hedge, at: datetime, *, landmark: bool) -> Row:
        gap = self.chance.random() * 0.05
        return {
            "scope": SCOPE,
            "hedge": walk.name,
            "at": time_text(at),
            "price": self._digits(walk.price),
            "net_base": self._digits(4.2),
            "perp_base": f"{walk.position / 1000:.3f}",
            "gap_base": self._digits(gap),
            "gap_quote": self._digits(gap * walk.price),
            "residual_base": self._digits(-gap),
            "figures": json.dumps({"band_quote": "121.4839201748392017"}),
            "mark_price": f"{walk.price:.8f}",
            "lp_base": self._digits(4.2),
            "lp_quote": self._digits(8000 + walk.price),
            "fee_base": self._digits(walk.fees / 2000),
            "fee_quote": self._digits(walk.fees),
            "landmark": int(landmark),
        }

    def _trade(self, writer: _Writer, walk: Hedge, at: datetime) -> None:
        self.trades += 1
        number, sells = self.trades, walk.position > -4000
        walk.position += -400 if sells else 400
        moment, quantity, plan_id = time_text(at), "0.400", f"p{number}"
        side = "SELL" if sells else "BUY"
        approval_id = f"a{number}" if number % 50 == 0 else None
        base: Row = {"scope": SCOPE, "hedge": walk.name, "symbol": walk.symbol, "side": side, "reason": "band_exceeded"}
        base |= {"quantity_base": quantity, "reduce_only": 0, "position_side": "BOTH", "price": f"{walk.price:.2f}"}
        done: Row = {"plan_id": plan_id, "approval_id": approval_id, "created_at": moment, "state": "done"}
        writer.put("plans", [base | done | {"gap_base": "0.4", "reference_price": "2000.1", "closed_at": moment}])
        order: Row = {"client_order_id": f"lph-{number}", "plan_id": plan_id, "attempt": 1, "order_type": "MARKET"}
        order |= {"state": "final", "venue_order_id": number, "executed_base": quantity, "detail": "FILLED"}
        writer.put("orders", [base | order | {"recorded_at": moment, "changed_at": moment}])
        fill: Row = {"trade_id": number, "venue_order_id": number, "origin": "ours", "fee": "0.32", "fee_asset": "USDT"}
        writer.put(
            "fills", [base | fill | {"realised_pnl_quote": "0.5", "is_maker": 0, "at": moment, "booked_at": moment}]
        )
        if approval_id is not None:
            given: Row = {"approval_id": approval_id, "notional_quote": "800", "shown": "{}", "created_at": moment}
            given |= {
                "expires_at": moment,
                "state": "done",
                "ask_count": 1,
                "used_base": quantity,
                "changed_at": moment,
            }
            writer.put("approvals", [base | given])
        kinds = ("plan_opened", "hedge_executed")
        writer.put("events", [_event(walk.name, kind, at, side=side, quantity_base=quantity) for kind in kinds])
        writer.put("income", [_income(walk, at, kind, number + 10**9) for kind in ("COMMISSION", "REALIZED_PNL")])

    def _decision(self, walk: Hedge, at: datetime, number: int) -> Row:
        data = {"state": "COOLDOWN", "reason": "cooldown", "gap_base": self._digits(0.05)}
        return _event(walk.name, "decision_changed", at + timedelta(minutes=24 * number), **data)

    def _said(self, writer: _Writer, walk: Hedge, at: datetime) -> None:
        """What was told and asked, each with its end."""
        moment = time_text(at)
        rows: list[Row] = []
        for number in range(TRADES_A_DAY + 5):
            key = f"hedge_executed:{walk.name}:{at.isoformat()}:{number}"
            rows.append({"key": key, "text": TEXT.format(walk.name), "html": 1, "priority": 1, "silent": 1})
        ends: Row = {"created_at": moment, "buttons": "[]", "postponements": 0, "finished_at": moment}
        writer.put("outbox", [row | ends for row in rows])
        writer.put("deliveries", [{"key": row["key"], "chat_id": 1, "message_id": 1} for row in rows])
        who: Row = {"actor": "Anna (tg:1)", "source": "telegram"}
        answered: Row = {"issued_at": moment, "finished_at": moment, "ok": 1, "answer": "Done."}
        writer.put("commands", [who | answered | {"name": "pause", "args": f'["{walk.name}"]'}])
        writer.put("audit", [who | {"action": "pause", "detail": walk.name, "at": moment}])
        token = f"{walk.name}:{self.days}"
        writer.put("confirmations", [{"token": token, "command": "x", "actor": "tg:1", "expires_at": moment}])


class _Writer:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._columns: dict[str, set[str]] = {}

    def put(self, table: str, rows: list[Row], *, replace: bool = False) -> None:
        known = self._known(table)
        if not known or not rows:
            return
        names = [name for name in rows[0] if name in known]
        places = ", ".join("?" * len(names))
        verb = "INSERT OR REPLACE" if replace else "INSERT"
        sql = f"{verb} INTO {table} ({', '.join(names)}) VALUES ({places})"
        self._connection.executemany(sql, ([row[name] for name in names] for row in rows))

    def _known(self, table: str) -> set[str]:
        if table not in self._columns:
            rows: Iterator[tuple[int, str]] = iter(self._connection.execute(f"PRAGMA table_info({table})"))
            self._columns[table] = {row[1] for row in rows}
        return self._columns[table]


def _event(hedge: str | None, kind: str, at: datetime, **data: str) -> Row:
    return {"scope": SCOPE, "kind": kind, "hedge": hedge, "at": time_text(at), "data": json.dumps(data)}


def _income(walk: Hedge, at: datetime, kind: str, number: int) -> Row:
    moment = time_text(at)
    income_id = number if number >= 10**9 else int(at.timestamp()) * 10 + SYMBOLS.index(walk.symbol)
    row: Row = {"scope": SCOPE, "kind": kind, "income_id": income_id, "symbol": walk.symbol, "amount": "-0.32"}
    return row | {"asset": "USDT", "at": moment, "booked_at": moment}


def _sample(walk: Hedge, row: Row) -> Row:
    figures: Row = {
        "margin_balance_quote": "10012.34567890",
        "maintenance_margin_quote": "41.02",
        "funding_rate": "0.0001",
    }
    more: Row = {"available_quote": "8123.45678901", "liquidation_price": "3120.12", "next_funding_at": row["at"]}
    same: Row = {"at": row["at"], "position_base": row["perp_base"], "mark_price": row["mark_price"]}
    return {"scope": SCOPE, "symbol": walk.symbol} | same | figures | more


def _total(walk: Hedge) -> Row:
    net = Decimal(walk.position + 4000) / 1000
    return {"scope": SCOPE, "symbol": walk.symbol, "leg": "BOTH", "net_base": str(net)}
