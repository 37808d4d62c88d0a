"""What must stay behind a position, and where a short would be liquidated, by the symbol's own margin tiers. Pure."""

from __future__ import annotations

from decimal import Decimal

from core.facts import MarginTier, PerpAccount

ZERO = Decimal(0)


def tiers_of(account: PerpAccount) -> tuple[MarginTier, ...]:
    """Where the venue names none, today's rate for every size."""
    return account.maintenance_tiers or (MarginTier(ZERO, account.maintenance_rate, ZERO),)


def leg_maintenance_quote(account: PerpAccount, notional_quote: Decimal) -> Decimal:
    """Of one leg. A tier's floor itself is still the tier's below, as at Binance."""
    tier = [each for each in tiers_of(account) if each.floor_quote < notional_quote or not each.floor_quote][-1]
    return notional_quote * tier.rate - tier.deduction_quote


def maintenance_quote(account: PerpAccount, long_base: Decimal, short_base: Decimal, price: Decimal) -> Decimal:
    """Of both legs of the symbol at a mark."""
    return leg_maintenance_quote(account, long_base * price) + leg_maintenance_quote(account, short_base * price)


def others_maintenance_quote(account: PerpAccount, mark_price: Decimal) -> Decimal:
    """What the account's other symbols must keep, as it was read."""
    own = maintenance_quote(account, account.long_base, account.short_base, mark_price)
    return max(ZERO, account.maintenance_margin_quote - own)


def liquidation_price(
    account: PerpAccount, short_base: Decimal, price: Decimal, equity_quote: Decimal
) -> Decimal | None:
    """Of a short that has `equity_quote` behind it, with the mark at `price`; None without a short.

    Where equity - q*(p - price) meets q*p*rate - deduction, in the tier that the answer's own notional falls into. Not
    above `price`: it is liquidated already.
    """
    if not short_base:
        return None
    tiers = tiers_of(account)
    for tier in reversed(tiers):
        found = (equity_quote + short_base * price + tier.deduction_quote) / (short_base * (1 + tier.rate))
        if short_base * found >= tier.floor_quote:
            return found
    return (equity_quote + short_base * price) / short_base  # less than nothing is left


def isolated_equity_quote(account: PerpAccount, mark_price: Decimal) -> Decimal | None:
    """What stands behind an isolated short, profit and loss so far included, from the venue's own liquidation price.

    None when that cannot be told: there is no such price, or a long leg is open as well.
    """
    if account.long_base:
        return None
    if not account.short_base:
        return ZERO
    if account.liquidation_price is None:
        return None
    keeps = leg_maintenance_quote(account, account.short_base * account.liquidation_price)
    return account.short_base * (account.liquidation_price - mark_price) + keeps
