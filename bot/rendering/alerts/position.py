"""The LP position in words: what left it, what was found, who owns it."""

from __future__ import annotations

from bot.rendering.alerts.facts import Facts
from bot.rendering.markup import code, esc, lines
from bot.rendering.numbers import percent


def lp_state(facts: Facts) -> str:
    before, after = (facts.data.get(key, "unknown").replace("_", " ").lower() for key in ("frm", "to"))
    block = f" (block {facts.text('block')})" if facts.data.get("block") else ""
    return f"💧 {facts.title(f'LP {before} → {after}')}{block}."


def mismatch(facts: Facts) -> str:
    return lines(
        f"🚨 {facts.title('the position is not ours alone')}",
        f"Exchange {facts.amount('venue_base', signed=True)}, our own trades add up to"
        f" {facts.amount('journal_base', signed=True)}.",
        "Hedging is suspended. /adopt takes the exchange's position as ours; or undo the foreign trade.",
    )


def adopted(facts: Facts) -> str:
    leg = facts.text("leg", "")
    return f"🤝 {facts.title('position adopted')}: {leg} {facts.amount('delta_base', signed=True)}, by {facts.by}."


def departed(facts: Facts) -> str:
    figures = facts.amount("departed_base") if "departed_base" in facts.data else facts.amount("delta_base")
    return lines(
        f"💧 {facts.title('BASE left the LP position')}: {figures}.",
        "It stays hedged for the grace time, until it is back in the pool or the wallet.",
        f"/follow close {esc(facts.name)} ends that now, /follow keep {esc(facts.name)} keeps the short beyond it.",
    )


def found(facts: Facts) -> str:
    number = facts.text("position_id")
    title = f"🆕 {facts.title(f'position {number} is in the same wallet and pool')} and is not hedged."
    follow = f"/follow {number} hedges it too"
    others = f"{facts.text('others')} more like it: `lp-hedge check` names them." if "others" in facts.data else None
    if "departed_base" not in facts.data:
        return lines(title, others, f"{follow}.")
    hedge = esc(facts.name)
    return lines(
        title,
        others,
        f"{facts.amount('departed_base')} left the followed positions. The short for it stays for the grace time.",
        f"Follow: {follow} and takes the place of what left.",
        f"Close: it is not coming back, the short goes down now. /follow close {hedge}",
        f"Keep: the short stays beyond the grace. /follow keep {hedge}",
    )


def given(facts: Facts) -> str:
    number = facts.text("position_id")
    return lines(
        f"⚠️ {facts.title(f'position {number} has a new owner')}: {code(facts.data.get('after', 'unknown'))}.",
        "It is still hedged. If it is not yours any more, take it out of hedge.toml.",
    )


def followed(facts: Facts) -> str:
    number = facts.text("position_id")
    return f"💧 {facts.title(f'position {number} is hedged too')}, by {facts.by}."


def kept(facts: Facts) -> str:
    return f"📌 {facts.title('the short stays for what left')}: {facts.amount('departed_base')}, by {facts.by}."


def closed(facts: Facts) -> str:
    return f"💧 {facts.title('what left counts no more')}: {facts.amount('departed_base')}, by {facts.by}."


def liquidity(facts: Facts) -> str:
    position = f" of position {facts.text('position_id')}" if "position_id" in facts.data else ""
    return f"💧 {facts.title('liquidity changed')}{position}{_relative_change(facts)}."


def _relative_change(facts: Facts) -> str:
    before, after = facts.number("before"), facts.number("after")
    if before is None or after is None:
        return ""
    if not before or not after:
        return ": all of it is gone" if before else ": newly opened"
    return f": {percent(after / before - 1, signed=True)}"
