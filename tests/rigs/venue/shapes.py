"""Answers in the exchange's own shapes (numbers as strings), held to recorded messages by the rig's own tests."""

from decimal import Decimal

from tests.rigs.venue.account import ZERO, Leg
from tests.rigs.venue.exchange import Exchange
from tests.rigs.venue.ledger import Income
from tests.rigs.venue.orders import Order, Trade

Json = dict[str, object]


def money(amount: Decimal) -> str:
    return f"{amount:.8f}"


def order_ack(exchange: Exchange, order: Order) -> Json:
    """New Order and cancel answers: since 2025 without avgPrice and cumQuote."""
    instrument, request = exchange.instruments[order.request.symbol], order.request
    return {
        "orderId": order.id,
        "symbol": request.symbol,
        "status": order.status,
        "clientOrderId": request.client_id,
        "price": instrument.price_text(request.price or ZERO),
        "origQty": instrument.quantity_text(request.quantity),
        "executedQty": instrument.quantity_text(order.executed),
        "cumQty": instrument.quantity_text(order.executed),
        "timeInForce": request.time_in_force,
        "type": request.kind,
        "reduceOnly": request.closes,
        "closePosition": False,
        "side": request.side,
        "positionSide": request.position_side,
        "stopPrice": instrument.price_text(ZERO),
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": request.kind,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "updateTime": order.updated_ms,
    }


def unfilled_ack(exchange: Exchange, order: Order) -> Json:
    """newOrderRespType=ACK tells nothing of fills, even when the order has filled."""
    none = exchange.instruments[order.request.symbol].quantity_text(ZERO)
    return {**order_ack(exchange, order), "status": "NEW", "executedQty": none, "cumQty": none}


def order_record(exchange: Exchange, order: Order) -> Json:
    """GET order and openOrders."""
    instrument = exchange.instruments[order.request.symbol]
    record = order_ack(exchange, order)
    del record["cumQty"]
    record["avgPrice"] = instrument.price_text(order.average)
    record["cumQuote"] = money(order.quote)
    record["time"] = order.created_ms
    return record


def trade_row(exchange: Exchange, trade: Trade) -> Json:
    instrument = exchange.instruments[trade.symbol]
    return {
        "symbol": trade.symbol,
        "id": trade.id,
        "orderId": trade.order_id,
        "side": trade.side,
        "price": instrument.price_text(trade.price),
        "qty": instrument.quantity_text(trade.quantity),
        "realizedPnl": money(trade.realised),
        "quoteQty": money(trade.price * trade.quantity),
        "commission": money(trade.commission),
        "commissionAsset": instrument.quote,
        "time": trade.time_ms,
        "positionSide": trade.position_side,
        "buyer": trade.side == "BUY",
        "maker": trade.maker,
    }


def position_v3(exchange: Exchange, leg: Leg) -> Json:
    account, instrument = exchange.account, exchange.instruments[leg.symbol]
    mark = exchange.marks[leg.symbol]
    initial, maintenance = account.initial_margin(leg), account.maintenance_margin(leg)
    return {
        "symbol": leg.symbol,
        "positionSide": leg.side,
        "positionAmt": instrument.quantity_text(leg.amount),
        "entryPrice": str(leg.entry.quantize(Decimal("1e-8")).normalize() + 0),
        "breakEvenPrice": money(leg.entry),
        "markPrice": money(mark),
        "unRealizedProfit": money(leg.unrealised(mark)),
        "liquidationPrice": _liquidation_text(exchange, leg),
        "isolatedMargin": "0",
        "notional": money(leg.amount * mark),
        "marginAsset": instrument.quote,
        "isolatedWallet": "0",
        "initialMargin": money(initial),
        "maintMargin": money(maintenance),
        "positionInitialMargin": money(initial),
        "openOrderInitialMargin": "0",
        "adl": 2,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": leg.updated_ms,
    }


def position_v2(exchange: Exchange, leg: Leg) -> Json:
    newer = position_v3(exchange, leg)
    kept = (
        "symbol", "positionSide", "positionAmt", "entryPrice", "breakEvenPrice", "markPrice", "unRealizedProfit",
        "liquidationPrice", "isolatedMargin", "notional", "isolatedWallet", "updateTime",
    )  # fmt: skip
    row: Json = {name: newer[name] for name in kept}
    row["leverage"] = str(exchange.account.leverage_of(leg.symbol))
    row["maxNotionalValue"] = str(exchange.max_notional(leg.symbol))
    row["marginType"] = "isolated" if _isolated(exchange, leg.symbol) else "cross"
    row["isAutoAddMargin"] = "false"
    return row


def margin_totals(exchange: Exchange) -> Json:
    account, open_orders = exchange.account, exchange.open_order_margin()
    initial, unrealised = account.total_initial_margin(), account.unrealised()
    free = account.available(open_orders)
    return {
        "totalInitialMargin": money(initial + open_orders),
        "totalMaintMargin": money(account.total_maintenance_margin()),
        "totalWalletBalance": money(account.wallet),
        "totalUnrealizedProfit": money(unrealised),
        "totalMarginBalance": money(account.wallet + unrealised),
        "totalPositionInitialMargin": money(initial),
        "totalOpenOrderInitialMargin": money(open_orders),
        "totalCrossWalletBalance": money(account.wallet - account.set_aside),
        "totalCrossUnPnl": money(unrealised),
        "availableBalance": money(free),
        "maxWithdrawAmount": money(free),
    }


def asset_row(exchange: Exchange) -> Json:
    totals = margin_totals(exchange)
    row: Json = {"asset": "USDT"}
    for name in (
        "WalletBalance", "UnrealizedProfit", "MarginBalance", "MaintMargin", "InitialMargin", "PositionInitialMargin",
        "OpenOrderInitialMargin", "CrossWalletBalance", "CrossUnPnl",
    ):  # fmt: skip
        row[name[0].lower() + name[1:]] = totals[f"total{name}"]
    row["availableBalance"] = totals["availableBalance"]
    row["maxWithdrawAmount"] = totals["maxWithdrawAmount"]
    row["updateTime"] = exchange.now_ms()
    return row


def account_position_v3(exchange: Exchange, leg: Leg) -> Json:
    row = position_v3(exchange, leg)
    return {
        "symbol": row["symbol"],
        "positionSide": row["positionSide"],
        "positionAmt": row["positionAmt"],
        "unrealizedProfit": row["unRealizedProfit"],
        "isolatedMargin": "0",
        "notional": row["notional"],
        "isolatedWallet": "0",
        "initialMargin": row["initialMargin"],
        "maintMargin": row["maintMargin"],
        "updateTime": row["updateTime"],
    }


def account_position_v2(exchange: Exchange, leg: Leg) -> Json:
    row = account_position_v3(exchange, leg)
    row["entryPrice"] = money(leg.entry)
    row["leverage"] = str(exchange.account.leverage_of(leg.symbol))
    row["isolated"] = _isolated(exchange, leg.symbol)
    row["maxNotional"] = str(exchange.max_notional(leg.symbol))
    return row


def balance_row(exchange: Exchange) -> Json:
    row = asset_row(exchange)
    return {
        "accountAlias": "SgsR",
        "asset": row["asset"],
        "balance": row["walletBalance"],
        "crossWalletBalance": row["crossWalletBalance"],
        "crossUnPnl": row["crossUnPnl"],
        "availableBalance": row["availableBalance"],
        "maxWithdrawAmount": row["maxWithdrawAmount"],
        "marginAvailable": True,
        "updateTime": row["updateTime"],
    }


def income_row(income: Income) -> Json:
    return {
        "symbol": income.symbol,
        "incomeType": income.kind,
        "income": money(income.amount),
        "asset": "USDT",
        "time": income.time_ms,
        "info": income.kind,
        "tranId": income.id,
        "tradeId": "" if income.trade_id is None else str(income.trade_id),
    }


def bracket_row(exchange: Exchange, symbol: str) -> Json:
    tiers = [
        {
            "bracket": number,
            "initialLeverage": tier.max_leverage,
            "notionalCap": tier.cap,
            "notionalFloor": tier.floor,
            "maintMarginRatio": float(tier.rate),
            "cum": float(tier.cum),
        }
        for number, tier in enumerate(exchange.instruments[symbol].brackets, start=1)
    ]
    return {"symbol": symbol, "brackets": tiers}


def _isolated(exchange: Exchange, symbol: str) -> bool:
    return exchange.account.margin_type.get(symbol, "CROSSED") == "ISOLATED"


def _liquidation_text(exchange: Exchange, leg: Leg) -> str:
    price = exchange.account.liquidation_price(leg.symbol) if leg.amount else ZERO
    return money(price) if price else "0"
