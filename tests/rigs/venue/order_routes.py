"""Orders and fills."""

from tests.rigs.venue import refusals
from tests.rigs.venue.exchange import Exchange
from tests.rigs.venue.orders import Order, Trade
from tests.rigs.venue.routing import Params, Route, per_symbol
from tests.rigs.venue.rules import instrument_of, required
from tests.rigs.venue.shapes import order_ack, order_record, trade_row, unfilled_ack

WEEK_MS = 7 * 24 * 3_600_000


def new_order(exchange: Exchange, params: Params) -> object:
    order = exchange.submit(params)
    return order_ack(exchange, order) if order.request.response == "RESULT" else unfilled_ack(exchange, order)


def query_order(exchange: Exchange, params: Params) -> object:
    order = _find(exchange, params)
    if order is None:
        raise refusals.refuse(-2013)
    return order_record(exchange, order)


def cancel_order(exchange: Exchange, params: Params) -> object:
    order = _find(exchange, params)
    if order is None:
        raise refusals.refuse(-2011)
    return order_ack(exchange, exchange.cancel(order))


def open_orders(exchange: Exchange, params: Params) -> object:
    symbol = instrument_of(params, exchange.instruments).symbol if "symbol" in params else None
    return [order_record(exchange, order) for order in exchange.open_orders(symbol)]


def cancel_all(exchange: Exchange, params: Params) -> object:
    for order in exchange.open_orders(instrument_of(params, exchange.instruments).symbol):
        exchange.cancel(order)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def countdown_cancel_all(exchange: Exchange, params: Params) -> object:
    symbol, countdown_ms = instrument_of(params, exchange.instruments).symbol, int(required(params, "countdownTime"))
    if countdown_ms == 0:
        exchange.countdowns.pop(symbol, None)
    else:
        exchange.countdowns[symbol] = exchange.now_ms() + countdown_ms
    return {"symbol": symbol, "countdownTime": str(countdown_ms)}


def user_trades(exchange: Exchange, params: Params) -> object:
    """From an id, or from a time (7 days at most, oldest first), or the newest of the last 7 days."""
    symbol = instrument_of(params, exchange.instruments).symbol
    mine = [trade for trade in exchange.ledger.trades if trade.symbol == symbol]
    limit = int(params.get("limit", "500"))
    if not 1 <= limit <= 1000:
        raise refusals.illegal("limit", "1..1000")
    if "orderId" in params:
        mine = [trade for trade in mine if str(trade.order_id) == params["orderId"]]
    if "fromId" in params:
        if "startTime" in params or "endTime" in params:
            raise refusals.Refusal(400, -1128, "Combination of optional parameters invalid.")
        chosen = [trade for trade in mine if trade.id >= int(params["fromId"])][:limit]
    elif "startTime" in params:
        chosen = [trade for trade in mine if _in_window(exchange, params, trade)][:limit]
    else:
        chosen = [trade for trade in mine if trade.time_ms >= exchange.now_ms() - WEEK_MS][-limit:]
    return [trade_row(exchange, trade) for trade in chosen]


def order_rate_limit(exchange: Exchange, params: Params) -> object:
    return [
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
    ]


def _in_window(exchange: Exchange, params: Params, trade: Trade) -> bool:
    start = int(params["startTime"])
    end = int(params.get("endTime", start + WEEK_MS))
    if not start <= end <= start + WEEK_MS:
        raise refusals.Refusal(400, -4166, "Search window is restricted to recent 7 days only.")
    return start <= trade.time_ms <= end


def _find(exchange: Exchange, params: Params) -> Order | None:
    symbol = instrument_of(params, exchange.instruments).symbol
    order_id, client_id = params.get("orderId"), params.get("origClientOrderId")
    if not order_id and not client_id:
        text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        raise refusals.Refusal(400, -1102, text)
    return exchange.find(symbol, order_id, client_id)


ROUTES = (
    Route("POST", "/fapi/v1/order", new_order, 0, places_order=True),
    Route("GET", "/fapi/v1/order", query_order, 1),
    Route("DELETE", "/fapi/v1/order", cancel_order, 1),
    Route("GET", "/fapi/v1/openOrders", open_orders, per_symbol(1, 40)),
    Route("DELETE", "/fapi/v1/allOpenOrders", cancel_all, 1),
    Route("POST", "/fapi/v1/countdownCancelAll", countdown_cancel_all, 10),
    Route("GET", "/fapi/v1/userTrades", user_trades, 5),
    Route("GET", "/fapi/v1/rateLimit/order", order_rate_limit, 1),
)
