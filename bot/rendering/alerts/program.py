"""The program itself and what people tell it, in words."""

from __future__ import annotations

from bot.rendering.alerts.facts import Facts
from bot.rendering.markup import bold, esc, lines
from bot.rendering.reasons import words

# A confirmed size is traded in its own direction only.
NOTHING_LEFT = frozenset({"within_band", "below_step", "below_min_notional"})


def dropped(facts: Facts) -> str:
    why = words(facts.text("reason"))
    title = facts.title(f"/{facts.text('command')} was not carried out")
    if facts.data.get("reason") in NOTHING_LEFT:
        return f"⚠️ {title}: the gap of the question has closed or turned since. /hedge asks anew."
    return lines(f"⚠️ {title}: {esc(why.what)}.", esc(why.advice) if why.advice else None)


def waiting(facts: Facts) -> str:
    why = words(facts.text("reason"))
    title = facts.title(f"/{facts.text('command')} still waits")
    return lines(f"⚠️ {title}: {esc(why.what)}.", "It is carried out as soon as it can be; /resume takes it back.")


def halted(facts: Facts) -> str:
    """By a person, or by the program itself: a wrong trail costs what time there is."""
    by = f"the program itself: {facts.text('why').rstrip('.')}" if facts.data.get("why") else facts.by
    return f"⛔ {facts.title('HALTED')} by {by}. Nothing is traded until /resume, only /flatten still closes."


def paused(facts: Facts) -> str:
    return f"⏸ {facts.title('PAUSED')} by {facts.by}. No new trades until /resume; the short stays."


def resumed(facts: Facts) -> str:
    return f"▶️ {facts.title('hedging resumed')} by {facts.by}."


def setting(facts: Facts) -> str:
    before = f" (was {facts.text('old')})" if "old" in facts.data else ""
    return f"⚙️ {facts.title('setting changed')}: {facts.text('key')} = {facts.text('value')}{before}, by {facts.by}."


def started(facts: Facts) -> str:
    mode = facts.data.get("mode", "").upper()
    program = f"lp-hedge {facts.data.get('version', '')}".rstrip()
    return f"🟢 {bold(f'{program} started')} · {esc(mode)}. /status"


def crash_loop(facts: Facts) -> str:
    title = bold(f"lp-hedge ends by itself again and again: {facts.data.get('starts', 'many')} starts in an hour")
    return lines(
        f"🚨 {title}",
        "Each goes on from the journal, nothing is traded twice. Further ones are not told while it goes on.",
        "The machine's log of the service says why it ends; /halt stops the trading.",
    )


def crash_loop_over(facts: Facts) -> str:
    title = bold("lp-hedge has run for an hour again")
    return f"✅ {title}, without ending by itself. What ended it before is in lp_hedge-crash.log beside the database."


def stopped(facts: Facts) -> str:
    why = facts.data.get("reason") or facts.data.get("detail")
    because = (
        f": {esc(why)}" if why else " by a fault of its own, its log has the trace" if "fault" in facts.data else ""
    )
    return f"⚪ {bold('lp-hedge stopped')}{because}. Nothing is hedged until it runs again; the short stays."
