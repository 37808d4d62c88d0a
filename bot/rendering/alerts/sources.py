"""Chain and exchange in words: what they tell, and when they do not."""

from __future__ import annotations

from datetime import datetime

from bot.rendering.alerts.facts import Facts
from bot.rendering.markup import bold, esc, lines
from bot.rendering.numbers import amount, moment, number


def news_lost(facts: Facts) -> str:
    chain = facts.text("chain")
    return lines(
        f"🔌 {bold(f'{chain} pushes no new blocks')}: {facts.text('detail', '')}.",
        "Hedging goes on by polling, only slower to react.",
    )


def news_back(facts: Facts) -> str:
    return f"🔌 {bold('{} pushes its blocks again'.format(facts.text('chain')))}."


def banned(facts: Facts) -> str:
    until = facts.data.get("until")
    time = moment(datetime.fromisoformat(until), facts.zone) if until else "an unknown time"
    held = facts.data.get("positions")
    unwatched = f"The position is unwatched: {esc(held)}" if held else "What is held there is unwatched"
    return lines(
        f"🚨 {bold('{} until {}'.format(facts.data.get('detail', 'The exchange does not answer'), time))}.",
        "Until then I can read nothing there, and neither hedge nor reduce.",
        f"{unwatched}. Look after it in the exchange's own app, from another address.",
        "I send nothing meanwhile, which would only prolong it, and go on by myself afterwards.",
    )


def key_at_risk(facts: Facts) -> str:
    return lines(
        f"🔑 {bold('the key of the exchange is at risk')}: {esc(facts.text('detail').rstrip('.'))}.",
        "Hedging goes on, so that no short is left alone. While nothing is held, I do not start like this.",
    )


def exchange_news_lost(facts: Facts) -> str:
    what = "your account" if facts.text("stream") == "account" else "its prices"
    tells = "does not tell yet" if "never" in facts.data else "no longer tells"
    why = facts.data.get("detail") or "unknown"
    return lines(
        f"📡 {bold(f'The exchange {tells} what happens to {what}')}.",
        f"{esc(why[0].upper() + why[1:])}. I ask at every look instead.",
    )


def exchange_news_back(facts: Facts) -> str:
    what = "your account" if facts.text("stream") == "account" else "its prices"
    return f"✅ {bold(f'The exchange tells about {what} again')}."


def deleveraging(facts: Facts) -> str:
    distance = facts.data.get("distance_pct")
    near = f" ({esc(amount(number(distance), '%'))} away)" if distance else ""
    return lines(
        f"🚨 {facts.title('liquidation is too near')}{near}.",
        "I buy back part of the short without asking. Add margin: /status.",
    )


def liquidation_near(facts: Facts) -> str:
    distance = facts.data.get("distance_pct")
    near = f" ({esc(amount(number(distance), '%'))} away)" if distance else ""
    return lines(
        f"🚨 {facts.title('liquidation is too near')}{near}.",
        "The margin is isolated, so buying back a part would not help: add margin to the position now.",
    )
