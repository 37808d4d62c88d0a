"""Orders and trades in words."""

from __future__ import annotations

from bot.rendering.alerts.facts import Facts
from bot.rendering.markup import code, esc, lines
from bot.rendering.numbers import bps, exact, number


def executed(facts: Facts) -> str:
    slippage = f", slippage {bps(facts.number('slippage_bps'))}" if "slippage_bps" in facts.data else ""
    size = exact(facts.number("quantity_base"), facts.base)
    traded = f"{facts.data.get('side', 'traded')} {size}"
    return lines(
        f"🔁 {facts.title(traded)} @ {facts.price('average_price')}",
        f"Fee {facts.money('fee_quote')}{slippage}.",
        _fallback(facts),
        _standing(facts),
    )


def _standing(facts: Facts) -> str:
    """A plan that is told after a kill has its figures from the journal, which keeps no target."""
    if "late" in facts.data:
        return "Traded just before the program was killed, told after its start. See /status."
    return f"Position {facts.amount('position_base', signed=True)}, target {facts.amount('target_base', signed=True)}."


def _fallback(facts: Facts) -> str | None:
    if facts.number("fallback_base") is None:
        return None
    return f"{facts.exact('fallback_base')} of it at the market: the quote did not fill in time."


def unknown_outcome(facts: Facts) -> str:
    return lines(
        f"❓ {facts.title('the outcome of an order is not known')}",
        f"Order {facts.text('client_order_id')}. {facts.text('detail', '')}".rstrip(),
        "I ask the exchange until it is certain, and send nothing meanwhile.",
    )


def resolved(facts: Facts) -> str:
    found = f"{facts.text('client_order_id')}. {facts.text('detail', '')}".rstrip()
    return f"✅ {facts.title('the order is accounted for')}: {found}"


def slippage(facts: Facts) -> str:
    expected = facts.data.get("expected_bps")
    cost = f"{esc(bps(number(expected)))} of slippage" if expected else "more than the visible book holds"
    side = "Selling" if facts.text("side") == "SELL" else "Buying"
    return lines(
        f"⚠️ {facts.title('the book is thin')}.",
        f"{side} {facts.amount('quantity_base')} would cost {cost}; I take what there is up to"
        f" {facts.money('price_cap')} and try again every 2 s.",
    )


def taken_back(facts: Facts) -> str:
    return lines(
        f"⚠️ {facts.title('an order of a lost journal was resting')}.",
        f"I cancelled {code(facts.text('client_order_id'))}. See whether another lp-hedge uses this account.",
    )


def foreign(facts: Facts) -> str:
    kinds = {"liquidation": "a liquidation", "adl": "an auto-deleveraging (ADL)"}
    what = kinds.get(facts.data.get("origin", ""), "a trade that is not ours")
    return lines(
        f"🚨 {facts.title(what)}: {facts.text('side', '')} {facts.exact('quantity_base')} @ {facts.price('price')}.",
        "See /status.",
    )
