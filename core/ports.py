"""What the core needs of the world, named by the need. Adapters implement these; only domain types cross."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from core.account_ports import Ban
from core.account_ports import Income as Income  # noqa: PLC0414 - named here by the venues that list it
from core.errors import LpHedgeError
from core.events import Event
from core.facts import (
    LpFacts,
    Market,
    OrderReport,
    OrderRequest,
    OrderSide,
    PerpAccount,
    PositionSide,
    SymbolRules,
    Trade,
)
from core.offers import Offer
from core.status import HedgeStatus


class LpPositions(Protocol):
    """The positions on one chain."""

    async def prepare(self) -> None:
        """Find contracts, tokens, decimals and ranges once, before the first `read`; may take several requests.

        Raises Refused for what no retry mends and no hedge survives (wrong chain id, no Multicall3, or the fault of
        the last hedge left: an id that never existed, a pair without a known stable), Transient when the node cannot
        answer now.
        """

    async def read(self) -> Mapping[str, LpFacts]:
        """All hedges of this chain at one block, by name, in one JSON-RPC request. Raises Transient or Refused."""

    def faults(self) -> Mapping[str, LpHedgeError]:
        """Hedges left out of the last read, each for a fault of its own that keeps no other from being read."""

    async def follow(self, hedge: str, position_id: int) -> None:
        """One more position of a hedge from the next read on. Raises Refused when it cannot be one, or Transient."""

    async def aclose(self) -> None:
        """Ends the connections to its nodes."""


class PerpVenue(Protocol):
    """A perpetual-futures venue, one account."""

    async def prepare(self, symbols: Sequence[str]) -> None:
        """Clock, modes and filters of `symbols`. Raises Refused (bad key, unknown symbol) or Transient."""

    def rules(self, symbol: str) -> SymbolRules:
        """Filters in BASE and QUOTE. Raises Refused for a symbol that was not prepared."""

    async def account(self, symbol: str) -> PerpAccount:
        """Position, balances, margin and fee rates. Raises Transient or Refused."""

    async def market(self, symbol: str) -> Market:
        """Book, mark and funding. Raises Refused, or Transient, also while one side of the book is empty."""

    async def place(self, order: OrderRequest, *, may_send: Callable[[], bool] | None = None) -> OrderReport:
        """Send once. Raises Refused (no order exists), Transient (not accepted, nothing exists), OutcomeUnknown.

        `may_send` is asked again before a request that was refused for its time stamp alone is sent once more.
        """

    async def find_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """None: the venue knows no such order *at this replica, now*, which alone proves nothing."""

    async def find_order_by_venue_id(self, symbol: str, venue_order_id: int) -> OrderReport | None:
        """Whose order a trade row belongs to; same meaning of None."""

    async def cancel(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """None: it was no longer open; query it for its final state."""

    async def cancel_unread(self, symbol: str, client_order_id: str) -> bool:
        """Also before the symbol was prepared, and so without a word of what it had executed.

        False: no open order has that id now. Raises Transient, also when the cancel may have happened, or Refused.
        """

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:
        """Everybody's on this account, not ours alone. Raises Transient or Refused."""

    async def trades(self, symbol: str, *, after_trade_id: int | None, since: datetime) -> tuple[Trade, ...]:
        """Our account's fills, oldest first: those with a greater id, or since a time when no id is known yet."""

    async def income(self, *, since: datetime) -> tuple[Income, ...]:
        """What the account was paid and has paid from then on, oldest first.

        Of a long history a first part without gaps, with every row of its last moment: ask again from there, until
        that moment is the last. A row may appear minutes after its own time. Raises Transient or Refused.
        """

    async def next_ban(self) -> Ban:
        """Returns when the venue has said that it answers nothing for a while, or for a longer one, and only then.

        Nothing is asked meanwhile: every other method raises Transient.
        """

    async def guard_resting(self, symbol: str, for_s: int) -> None:
        """All open orders of the symbol are cancelled by the venue unless this is called again within `for_s` seconds.

        0 ends it. Raises Transient or Refused.
        """

    async def aclose(self) -> None:
        """Ends the connections; an order that rests is left as it is."""


class PlanState(StrEnum):
    ACTIVE = "active"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Plan:
    """One intended change of the perp. `quantity_base` positive; `gap_base` signed, before capping, as decided."""

    plan_id: str
    hedge: str
    symbol: str
    side: OrderSide
    quantity_base: Decimal
    reduce_only: bool
    reason: str
    gap_base: Decimal
    reference_price: Decimal
    approval_id: str | None
    created_at: datetime
    state: PlanState = PlanState.ACTIVE


class OrderState(StrEnum):
    """The journal's word on one order: intent -> sent -> acknowledged -> final, or unknown -> resolved.

    `REFUSED`: the venue said no, nothing exists. `ABSENT`: an unknown proved never to have existed.
    """

    INTENT = "intent"
    UNKNOWN = "unknown"
    OPEN = "open"
    FINAL = "final"
    REFUSED = "refused"
    ABSENT = "absent"

    @property
    def is_settled(self) -> bool:
        """Nothing about it is in doubt: nobody asks the venue for it again."""
        return self in (OrderState.FINAL, OrderState.REFUSED, OrderState.ABSENT)


@dataclass(frozen=True, slots=True)
class JournalOrder:
    request: OrderRequest
    hedge: str
    plan_id: str
    attempt: int
    state: OrderState
    venue_order_id: int | None
    executed_base: Decimal
    recorded_at: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class LegPositions:
    """The journal's sums: fills of our orders plus what was adopted. `short_base` is never negative."""

    net_base: Decimal
    long_base: Decimal
    short_base: Decimal


class TradeOrigin(StrEnum):
    OURS = "ours"
    FOREIGN = "foreign"
    LIQUIDATION = "liquidation"
    ADL = "adl"


# What the journal's own sum is made of. A liquidation is not: like a stranger's trade it is for a person to look at.
COUNTED_ORIGINS = frozenset({TradeOrigin.OURS, TradeOrigin.ADL})


@dataclass(frozen=True, slots=True)
class BookedFill:
    """A fill as the journal has it. `hedge` '' when nobody knows whose; `arrival_price`: the mid when its plan was
    made, None for a trade that is not ours."""

    hedge: str
    origin: TradeOrigin
    trade: Trade
    arrival_price: Decimal | None


class Journal(Protocol):
    """The truth about what we did, for one mode and account. Each method is durable when it returns."""

    async def close_plan(self, plan_id: str, state: PlanState, at: datetime) -> bool:
        """True if this ended it; the first end stands. Raises InvariantBroken for another one, or an unknown id."""

    async def active_plan(self, hedge: str) -> Plan | None:
        """None between plans; a hedge has one at most."""

    async def record_intent(self, order: OrderRequest, plan: Plan, *, attempt: int, at: datetime) -> None:
        """Before the request leaves; the first attempt opens its plan with it, in one transaction.

        Raises InvariantBroken when the client order id was ever used, or the hedge has another active plan.
        """

    async def record_state(self, client_order_id: str, state: OrderState, detail: str, at: datetime) -> bool:
        """Ignored for a settled order. False, with nothing written, when an order is to count as refused or absent of
        which the venue has told meanwhile.
        """

    async def record_report(self, report: OrderReport, at: datetime, *, booked: bool = True) -> None:
        """Sets OPEN or FINAL; executed quantity never falls; a settled order is not reopened.

        `booked` False: the fills are not all in the journal yet, so that even a final report leaves it OPEN.
        """

    async def take_in(self, report: OrderReport, fill: Trade | None, at: datetime) -> bool:
        """As `record_report`, with one of the order's fills; True once it is final and all of its fills are booked."""

    async def order(self, client_order_id: str) -> JournalOrder | None:
        """None for an id under which this journal recorded no intent."""

    async def plan_orders(self, plan_id: str) -> tuple[JournalOrder, ...]:
        """In the order of their intents."""

    async def unsettled_orders(self, symbol: str | None = None) -> tuple[JournalOrder, ...]:
        """Oldest first; `symbol` None: of every symbol."""

    async def book_trades(self, trades: Sequence[tuple[Trade, TradeOrigin]], at: datetime) -> tuple[Trade, ...]:
        """Adds the fills not yet there, by (symbol, trade_id), and returns just those."""

    async def own_venue_order_ids(self, symbol: str) -> Mapping[int, str]:
        """venue order id -> client order id of this journal's orders."""

    async def plan_fills(self, plan_id: str) -> tuple[Trade, ...]:
        """Of all its orders, oldest first."""

    async def last_trade_id(self, symbol: str) -> int | None:
        """The newest booked from the trade list. What was only told may have older ones before it, unread."""

    async def positions(self, symbol: str) -> LegPositions | None:
        """Sums over own and ADL fills and adoptions. None before any fill or adoption was booked."""

    async def adopt(self, symbol: str, leg: PositionSide, delta_base: Decimal, *, actor: str, at: datetime) -> None:
        """`delta_base` is signed as the net position is, on every leg: negative adds to a short."""

    async def unapproved_fills_quote(
        self, hedge: str, since: datetime, *, confirmed: Collection[str]
    ) -> Mapping[OrderSide, Decimal]:
        """Notional filled since then, by side, by plans without an approval whose reason is not `confirmed` itself."""

    async def recent_fills(self, limit: int) -> tuple[tuple[str, Trade], ...]:
        """(hedge, fill), newest first."""

    async def fills_between(self, start: datetime, end: datetime) -> tuple[BookedFill, ...]:
        """Of every hedge and origin, oldest first by the trade's own time, `start` included, `end` not."""


class ApprovalState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    VOIDED = "voided"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Approval:
    """A proposal to a person. `quantity_base` is the whole gap to be closed, positive; at most this much is executed.

    `used_base`: filled under it so far. `shown`: what the message showed, as text by field, kept for the audit.
    `ask_count`: how many times the same need was proposed, 1 the first time.
    """

    approval_id: str
    hedge: str
    symbol: str
    side: OrderSide
    quantity_base: Decimal
    notional_quote: Decimal
    reason: str
    shown: Mapping[str, str]
    created_at: datetime
    expires_at: datetime
    state: ApprovalState
    ask_count: int = 1
    used_base: Decimal = Decimal(0)
    decided_at: datetime | None = None
    decided_by: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Gist:
    """What a message is about, for when many waited: `hedge` empty for the whole program; `at`: the time as people read
    it. All of one `thread` (empty: none) take each other's place; `ends`: this one says that the matter is over."""

    hedge: str
    topic: str
    at: str
    thread: str = ""
    ends: bool = False
    figures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message to the operator, a row first. `key` is unique: the same key twice is one message.

    `edits`: key of an earlier message whose text and buttons this one replaces; `replies_to`: key it answers.
    `buttons`: rows of (label, callback data, style or empty). `html`: the text is Telegram HTML, else plain.
    `priority` 0 first (approvals, alarms), 1 normal.
    """

    key: str
    text: str
    html: bool
    priority: int
    silent: bool
    created_at: datetime
    buttons: tuple[tuple[tuple[str, str, str], ...], ...] = ()
    edits: str | None = None
    replies_to: str | None = None
    gist: Gist | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    chat_id: int
    message_id: int


class Outbox(Protocol):
    async def put(self, message: OutboxMessage) -> None:
        """The first message of a key stands, a later one of the same key is dropped."""

    async def due(self, now: datetime, limit: int) -> tuple[OutboxMessage, ...]:
        """Undelivered, by priority then age, whose `not_before` has passed, or is further ahead than anything is
        postponed."""

    async def deliveries(self, key: str) -> tuple[Delivery, ...]:
        """Which messages it became, and where; empty until it was sent."""

    async def record_delivery(self, key: str, delivery: Delivery) -> None:
        """The same one again changes nothing."""

    async def finish(self, key: str, at: datetime) -> None:
        """It is not due any more. The first time stands."""

    async def postpone(self, key: str, not_before: datetime, why: str) -> None:
        """Not due before then, a minute from now at most; `why` is kept with it."""

    async def merge(self, digest: OutboxMessage, keys: Sequence[str], at: datetime) -> None:
        """`digest` takes the place of the messages of these keys, which are finished by it: all or nothing."""

    async def backlog(self) -> int:
        """How many are not finished, postponed ones too."""

    async def has_rung(self, beginning: str, since: datetime) -> bool:
        """Whether a message that is not silent, whose key begins so, was written since then."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """An operator's wish as a row: written by the front end or by another process, consumed by the engine."""

    command_id: int
    name: str
    args: tuple[str, ...]
    actor: str
    source: str
    issued_at: datetime


class CommandQueue(Protocol):
    async def put(
        self, name: str, args: Sequence[str], *, actor: str, source: str, update_key: str | None, at: datetime
    ) -> int | None:
        """The row's id; None when `update_key` was seen before (a redelivery)."""

    async def pending(self) -> tuple[Command, ...]:
        """Not carried out yet, oldest first."""

    async def of_key(self, update_key: str) -> tuple[Command, bool | None] | None:
        """The row that was written with this key, and whether it was carried out; None while it waits."""

    async def finish(self, command_id: int, *, ok: bool, answer: str, at: datetime) -> None:
        """Keeps the answer for whoever wrote the row. Raises InvariantBroken when it has one."""

    async def answer(self, command_id: int) -> tuple[bool, str] | None:
        """(ok, text) once consumed, None while it waits."""


class Confirmations(Protocol):
    """Questions of the kind "really?": a token good for one use until it expires."""

    async def put(self, token: str, command: str, *, actor: str, expires_at: datetime) -> None:
        """Raises InvariantBroken when the token was used before."""

    async def take(self, token: str, *, actor: str, now: datetime) -> str | None:
        """The command, to the asker's first tap in time; None to every other."""


class HedgeMemory(Protocol):
    """The kernel's and life cycle's memory of one hedge, as one JSON text."""

    async def load(self, hedge: str) -> str | None:
        """None when nothing was ever saved for it."""

    async def save(self, hedge: str, memory: str, at: datetime) -> None:
        """In place of what was saved before; durable when it returns."""


class EventLog(Protocol):
    async def append(self, event: Event) -> None:
        """Behind all that were appended before it; nothing is dropped as a repetition."""

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        """Newest first; `hedge` None: those of every hedge and of the whole program."""


class News(EventLog, Protocol):
    """An `EventLog` that keeps an event and what tells of it together."""

    async def append(self, event: Event, messages: Sequence[OutboxMessage] = (), offers: Sequence[Offer] = ()) -> None:
        """In one transaction. The first message of a key stands; `offers`: as they stand after it, a settled one stays
        as it was settled first."""


class EngineView(Protocol):
    """What front ends may see of the running engine: its latest words, without waiting for a read."""

    def statuses(self) -> tuple[HedgeStatus, ...]:
        """One of each hedge."""

    def hedge_names(self) -> tuple[str, ...]:
        """In the order of the configuration."""

    def wake(self, hedge: str | None = None) -> None:
        """Evaluate soon; None: every hedge, and the command queue."""
