"""The split of one step's change of wealth, over plain scalars.

The live account runs it over exact Decimals, replay compiles the same source over machine numbers. + - * and
comparisons only; `attribution.Parts` says what each part is. All amounts in QUOTE but those named BASE.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

Number = Decimal


class Worth(NamedTuple):
    """What is there at one reading: `price` of the pool, `mark` of the perpetual; `perp_base` negative when short."""

    price: Number
    mark: Number
    lp_base: Number
    lp_quote: Number
    fee_base: Number
    fee_quote: Number
    beside_base: Number
    perp_base: Number


class Dealings(NamedTuple):
    """What happened between two readings.

    `held_base`, `held_quote`: the principal of the later reading had no liquidity come or gone; `holder_base`: BASE of
    who holds tokens. `bought_base` less what was sold, `spent_quote` less what was received, by our fills (`slippage`
    of them against their arrival, negative when worse) and by other people's. Payments are positive when received.
    """

    held_base: Number
    held_quote: Number
    holder_base: Number
    bought_base: Number
    spent_quote: Number
    slippage: Number
    others_bought_base: Number
    others_spent_quote: Number
    others_fees: Number
    commissions: Number
    funding: Number
    other: Number


class Split(NamedTuple):
    """As `attribution.Parts` of one step, as far as they are sums of money."""

    lp_fees: Number
    lp_price: Number
    lvr: Number
    beside: Number
    hedge: Number
    slippage: Number
    funding: Number
    commissions: Number
    other: Number
    manual: Number
    added: Number
    collected: Number
    moved: Number
    held: Number
    principal: Number


def split(before: Worth, now: Worth, dealt: Dealings) -> Split:
    """One step. What was held before is moved by the prices, what came or went counts at those of `now`."""
    move = now.price - before.price
    held_value = dealt.held_base * now.price + dealt.held_quote
    principal = held_value - _principal(before)
    lp_price = before.lp_base * move
    bought_at_mark = dealt.bought_base * now.mark - dealt.spent_quote
    unexplained = now.perp_base - before.perp_base - dealt.bought_base - dealt.others_bought_base
    beside_came = now.beside_base - before.beside_base
    return Split(
        lp_fees=_rise(before.fee_base, now.fee_base) * now.price + _rise(before.fee_quote, now.fee_quote),
        lp_price=lp_price + before.fee_base * move,
        lvr=principal - lp_price,
        beside=before.beside_base * move,
        hedge=before.perp_base * (now.mark - before.mark) + bought_at_mark - dealt.slippage,
        slippage=dealt.slippage,
        funding=dealt.funding,
        commissions=dealt.commissions,
        other=dealt.other,
        manual=dealt.others_bought_base * now.mark - dealt.others_spent_quote + dealt.others_fees,
        added=_principal(now) - held_value + beside_came * now.price,
        collected=_rise(now.fee_base, before.fee_base) * now.price + _rise(now.fee_quote, before.fee_quote),
        moved=unexplained * now.mark,
        held=dealt.holder_base * move,
        principal=principal,
    )


def wealth_change(before: Worth, now: Worth, dealt: Dealings) -> Number:
    """Without a look at the parts: what is there now, less what was there, and the cash that moved between."""
    paid = dealt.funding + dealt.commissions + dealt.other + dealt.others_fees
    return wealth(now) - wealth(before) + paid - dealt.spent_quote - dealt.others_spent_quote


def wealth(worth: Worth) -> Number:
    """QUOTE: principal, fees and BASE beside the LP at the pool's price, the perpetual's position at its mark."""
    fees = worth.fee_base * worth.price + worth.fee_quote
    return _principal(worth) + fees + worth.beside_base * worth.price + worth.perp_base * worth.mark


def _principal(worth: Worth) -> Number:
    return worth.lp_base * worth.price + worth.lp_quote


def _rise(before: Number, now: Number) -> Number | int:
    """Uncollected fees only fall when they are collected; what was earned in that step as well is not seen."""
    return now - before if now > before else 0
