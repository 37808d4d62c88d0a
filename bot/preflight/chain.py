"""The chain's side: node, contracts, position, tokens; one hedge at a time, so that one mistake hides no other."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.preflight.findings import Finding, fix, ok, warn
from bot.settings import Settings
from core.amm.presets import chain_preset
from core.amm.reader import ChainReader
from core.clock import Clock
from core.errors import LpHedgeError, Transient
from core.facts import LpFacts

MOST_POSITIONS_NAMED = 5


@dataclass(frozen=True, slots=True)
class ChainSide:
    """`facts` None: could not be read, and a finding says why."""

    findings: tuple[Finding, ...]
    facts: LpFacts | None


async def examine_lp(settings: Settings, name: str, clock: Clock) -> ChainSide:
    """Asks the node as a start would. No facts when one of the findings says why."""
    hedge = settings.config.hedges[name]
    subject = f"{name}: LP"
    try:
        preset = chain_preset(hedge.chain, settings.config.chains.get(hedge.chain))
        named = {name: settings.config.ids_named_beside(name)}
        reader = ChainReader(preset, {name: hedge}, settings.rpc_urls(hedge.chain), clock, named_ids=named)
    except LpHedgeError as error:
        return ChainSide((fix(subject, str(error)),), None)
    try:
        await reader.prepare()
        facts = (await reader.read())[name]
    except Transient as error:
        return ChainSide((fix(subject, f"{error}: check the node, or add another URL after a comma"),), None)
    except LpHedgeError as error:
        return ChainSide((fix(subject, str(error)),), None)
    finally:
        await reader.aclose()
    return ChainSide((_node(settings, name, facts), *_positions(subject, facts)), facts)


def _node(settings: Settings, name: str, facts: LpFacts) -> Finding:
    hedge = settings.config.hedges[name]
    age_s = (facts.as_of - facts.block.time).total_seconds()
    seen = f"{facts.source}, block {facts.block.number}, {age_s:.0f} s old"
    if age_s > hedge.max_chain_age_seconds:
        limit = f"older than max_chain_age_seconds = {hedge.max_chain_age_seconds}: the node lags, or raise the limit"
        return fix(f"{name}: node", f"{seen}, {limit}")
    return ok(f"{name}: node", seen)


def _positions(subject: str, facts: LpFacts) -> list[Finding]:
    pair = f"{facts.base.symbol} ({facts.base.decimals} decimals) / {facts.quote.symbol} ({facts.quote.decimals})"
    found = [ok(subject, f"BASE is {pair}, pool price {facts.price:.6g}")]
    for position in facts.positions[:MOST_POSITIONS_NAMED]:
        held = f"{position.base:.6g} {facts.base.symbol} + {position.quote:.6g} {facts.quote.symbol}"
        where = f"range {position.price_lower:.6g} to {position.price_upper:.6g}, price is {position.side.value} range"
        found.append(ok(subject, f"position {position.position_id}: {held}, {where}"))
    if facts.missing_ids:
        gone = ", ".join(map(str, facts.missing_ids))
        found.append(warn(subject, f"gone: position {gone}; take it out of lp_position_ids"))
    if not any(position.liquidity for position in facts.positions):
        found.append(warn(subject, "no liquidity in any position: there is nothing to hedge now"))
    if facts.unfollowed_ids:
        others = ", ".join(map(str, facts.unfollowed_ids))
        found.append(warn(subject, f"the same wallet also holds position {others} in this pool, which is not hedged"))
    return found


def value_quote(facts: LpFacts) -> Decimal:
    """Of all positions, fees left out, at the pool's price."""
    return sum((position.base * facts.price + position.quote for position in facts.positions), Decimal(0))
