"""The parameter rules and filters of `POST /fapi/v1/order`, in the order in which the exchange reports them."""

import re
from collections.abc import Mapping
from decimal import Decimal

from tests.rigs.venue import refusals
from tests.rigs.venue.instruments import Instrument
from tests.rigs.venue.orders import OrderRequest

DECIMAL = re.compile(r"^([0-9]{1,20})(\.[0-9]{1,20})?$")
CLIENT_ID = re.compile(r"^[.A-Z:/a-z0-9_-]{1,36}$")
CONDITIONAL = {"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"}
READ = {
    "symbol", "side", "positionSide", "type", "timeInForce", "quantity", "price", "reduceOnly", "newClientOrderId",
    "newOrderRespType", "selfTradePreventionMode", "recvWindow", "timestamp", "signature",
}  # fmt: skip


def required(params: Mapping[str, str], name: str) -> str:
    value = params.get(name, "")
    if value == "":
        raise refusals.missing(name)
    return value


def chosen(params: Mapping[str, str], name: str, allowed: set[str], default: str, otherwise: refusals.Refusal) -> str:
    value = params.get(name, default)
    if value not in allowed:
        raise otherwise
    return value


def instrument_of(params: Mapping[str, str], instruments: Mapping[str, Instrument]) -> Instrument:
    symbol = required(params, "symbol")
    if symbol not in instruments:
        raise refusals.refuse(-1121)
    return instruments[symbol]


def parse_new_order(
    params: Mapping[str, str],
    instruments: Mapping[str, Instrument],
    mark: Decimal | None,
    *,
    dual: bool,
    fallback_id: str,
) -> OrderRequest:
    """Raise the refusal that the exchange would give, or return the order. `mark` of None: look-ups not yet priced."""
    instrument = instrument_of(params, instruments)
    kind = required(params, "type")
    if kind in CONDITIONAL:
        raise refusals.refuse(-4120)
    if kind not in {"LIMIT", "MARKET"}:
        raise refusals.refuse(-1116)
    side = required(params, "side")
    if side not in {"BUY", "SELL"}:
        raise refusals.refuse(-1117)
    position_side, reduce_only = _leg(params, dual=dual)
    force = _time_in_force(params, kind)
    quantity = _quantity(params, instrument, kind)
    price = _price(params, instrument, kind)
    request = OrderRequest(
        symbol=instrument.symbol,
        side=side,
        position_side=position_side,
        kind=kind,
        time_in_force=force,
        quantity=quantity,
        price=price,
        reduce_only=reduce_only,
        client_id=_client_id(params, fallback_id),
        response=chosen(params, "newOrderRespType", {"ACK", "RESULT"}, "ACK", refusals.illegal("newOrderRespType", "")),
    )
    _refuse_unread(params)
    if mark is not None:
        _check_against_mark(request, instrument, mark)
    return request


def decimal_of(params: Mapping[str, str], name: str) -> Decimal:
    text = required(params, name)
    if not DECIMAL.match(text):
        raise refusals.illegal(name, DECIMAL.pattern)
    return Decimal(text)


def _refuse_unread(params: Mapping[str, str]) -> None:
    known = READ & set(params)
    if len(known) != len(params):
        raise refusals.unread(len(known), len(params))


def _leg(params: Mapping[str, str], *, dual: bool) -> tuple[str, bool]:
    position_side = params.get("positionSide", "BOTH")
    if position_side not in {"BOTH", "LONG", "SHORT"}:
        raise refusals.illegal("positionSide", "BOTH, LONG, SHORT")
    if (position_side == "BOTH") == dual:
        raise refusals.refuse(-4061)
    if "reduceOnly" not in params:
        return position_side, False
    if params["reduceOnly"] not in {"true", "false"}:
        raise refusals.illegal("reduceOnly", "true, false")
    if dual:
        raise refusals.unwanted("reduceOnly")
    return position_side, params["reduceOnly"] == "true"


def _time_in_force(params: Mapping[str, str], kind: str) -> str:
    if kind == "MARKET":
        if "timeInForce" in params:
            raise refusals.unwanted("timeInForce")
        return "GTC"
    required(params, "timeInForce")
    return chosen(params, "timeInForce", {"GTC", "IOC", "FOK", "GTX"}, "", refusals.refuse(-1115))


def _quantity(params: Mapping[str, str], instrument: Instrument, kind: str) -> Decimal:
    quantity = decimal_of(params, "quantity")
    if _places(params["quantity"]) > instrument.quantity_precision:
        raise refusals.refuse(-1111)
    largest = instrument.max_market_quantity if kind == "MARKET" else instrument.max_quantity
    if quantity <= 0:
        raise refusals.refuse(-4003)
    if quantity < instrument.step:
        raise refusals.refuse(-4004)
    if quantity > largest:
        raise refusals.refuse(-4005)
    if quantity % instrument.step != 0:
        raise refusals.refuse(-4023)
    return quantity


def _price(params: Mapping[str, str], instrument: Instrument, kind: str) -> Decimal | None:
    if kind == "MARKET":
        if "price" in params:
            raise refusals.unwanted("price")
        return None
    price = decimal_of(params, "price")
    if _places(params["price"]) > instrument.price_precision:
        raise refusals.refuse(-1111)
    if price < instrument.tick:
        raise refusals.refuse(-4013)
    if price % instrument.tick != 0:
        raise refusals.refuse(-4014)
    return price


def _client_id(params: Mapping[str, str], fallback_id: str) -> str:
    if "newClientOrderId" not in params:
        return fallback_id
    client_id = params["newClientOrderId"]
    if len(client_id) > 36:
        raise refusals.Refusal(400, -4015, "Client order id length should not be more than 36 chars")
    if not CLIENT_ID.match(client_id):
        raise refusals.refuse(-4015)
    return client_id


def _check_against_mark(request: OrderRequest, instrument: Instrument, mark: Decimal) -> None:
    if request.price is not None:
        if request.side == "BUY" and request.price > mark * instrument.multiplier_up:
            raise refusals.refuse(-4016)
        if request.side == "SELL" and request.price < mark * instrument.multiplier_down:
            raise refusals.refuse(-4024)
    notional = request.quantity * (request.price if request.price is not None else mark)
    if not request.closes and notional < instrument.min_notional:
        raise refusals.too_small(str(instrument.min_notional))


def _places(text: str) -> int:
    return len(text.partition(".")[2].rstrip("0"))
