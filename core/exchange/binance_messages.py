"""Binance's messages and what they mean here: one model per message, one function from message to fact.

Fields that we do not read may come, go and change; a field that we read must be there and be what it was, or the whole
message is `Malformed`. Amounts are taken from strings only, and only such as a market can have: what is not
plain digits, of another sign or beyond all reason is no amount. Binance counts some contracts in thousands
(1000PEPEUSDT): quantities and prices are turned into BASE here, so that no other module meets a contract unit.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from core.clock import at_ms
from core.facts import OrderReport, OrderSide, OrderStatus, PositionSide, SymbolRules, Trade


class Malformed(ValueError):
    """An answer that is not what it should be. Says which fields, never their values."""


def _exact(value: object) -> object:
    """Money comes as text. A JSON number has been through a binary float unless it is an integer."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < BEYOND):
        text = str(value)
        if _PLAIN.fullmatch(text):
            return text
    raise ValueError("not a decimal in text form")


def _whole(value: object) -> object:
    """Digits, as a number or as text."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("not a whole number")


BEYOND = 10**30
LATEST_MS = 4_102_444_800_000  # the year 2100: what is beyond is no time
_DIGITS = re.compile(r"[0-9]{1,30}")
_PLAIN = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
Money = Annotated[Decimal, BeforeValidator(_exact)]
Price = Annotated[Money, Field(gt=0)]
NotNegative = Annotated[Money, Field(ge=0)]
Rate = Annotated[Money, Field(gt=-1, lt=1)]
Whole = Annotated[int, BeforeValidator(_whole), Field(ge=0, lt=BEYOND)]
Stamp = Annotated[Whole, Field(gt=0, lt=LATEST_MS)]
Flag = Annotated[bool, Field(strict=True)]
Levels = tuple[tuple[Price, NotNegative], ...]


class Message(BaseModel):
    """Field names are ours, aliases are Binance's; every field without a default is required."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ServerTime(Message):
    server_time: Stamp = Field(alias="serverTime")


class SymbolFilter(Message):
    """Each kind of filter has some of these; `symbol_rules` asks for those it needs."""

    filter_type: str = Field(alias="filterType")
    tick_size: Money | None = Field(default=None, alias="tickSize")
    step_size: Money | None = Field(default=None, alias="stepSize")
    min_qty: Money | None = Field(default=None, alias="minQty")
    max_qty: Money | None = Field(default=None, alias="maxQty")
    notional: Money | None = None
    multiplier_down: Money | None = Field(default=None, alias="multiplierDown")
    multiplier_up: Money | None = Field(default=None, alias="multiplierUp")


class SymbolInfo(Message):
    symbol: str
    status: str
    contract_type: str = Field(alias="contractType")
    base_asset: str = Field(alias="baseAsset")
    margin_asset: str = Field(alias="marginAsset")
    filters: tuple[SymbolFilter, ...]


class RateLimit(Message):
    rate_limit_type: str = Field(alias="rateLimitType")
    interval: str
    interval_num: Annotated[Whole, Field(gt=0)] = Field(alias="intervalNum")
    limit: Annotated[Whole, Field(gt=0)]


class ExchangeInfo(Message):
    """Symbols stay raw here: one odd symbol among hundreds must not hide the others."""

    rate_limits: tuple[RateLimit, ...] = Field(alias="rateLimits")
    symbols: tuple[dict[str, object], ...]


class Depth(Message):
    """Levels of (price, quantity), best first; `event_ms` is when the exchange wrote the message."""

    bids: Levels
    asks: Levels
    event_ms: Stamp = Field(alias="E")


class PremiumIndex(Message):
    """`last_funding_rate` is the rate now building up for `next_funding_time`, in spite of its name."""

    symbol: str
    mark_price: Price = Field(alias="markPrice")
    index_price: NotNegative = Field(alias="indexPrice")
    last_funding_rate: Rate = Field(alias="lastFundingRate")
    next_funding_time: Annotated[Whole, Field(lt=LATEST_MS)] = Field(alias="nextFundingTime")
    time_ms: Stamp = Field(alias="time")


class PositionRow(Message):
    """A row of positionRisk, v2 or v3. `positionAmt` is negative when short."""

    symbol: str
    position_side: PositionSide = Field(alias="positionSide")
    position_amt: Money = Field(alias="positionAmt")
    entry_price: NotNegative = Field(alias="entryPrice")
    mark_price: NotNegative = Field(alias="markPrice")
    liquidation_price: Money = Field(alias="liquidationPrice")


class AssetRow(Message):
    """Margin balance is wallet plus unrealised profit, in the asset itself; the cross ones are without what isolated
    positions have to themselves."""

    asset: str
    margin_balance: Money = Field(alias="marginBalance")
    cross_wallet_balance: Money = Field(alias="crossWalletBalance")
    cross_unrealised: Money = Field(alias="crossUnPnl")
    available_balance: Money = Field(alias="availableBalance")
    maint_margin: Money = Field(alias="maintMargin")


class AccountTotals(Message):
    """Totals are in USD and mean the whole account in multi-assets mode only."""

    total_margin_balance: Money = Field(alias="totalMarginBalance")
    total_maint_margin: Money = Field(alias="totalMaintMargin")
    available_balance: Money = Field(alias="availableBalance")
    assets: tuple[AssetRow, ...]


class OrderRow(Message):
    """New Order, cancel, query and openOrders alike; avgPrice and cumQuote have left some of them, and are not read."""

    order_id: Whole = Field(alias="orderId")
    client_order_id: str = Field(alias="clientOrderId")
    symbol: str
    side: OrderSide
    status: str
    orig_qty: NotNegative = Field(alias="origQty")
    executed_qty: NotNegative = Field(alias="executedQty")
    update_time: Stamp = Field(alias="updateTime")


class TradeRow(Message):
    """Commission is positive when paid."""

    symbol: str
    trade_id: Whole = Field(alias="id")
    order_id: Whole = Field(alias="orderId")
    side: OrderSide
    position_side: PositionSide = Field(alias="positionSide")
    price: Price
    qty: Price
    commission: Money
    commission_asset: str = Field(alias="commissionAsset")
    realized_pnl: Money = Field(alias="realizedPnl")
    maker: Flag
    time_ms: Stamp = Field(alias="time")


class SymbolConfig(Message):
    symbol: str
    leverage: Annotated[Whole, Field(gt=0, le=1000)]
    margin_type: str = Field(alias="marginType")


class CommissionRate(Message):
    symbol: str
    maker_commission_rate: Rate = Field(alias="makerCommissionRate")
    taker_commission_rate: Rate = Field(alias="takerCommissionRate")


class Bracket(Message):
    """These come as JSON numbers of few digits, which pydantic reads by their shortest text."""

    notional_floor: Annotated[Decimal, Field(ge=0, lt=BEYOND)] = Field(alias="notionalFloor")
    notional_cap: Annotated[Decimal, Field(gt=0, lt=BEYOND)] = Field(alias="notionalCap")
    maint_margin_ratio: Annotated[Decimal, Field(ge=0, lt=1)] = Field(alias="maintMarginRatio")
    cum: Annotated[Decimal, Field(ge=0, lt=BEYOND)]


class SymbolBrackets(Message):
    symbol: str
    brackets: Annotated[tuple[Bracket, ...], Field(min_length=1)]


class PositionMode(Message):
    dual_side_position: Flag = Field(alias="dualSidePosition")


class MultiAssetsMode(Message):
    multi_assets_margin: Flag = Field(alias="multiAssetsMargin")


class IncomeRow(Message):
    """Of any kind; positive when received; `tran_id` unique within its type; `symbol` empty for a transfer."""

    symbol: str
    income_type: str = Field(alias="incomeType")
    income: Money
    asset: str
    time_ms: Stamp = Field(alias="time")
    tran_id: Whole = Field(alias="tranId")


class KeyPermissions(Message):
    """`GET /sapi/v1/account/apiRestrictions` of the spot host."""

    enable_futures: Flag = Field(alias="enableFutures")
    enable_withdrawals: Flag = Field(alias="enableWithdrawals")
    ip_restrict: Flag = Field(alias="ipRestrict")


ModelT = TypeVar("ModelT", bound=Message)

# States beside the plain ones: an order matched against its own account, and orders the exchange itself places.
STATUS_NAMES = {
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "NEW_INSURANCE": OrderStatus.NEW,
    "NEW_ADL": OrderStatus.NEW,
}
_NEEDED_FILTERS = ("LOT_SIZE", "MARKET_LOT_SIZE", "PRICE_FILTER", "MIN_NOTIONAL")
_MULTIPLE = re.compile(r"^(1000000|10000|1000|1M)(?=[A-Z])")
_UNITS = {"1M": 1_000_000}


def parse_one(model: type[ModelT], answer: object) -> ModelT:
    """Raises Malformed."""
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise Malformed(_complaint(model, error)) from None


def parse_many(model: type[ModelT], answer: object) -> tuple[ModelT, ...]:
    """A list of messages; anything but a list is Malformed, an empty one is an answer. Raises Malformed."""
    if not isinstance(answer, list):
        raise Malformed(f"the answer is not a list of {model.__name__}")
    return tuple(parse_one(model, row) for row in answer)


def parse_only(model: type[ModelT], answer: object, symbol: str) -> ModelT:
    """The one row of `symbol` in a list whose rows have a symbol. Raises Malformed."""
    for row in parse_many(model, answer):
        if getattr(row, "symbol", None) == symbol:
            return row
    raise Malformed(f"the answer has no {model.__name__} of {symbol}")


def server_time_ms(answer: object) -> int:
    """Since the epoch, by the exchange's clock. Raises Malformed."""
    return parse_one(ServerTime, answer).server_time


def base_of(asset: str) -> tuple[str, int]:
    """The coin behind a contract's base asset, and how many coins one contract unit is: 1000PEPE is 1000 PEPE."""
    found = _MULTIPLE.match(asset)
    if found is None:
        return asset, 1
    return asset[found.end() :], _UNITS.get(found[0]) or int(found[0])


def symbol_rules(info: SymbolInfo) -> SymbolRules:
    """Filters in BASE and QUOTE per BASE. Raises Malformed when one that we need is missing."""
    base, unit = base_of(info.base_asset)
    filters = {each.filter_type: each for each in info.filters}
    percent = filters.get("PERCENT_PRICE")
    try:
        lot, market_lot, price, notional = (filters[kind] for kind in _NEEDED_FILTERS)
    except KeyError:
        raise Malformed(f"{info.symbol} lacks one of its filters") from None
    return SymbolRules(
        symbol=info.symbol,
        base_asset=base,
        quote_asset=info.margin_asset,
        tick_size=_needed(price.tick_size, "tickSize") / unit,
        step_size=_needed(lot.step_size, "stepSize") * unit,
        min_quantity=_needed(lot.min_qty, "minQty") * unit,
        max_quantity=_needed(lot.max_qty, "maxQty") * unit,
        market_step_size=_needed(market_lot.step_size, "stepSize") * unit,
        market_min_quantity=_needed(market_lot.min_qty, "minQty") * unit,
        market_max_quantity=_needed(market_lot.max_qty, "maxQty") * unit,
        min_notional_quote=_needed(notional.notional, "notional"),
        lowest_of_mark=None if percent is None else _needed(percent.multiplier_down, "multiplierDown"),
        highest_of_mark=None if percent is None else _needed(percent.multiplier_up, "multiplierUp"),
    )


def order_report(row: OrderRow, unit: int) -> OrderReport:
    """`unit`: BASE per contract unit. Raises Malformed for a state that this program does not know."""
    try:
        status = STATUS_NAMES.get(row.status) or OrderStatus(row.status)
    except ValueError:
        raise Malformed("the order is in an unknown state") from None
    return OrderReport(
        client_order_id=row.client_order_id,
        venue_order_id=row.order_id,
        symbol=row.symbol,
        side=row.side,
        status=status,
        quantity_base=row.orig_qty * unit,
        executed_base=row.executed_qty * unit,
        updated_at=at_ms(row.update_time),
    )


def trade(row: TradeRow, unit: int) -> Trade:
    """`unit`: BASE per contract unit."""
    return Trade(
        symbol=row.symbol,
        trade_id=row.trade_id,
        venue_order_id=row.order_id,
        side=row.side,
        position_side=row.position_side,
        price=row.price / unit,
        quantity_base=row.qty * unit,
        fee=row.commission,
        fee_asset=row.commission_asset,
        realised_pnl_quote=row.realized_pnl,
        is_maker=row.maker,
        at=at_ms(row.time_ms),
    )


def _needed(value: Decimal | None, name: str) -> Decimal:
    if value is None or value <= 0:
        raise Malformed(f"the filter has no usable {name}")
    return value


def _complaint(model: type[Message], error: ValidationError) -> str:
    fields = sorted({".".join(str(part) for part in each["loc"]) or "the whole" for each in error.errors()})
    return f"the answer is not a {model.__name__}: {', '.join(fields[:5])}"
