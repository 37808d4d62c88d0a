"""Has a chain's news changed a hedge so much that it should be looked at now, and not at its next turn?"""

from __future__ import annotations

from decimal import Decimal

from core.config import HedgeConfig
from core.facts import LpFacts

# A price move is worth a look when it has moved the exposure by this part of the band.
PART_OF_BAND = Decimal("0.25")


def is_stirred(before: LpFacts | None, now: LpFacts, config: HedgeConfig) -> bool:
    """`before`: what the last look was at, None before the first. Anything but the price counts at once."""
    if before is None or _place(before) != _place(now):
        return True
    moved_quote = abs(_base(now, config) - _base(before, config)) * now.price
    return moved_quote > 0 and moved_quote >= PART_OF_BAND * _band_quote(now, config)


def _place(facts: LpFacts) -> tuple[object, ...]:
    """All that a trade of somebody else in the pool does not change, but for crossing a range's edge."""
    positions = tuple((each.position_id, each.liquidity, each.owner, each.side) for each in facts.positions)
    return positions, facts.missing_ids, facts.unfollowed_ids, facts.reorganised_from


def _base(facts: LpFacts, config: HedgeConfig) -> Decimal:
    held = sum((each.base + each.owed_base for each in facts.positions), Decimal(0))
    return held + (facts.wallet_base or Decimal(0)) if config.include_wallet_base else held


def _band_quote(facts: LpFacts, config: HedgeConfig) -> Decimal:
    value_quote = sum((each.base * each.price + each.quote for each in facts.positions), Decimal(0))
    return max(config.threshold_base * facts.price, config.band_quote, config.band_pct * value_quote / 100)
