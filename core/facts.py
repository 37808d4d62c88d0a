"""Facts: frozen values that the adapters read, each with when it was true.

Signs and units (the whole program's): BASE is the volatile token, QUOTE the stable one, prices are QUOTE per BASE
whatever the token order; `perp_base` is negative when short. Human amounts are `Decimal`, chain integers `int`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

# Long enough that one swap hardly moves it, short enough that most pools remember it.
AVERAGE_OVER = timedelta(seconds=300)


class RangeSide(StrEnum):
    """Where the price stands against a position's range. Below: all BASE. Above: all QUOTE."""

    BELOW = "below"
    IN = "in"
    ABOVE = "above"


class OrderSide(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """Of the change of the position: +1 for a purchase, -1 for a sale."""
        return 1 if self is OrderSide.BUY else -1

    @property
    def opposite(self) -> OrderSide:
        return OrderSide.SELL if self is OrderSide.BUY else OrderSide.BUY


class PositionSide(StrEnum):
    """Binance's leg: BOTH in one-way mode, LONG and SHORT in hedge mode."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


class OrderStatus(StrEnum):
    """State of an order at the venue: all but NEW and PARTIALLY_FILLED are final, and a final one may carry fills."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"

    @property
    def is_final(self) -> bool:
        """Nothing more will execute under it."""
        return self not in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


@dataclass(frozen=True, slots=True)
class Token:
    address: str
    symbol: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Block:
    """`parent_hash`: of the block before, which tells its branch; None where a contract cannot see it.

    A contract never sees its own block's hash, and facts are what contracts answer.
    """

    number: int
    parent_hash: str | None
    time: datetime


@dataclass(frozen=True, slots=True)
class LpPosition:
    """One V3 position at one block.

    `base`, `quote`: what burning all liquidity would add (rounded down as the contract does). `owed_base`,
    `owed_quote`: all else that `collect` would then pay: tokensOwed (fees, and principal parked by a decrease) plus
    growth not yet poked. Exact to the token's last unit. `base_at_lower_edge`: BASE the liquidity turns into at or
    below the range.
    """

    position_id: int
    owner: str
    pool: str
    base_is_token0: bool
    base_decimals: int
    quote_decimals: int
    liquidity: int
    tick_lower: int
    tick_upper: int
    sqrt_price_x96: int
    price: Decimal
    base: Decimal
    quote: Decimal
    owed_base: Decimal
    owed_quote: Decimal
    price_lower: Decimal
    price_upper: Decimal
    side: RangeSide
    base_at_lower_edge: Decimal


@dataclass(frozen=True, slots=True)
class LpFacts:
    """All positions of one hedge, read at one block.

    `missing_ids` existed once and are gone (burnt). `wallet_base` is None when no wallet was asked for; native coin
    and wrapped form together. `price` is the pool price of the position with most value, or of the pool when none.
    `unfollowed_ids`: other positions of the same wallet, in the same pools, that hold liquidity. `unfollowed_quote`:
    what burning that liquidity would pay, by id; an id that is not there is of unknown value.
    `pool_prices`: of every pool that the hedge has or had positions in, by address. `average_price`: the leading pool's
    own average over the last AVERAGE_OVER, None where it does not remember so far back.
    `reorganised_from`: number of a block read earlier that has been replaced since; None: none is known.
    """

    block: Block
    as_of: datetime
    source: str
    base: Token
    quote: Token
    price: Decimal
    positions: tuple[LpPosition, ...]
    missing_ids: tuple[int, ...]
    wallet_base: Decimal | None
    unfollowed_ids: tuple[int, ...] = ()
    unfollowed_quote: Mapping[int, Decimal] = field(default_factory=dict)
    pool_prices: Mapping[str, Decimal] = field(default_factory=dict)
    average_price: Decimal | None = None
    reorganised_from: int | None = None


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """A perpetual's filters, all from the venue's own list. Steps and quantities in BASE, prices in QUOTE.

    Where the venue counts in thousands (1000PEPEUSDT) its adapter has divided: BASE is PEPE. `lowest_of_mark` and
    `highest_of_mark`: what a price may be as a fraction of the mark; None: the venue names no such bound.
    """

    symbol: str
    base_asset: str
    quote_asset: str
    tick_size: Decimal
    step_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    market_step_size: Decimal
    market_min_quantity: Decimal
    market_max_quantity: Decimal
    min_notional_quote: Decimal
    lowest_of_mark: Decimal | None = None
    highest_of_mark: Decimal | None = None


@dataclass(frozen=True, slots=True)
class MarginTier:
    """Above `floor_quote` of notional a leg must keep `notional * rate - deduction_quote`."""

    floor_quote: Decimal
    rate: Decimal
    deduction_quote: Decimal


@dataclass(frozen=True, slots=True)
class PerpAccount:
    """The venue's position in one symbol and what backs it, read together.

    `position_base` = LONG leg minus SHORT leg, negative when short; `short_base` is the size of the SHORT leg (one-way
    mode: the short part of BOTH), never negative. `liquidation_price` None: there is none. Balances in QUOTE.
    `maintenance_rate` and `initial_rate` are fractions of notional at today's size and leverage. `isolated`: the
    position is backed by what was put aside for it alone, while the balances are the account's. `maintenance_tiers`:
    the symbol's, smallest first, none where the venue names none.
    """

    symbol: str
    hedge_mode: bool
    position_base: Decimal
    long_base: Decimal
    short_base: Decimal
    entry_price: Decimal | None
    liquidation_price: Decimal | None
    margin_balance_quote: Decimal
    available_balance_quote: Decimal
    maintenance_margin_quote: Decimal
    initial_rate: Decimal
    maintenance_rate: Decimal
    taker_fee_rate: Decimal
    maker_fee_rate: Decimal
    as_of: datetime
    isolated: bool = False
    maintenance_tiers: tuple[MarginTier, ...] = ()


@dataclass(frozen=True, slots=True)
class BookLevel:
    price: Decimal
    quantity_base: Decimal


@dataclass(frozen=True, slots=True)
class Market:
    """Book, mark and funding of one perpetual. `bids` best first (falling), `asks` best first (rising), neither empty.

    `funding_rate`: fraction of notional at `next_funding_time`; positive: longs pay shorts.
    """

    symbol: str
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    mark_price: Decimal
    index_price: Decimal
    funding_rate: Decimal
    next_funding_time: datetime
    as_of: datetime

    @property
    def best_bid(self) -> Decimal:
        """What a seller gets at once, for as much as stands there."""
        return self.bids[0].price

    @property
    def best_ask(self) -> Decimal:
        """What a buyer pays at once, for as much as stands there."""
        return self.asks[0].price

    @property
    def mid(self) -> Decimal:
        """Halfway between the best two, not rounded to a tick."""
        return (self.best_bid + self.best_ask) / 2


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    GTX = "GTX"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as it will be sent. `quantity_base` positive, a multiple of the step; `price` only for LIMIT."""

    client_order_id: str
    symbol: str
    side: OrderSide
    quantity_base: Decimal
    order_type: OrderType
    reduce_only: bool
    position_side: PositionSide = PositionSide.BOTH
    price: Decimal | None = None
    time_in_force: TimeInForce | None = None


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What the venue says of one order. `executed_base` is cumulative; the price comes from trades, not from here."""

    client_order_id: str
    venue_order_id: int
    symbol: str
    side: OrderSide
    status: OrderStatus
    quantity_base: Decimal
    executed_base: Decimal
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill, as the venue's own trade list has it. Unique by (symbol, trade_id).

    `fee` is in `fee_asset`, positive when paid. `realised_pnl_quote` before fees.
    """

    symbol: str
    trade_id: int
    venue_order_id: int
    side: OrderSide
    position_side: PositionSide
    price: Decimal
    quantity_base: Decimal
    fee: Decimal
    fee_asset: str
    realised_pnl_quote: Decimal
    is_maker: bool
    at: datetime
