"""What must be on the exchange so that a move of the price can be borne, and how much must or may be moved. Pure.

A move can be borne when, at every step of the way, the available balance is not under `min_available_balance_quote` and
every short's liquidation is no nearer than its limit: `min_liquidation_distance_pct`, and never nearer than where
deleveraging would end. Hedges of one account stand behind each other: what one loses, all lack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from core.config import HedgeConfig
from core.facts import LpPosition, Market, PerpAccount
from core.hedging.lifecycle import LpView
from core.hedging.maintenance import maintenance_quote
from core.hedging.price_move import ShortMove, left_alone, rebalanced
from core.hedging.whatif import free_now_quote
from core.outlook import Outlook

ZERO = Decimal(0)
HUNDRED = Decimal(100)
# The tightest point of a way may lie between its ends: initial margin is freed faster near the range's upper edge.
STEPS = 16
# A range from nothing to everything has no edges to speak of.
FULL_RANGE_RATIO = Decimal(10) ** 12

Moves = Mapping[str, ShortMove]
Mover = Callable[["Readable", Decimal], ShortMove | None]


@dataclass(frozen=True, slots=True)
class Readable:
    """A hedge of which everything is known."""

    hedge: str
    config: HedgeConfig
    lp: LpView
    account: PerpAccount
    market: Market

    @property
    def mark_price(self) -> Decimal:
        return self.market.mark_price


@dataclass(frozen=True, slots=True)
class Edges:
    """The outermost prices of the positions that hold liquidity, QUOTE per BASE."""

    lower: Decimal
    upper: Decimal


@dataclass(frozen=True, slots=True)
class Need:
    """What a move takes, and leaves, in QUOTE. `gain_quote`: profit less fees of all shorts that moved, negative when
    it must be covered. `balance_quote`: what stands behind the account's cross positions at its end; `free_quote`: what
    is available then. `lacks_quote`: what must be moved in for the whole way, below zero what could be spared.
    """

    gain_quote: Decimal
    balance_quote: Decimal
    free_quote: Decimal
    lacks_quote: Decimal


def readable(outlook: Outlook | None) -> Readable | None:
    """None unless LP, account and market are all known."""
    if outlook is None or outlook.lp is None or outlook.account is None or outlook.market is None:
        return None
    return Readable(outlook.hedge, outlook.config, outlook.lp, outlook.account, outlook.market)


def edges_of(lp: LpView) -> Edges | None:
    """None without liquidity, or when all of it is full range."""
    ranged = [view.position for view in lp.positions if _has_edges(view.position)]
    if not ranged:
        return None
    return Edges(min(each.price_lower for each in ranged), max(each.price_upper for each in ranged))


def _has_edges(position: LpPosition) -> bool:
    return position.liquidity > 0 and position.price_upper < position.price_lower * FULL_RANGE_RATIO


def distance_limit(config: HedgeConfig) -> Decimal:
    """Fraction of the mark; as the kernel's limit on increases is."""
    return max(config.min_liquidation_distance_pct, 2 * config.deleverage_below_pct) / HUNDRED


def need(account_of: Sequence[Readable], to: Mapping[str, Decimal], *, follows: bool) -> Need | None:
    """Of hedges that share one account, when those in `to` move to these prices together. `follows`: their shorts are
    rebalanced on the way, else left alone. None when it cannot be told, as of an isolated position without a
    liquidation price."""
    move = _rebalanced if follows else _left_alone
    way: list[Need] = []
    for step in range(STEPS + 1):
        moves = _moves_at(step, account_of, to, move)
        if moves is None:
            return None
        way.append(_borne(account_of, moves))
    return replace(way[-1], lacks_quote=max(each.lacks_quote for each in way))


def spare_quote(account_of: Sequence[Readable], needs: Sequence[Need]) -> Decimal:
    """What could leave the account with every one of `needs` still borne; below zero: what must be moved in.

    No more than is available now.
    """
    lacks = max((each.lacks_quote for each in needs), default=ZERO)
    newest = _newest(account_of)
    free = free_now_quote(newest.account, newest.mark_price) - _least_free(account_of)
    return -lacks if lacks > 0 else min(-lacks, max(ZERO, free))


def _moves_at(step: int, account_of: Sequence[Readable], to: Mapping[str, Decimal], move: Mover) -> Moves | None:
    """Of every hedge after so many of the `STEPS`: those in `to` by `move`, the others stand. None: as in `need`."""
    moves: dict[str, ShortMove] = {}
    for each in account_of:
        target = to.get(each.hedge)
        if target is None:
            made = _left_alone(each, each.mark_price)
        else:
            made = move(each, _on_the_way(each.mark_price, target, step))
        if made is None:
            return None
        moves[each.hedge] = made
    return moves


def _on_the_way(start: Decimal, end: Decimal, step: int) -> Decimal:
    return end if step == STEPS else start + (end - start) * step / STEPS


def _left_alone(each: Readable, price: Decimal) -> ShortMove | None:
    move = left_alone(each.account, each.mark_price, price)
    unclear = each.account.isolated and each.account.position_base and move.equity_quote is None
    return None if unclear else move


def _rebalanced(each: Readable, price: Decimal) -> ShortMove | None:
    return rebalanced(each.lp, each.account, each.mark_price, price, each.config.hedge_ratio)


def _borne(account_of: Sequence[Readable], moves: Moves) -> Need:
    newest = _newest(account_of)
    gain = sum((move.gain_quote for move in moves.values()), ZERO)
    free = free_now_quote(newest.account, newest.mark_price) + sum((move.freed_quote for move in moves.values()), ZERO)
    balance = _balance_quote(account_of, moves)
    lacks = [*_lacking(account_of, moves, balance), _least_free(account_of) + _put_aside(account_of, moves) - free]
    return Need(gain, balance, free, max(lacks))


def _balance_quote(account_of: Sequence[Readable], moves: Moves) -> Decimal:
    """What stands behind the cross positions."""
    crossed = _crossed(account_of)
    balance = _newest(crossed or account_of).account.margin_balance_quote
    return balance + sum((moves[each.hedge].gain_quote for each in crossed), ZERO)


def _lacking(account_of: Sequence[Readable], moves: Moves, balance_quote: Decimal) -> list[Decimal]:
    """Of each cross short what it wants behind it, less what the others leave of the balance."""
    crossed = _crossed(account_of)
    kept = _others_keep(account_of) + sum((moves[each.hedge].kept_quote for each in crossed), ZERO)
    return [
        _wanted_quote(each, move) + kept - move.kept_quote - balance_quote
        for each in crossed
        if (move := moves[each.hedge]).position_base < 0
    ]


def _crossed(account_of: Sequence[Readable]) -> list[Readable]:
    return [each for each in account_of if not each.account.isolated]


def _others_keep(account_of: Sequence[Readable]) -> Decimal:
    """Maintenance margin of what in the account is none of these."""
    ours = sum((left_alone(each.account, each.mark_price, each.mark_price).kept_quote for each in account_of), ZERO)
    return max(ZERO, _newest(account_of).account.maintenance_margin_quote - ours)


def _put_aside(account_of: Sequence[Readable], moves: Moves) -> Decimal:
    """What the isolated ones lack must come out of what is free."""
    wanted = ((_wanted_quote(each, moves[each.hedge]), moves[each.hedge].equity_quote) for each in account_of)
    return sum((max(ZERO, needs - equity) for needs, equity in wanted if equity is not None), ZERO)


def _wanted_quote(each: Readable, move: ShortMove) -> Decimal:
    """What stands behind the short when its liquidation is just as near as it may be."""
    limit_price = move.price * (1 + distance_limit(each.config))
    keeps = maintenance_quote(each.account, move.long_base, move.short_base, limit_price)
    return -move.position_base * (limit_price - move.price) + keeps


def _newest(account_of: Sequence[Readable]) -> Readable:
    """The account is read with each of its symbols; the last of these reads counts."""
    return max(account_of, key=lambda each: each.account.as_of)


def _least_free(account_of: Sequence[Readable]) -> Decimal:
    return max(each.config.min_available_balance_quote for each in account_of)
