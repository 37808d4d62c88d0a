"""What `/status` and `status --json` show: one hedge at one moment. None is "unknown", never zero."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.account_ports import HeldLiquidity


@dataclass(frozen=True, slots=True)
class PositionStatus:
    id: int
    state: str
    side: str
    base: Decimal
    quote: Decimal
    fee_base: Decimal
    fee_quote: Decimal
    price_lower: Decimal
    price_upper: Decimal


@dataclass(frozen=True, slots=True)
class LpStatus:
    """Sums over the hedge's positions; `side` is that of the hedge as a whole: in when any is, else the common one."""

    state: str | None
    side: str | None
    base: Decimal | None
    quote: Decimal | None
    fee_base: Decimal | None
    fee_quote: Decimal | None
    price: Decimal | None
    block: int | None
    block_time: datetime | None
    positions: tuple[PositionStatus, ...]


@dataclass(frozen=True, slots=True)
class PerpStatus:
    """Not in the JSON, for people: balances of the account in QUOTE, and when all this was read, by our clock.

    `isolated`: the position is backed by what was put aside for it alone; None: not known.
    """

    symbol: str
    position_base: Decimal | None
    long_base: Decimal | None
    short_base: Decimal | None
    entry_price: Decimal | None
    mark_price: Decimal | None
    liquidation_price: Decimal | None
    available_balance: Decimal | None
    funding_rate: Decimal | None
    margin_balance: Decimal | None = None
    maintenance_margin: Decimal | None = None
    next_funding_time: datetime | None = None
    read_at: datetime | None = None
    isolated: bool | None = None


class DueKind(StrEnum):
    """What comes by itself at a known time.

    LOOK: the next one at the latest. GRACE: BASE that departed stops counting. FORCE, OUT_OF_RANGE: a trade inside the
    band. CLOSE: of a short without liquidity. ASK_AGAIN: of a proposal that nobody answered, EXPIRY: of one that waits.
    """

    LOOK = "look"
    FUNDING = "funding"
    COOLDOWN = "cooldown"
    SNOOZE = "snooze"
    ASK_AGAIN = "ask_again"
    EXPIRY = "expiry"
    GRACE = "grace"
    CLOSE = "close"
    FORCE = "force"
    OUT_OF_RANGE = "out_of_range"


@dataclass(frozen=True, slots=True)
class Due:
    kind: DueKind
    at: datetime


@dataclass(frozen=True, slots=True)
class QuoteStatus:
    """An order that rests by intention; `left_base`: what of it is not filled yet."""

    side: str
    left_base: Decimal
    price: Decimal | None
    since: datetime


@dataclass(frozen=True, slots=True)
class WorkStatus:
    """A plan under way: `orders` sent so far, of `slices` planned at the least (1: it is not sliced)."""

    side: str
    quantity_base: Decimal
    filled_base: Decimal
    orders: int
    slices: int
    quote: QuoteStatus | None


@dataclass(frozen=True, slots=True)
class HedgeStatus:
    """`band_quote` is the largest band in force, in QUOTE. Field names are the JSON's keys.

    `estimated`: the chain cannot be read, and the LP's figures are those of its last confirmed liquidity at the
    perpetual's price.

    Not in the JSON, for people: `base_symbol` (as the perpetual's name has it), `detail` (a sentence about the reason,
    may be empty), `chain_age_s`, `venue_age_s` (the account's), `last_hedge_at`, and all that has a default but
    `approval_id`, the proposal that waits for an answer;
    `market_pushed`: the exchange told the market by itself, None before the first. For the books: `held`;
    `beside_base`, BASE beside the LP that counts (departed, and the wallet's where it is hedged); `confirmed`, whether
    the last look believed every reading behind these figures. `stopped`: "halted", "paused" or empty, as it is at this
    moment, whatever the last look's reason was.
    """

    name: str
    state: str
    reason: str
    price: Decimal | None
    net_base: Decimal | None
    departed_base: Decimal | None
    target_base: Decimal | None
    gap_base: Decimal | None
    gap_quote: Decimal | None
    band_quote: Decimal | None
    residual_base: Decimal | None
    wallet_base: Decimal | None
    lp: LpStatus
    perp: PerpStatus
    estimated: bool
    base_symbol: str
    detail: str
    chain_age_s: float | None
    venue_age_s: float | None
    last_hedge_at: datetime | None
    held: tuple[HeldLiquidity, ...] = ()
    beside_base: Decimal = Decimal(0)
    confirmed: bool = False
    market_age_s: float | None = None
    market_pushed: bool | None = None
    work: WorkStatus | None = None
    due: tuple[Due, ...] = ()
    stopped: str = ""
    approval_id: str | None = None

    @property
    def awaits_answer(self) -> bool:
        """A question stands. At the look that asks it `reason` is that of the trade; after a silence none stands."""
        return self.state == "AWAITING_APPROVAL" and self.reason != "unanswered"
