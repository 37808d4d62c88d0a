"""Events in words, as chat and terminal show them: what happened, the figures behind it, what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo

from bot.rendering.alerts import position, program, sources, trades
from bot.rendering.alerts.facts import Facts, Units
from bot.rendering.alerts.troubles import TROUBLES, Course, recovered_text, suspended_text
from bot.rendering.markup import bold, esc, lines
from bot.rendering.numbers import amount, number
from core.events import Event, EventKind

__all__ = [
    "TROUBLES",
    "Course",
    "Facts",
    "Units",
    "alert_text",
    "recovered_text",
    "suspended_text",
]


def alert_text(event: Event, zone: tzinfo, units: Units) -> str:
    """The message of one event; a kind without a text of its own is shown with its data."""
    facts = Facts(event.data, units, zone, event.hedge)
    writer = WRITERS.get(event.kind)
    return writer(facts) if writer else _anything(event)


def _anything(event: Event) -> str:
    title = f"{event.hedge or 'all hedges'}: {event.kind.value.replace('_', ' ')}"
    figures = (esc(f"{key.replace('_', ' ')}: {_readable(value)}") for key, value in event.data.items())
    return lines(bold(title), *figures)


def _readable(text: str) -> str:
    value = number(text)
    return amount(value) if value is not None and "." in text else text


WRITERS: Mapping[EventKind, Callable[[Facts], str]] = {
    EventKind.STARTED: program.started,
    EventKind.STOPPED: program.stopped,
    EventKind.CRASH_LOOP: program.crash_loop,
    EventKind.CRASH_LOOP_OVER: program.crash_loop_over,
    EventKind.HEDGE_EXECUTED: trades.executed,
    EventKind.OUTCOME_UNKNOWN: trades.unknown_outcome,
    EventKind.OUTCOME_RESOLVED: trades.resolved,
    EventKind.LP_STATE_CHANGED: position.lp_state,
    EventKind.LP_LIQUIDITY_CHANGED: position.liquidity,
    EventKind.BASE_DEPARTED: position.departed,
    EventKind.POSITION_FOUND: position.found,
    EventKind.POSITION_GIVEN: position.given,
    EventKind.POSITION_FOLLOWED: position.followed,
    EventKind.DEPARTED_KEPT: position.kept,
    EventKind.DEPARTED_CLOSED: position.closed,
    EventKind.POSITION_MISMATCH: position.mismatch,
    EventKind.POSITION_ADOPTED: position.adopted,
    EventKind.FOREIGN_TRADE: trades.foreign,
    EventKind.VENUE_BANNED: sources.banned,
    EventKind.KEY_AT_RISK: sources.key_at_risk,
    EventKind.SLIPPAGE_EXCEEDED: trades.slippage,
    EventKind.ORDER_TAKEN_BACK: trades.taken_back,
    EventKind.VENUE_NEWS_LOST: sources.exchange_news_lost,
    EventKind.VENUE_NEWS_BACK: sources.exchange_news_back,
    EventKind.NEWS_LOST: sources.news_lost,
    EventKind.NEWS_BACK: sources.news_back,
    EventKind.DELEVERAGING: sources.deleveraging,
    EventKind.LIQUIDATION_NEAR: sources.liquidation_near,
    EventKind.COMMAND_DROPPED: program.dropped,
    EventKind.COMMAND_WAITING: program.waiting,
    EventKind.HALTED: program.halted,
    EventKind.PAUSED: program.paused,
    EventKind.RESUMED: program.resumed,
    EventKind.SETTING_CHANGED: program.setting,
}
