"""What `/status` and `status --json` show: one hedge at one moment. None is "unknown", never zero."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

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
    """Not in the JSON, for people: balances of the account in QUOTE, and when all this was read, by our clock."""

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


@dataclass(frozen=True, slots=True)
class HedgeStatus:
    """`band_quote` is the largest band in force, in QUOTE. Field names are the JSON's keys.

    `estimated`: the chain cannot be read, and the LP's figures are those of its last confirmed liquidity at the
    perpetual's price.

    Not in the JSON, for people: `base_symbol`, `detail` (a sentence about the reason, may be empty), `chain_age_s`,
    `venue_age_s`, `last_hedge_at`. For the books: `held`; `beside_base`, BASE beside the LP that counts (departed, and
    the wallet's where it is hedged); `confirmed`, whether the last look believed every reading behind these figures.
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
