"""What the rig trades: filters and margin tiers in the shape of the live exchange of 2026."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Bracket:
    """One margin tier; `cum` is the maintenance amount deducted at that tier, in QUOTE."""

    floor: int
    cap: int
    max_leverage: int
    rate: Decimal
    cum: Decimal


BRACKETS = (
    Bracket(0, 50_000, 125, Decimal("0.004"), Decimal(0)),
    Bracket(50_000, 600_000, 100, Decimal("0.005"), Decimal(50)),
    Bracket(600_000, 3_000_000, 75, Decimal("0.0065"), Decimal(950)),
    Bracket(3_000_000, 12_000_000, 50, Decimal("0.01"), Decimal(11450)),
    Bracket(12_000_000, 70_000_000, 25, Decimal("0.02"), Decimal(131450)),
)


@dataclass(frozen=True, slots=True)
class Instrument:
    """A perpetual; `tick` is deliberately independent of `price_precision`, as on the live exchange."""

    symbol: str
    base: str
    price: Decimal
    tick: Decimal
    price_precision: int
    step: Decimal
    quantity_precision: int
    max_quantity: Decimal
    max_market_quantity: Decimal
    min_notional: Decimal
    quote: str = "USDT"
    multiplier_down: Decimal = Decimal("0.9500")
    multiplier_up: Decimal = Decimal("1.0500")
    brackets: tuple[Bracket, ...] = BRACKETS
    funding_hours: int = 8

    def bracket_of(self, notional: Decimal) -> Bracket:
        return next((tier for tier in self.brackets if abs(notional) <= tier.cap), self.brackets[-1])

    def price_text(self, price: Decimal) -> str:
        return f"{price:.{self.price_precision}f}"

    def quantity_text(self, quantity: Decimal) -> str:
        return f"{quantity:.{self.quantity_precision}f}"


def _instrument(
    symbol: str,
    base: str,
    price: str,
    tick: tuple[str, int],
    step: tuple[str, int],
    largest: tuple[str, str],
    notional: str,
) -> Instrument:
    return Instrument(
        symbol=symbol,
        base=base,
        price=Decimal(price),
        tick=Decimal(tick[0]),
        price_precision=tick[1],
        step=Decimal(step[0]),
        quantity_precision=step[1],
        max_quantity=Decimal(largest[0]),
        max_market_quantity=Decimal(largest[1]),
        min_notional=Decimal(notional),
    )


def default_instruments() -> dict[str, Instrument]:
    listed = (
        _instrument("BTCUSDT", "BTC", "60000", ("0.10", 2), ("0.001", 3), ("1000", "120"), "100"),
        _instrument("ETHUSDT", "ETH", "2000", ("0.01", 2), ("0.001", 3), ("10000", "2000"), "20"),
        _instrument("BNBUSDT", "BNB", "600", ("0.010", 3), ("0.01", 2), ("100000", "20000"), "5"),
        _instrument("1000PEPEUSDT", "1000PEPE", "0.0100", ("0.0000100", 7), ("1", 0), ("200000000", "100000000"), "5"),
    )
    return {instrument.symbol: instrument for instrument in listed}


def exchange_info_entry(instrument: Instrument) -> dict[str, object]:
    lot = {"stepSize": str(instrument.step), "minQty": str(instrument.step)}
    return {
        "symbol": instrument.symbol,
        "pair": instrument.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.quote,
        "pricePrecision": instrument.price_precision,
        "quantityPrecision": instrument.quantity_precision,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["Layer-1"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10000,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "tickSize": str(instrument.tick),
                "minPrice": str(instrument.tick),
                "maxPrice": "1000000",
            },
            {"filterType": "LOT_SIZE", "maxQty": str(instrument.max_quantity), **lot},
            {"filterType": "MARKET_LOT_SIZE", "maxQty": str(instrument.max_market_quantity), **lot},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
            {"filterType": "MIN_NOTIONAL", "notional": str(instrument.min_notional)},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierDown": str(instrument.multiplier_down),
                "multiplierUp": str(instrument.multiplier_up),
                "multiplierDecimal": "4",
            },
            {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
        ],
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY"],
    }
