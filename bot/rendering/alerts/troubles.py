"""Troubles that last in words: at their beginning, while they last, and when they are over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.alerting import Say
from bot.rendering.alerts.facts import Facts
from bot.rendering.approvals import ESTIMATE
from bot.rendering.markup import bold, esc, lines
from bot.rendering.numbers import bps, span
from bot.rendering.reasons import words
from core.facts import AVERAGE_OVER
from core.hedging.states import EXPLANATIONS


@dataclass(frozen=True, slots=True)
class Course:
    """How far a trouble has come: what is to be said of it, how long it has lasted, how often something happened in it.

    `covered`: it is being worked on in time.
    """

    say: Say
    lasted_s: float = 0.0
    count: int = 0
    covered: bool = False

    @property
    def still(self) -> str:
        return "" if self.say is Say.FIRST else "still "

    @property
    def so_far(self) -> str:
        """(worse than before), (for 3 h)"""
        if self.say is Say.FIRST:
            return ""
        return f" ({'worse than before' if self.say is Say.WORSE else f'for {span(self.lasted_s)}'})"


# What becomes of a gap whose reason says it all.
DOING: Mapping[str, str] = {
    "awaiting_approval": "It waits for your answer: /pending.",
    "halted": "It is halted, so nothing closes it: /resume hedges again.",
    "paused": "It is paused, so nothing closes it: /resume hedges again.",
    "operator_flatten": "I am closing the short, as you said.",
}


def breach(facts: Facts, course: Course) -> str:
    return lines(
        f"🚨 {facts.title(f'exposure {course.still}over its limit')}",
        f"Gap {facts.amount('gap_base', signed=True)} = {facts.money('gap_quote')},"
        f" alert limit {facts.money('limit_quote')}, band {facts.money('band_quote')}.",
        ESTIMATE if "estimated" in facts.data else None,
        _doing(facts, course),
    )


def _doing(facts: Facts, course: Course) -> str:
    """What is being done about the gap, else what the operator can do."""
    reason, in_vain = facts.data.get("reason", ""), _in_vain(facts, course)
    if reason in DOING:
        return DOING[reason]
    if reason == "snoozed":
        return f"{in_vain}You rejected this side: nothing closes it for a while. /hedge does."
    if course.covered:
        return "I am trading on it now."
    if in_vain:
        return f"{in_vain}See /status; /hedge trades to the target now."
    return "See /status for why it is not closed; /hedge trades to the target now."


def _in_vain(facts: Facts, course: Course) -> str:
    """How long was traded on it, where that was to close it and is over."""
    worked = facts.data.get("worked")
    return f"{worked} of trading have not closed it. " if worked and course.say is Say.ALOUD else ""


def breach_over(facts: Facts, _lasted_s: float) -> str:
    return f"✅ {facts.title('exposure back under its limit')}: gap {facts.money('gap_quote')}."


def basis(facts: Facts, course: Course) -> str:
    return lines(
        f"⚠️ {facts.title(f'pool and perp {course.still}disagree on the price')}",
        f"Pool {facts.price('pool_price')}, mark {facts.price('mark_price')}: {bps(facts.number('basis_bps'))} apart,"
        f" limit {bps(facts.number('limit_bps'))}.",
        _average(facts) if course.say is Say.FIRST else None,
        "I trade only what both prices call for.",
    )


def basis_over(facts: Facts, lasted_s: float) -> str:
    return f"✅ {facts.title('pool and perp agree on the price again')} after {span(lasted_s)}."


def _average(facts: Facts) -> str | None:
    """Whether the pool alone was pushed just now, or has stood there for a while."""
    if facts.number("average_price") is None:
        return "The pool does not remember its own average."
    over = span(AVERAGE_OVER.total_seconds())
    return f"The pool's own average over the last {over} is {facts.price('average_price')}."


def estimate(facts: Facts, course: Course) -> str:
    return lines(
        f"⚠️ {facts.title(f'the chain {course.still}cannot be read')}: {facts.text('detail', '')}.",
        "Hedging goes on by an estimate, for an hour at most: its last confirmed liquidity at the perpetual's price.",
        "Check the node (RPC URL) if it lasts.",
    )


def estimate_over(facts: Facts, lasted_s: float) -> str:
    return f"✅ {facts.title('the chain is read again')} after {span(lasted_s)}, no estimate any more."


def unread(facts: Facts, course: Course) -> str:
    what = words(facts.data.get("reason", ""))
    return lines(
        f"⚠️ {facts.title(f'{course.still}blind: {what.what}')}{course.so_far}.",
        f"{_last_read(facts)} {facts.text('detail', '')}".rstrip(),
        f"Nothing is traded here at present ({facts.text('state')}), but what is held goes on. {what.advice}",
    )


def _last_read(facts: Facts) -> str:
    return f"Last read {facts.text('age')} ago." if facts.data.get("age") else "Never read since the start."


def unread_over(facts: Facts, lasted_s: float) -> str:
    return f"✅ {facts.title('it can be read again')} after {span(lasted_s)}; trading is {facts.text('state')}."


def refused(facts: Facts, course: Course) -> str:
    often = f" ({course.count} times since the last message)" if course.count > 1 else ""
    return lines(
        f"⚠️ {facts.title('the exchange refused an order')} (code {facts.text('code')}){often}.",
        facts.text("detail", ""),
        "No order exists. I try again more slowly; look at margin, key and limits if it goes on.",
    )


def failed(facts: Facts, course: Course) -> str:
    often = f" ({course.count} times since the last message)" if course.count > 1 else ""
    reason = facts.data.get("detail") or words(facts.data.get("reason", "")).what
    return lines(
        f"⚠️ {facts.title('a trade did not come about')}{often}: {esc(reason or 'unknown')}.",
        "I try again by the rules; /status shows the gap that is left.",
    )


def refused_over(facts: Facts, lasted_s: float) -> str:
    """Of each code."""
    how = "orders go through again" if "side" in facts.data else "no order was refused any more"
    code = f" (code {facts.text('tag')})" if facts.data.get("tag") else ""
    return f"✅ {facts.title(how)}{code} after {span(lasted_s)}."


def failed_over(facts: Facts, lasted_s: float) -> str:
    how = "trades come about again" if "side" in facts.data else "no trade failed any more"
    return f"✅ {facts.title(how)} after {span(lasted_s)}."


def out_of_range(facts: Facts, course: Course) -> str:
    side = facts.text("lp_side")
    base, quote = facts.units.base, facts.units.quote
    holds = f"The LP holds only {quote} now: " if side == "above" else f"The LP holds only {base} now: "
    hedged = "nothing of it needs a short" if side == "above" else "all of it needs a short"
    return lines(
        f"💧 {facts.title(f'price {course.still}{side} the range')}{course.so_far}",
        f"Pool price {facts.price('pool_price')}. {esc(holds)}{hedged}, and it earns no fees.",
        "Re-centre the position or wait: the hedge follows either way.",
    )


def out_of_range_over(facts: Facts, lasted_s: float) -> str:
    if facts.data.get("lp_state") != "in_range":
        return f"💧 {facts.title('out of range no more')} after {span(lasted_s)}: its liquidity changes."
    return f"💧 {facts.title('price is back in the range')} after {span(lasted_s)}: fees are earned again."


def margin(facts: Facts, course: Course) -> str:
    """For the whole account; the hedge named is the one whose liquidation is nearest."""
    title = bold(f"the account's margin is {course.still}low")
    return lines(
        f"🚨 {title}{course.so_far}",
        f"Margin ratio {facts.per_cent('ratio_pct')}; the exchange liquidates at 100 %. Balance"
        f" {facts.money('balance_quote')}, it demands {facts.money('maintenance_quote')}.",
        _nearest(facts),
        "Add margin on the exchange, or make the short smaller: lower hedge_ratio, or /flatten.",
    )


def margin_over(facts: Facts, lasted_s: float) -> str:
    title = bold("the account has margin enough again")
    return f"✅ {title} after {span(lasted_s)}: ratio {facts.per_cent('ratio_pct')}."


def liquidation(facts: Facts, course: Course) -> str:
    return lines(
        f"🚨 {facts.title(f'liquidation is {course.still}near')}{course.so_far}",
        _nearest(facts),
        "The margin is isolated: add margin to this position on the exchange, or make the short smaller.",
    )


def liquidation_over(facts: Facts, lasted_s: float) -> str:
    return f"✅ {facts.title('liquidation is far enough again')} after {span(lasted_s)}."


def _nearest(facts: Facts) -> str | None:
    if facts.number("liquidation_price") is None:
        return None
    return (
        f"{facts.text('nearest')} is liquidated at {facts.price('liquidation_price')},"
        f" {facts.per_cent('distance_pct')} from the mark {facts.price('mark_price')}."
    )


def funding(facts: Facts, course: Course) -> str:
    return lines(
        f"💸 {facts.title(f'the perp position {course.still}pays funding')}{course.so_far}",
        f"At this rate {facts.per_cent('pct_per_day')} of it a day, {facts.money('quote_per_day')} a day;"
        f" alert from {facts.per_cent('limit_pct')}.",
        "It is a cost of the hedge, not a fault. If it stays, a lower hedge_ratio costs less and leaves more exposure.",
    )


def funding_over(facts: Facts, lasted_s: float) -> str:
    return f"✅ {facts.title('funding is bearable again')} after {span(lasted_s)}."


def daily_loss(facts: Facts, course: Course) -> str:
    title = bold(f"today's loss is {course.still}over its limit")
    return lines(
        f"🚨 {title}{course.so_far}",
        f"{facts.money('result_quote', signed=True)} since midnight, all hedges with their positions and costs;"
        f" alert from {facts.money('limit_quote')}.",
        "See /pnl for what it comes from; /pause keeps the short and stops new trades.",
    )


def daily_loss_over(facts: Facts, _lasted_s: float) -> str:
    title = bold("today's loss is under its limit")
    return f"✅ {title}: {facts.money('result_quote', signed=True)} since midnight."


def task(facts: Facts, course: Course) -> str:
    title = bold(f"a part of the program {course.still}fails: {facts.data.get('task', 'unknown')}")
    return lines(
        f"⚠️ {title}{course.so_far}",
        facts.text("detail", ""),
        "It is started again until it works; the hedges go on. /health shows it, /logs error has more.",
    )


def task_over(facts: Facts, lasted_s: float) -> str:
    title = bold(f"it works again: {facts.data.get('task', 'unknown')}")
    return f"✅ {title} after {span(lasted_s)}."


def suspended_text(hedge: str, reason: str, detail: str, *, times: int = 1) -> str:
    """`times`: how often it came and went since it was last said."""
    meaning = words(reason)
    often = f" ({times} times lately)" if times > 1 else ""
    return lines(
        f"⚠️ {bold(f'{hedge}: hedging suspended')}: {esc(meaning.what)}{often}.",
        esc(detail) if detail and detail not in EXPLANATIONS.values() else None,
        esc(meaning.advice) if meaning.advice else None,
    )


def recovered_text(hedge: str, reason: str, lasted_s: float) -> str:
    return f"✅ {bold(f'{hedge}: hedging again')} after {span(lasted_s)} ({esc(words(reason).what)})."


@dataclass(frozen=True, slots=True)
class Words:
    begun: Callable[[Facts, Course], str]
    over: Callable[[Facts, float], str]


TROUBLES: Mapping[str, Words] = {
    "breach": Words(breach, breach_over),
    "basis": Words(basis, basis_over),
    "estimate": Words(estimate, estimate_over),
    "unread": Words(unread, unread_over),
    "refused": Words(refused, refused_over),
    "failed": Words(failed, failed_over),
    "out_of_range": Words(out_of_range, out_of_range_over),
    "margin": Words(margin, margin_over),
    "liquidation": Words(liquidation, liquidation_over),
    "funding": Words(funding, funding_over),
    "task": Words(task, task_over),
    "daily_loss": Words(daily_loss, daily_loss_over),
}
