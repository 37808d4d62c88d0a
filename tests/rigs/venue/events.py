"""User-data events in the shapes and the order seen live: TRADE_LITE, NEW, ACCOUNT_UPDATE, then the fill, one T."""

from decimal import Decimal

from tests.rigs.venue.account import ZERO
from tests.rigs.venue.exchange import Exchange
from tests.rigs.venue.orders import Order, Trade
from tests.rigs.venue.shapes import Json, money


def order_update(exchange: Exchange, order: Order, execution: str, trade: Trade | None) -> Json:
    """`execution` is the exchange's x: NEW, TRADE, CANCELED, EXPIRED."""
    instrument, request = exchange.instruments[order.request.symbol], order.request
    quantity, price = instrument.quantity_text, instrument.price_text
    is_new = execution == "NEW"
    body: Json = {
        "s": request.symbol,
        "c": request.client_id,
        "S": request.side,
        "o": request.kind,
        "f": request.time_in_force,
        "q": quantity(request.quantity),
        "p": price(request.price or ZERO),
        "ap": "0" if is_new else price(order.average),
        "sp": "0",
        "x": execution,
        "X": "NEW" if is_new else order.status,
        "i": order.id,
        "l": quantity(trade.quantity) if trade else "0",
        "z": "0" if is_new else quantity(order.executed),
        "L": price(trade.price) if trade else "0",
        "n": money(trade.commission) if trade else "0",
        "N": instrument.quote,
        "T": order.updated_ms,
        "t": trade.id if trade else 0,
        "b": "0",
        "a": "0",
        "m": trade.maker if trade else False,
        "R": request.closes,
        "wt": "CONTRACT_PRICE",
        "ot": request.kind,
        "ps": request.position_side,
        "cp": False,
        "rp": money(trade.realised) if trade else "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
        "er": "0",
    }
    return {"e": "ORDER_TRADE_UPDATE", "T": order.updated_ms, "E": order.updated_ms, "o": body}


def trade_lite(exchange: Exchange, order: Order, trade: Trade) -> Json:
    instrument, request = exchange.instruments[order.request.symbol], order.request
    return {
        "e": "TRADE_LITE",
        "E": trade.time_ms,
        "T": trade.time_ms,
        "s": request.symbol,
        "q": instrument.quantity_text(request.quantity),
        "p": instrument.price_text(request.price or ZERO),
        "m": trade.maker,
        "c": request.client_id,
        "S": request.side,
        "L": instrument.price_text(trade.price),
        "l": instrument.quantity_text(trade.quantity),
        "t": trade.id,
        "i": order.id,
    }


def account_update(exchange: Exchange, reason: str, symbol: str, sides: tuple[str, ...]) -> Json:
    """Only what changed; in hedge mode a zero BOTH row may come along, as recorded."""
    now = exchange.now_ms()
    rows = (("BOTH", *sides) if exchange.account.dual else sides) if reason == "ORDER" else sides
    wallet = money(exchange.account.wallet)
    return {
        "e": "ACCOUNT_UPDATE",
        "T": now,
        "E": now,
        "a": {
            "B": [{"a": "USDT", "wb": wallet, "cw": wallet, "bc": "0"}],
            "P": [_position_row(exchange, symbol, side) for side in rows],
            "m": reason,
        },
    }


def mark_price_update(exchange: Exchange, symbol: str) -> Json:
    funding = exchange.funding[symbol]
    return {
        "e": "markPriceUpdate",
        "E": exchange.now_ms(),
        "s": symbol,
        "p": money(exchange.marks[symbol]),
        "i": money(exchange.indexes[symbol]),
        "P": money(exchange.indexes[symbol]),
        "r": money(funding.rate),
        "T": funding.next_ms,
    }


def depth_update(exchange: Exchange, symbol: str, levels: int = 20) -> Json:
    """A partial book: what it holds now, not what changed; the ids are the update's own."""
    instrument, book = exchange.instruments[symbol], exchange.books[symbol]
    price, quantity, now = instrument.price_text, instrument.quantity_text, exchange.now_ms()
    return {
        "e": "depthUpdate",
        "E": now,
        "T": now,
        "s": symbol,
        "U": book.update_id,
        "u": book.update_id,
        "pu": book.update_id - 1,
        "b": [[price(level), quantity(size)] for level, size in book.bids[:levels]],
        "a": [[price(level), quantity(size)] for level, size in book.asks[:levels]],
    }


def book_ticker_update(exchange: Exchange, symbol: str) -> Json:
    instrument, book = exchange.instruments[symbol], exchange.books[symbol]
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    now = exchange.now_ms()
    return {
        "e": "bookTicker",
        "u": book.update_id,
        "E": now,
        "T": now,
        "s": symbol,
        "b": instrument.price_text(bid),
        "B": instrument.quantity_text(bid_size),
        "a": instrument.price_text(ask),
        "A": instrument.quantity_text(ask_size),
    }


def _position_row(exchange: Exchange, symbol: str, side: str) -> Json:
    leg = exchange.account.leg(symbol, side)
    return {
        "s": symbol,
        "pa": exchange.instruments[symbol].quantity_text(leg.amount),
        "ep": str(leg.entry.quantize(Decimal("1e-8"))),
        "cr": "0",
        "up": money(leg.unrealised(exchange.marks[symbol])),
        "mt": "cross",
        "iw": "0",
        "ps": side,
        "ma": exchange.instruments[symbol].quote,
        "bep": money(leg.entry),
    }
