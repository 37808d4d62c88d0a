"""One hedge at another price: the positions, the short and the account behind it, hedged and not. Pure.

How the short gets there, and what is left out, is said in `price_move`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from core.facts import PerpAccount
from core.hedging.lifecycle import LpView
from core.hedging.maintenance import liquidation_price, others_maintenance_quote
from core.hedging.price_move import ShortMove, left_alone, principal_at, rebalanced
from core.outlook import Outlook

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LpThen:
    """`base`, `quote`: principal then, as burning would pay it. `beside_*`: what no price changes: fees, and wallet and
    departed BASE where the hedge counts them. Values in QUOTE are of all of it; now: at the pool's price."""

    price: Decimal
    base: Decimal
    quote: Decimal
    beside_base: Decimal
    beside_quote: Decimal
    value_now_quote: Decimal
    value_quote: Decimal

    @property
    def change_quote(self) -> Decimal:
        """Below zero for a loss; now is taken at the pool's price."""
        return self.value_quote - self.value_now_quote


@dataclass(frozen=True, slots=True)
class ShortThen:
    """The short, and the account with it, at that price. QUOTE.

    `free_quote`: the available balance, below zero what is missing, for the venue would show 0. `liquidation_price`:
    QUOTE per BASE, None when there is none. `liquidated`: it would not have lived to see that price.
    """

    position_base: Decimal
    pnl_quote: Decimal
    fee_quote: Decimal
    margin_balance_quote: Decimal
    maintenance_quote: Decimal
    free_quote: Decimal
    liquidation_price: Decimal | None
    liquidated: bool

    @property
    def gain_quote(self) -> Decimal:
        """What the account is richer by: the profit less the fees of the trades on the way."""
        return self.pnl_quote - self.fee_quote


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Each part None when what it follows from is not known. `mark_price`, `pool_price`: those of now.
    `over_cap`: the rebalanced short would be worth more than `max_position_notional`, so it would in truth be smaller.
    """

    price: Decimal
    pool_price: Decimal | None
    mark_price: Decimal | None
    lp: LpThen | None
    left_alone: ShortThen | None
    rebalanced: ShortThen | None
    over_cap: bool


def what_if(outlook: Outlook, price: Decimal) -> WhatIf:
    """`price`: QUOTE per BASE, above zero."""
    lp, account, market = outlook.lp, outlook.account, outlook.market
    found = WhatIf(
        price=price,
        pool_price=lp.facts.price if lp is not None else None,
        mark_price=market.mark_price if market is not None else None,
        lp=_lp_then(lp, price) if lp is not None else None,
        left_alone=None,
        rebalanced=None,
        over_cap=False,
    )
    if account is None or market is None:
        return found
    mark = market.mark_price
    follows, over_cap = _following(outlook, account, mark, price)
    alone = _alone(account, mark, left_alone(account, mark, price))
    return replace(found, left_alone=alone, rebalanced=follows, over_cap=over_cap)


def free_now_quote(account: PerpAccount, mark_price: Decimal) -> Decimal:
    """The available balance; where the venue says 0, how much is missing at the least."""
    if account.available_balance_quote > 0 or account.isolated:
        return account.available_balance_quote
    tied = (account.long_base + account.short_base) * mark_price * account.initial_rate
    return min(ZERO, account.margin_balance_quote - tied)


def _lp_then(lp: LpView, price: Decimal) -> LpThen:
    base, quote = principal_at(lp, price)
    counted_wallet = (lp.facts.wallet_base or ZERO) if lp.rules.wallet_counts else ZERO
    beside = lp.fee_base + counted_wallet + lp.departed_base
    now = (lp.lp_base + beside) * lp.facts.price + lp.lp_quote + lp.fee_quote
    then = (base + beside) * price + quote + lp.fee_quote
    return LpThen(price, base, quote, beside, lp.fee_quote, now, then)


def _alone(account: PerpAccount, mark_price: Decimal, move: ShortMove) -> ShortThen:
    """A price that moves without a trade leaves the venue's own liquidation price where it is."""
    then, venue_says = _then(account, mark_price, move), account.liquidation_price
    passed = False
    if venue_says is not None:
        passed = move.price >= venue_says if account.position_base < 0 else move.price <= venue_says
    return replace(then, liquidation_price=venue_says, liquidated=passed or then.liquidated)


def _following(
    outlook: Outlook, account: PerpAccount, mark_price: Decimal, price: Decimal
) -> tuple[ShortThen | None, bool]:
    """(the rebalanced short, whether it is worth more than the cap), as far as it can be told."""
    if outlook.lp is None:
        return None, False
    move = rebalanced(outlook.lp, account, mark_price, price, outlook.config.hedge_ratio)
    if move is None:
        return None, False
    cap = outlook.config.max_position_notional
    return _then(account, mark_price, move), bool(cap and move.short_base * price > cap)


def _then(account: PerpAccount, mark_price: Decimal, move: ShortMove) -> ShortThen:
    others = others_maintenance_quote(account, mark_price)
    balance = account.margin_balance_quote + move.gain_quote
    backing = balance - others if move.equity_quote is None else move.equity_quote
    return ShortThen(
        position_base=move.position_base,
        pnl_quote=move.pnl_quote,
        fee_quote=move.fee_quote,
        margin_balance_quote=balance,
        maintenance_quote=others + move.kept_quote,
        free_quote=free_now_quote(account, mark_price) + move.freed_quote,
        liquidation_price=liquidation_price(account, move.short_base, move.price, backing),
        liquidated=bool(move.position_base) and backing <= move.kept_quote,
    )
