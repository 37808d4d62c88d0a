"""What a message is about, for when many waited and are told together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from bot.rendering.alerts import Units
from bot.rendering.numbers import stamp
from core.events import Event, EventKind
from core.ports import Gist

# What takes another's place: the data that makes two of them one matter, and whether it is settled by this.
THREADS: Mapping[EventKind, tuple[str, str, bool]] = {
    EventKind.OUTCOME_UNKNOWN: ("order", "client_order_id", False),
    EventKind.OUTCOME_RESOLVED: ("order", "client_order_id", True),
    EventKind.HALTED: ("stopped", "", False),
    EventKind.PAUSED: ("stopped", "", False),
    EventKind.RESUMED: ("stopped", "", True),
    EventKind.NEWS_LOST: ("news", "chain", False),
    EventKind.NEWS_BACK: ("news", "chain", True),
    EventKind.VENUE_NEWS_LOST: ("news", "stream", False),
    EventKind.VENUE_NEWS_BACK: ("news", "stream", True),
}
TRADED = ("side", "quantity_base", "fee_quote")


def gist_of(event: Event, units: Units, zone: tzinfo) -> Gist:
    """Of one matter the later takes the earlier's place. A trade keeps its figures, so that many can be added up."""
    thread, ends = _thread(event)
    figures = _figures(event, units) if event.kind is EventKind.HEDGE_EXECUTED else {}
    return Gist(event.hedge or "", event.kind.value, stamp(event.at, zone), thread, ends, figures)


def _thread(event: Event) -> tuple[str, bool]:
    """Empty for what is a matter of its own; and whether the matter is settled by this."""
    if event.kind not in THREADS:
        return "", False
    matter, key, ends = THREADS[event.kind]
    return ":".join((matter, event.hedge or "-", event.data.get(key, "") if key else "")), ends


def _figures(trade: Event, units: Units) -> dict[str, str]:
    figures = {key: trade.data[key] for key in TRADED if key in trade.data}
    return figures | {"base": units.base, "quote": units.quote}


def gist_of_approval(approval_id: str, hedge: str, at: datetime, zone: tzinfo, *, ends: bool) -> Gist:
    """Each proposal is a matter of its own; `ends`: nobody needs to answer it any more."""
    return Gist(hedge, "approval", stamp(at, zone), f"approval:{approval_id}", ends)
