"""Market data: no key, no signature."""

from tests.rigs.venue import refusals
from tests.rigs.venue.exchange import Exchange
from tests.rigs.venue.instruments import exchange_info_entry
from tests.rigs.venue.routing import Params, Route, Security, per_symbol
from tests.rigs.venue.rules import instrument_of
from tests.rigs.venue.shapes import Json, money

DEPTH_WEIGHTS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}


def ping(exchange: Exchange, params: Params) -> object:
    return {}


def server_time(exchange: Exchange, params: Params) -> object:
    return {"serverTime": exchange.now_ms()}


def exchange_info(exchange: Exchange, params: Params) -> object:
    return {
        "timezone": "UTC",
        "serverTime": exchange.now_ms(),
        "futuresType": "U_MARGINED",
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        ],
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [exchange_info_entry(instrument) for instrument in exchange.instruments.values()],
    }


def depth(exchange: Exchange, params: Params) -> object:
    instrument = instrument_of(params, exchange.instruments)
    limit = _limit(params)
    if limit not in DEPTH_WEIGHTS:
        raise refusals.Refusal(400, -4021, f"{limit} is not valid depth limit.")
    book, now = exchange.books[instrument.symbol], exchange.now_ms()
    answer: Json = {"lastUpdateId": book.update_id, "E": now, "T": now}
    for name, levels in (("bids", book.bids), ("asks", book.asks)):
        answer[name] = [
            [instrument.price_text(price), instrument.quantity_text(size)] for price, size in levels[:limit]
        ]
    return answer


def book_ticker(exchange: Exchange, params: Params) -> object:
    if "symbol" in params:
        return _ticker(exchange, instrument_of(params, exchange.instruments).symbol)
    return [_ticker(exchange, symbol) for symbol in exchange.instruments]


def premium_index(exchange: Exchange, params: Params) -> object:
    if "symbol" in params:
        return _premium(exchange, instrument_of(params, exchange.instruments).symbol)
    return [_premium(exchange, symbol) for symbol in exchange.instruments]


def funding_rate(exchange: Exchange, params: Params) -> object:
    rows = [row for row in exchange.funding_history if params.get("symbol", row[0]) == row[0]]
    return [
        {"symbol": symbol, "fundingRate": money(rate), "fundingTime": at_ms, "markPrice": money(mark)}
        for symbol, rate, at_ms, mark in rows[-int(params.get("limit", "100")) :]
    ]


def funding_info(exchange: Exchange, params: Params) -> object:
    """Only symbols whose interval or caps were adjusted are listed."""
    return [
        {
            "symbol": instrument.symbol,
            "adjustedFundingRateCap": "0.02500000",
            "adjustedFundingRateFloor": "-0.02500000",
            "fundingIntervalHours": instrument.funding_hours,
            "disclaimer": False,
        }
        for instrument in exchange.instruments.values()
        if instrument.funding_hours != 8
    ]


def _limit(params: Params) -> int:
    text = params.get("limit", "500")
    return int(text) if text.isdigit() else -1


def _depth_weight(params: Params) -> int:
    return DEPTH_WEIGHTS.get(_limit(params), 20)


def _ticker(exchange: Exchange, symbol: str) -> Json:
    instrument, book = exchange.instruments[symbol], exchange.books[symbol]
    answer: Json = {"symbol": symbol}
    for name, levels in (("bid", book.bids), ("ask", book.asks)):
        price, size = levels[0] if levels else (book.price * 0, book.price * 0)
        answer[f"{name}Price"] = instrument.price_text(price)
        answer[f"{name}Qty"] = instrument.quantity_text(size)
    return {**answer, "time": exchange.now_ms(), "lastUpdateId": book.update_id}


def _premium(exchange: Exchange, symbol: str) -> Json:
    funding = exchange.funding[symbol]
    return {
        "symbol": symbol,
        "markPrice": money(exchange.marks[symbol]),
        "indexPrice": money(exchange.indexes[symbol]),
        "estimatedSettlePrice": money(exchange.indexes[symbol]),
        "lastFundingRate": money(funding.rate),
        "interestRate": "0.00010000",
        "nextFundingTime": funding.next_ms,
        "time": exchange.now_ms(),
    }


ROUTES = (
    Route("GET", "/fapi/v1/ping", ping, 1, Security.NONE),
    Route("GET", "/fapi/v1/time", server_time, 1, Security.NONE),
    Route("GET", "/fapi/v1/exchangeInfo", exchange_info, 1, Security.NONE),
    Route("GET", "/fapi/v1/depth", depth, _depth_weight, Security.NONE),
    Route("GET", "/fapi/v1/ticker/bookTicker", book_ticker, per_symbol(2, 5), Security.NONE),
    Route("GET", "/fapi/v1/premiumIndex", premium_index, per_symbol(1, 10), Security.NONE),
    Route("GET", "/fapi/v1/fundingRate", funding_rate, 1, Security.NONE),
    Route("GET", "/fapi/v1/fundingInfo", funding_info, 1, Security.NONE),
)
