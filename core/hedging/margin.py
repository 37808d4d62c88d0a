"""Margin seen from a single trade: liquidation price, what a trade ties up, and who of several hedges goes first.

The kernel's own limits are in `headroom`; this is what people are shown, and what the engine reserves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.facts import PerpAccount

ZERO = Decimal(0)


def liquidation_price_after(account: PerpAccount, mark_price: Decimal, trade_base: Decimal) -> Decimal | None:
    """QUOTE per BASE after a signed trade at about the mark, fee included; None when there would be none.

    Binance's (WB + q EP) / (q (1 + MMR)) for a short, with the loss so far moved from entry price to equity, so that
    the account's other positions count: they keep their maintenance margin and their value at today's prices.
    """
    position = account.position_base + trade_base
    if position == 0:
        return None
    if account.isolated:
        return _isolated_price_after(account, mark_price, position)
    own = abs(account.position_base) * mark_price * account.maintenance_rate
    others = max(ZERO, account.maintenance_margin_quote - own)
    fee = abs(trade_base) * mark_price * account.taker_fee_rate
    equity = account.margin_balance_quote - others - fee
    direction = 1 if position < 0 else -1
    size = abs(position)
    price = (size * mark_price + direction * equity) / (size * (1 + direction * account.maintenance_rate))
    return price if price > 0 else None


def _isolated_price_after(account: PerpAccount, mark_price: Decimal, position: Decimal) -> Decimal | None:
    """What backs each BASE is read from the venue's own price; what is added brings its initial margin, what is taken
    away takes its share with it."""
    direction = 1 if position < 0 else -1
    before = max(ZERO, -direction * account.position_base)
    factor = 1 + direction * account.maintenance_rate
    if before and account.liquidation_price is None:
        return None
    had_each = direction * ((account.liquidation_price or ZERO) * factor - mark_price)
    kept = min(before, abs(position))
    equity = kept * had_each + (abs(position) - kept) * mark_price * account.initial_rate
    price = (mark_price + direction * equity / abs(position)) / factor
    return price if price > 0 else None


def available_after(account: PerpAccount, price: Decimal, trade_base: Decimal) -> Decimal:
    """Available balance once a signed trade is done: what grows ties up initial margin, what shrinks frees it."""
    grown = abs(account.position_base + trade_base) - abs(account.position_base)
    fee = abs(trade_base) * price * account.taker_fee_rate
    return account.available_balance_quote - grown * price * account.initial_rate - fee


def rally_loss_quote(size_base: Decimal, price: Decimal, price_then: Decimal) -> Decimal:
    """What a short that is left alone loses, and must be covered in cash at the exchange, when the price rises."""
    return size_base * (price_then - price)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a hedge is about to tie up. `at_work`: it may have been sent already, so it comes before everyone."""

    hedge: str
    margin_quote: Decimal
    gap_in_bands: Decimal
    at_work: bool


def reserved_before(hedge: str, claims: Sequence[Claim]) -> Decimal:
    """QUOTE of the shared balance that hedges before this one have spoken for: the largest gap in bands goes first."""
    order = sorted(claims, key=lambda claim: (not claim.at_work, -claim.gap_in_bands, claim.hedge))
    reserved = ZERO
    for claim in order:
        if claim.hedge == hedge and not claim.at_work:
            return reserved
        reserved += claim.margin_quote if claim.hedge != hedge else ZERO
    return reserved
