"""Position, balance, modes, leverage, income."""

from tests.rigs.venue import refusals
from tests.rigs.venue.account import Leg
from tests.rigs.venue.exchange import Exchange
from tests.rigs.venue.routing import Params, Route, per_symbol
from tests.rigs.venue.rules import instrument_of, required
from tests.rigs.venue.shapes import (
    account_position_v2,
    account_position_v3,
    asset_row,
    balance_row,
    bracket_row,
    income_row,
    margin_totals,
    position_v2,
    position_v3,
)

MOST_INCOME = 1000
WEEK_MS = 7 * 24 * 3_600_000
THREE_MONTHS_MS = 90 * 24 * 3_600_000
SUCCESS = {"code": 200, "msg": "success"}


def position_risk_v3(exchange: Exchange, params: Params) -> object:
    """Only legs that are open, and all legs of a symbol with open orders: an empty list means flat."""
    return [position_v3(exchange, leg) for leg in _legs_in_use(exchange, _symbol(exchange, params))]


def position_risk_v2(exchange: Exchange, params: Params) -> object:
    return [position_v2(exchange, leg) for leg in _every_leg(exchange, _symbol(exchange, params))]


def account_v3(exchange: Exchange, params: Params) -> object:
    positions = [account_position_v3(exchange, leg) for leg in _legs_in_use(exchange, None)]
    return {**margin_totals(exchange), "assets": [asset_row(exchange)], "positions": positions}


def account_v2(exchange: Exchange, params: Params) -> object:
    positions = [account_position_v2(exchange, leg) for leg in _every_leg(exchange, None)]
    flags = {"feeTier": 0, "canTrade": exchange.account.can_trade, "canDeposit": True, "canWithdraw": True}
    modes = {"updateTime": 0, "multiAssetsMargin": exchange.account.multi_assets, "tradeGroupId": -1}
    assets = [{**asset_row(exchange), "marginAvailable": True}]
    return {**flags, **modes, **margin_totals(exchange), "assets": assets, "positions": positions}


def balance_v3(exchange: Exchange, params: Params) -> object:
    return [balance_row(exchange)]


def symbol_config(exchange: Exchange, params: Params) -> object:
    symbol = _symbol(exchange, params)
    return [
        {
            "symbol": name,
            "marginType": exchange.account.margin_type.get(name, "CROSSED"),
            "isAutoAddMargin": False,
            "leverage": exchange.account.leverage_of(name),
            "maxNotionalValue": str(exchange.max_notional(name)),
        }
        for name in exchange.instruments
        if symbol in (None, name)
    ]


def account_config(exchange: Exchange, params: Params) -> object:
    return {
        "feeTier": 0,
        "canTrade": exchange.account.can_trade,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": exchange.account.dual,
        "updateTime": 0,
        "multiAssetsMargin": exchange.account.multi_assets,
        "tradeGroupId": -1,
    }


def position_mode(exchange: Exchange, params: Params) -> object:
    return {"dualSidePosition": exchange.account.dual}


def change_position_mode(exchange: Exchange, params: Params) -> object:
    wanted = required(params, "dualSidePosition").lower() == "true"
    if wanted == exchange.account.dual:
        raise refusals.refuse(-4059)
    if exchange.open_orders():
        raise refusals.refuse(-4067)
    if any(exchange.account.open_legs()):
        raise refusals.refuse(-4068)
    exchange.set_hedge_mode(wanted)
    return SUCCESS


def multi_assets_mode(exchange: Exchange, params: Params) -> object:
    return {"multiAssetsMargin": exchange.account.multi_assets}


def change_leverage(exchange: Exchange, params: Params) -> object:
    symbol, leverage = instrument_of(params, exchange.instruments).symbol, required(params, "leverage")
    if not leverage.isdigit() or not 1 <= int(leverage) <= 125:
        raise refusals.refuse(-4028)
    exchange.account.leverage[symbol] = int(leverage)
    return {"leverage": int(leverage), "maxNotionalValue": str(exchange.max_notional(symbol)), "symbol": symbol}


def change_margin_type(exchange: Exchange, params: Params) -> object:
    symbol, wanted = instrument_of(params, exchange.instruments).symbol, required(params, "marginType")
    if wanted not in {"ISOLATED", "CROSSED"}:
        raise refusals.illegal("marginType", "ISOLATED, CROSSED")
    if wanted == exchange.account.margin_type.get(symbol, "CROSSED"):
        raise refusals.refuse(-4046)
    if exchange.account.multi_assets:
        raise refusals.refuse(-4168)
    if exchange.open_orders(symbol):
        raise refusals.refuse(-4047)
    if any(exchange.account.open_legs(symbol)):
        raise refusals.refuse(-4048)
    exchange.account.margin_type[symbol] = wanted
    return SUCCESS


def leverage_bracket(exchange: Exchange, params: Params) -> object:
    symbol = _symbol(exchange, params)
    return [bracket_row(exchange, name) for name in exchange.instruments if symbol in (None, name)]


def commission_rate(exchange: Exchange, params: Params) -> object:
    symbol = instrument_of(params, exchange.instruments).symbol
    rates = exchange.ledger
    return {"symbol": symbol, "makerCommissionRate": f"{rates.maker:.6f}", "takerCommissionRate": f"{rates.taker:.6f}"}


def income(exchange: Exchange, params: Params) -> object:
    """Oldest first, of a window of a week at most; the newest rows of the last seven days when no time is given."""
    start, end, limit, number = _income_window(exchange, params)
    rows = [
        row
        for row in exchange.ledger.income
        if params.get("symbol", row.symbol) == row.symbol
        and params.get("incomeType", row.kind) == row.kind
        and max(start, exchange.now_ms() - THREE_MONTHS_MS) <= row.time_ms <= end
    ]
    timed = "startTime" in params or "endTime" in params
    chosen = rows[(number - 1) * limit : number * limit] if timed else rows[-limit:]
    return [income_row(row) for row in chosen]


def _income_window(exchange: Exchange, params: Params) -> tuple[int, int, int, int]:
    """(startTime, endTime, limit, page)."""
    limit, number = (params.get(name, default) for name, default in (("limit", "100"), ("page", "1")))
    if not limit.isdigit() or not 1 <= int(limit) <= MOST_INCOME:
        raise refusals.Refusal(400, -1130, "Data sent for parameter 'limit' is not valid.")
    if not number.isdigit() or int(number) < 1:
        raise refusals.Refusal(400, -1130, "Data sent for parameter 'page' is not valid.")
    end = int(params.get("endTime", exchange.now_ms()))
    start = int(params.get("startTime", end - WEEK_MS))
    if start > end:
        raise refusals.Refusal(400, -1023, "Start time is greater than end time.")
    if end - start > WEEK_MS:
        raise refusals.Refusal(400, -4166, "Search window is restricted to recent 7 days only.")
    return start, end, int(limit), int(number)


def api_restrictions(exchange: Exchange, params: Params) -> object:
    return {
        "ipRestrict": False,
        "createTime": 1623840271000,
        "enableReading": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": True,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": True,
        "enableSpotAndMarginTrading": False,
        "enablePortfolioMarginTrading": False,
        **exchange.permissions,
    }


def _symbol(exchange: Exchange, params: Params) -> str | None:
    return instrument_of(params, exchange.instruments).symbol if "symbol" in params else None


def _every_leg(exchange: Exchange, symbol: str | None) -> list[Leg]:
    names = [name for name in exchange.instruments if symbol in (None, name)]
    sides = ("BOTH", "LONG", "SHORT") if exchange.account.dual else ("BOTH",)
    return [exchange.account.leg(name, side) for name in names for side in sides]


def _legs_in_use(exchange: Exchange, symbol: str | None) -> list[Leg]:
    with_orders = {order.request.symbol for order in exchange.open_orders(symbol)}
    return [leg for leg in _every_leg(exchange, symbol) if leg.amount or leg.symbol in with_orders]


ROUTES = (
    Route("GET", "/fapi/v3/positionRisk", position_risk_v3, 5),
    Route("GET", "/fapi/v2/positionRisk", position_risk_v2, 5),
    Route("GET", "/fapi/v3/account", account_v3, 5),
    Route("GET", "/fapi/v2/account", account_v2, 5),
    Route("GET", "/fapi/v3/balance", balance_v3, 5),
    Route("GET", "/fapi/v1/symbolConfig", symbol_config, 5),
    Route("GET", "/fapi/v1/accountConfig", account_config, 5),
    Route("GET", "/fapi/v1/positionSide/dual", position_mode, 30),
    Route("POST", "/fapi/v1/positionSide/dual", change_position_mode, 1),
    Route("GET", "/fapi/v1/multiAssetsMargin", multi_assets_mode, 30),
    Route("POST", "/fapi/v1/leverage", change_leverage, 1),
    Route("POST", "/fapi/v1/marginType", change_margin_type, 1),
    Route("GET", "/fapi/v1/leverageBracket", leverage_bracket, per_symbol(1, 1)),
    Route("GET", "/fapi/v1/commissionRate", commission_rate, 20),
    Route("GET", "/fapi/v1/income", income, 30),
    Route("GET", "/sapi/v1/account/apiRestrictions", api_restrictions, 1),
)
