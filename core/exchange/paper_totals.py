"""What the paper account adds up to over its symbols, at the newest marks it has seen. All in QUOTE."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from core.exchange.paper_account import PaperState, Terms
from core.exchange.paper_margin import (
    BRACKETS,
    OTHER_BRACKETS,
    Bracket,
    bracket_of,
    liquidation_price,
    maintenance_margin,
)
from core.facts import MarginTier, OrderRequest, OrderSide, PerpAccount
from core.ports import Income

ZERO = Decimal(0)


def account_of(state: PaperState, symbol: str, terms: Terms, as_of: datetime) -> PerpAccount:
    """As the live venue answers: the position is the symbol's, the balances are the whole account's."""
    position = state.positions[symbol]
    balance = margin_balance(state)
    return PerpAccount(
        symbol=symbol,
        hedge_mode=False,
        position_base=position.size_base,
        long_base=max(position.size_base, ZERO),
        short_base=max(-position.size_base, ZERO),
        entry_price=position.entry_price,
        liquidation_price=liquidation_price_of(state, symbol),
        margin_balance_quote=balance,
        available_balance_quote=max(ZERO, balance - initial_margin(state, terms.initial_rate)),
        maintenance_margin_quote=maintenance(state),
        initial_rate=terms.initial_rate,
        maintenance_rate=bracket_of(brackets_for(symbol), position.notional).rate,
        taker_fee_rate=terms.taker_rate,
        maker_fee_rate=terms.maker_rate,
        as_of=as_of,
        maintenance_tiers=tuple(
            MarginTier(tier.floor_quote, tier.rate, tier.cum_quote) for tier in brackets_for(symbol)
        ),
    )


def income_of(state: PaperState) -> tuple[Income, ...]:
    """Payments, and the two rows that Binance has of a trade, oldest first."""
    rows = list(state.payments)
    for trade in state.trades:
        rows.append(Income("COMMISSION", trade.trade_id, trade.symbol, -trade.fee, trade.fee_asset, trade.at))
        if trade.realised_pnl_quote:
            realised = trade.realised_pnl_quote
            rows.append(Income("REALIZED_PNL", trade.trade_id, trade.symbol, realised, trade.fee_asset, trade.at))
    return tuple(sorted(rows, key=lambda row: row.at))


def brackets_for(symbol: str) -> Sequence[Bracket]:
    """As recorded of Binance; for a symbol that was not, rather too strict ones."""
    return BRACKETS.get(symbol, OTHER_BRACKETS)


def margin_balance(state: PaperState) -> Decimal:
    """Wallet and unrealised profit: the account's equity."""
    return state.ledger.wallet + sum((p.unrealised for p in state.positions.values()), ZERO)


def maintenance(state: PaperState) -> Decimal:
    """Of all symbols together: the account is margined as one."""
    return sum((_maintenance_of(state, symbol) for symbol in state.positions), ZERO)


def initial_margin(state: PaperState, initial_rate: Decimal, *, extra: OrderRequest | None = None) -> Decimal:
    """What positions and open orders bind, `extra` taken as one more open order.

    Each symbol counts with the larger position that its buys or its sells alone could lead to.
    """
    return sum((_reach_quote(state, symbol, extra) for symbol in state.positions), ZERO) * initial_rate


def liquidation_price_of(state: PaperState, symbol: str) -> Decimal | None:
    """The mark of this symbol at which the account is liquidated, the other symbols' marks unchanged."""
    position = state.positions[symbol]
    others_backing = margin_balance(state) - position.unrealised - maintenance(state) + _maintenance_of(state, symbol)
    return liquidation_price(position.size_base, position.cost_quote, others_backing, brackets_for(symbol))


def _maintenance_of(state: PaperState, symbol: str) -> Decimal:
    return maintenance_margin(brackets_for(symbol), state.positions[symbol].notional)


def _reach_quote(state: PaperState, symbol: str, extra: OrderRequest | None) -> Decimal:
    open_orders = _enlarging(state, symbol, extra)
    bought = sum((quantity_base for side, quantity_base in open_orders if side is OrderSide.BUY), ZERO)
    sold = sum((quantity_base for side, quantity_base in open_orders if side is OrderSide.SELL), ZERO)
    position = state.positions[symbol]
    return max(abs(position.size_base + bought), abs(position.size_base - sold)) * position.mark_price


def _enlarging(state: PaperState, symbol: str, extra: OrderRequest | None) -> list[tuple[OrderSide, Decimal]]:
    """What the symbol's open orders may still execute in BASE, by side; those that only reduce are left out."""
    open_orders = [(o.request.side, o.remaining_base) for o in state.open_orders(symbol) if not o.request.reduce_only]
    if extra is not None and extra.symbol == symbol:
        open_orders.append((extra.side, extra.quantity_base))
    return open_orders
