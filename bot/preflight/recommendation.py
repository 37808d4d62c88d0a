"""The band for a first configuration: by theory alone, no recorded prices are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from bot.preflight.chain import value_quote
from bot.preflight.exchange import Perp
from bot.preflight.expectation import cost_rate, expectation, sigma_of_target
from bot.preflight.sense import bands_in_force
from core.config import HedgeConfig
from core.facts import LpFacts
from core.replay.theory import RELATIVE_RISK_AVERSION, best_band, risk_aversion_for

SHARE_OF_VALUE = Decimal("0.02")
# Theory's walk knows no edges: a band must be small against the BASE that the range can come to hold.
SHARE_OF_RANGE = Decimal("0.25")
SMALLEST_ORDERS = 2
MOST_TRADES_PER_DAY = 30
WIDEN_BY = Decimal("1.25")
MOST_WIDENINGS = 40


@dataclass(frozen=True, slots=True)
class FirstBand:
    """In QUOTE, two significant digits; `why`: the reason, without its amount."""

    band_quote: Decimal
    why: str


def first_band(hedge: HedgeConfig, facts: LpFacts, perp: Perp) -> FirstBand:
    """Least cost and risk by theory, where there are figures for it; never under what the exchange takes, nor so
    narrow that theory has more than 30 trades a day."""
    found = _by_theory(hedge, facts, perp)
    smallest = bands_in_force(hedge, facts, perp).smallest * SMALLEST_ORDERS
    if found.band_quote < smallest:
        found = FirstBand(smallest, f"{SMALLEST_ORDERS} of the exchange's smallest orders, theory has less")
    band, widened = round_up(found.band_quote), 0
    while _is_busy(hedge, facts, perp, band) and widened < MOST_WIDENINGS:
        band, widened = round_up(band * WIDEN_BY), widened + 1
    said = f", widened until theory has at most {MOST_TRADES_PER_DAY} trades a day" if widened else ""
    return FirstBand(band, found.why + said)


def band_of_value(facts: LpFacts) -> Decimal:
    """2 % of the position's value, where theory has no figures to go by."""
    return value_quote(facts) * SHARE_OF_VALUE


def round_up(amount: Decimal) -> Decimal:
    """To two significant digits, upwards: 380.16 is 390."""
    step = Decimal(1).scaleb(amount.adjusted() - 1)
    return Decimal(f"{(amount / step).to_integral_value(ROUND_CEILING) * step:f}")


def _by_theory(hedge: HedgeConfig, facts: LpFacts, perp: Perp) -> FirstBand:
    sigma_target = sigma_of_target(hedge, facts, perp)
    if not perp.sigma_per_day:
        return FirstBand(band_of_value(facts), "2 % of its value, for the volatility could not be read")
    if sigma_target == 0:
        return FirstBand(band_of_value(facts), "2 % of its value, for out of range theory has no figure")
    price, rate = float(perp.market.mark_price), cost_rate(perp)
    best = best_band(
        price=price,
        sigma_per_day=perp.sigma_per_day,
        sigma_base_per_day=sigma_target,
        inner_share=0.0,
        look_every_s=float(hedge.poll_seconds),
        cost_rate=rate,
        risk_aversion=risk_aversion_for(float(value_quote(facts))),
    )
    band, most = Decimal(best.band_base * price), _widest(facts, perp)
    if band > most:
        return FirstBand(most, "by theory alone: a quarter of what its range can hold, theory is no guide beyond that")
    paid = f"a trade costs {rate * 100:.3f} %, risk aversion {RELATIVE_RISK_AVERSION:g} / value"
    return FirstBand(band, f"by theory alone, where cost and risk together are least ({paid})")


def _widest(facts: LpFacts, perp: Perp) -> Decimal:
    most_base = sum((position.base_at_lower_edge for position in facts.positions), Decimal(0))
    return most_base * perp.market.mark_price * SHARE_OF_RANGE


def _is_busy(hedge: HedgeConfig, facts: LpFacts, perp: Perp, band: Decimal) -> bool:
    expected = expectation(hedge, facts, perp, band, Decimal(0))
    return expected is not None and expected.trades_per_day > MOST_TRADES_PER_DAY
