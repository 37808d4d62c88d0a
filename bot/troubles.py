"""All troubles that last: what begins and ends them, from events and from what the hedges' statuses measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from bot.alerting import Threshold
from bot.at_work import FLATTEN, AtWork
from bot.lasting import (
    BASIS,
    BREACH,
    DAILY_LOSS,
    ESTIMATE,
    FAILED,
    FUNDING,
    LIQUIDATION,
    MARGIN,
    OUT_OF_RANGE,
    REFUSED,
    TASK,
    UNREAD,
    Lasting,
    Notice,
    Standing,
    Topic,
)
from bot.live_config import LiveConfig
from bot.measures import (
    LEFT,
    FundingPace,
    funding_paid,
    is_current,
    liquidation_left,
    margin_left,
    old_ages_s,
)
from bot.rendering.alerts import Units
from bot.rendering.numbers import number, pair_of, span
from bot.suspensions import STOPPED, Suspensions
from core.config import HedgeConfig
from core.events import Event, EventKind
from core.status import HedgeStatus

# Refusals that stop coming are over, also where nothing needs to be traded any more.
QUIET = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Beginning:
    """`size`, `tag`: which of the event's data says how bad it is, and tells two of one topic apart."""

    topic: Topic
    size: str = ""
    tag: str = ""


BEGUN_BY: Mapping[EventKind, Beginning] = {
    EventKind.EXPOSURE_BREACHED: Beginning(BREACH, size="gap_quote"),
    EventKind.BASIS_EXCEEDED: Beginning(BASIS, size="basis_bps"),
    EventKind.CHAIN_ESTIMATED: Beginning(ESTIMATE),
    EventKind.ORDER_REFUSED: Beginning(REFUSED, tag="code"),
    EventKind.PLAN_FAILED: Beginning(FAILED),
    EventKind.TASK_FAILED: Beginning(TASK, tag="task"),
}
ENDED_BY: Mapping[EventKind, tuple[Topic, ...]] = {
    EventKind.EXPOSURE_RESTORED: (BREACH,),
    EventKind.BASIS_RESTORED: (BASIS,),
    EventKind.CHAIN_READ_AGAIN: (ESTIMATE,),
    EventKind.HEDGE_EXECUTED: (REFUSED, FAILED),
    EventKind.TASK_RECOVERED: (TASK,),
}


# A gap stands open by the operator's own word, or a question about it rings already.
ASKED = "awaiting_approval"
REJECTED = "snoozed"
KNOWN_TO_THE_OPERATOR = frozenset({"halted", "paused", ASKED, REJECTED, FLATTEN})


class Troubles:
    """Fed with every event and, every few seconds, with what all hedges stand at; `due` says what is to be told.

    `now` is everywhere of a time that is never set: durations count, not the hour.
    """

    def __init__(self, config: LiveConfig, zone: tzinfo) -> None:
        self._config = config
        self._suspensions = Suspensions(lambda: config.alerts)
        self._lasting = Lasting(lambda: config.alerts, self.units, zone)
        self._funding_pace = FundingPace()
        self._at_work = AtWork()

    def take(self, event: Event, now: datetime) -> tuple[Notice, ...]:
        """Note an event; what it makes known at once. Troubles that begin come out of `due`."""
        told = self._suspensions.take(event, event.hedge or "all hedges", now)
        if event.kind in (EventKind.DECISION_CHANGED, EventKind.EXPOSURE_BREACHED):
            self._at_work.take(event, now)
            self._look_at_breach(event.hedge or "", number(event.data.get("gap_quote")), now)
        if event.kind in BEGUN_BY:
            self._begin(BEGUN_BY[event.kind], event, now)
        elif event.kind in (EventKind.DELEVERAGING, EventKind.LIQUIDATION_NEAR):
            self._foretell_liquidation(event.hedge, now)
        return (*told, *self._ended_by(event, now))

    def _foretell_liquidation(self, hedge: str | None, now: datetime) -> None:
        for topic, whose in ((LIQUIDATION, hedge), (MARGIN, None)):
            self._lasting.of(topic, whose).episode.foretell(now)

    def _ended_by(self, event: Event, now: datetime) -> Iterator[Notice]:
        for topic in ENDED_BY.get(event.kind, ()):
            tag = event.data.get("task") if topic is TASK else None
            yield from self._lasting.end(topic, event.hedge, event.data, now, tag=tag)

    def _begin(self, begun: Beginning, event: Event, now: datetime) -> None:
        data = event.data
        size = number(data.get(begun.size)) if begun.size else None
        tag = data.get(begun.tag, "") if begun.tag else ""
        standing = self._lasting.arise(begun.topic, event.hedge, data, now, size=size, tag=tag)
        if begun.topic is BREACH:
            self._look_at_cover(standing, event.hedge or "", data.get("reason", ""), now)
        else:
            standing.known = data.get("reason") in KNOWN_TO_THE_OPERATOR

    def measure(self, statuses: Sequence[HedgeStatus], now: datetime) -> tuple[Notice, ...]:
        """What the present figures begin (comes out of `due`), make worse, and end (comes back)."""
        told: list[Notice] = []
        configs = self._config.now.hedges
        known = [(status, configs[status.name]) for status in statuses if status.name in configs]
        current = [status for status, hedge in known if is_current(status, hedge)]
        for status, hedge in known:
            self._look_at_work(status, now)
            told += (*self._look_for_blindness(status, hedge, now), *self._look_at_range(status, now))
            told += self._end_of_refusals(status.name, now)
        return (*told, *self._look_at_account(current, now))

    def day_result(self, result_quote: Decimal | None, now: datetime) -> tuple[Notice, ...]:
        """Net change since the operator's midnight, all hedges; None: not known."""
        limit = self._config.alerts.daily_loss_quote
        if not limit:
            return self._lasting.end(DAILY_LOSS, None, {}, now)
        if result_quote is None:
            return ()
        figures = {"result_quote": f"{result_quote}", "limit_quote": f"{limit}"}
        return self._lasting.look(DAILY_LOSS, None, -result_quote, Threshold(limit), figures, now)

    def due(self, now: datetime) -> tuple[Notice, ...]:
        """What has lasted long enough to be told, or told again. Counts as told from here on."""
        return (*self._suspensions.due(now), *self._lasting.due(now))

    def suspension(self, hedge: str | None) -> str:
        """The thread of the one that this hedge is in, empty when it is in none."""
        return self._suspensions.thread(hedge or "all hedges")

    def units(self, hedge: str | None) -> Units:
        """The account's QUOTE is that of its hedges."""
        hedges = self._config.file.hedges
        found = hedges.get(hedge or "") or (next(iter(hedges.values()), None) if hedge is None else None)
        return Units(*pair_of(found.symbol)) if found else Units("BASE", "QUOTE")

    def _look_at_work(self, status: HedgeStatus, now: datetime) -> None:
        """The present size of a breach, and whether an executor still works on it in time."""
        self._at_work.look(status, now)
        self._look_at_breach(status.name, status.gap_quote, now)
        for standing in self._lasting.active(BREACH, status.name):
            if status.gap_quote is not None:
                standing.figures = {**standing.figures, **_gap_of(status)}
                standing.episode.arise(now, status.gap_quote)
            self._look_at_cover(standing, status.name, _why_open(status), now)

    def _look_at_breach(self, hedge: str, gap_quote: Decimal | None, now: datetime) -> None:
        """What the operator's own word makes of it: a /flatten opens it, an approval or a /hedge is to close it."""
        for standing in self._lasting.active(BREACH, hedge):
            if gap_quote is not None and self._at_work.opens(hedge, now):
                standing.episode.is_no_news(gap_quote)
            if self._at_work.is_newly_promised(hedge):
                standing.promise()

    def _look_at_cover(self, standing: Standing, hedge: str, reason: str, now: datetime) -> None:
        """Whether a breach may stand without a sound."""
        standing.look_at_work(self._at_work.closing(hedge), now)
        standing.known = _is_told_of(reason, standing) or self._at_work.opens(hedge, now)
        if standing.known and reason != REJECTED:
            standing.promised, standing.work = False, None
        worked_s = self._at_work.traded_s(hedge, standing.episode.since, now)
        if worked_s is not None:
            standing.figures = {**standing.figures, "worked": span(worked_s)}

    def _look_for_blindness(self, status: HedgeStatus, hedge: HedgeConfig, now: datetime) -> Iterator[Notice]:
        """Where nothing is to be traded no suspension tells of it; it begins then, and lasts until all is read."""
        old_s = old_ages_s(status, hedge)
        if not old_s or (status.estimated and list(old_s) == ["stale_chain"]):
            yield from self._lasting.end(UNREAD, status.name, {"state": _state_of(status)}, now)
        elif status.reason not in STOPPED:  # a suspension tells of it from here on, by what stands in the way then
            self._lasting.drop(UNREAD, status.name)
        else:
            self._lasting.arise(UNREAD, status.name, _blindness_of(status, old_s), now)

    def _look_at_range(self, status: HedgeStatus, now: datetime) -> Iterator[Notice]:
        lp = status.lp
        if lp.state == "out_of_range" and lp.side in ("above", "below"):
            figures = {"lp_side": lp.side, "pool_price": f"{lp.price}"}
            self._lasting.arise(OUT_OF_RANGE, status.name, figures, now)
        elif lp.state is not None:
            yield from self._lasting.end(OUT_OF_RANGE, status.name, {"lp_state": lp.state}, now)

    def _look_at_account(self, current: Sequence[HedgeStatus], now: datetime) -> Iterator[Notice]:
        for status in current:
            yield from self._look_at_funding(status, now)
        yield from self._look_at_margin(current, now)

    def _look_at_funding(self, status: HedgeStatus, now: datetime) -> tuple[Notice, ...]:
        limit = self._config.alerts.funding_pct_per_day
        measure = funding_paid(status, self._funding_pace.every(status.perp), self._config.alerts)
        if not limit:
            return self._lasting.end(FUNDING, status.name, measure.figures, now)
        return self._lasting.look(FUNDING, status.name, measure.value, Threshold(limit), measure.figures, now)

    def _look_at_margin(self, current: Sequence[HedgeStatus], now: datetime) -> Iterator[Notice]:
        """Cross margin is the account's: one word for all its hedges. An isolated position stands for itself."""
        alerts = self._config.alerts
        for status in current:
            if status.perp.isolated:
                own = liquidation_left(status, alerts)
                yield from self._lasting.look(LIQUIDATION, status.name, own.value, LEFT, own.figures, now)
        shared = margin_left([status for status in current if not status.perp.isolated], alerts)
        yield from self._lasting.look(MARGIN, None, shared.value, LEFT, shared.figures, now)

    def _end_of_refusals(self, hedge: str, now: datetime) -> Iterator[Notice]:
        for topic in (REFUSED, FAILED):
            standings = tuple(self._lasting.active(topic, hedge))
            if standings and all(_is_quiet(standing, now) for standing in standings):
                yield from self._lasting.end(topic, hedge, {}, now)


def _is_told_of(reason: str, standing: Standing) -> bool:
    """A word given after a rejection, or the message that it is traded on, counts for more than the rejection."""
    return reason in KNOWN_TO_THE_OPERATOR and not (reason == REJECTED and standing.promised)


def _blindness_of(status: HedgeStatus, old_s: Mapping[str, float | None]) -> Mapping[str, str]:
    """`old_s`: as `old_ages_s` gives them; of two the first one's age is told."""
    reason, age_s = next(iter(old_s.items()))
    figures = {
        "reason": "both_old" if len(old_s) > 1 else reason,
        "state": _state_of(status),
        "detail": status.detail,
    }
    return figures if age_s is None else {**figures, "age": span(age_s)}


def _state_of(status: HedgeStatus) -> str:
    return status.reason.replace("_", " ")


def _is_quiet(standing: Standing, now: datetime) -> bool:
    return standing.seen_at is not None and now - standing.seen_at >= QUIET


def _gap_of(status: HedgeStatus) -> Mapping[str, str]:
    present = {"gap_base": status.gap_base, "gap_quote": status.gap_quote, "band_quote": status.band_quote}
    return {"reason": _why_open(status)} | {key: f"{value:f}" for key, value in present.items() if value is not None}


def _why_open(status: HedgeStatus) -> str:
    """At the look that asks, the reason is still that of the trade."""
    return ASKED if status.awaits_answer else status.reason
