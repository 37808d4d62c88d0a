"""What a move of the price makes of the positions and of the short, and what it takes from the account. Pure, exact.

Pool and perpetual are taken to stand at one price then. The short is either **left alone** since the last look, and
loses its size times the rise; or **rebalanced** all the way: first brought to its target at the mark, then following
it at every price between, once and straight. With V(p) what the counted BASE and QUOTE are worth at p, dV/dp is that
BASE, so such a short loses exactly ratio * (V(then) - V(now)), and trades ratio * |QUOTE(then) - QUOTE(now)|, for what
the positions sell they hold in QUOTE. A price that goes back and forth on its way costs more: the loss from moving
itself (LVR), which depends on the path. Funding and slippage are in neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.facts import PerpAccount
from core.hedging.exposure import amounts_at_price
from core.hedging.lifecycle import LpView
from core.hedging.maintenance import isolated_equity_quote, maintenance_quote
from core.hedging.margin import rally_loss_quote

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ShortMove:
    """The short then, and what the move did to the account in QUOTE, each figure signed as the balance feels it.

    `freed_quote`: by how much the available balance changes, profit, fee and margin together. `kept_quote`: what its
    own legs must keep then. `equity_quote`: of an isolated position what then stands behind it, None when the whole
    account does.
    """

    price: Decimal
    long_base: Decimal
    short_base: Decimal
    pnl_quote: Decimal
    fee_quote: Decimal
    freed_quote: Decimal
    kept_quote: Decimal
    equity_quote: Decimal | None = None

    @property
    def position_base(self) -> Decimal:
        """Both legs together, negative when short."""
        return self.long_base - self.short_base

    @property
    def gain_quote(self) -> Decimal:
        """Profit less fees; negative: what must be covered."""
        return self.pnl_quote - self.fee_quote


def principal_at(lp: LpView, price: Decimal) -> tuple[Decimal, Decimal]:
    """(BASE, QUOTE) that burning all liquidity would add at that price, rounded down as the contract does, and what is
    parked."""
    base = quote = ZERO
    for view in lp.positions:
        in_range = amounts_at_price(view.position, view.position.liquidity, price)
        base += in_range[0] + view.base - view.position.base
        quote += in_range[1] + view.quote - view.position.quote
    return base, quote


def left_alone(account: PerpAccount, mark_price: Decimal, price: Decimal) -> ShortMove:
    """The position as it is, nothing traded."""
    rise = price - mark_price
    pnl = -rally_loss_quote(-account.position_base, mark_price, price)
    equity = isolated_equity_quote(account, mark_price) if account.isolated else None
    tied = (account.long_base + account.short_base) * rise * account.initial_rate
    return ShortMove(
        price=price,
        long_base=account.long_base,
        short_base=account.short_base,
        pnl_quote=pnl,
        fee_quote=ZERO,
        freed_quote=ZERO if account.isolated else pnl - tied,
        kept_quote=maintenance_quote(account, account.long_base, account.short_base, price),
        equity_quote=None if equity is None else equity + pnl,
    )


def rebalanced(
    lp: LpView, account: PerpAccount, mark_price: Decimal, price: Decimal, hedge_ratio: Decimal
) -> ShortMove | None:
    """The short that has followed its target. None for an isolated position of which it cannot be told what backs it.

    The fee is the taker's, of the first trades, which close a long leg too, and of the way.
    """
    path = _Path.of(lp, account, mark_price, price, hedge_ratio)
    first_traded = account.long_base + abs(path.start_base - account.short_base)
    fee = (first_traded * mark_price + path.traded_quote) * account.taker_fee_rate
    equity: Decimal | None = None
    if account.isolated:
        had = isolated_equity_quote(account, mark_price)
        if had is None:
            return None
        equity, freed = _isolated(account, path, had)
    else:
        held = account.long_base + account.short_base
        freed = path.pnl_quote - (path.end_base * price - held * mark_price) * account.initial_rate
    return ShortMove(
        price=price,
        long_base=ZERO,
        short_base=path.end_base,
        pnl_quote=path.pnl_quote,
        fee_quote=fee,
        freed_quote=freed - fee,
        kept_quote=maintenance_quote(account, ZERO, path.end_base, price),
        equity_quote=equity,
    )


@dataclass(frozen=True, slots=True)
class _Path:
    """Sizes of the short; `first_base`: what is sold at the mark before the price moves, negative when bought back."""

    mark_price: Decimal
    first_base: Decimal
    start_base: Decimal
    end_base: Decimal
    pnl_quote: Decimal
    traded_quote: Decimal

    @classmethod
    def of(cls, lp: LpView, account: PerpAccount, mark: Decimal, price: Decimal, ratio: Decimal) -> _Path:
        beside = lp.net_base - lp.lp_base
        (base_now, quote_now), (base_then, quote_then) = principal_at(lp, mark), principal_at(lp, price)
        start, end = ratio * (base_now + beside), ratio * (base_then + beside)
        gained = (base_then + beside) * price + quote_then - (base_now + beside) * mark - quote_now
        return cls(
            mark_price=mark,
            first_base=start + account.position_base,
            start_base=start,
            end_base=end,
            pnl_quote=-ratio * gained,
            traded_quote=ratio * abs(quote_then - quote_now),
        )


def _isolated(account: PerpAccount, path: _Path, had_quote: Decimal) -> tuple[Decimal, Decimal]:
    """(what stands behind the short then, change of the available balance before fees).

    What is added brings its initial margin; what is bought back takes its share of what stands behind it along.
    """
    if path.first_base >= 0:
        first = -path.first_base * path.mark_price * account.initial_rate
    else:
        first = -path.first_base * had_quote / account.short_base
    equity = had_quote - first
    if path.end_base >= path.start_base:
        on_the_way = -path.traded_quote * account.initial_rate
    else:
        each = equity / path.start_base + path.mark_price
        on_the_way = each * (path.start_base - path.end_base) - path.traded_quote
    return equity + path.pnl_quote - on_the_way, first + on_the_way
