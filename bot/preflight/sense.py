"""Do the settings make sense together: band, smallest order, approvals, pace, margin, and is it the right symbol?"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.chat_settings.contradictions import contradictions
from bot.preflight.chain import value_quote
from bot.preflight.exchange import Perp
from bot.preflight.expectation import expectation, expectation_sentence
from bot.preflight.findings import Finding, fix, ok, warn
from core.asset_names import is_form_of
from core.config import Config, HedgeConfig
from core.errors import ConfigurationError
from core.exchange.paper import terms_of
from core.facts import LpFacts
from core.hedging.pairing import wrong_perp
from core.hedging.policy import policy_from

LEAST_APPROVAL_QUOTE = Decimal(1000)


# Settings whose defaults decide what happens unattended, and what that is.
DECIDING_DEFAULTS = (
    ("approval_on_timeout", "an unanswered proposal trades nothing"),
    ("close_when_no_lp", "without liquidity the short is closed after the grace"),
    ("no_lp_grace_seconds", "how long what left the position stays hedged"),
    ("on_chain_blind", "without the chain nothing is traded"),
    ("adopt_external", "a foreign trade stops it until you say whose it is"),
    ("max_slippage_bps", "more slippage gets a price limit"),
)


@dataclass(frozen=True, slots=True)
class Bands:
    """In QUOTE: the largest band in force, where a rebalance ends, the smallest order, the approval limit or None."""

    band: Decimal
    inner: Decimal
    smallest: Decimal
    approval: Decimal | None


def examine_sense(config: Config, name: str, facts: LpFacts, perp: Perp) -> list[Finding]:
    """Needs what chain and exchange answered. Settings that make no policy are the one finding then."""
    hedge = config.hedges[name]
    try:
        policy_from(hedge, perp.rules)
    except ConfigurationError as error:
        return [fix(f"{name}: settings", str(error))]
    bands = bands_in_force(hedge, facts, perp)
    return [
        *_same_thing(name, hedge, facts, perp),
        *_bands(name, bands),
        *_pace(name, hedge, facts, perp, bands),
        *_room(name, config, facts, perp),
    ]


def matters_if_unset(name: str, hedge: HedgeConfig) -> list[Finding]:
    """What was left to its default though it decides what happens while nobody looks."""
    left = [
        f"{key} = {_as_written(getattr(hedge, key))} ({meaning})"
        for key, meaning in DECIDING_DEFAULTS
        if key not in hedge.model_fields_set
    ]
    return [ok(f"{name}: defaults", "; ".join(left))] if left else []


def examine_contradictions(name: str, hedge: HedgeConfig) -> list[Finding]:
    """Of the file alone, so it needs nobody's answer."""
    return [warn(f"{name}: settings", clause) for clause in contradictions(hedge)]


def _as_written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def bands_in_force(hedge: HedgeConfig, facts: LpFacts, perp: Perp) -> Bands:
    """In QUOTE at the mark; no approval limit when that is off."""
    price = perp.market.mark_price
    band = hedge.band_at(price, value_quote(facts))
    inner = hedge.hysteresis_in(band)
    rules = perp.rules
    smallest = max(hedge.min_notional_quote, rules.min_notional_quote, rules.min_quantity * price)
    match hedge.approval_over_quote:
        case None:
            approval = max(LEAST_APPROVAL_QUOTE, 5 * band)
        case "off":
            return Bands(band, inner, smallest, None)
        case number:
            approval = number
    return Bands(band, inner, smallest, approval)


def _same_thing(name: str, hedge: HedgeConfig, facts: LpFacts, perp: Perp) -> list[Finding]:
    mark = perp.market.mark_price
    basis_bps = abs(facts.price - mark) / mark * 10000
    prices = f"pool {facts.price:.6g}, perpetual {mark:.6g}, {basis_bps:.0f} bps apart"
    if said := wrong_perp(facts, perp.market, perp.rules):
        return [fix(f"{name}: basis", said)]
    if 0 < hedge.max_basis_bps < basis_bps:
        return [warn(f"{name}: basis", f"{prices}, over max_basis_bps = {hedge.max_basis_bps:f}")]
    if not is_form_of(facts.base.symbol, perp.rules.base_asset):
        return [warn(f"{name}: basis", f"{prices}, but is {hedge.symbol} the perpetual of {facts.base.symbol}?")]
    return [ok(f"{name}: basis", prices)]


def _bands(name: str, bands: Bands) -> list[Finding]:
    subject, found = f"{name}: band", []
    if bands.band < bands.smallest:
        found.append(
            warn(subject, f"{bands.band:.2f} is under the smallest order, {bands.smallest:.2f}, which decides instead")
        )
    if bands.approval is not None and bands.approval <= bands.band:
        found.append(
            warn(
                subject, f"every rebalance asks: approval_over_quote {bands.approval:.2f} is not above {bands.band:.2f}"
            )
        )
    asks = "nothing asks" if bands.approval is None else f"asks from {bands.approval:.2f}"
    return found or [ok(subject, f"trades from {bands.band:.2f}, {asks}, smallest order {bands.smallest:.2f}")]


def _pace(name: str, hedge: HedgeConfig, facts: LpFacts, perp: Perp, bands: Bands) -> list[Finding]:
    subject = f"{name}: pace"
    expected = expectation(hedge, facts, perp, max(bands.band, bands.smallest), bands.inner)
    if expected is None:
        return [ok(subject, "no position is in range now, so the price alone causes no trade")]
    said = f"theory: {expectation_sentence(expected, perp, facts)}; max_per_hour = {hedge.max_per_hour}"
    if 0 < hedge.max_per_hour < expected.trades_per_day / 24:
        return [warn(subject, f"{said}, which is fewer: widen the band or raise the limit")]
    return [ok(subject, said)]


def _room(name: str, config: Config, facts: LpFacts, perp: Perp) -> list[Finding]:
    """Whether the position limit lets the target be reached, and margin for as much of it as that allows."""
    hedge, subject = config.hedges[name], f"{name}: room"
    price = perp.market.mark_price
    target_base, edge_base = _targets_base(hedge, facts)
    limit = hedge.max_position_notional or Decimal(0)  # zero is none
    over = 0 < limit < target_base * price
    available, needed = _available_and_needed(config, perp, limit if over else target_base * price)
    short, whose = f"short {target_base:.6g} now", "it"
    if over:
        worth = f"{target_base * price:.2f}, over max_position_notional = {limit:f}"
        short, whose = f"{short}, worth {worth}: the rest stays unhedged", "that much"
    said = f"{short}; {whose} binds {needed:.2f} of {available:.2f} margin; at most {edge_base:.6g} at the lower edge"
    if needed > available:
        return [fix(subject, f"{said}: add margin")]
    return [warn(subject, said) if over else ok(subject, said)]


def _targets_base(hedge: HedgeConfig, facts: LpFacts) -> tuple[Decimal, Decimal]:
    """Short now, and once the price is at the lower edge of every range."""
    now = sum((position.base for position in facts.positions), Decimal(0))
    at_edge = sum((position.base_at_lower_edge for position in facts.positions), Decimal(0))
    return hedge.hedge_ratio * now, hedge.hedge_ratio * at_edge


def _available_and_needed(config: Config, perp: Perp, notional: Decimal) -> tuple[Decimal, Decimal]:
    """In QUOTE. What a position already held binds is counted as available to it; on paper as a fresh account has."""
    if perp.account is None:
        return config.paper.balance_quote, notional * terms_of(config.paper).initial_rate
    held = abs(perp.account.position_base) * perp.market.mark_price * perp.account.initial_rate
    return perp.account.available_balance_quote + held, notional * perp.account.initial_rate
