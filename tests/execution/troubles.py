"""The exchange's troubles by what they leave open, and where each can strike: the rows of the fault table."""

from __future__ import annotations

from tests.rigs.venue import DEPTH, OPEN_ORDERS, POSITION, PREMIUM, QUERY, TRADES, Fault, faults

TIME = "GET /fapi/v1/time"
ACCOUNT = "GET /fapi/v3/account"
EXCHANGE_INFO = "GET /fapi/v1/exchangeInfo"
READS = (QUERY, TRADES, POSITION, ACCOUNT, DEPTH, PREMIUM, OPEN_ORDERS, TIME)
COUNTDOWN = "POST /fapi/v1/countdownCancelAll"
LISTEN_KEY = "POST /fapi/v1/listenKey"

# Whether it was carried out cannot be told from the answer.
UNKNOWN = (
    faults.drop(),
    faults.hang(5),
    faults.hang(60),
    faults.cut_body(),
    faults.unknown_503(),
    faults.unknown_503_plain(),
    faults.error(503, -1003, "Unknown error, please check your request or try again later."),
    faults.bus_1006(),
    faults.backend_timeout_1007(),
    faults.timeout_408(),
    faults.bad_gateway_502(),
    faults.garbage(),
    faults.html_200(),
    faults.null_body(),
    faults.null_body(503),
    faults.empty_body(),
    faults.empty_list(),
    faults.error(400, -4116, "ClientOrderId is duplicated."),
)
# It says that nothing was done; no page promises that.
NOT_ACCEPTED = (
    faults.unavailable_503(),
    faults.unavailable_503_plain(),
    faults.internal_503(),
    faults.throttled_503(),
    faults.rate_limited_429(),
    faults.rate_limited_429(None),
    faults.too_many_orders_1015(),
    faults.error(418, -1003, "Way too many requests; IP banned.", {"Retry-After": "120"}),
    faults.firewall_403(),
)
CLOCK = (faults.clock_1021(), faults.engine_clock_5028())
# The order does not exist and never will.
REFUSED = (
    faults.error(400, -2018, "Balance is insufficient."),
    faults.error(400, -2019, "Margin is insufficient."),
    faults.error(400, -2022, "ReduceOnly Order is rejected."),
    faults.error(400, -4118, "ReduceOnly Order Failed. Please check your existing position and open orders"),
    faults.error(400, -1106, "Parameter 'reduceOnly' sent when not required."),
    faults.error(400, -4061, "Order's position side does not match user's setting."),
    faults.error(400, -4164, "Order's notional must be no smaller than 20 (unless you choose reduce only)."),
    faults.error(400, -1111, "Precision is over the maximum defined for this asset."),
    faults.error(400, -4003, "Quantity less than zero."),
    faults.error(400, -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit"),
    faults.error(400, -4016, "Limit price can't be higher than 2100."),
    faults.error(400, -4087, "User can only place reduce only order."),
    faults.error(400, -4192, "Trade forbidden due to Cooling-off Period."),
    faults.error(400, -2023, "User in liquidation mode now."),
    faults.error(400, -2027, "Exceeded the maximum allowable position at current leverage."),
    faults.error(400, -4120, "Order type not supported for this endpoint."),
    faults.error(401, -2014, "API-key format invalid."),
    faults.error(401, -2015, "Invalid API-key, IP, or permissions for action."),
    faults.error(400, -1022, "Signature for this request is not valid."),
)
# What a read may answer instead of the truth.
MISREAD = (
    faults.drop(),
    faults.hang(5),
    faults.hang(60),
    faults.slow(3),
    faults.slow(12),
    faults.cut_body(),
    faults.bad_gateway_502(),
    faults.timeout_408(),
    faults.unknown_503(),
    faults.unavailable_503(),
    faults.backend_timeout_1007(),
    faults.rate_limited_429(),
    faults.rate_limited_429(None),
    faults.firewall_403(),
    faults.clock_1021(),
    faults.garbage(),
    faults.html_200(),
    faults.null_body(),
    faults.null_body(503),
    faults.empty_body(),
    faults.error(401, -2015, "Invalid API-key, IP, or permissions for action."),
    faults.error(400, -1022, "Signature for this request is not valid."),
)
# Replicas that lag: an order not known yet, trades not listed yet, a position that shows nothing.
BEHIND = {QUERY: (faults.no_such_order_2013(),), TRADES: (faults.empty_list(),), POSITION: (faults.empty_list(),)}


def named(fault: Fault) -> str:
    """Different for all that are listed here."""
    held = f" held {fault.hold_s:g} s" if fault.hold_s else ""
    asked = f" {dict(fault.headers)}" if fault.headers else ""
    return f"{fault.name}{held}{asked} {fault.content_type.partition('/')[2]} {fault.body[:40]}".strip()


BY_NAME = {
    named(fault): fault
    for fault in (*UNKNOWN, *NOT_ACCEPTED, *CLOCK, *REFUSED, *MISREAD, *(each for (each,) in BEHIND.values()))
}


def names(*of: Fault) -> list[str]:
    return [named(fault) for fault in of]
