"""How far each hedge is off, beside what it says of itself: what it says excuses a gap for so long as it may last."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from tests.soak.records import Down, Gap, reading
from tests.soak.stage import SoakStage, in_force

# Of the machine's own time: a start, and a machine that stands still.
STARTS_WITHIN_S = 15.0
STALLS_S = 2.0
LOOKS_AGAIN = timedelta(seconds=120)
# An order that is refused or unknown is tried again and asked for.
TRADES_WITHIN = timedelta(seconds=60)
# Two of the longest troubles (an hour each) and an operator's stop (20 minutes).
SUSPENDED_AT_MOST = timedelta(hours=2, minutes=20)
# So many plans may be needed where one call in ten fails.
PLANS_AT_MOST = 4
HOUR = timedelta(hours=1)
SUSPENDED = ("SUSPENDED", "DISABLED")
# Reasons of any state that are a limit's word: nothing is traded, and that is shown.
LIMITS = ("low_margin", "low_liquidation_distance", "at_cap", "lp_moving", "no_lp", "within_basis")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A hedge in one state for one reason. DOWN ends, as an excuse, when the program was started again."""

    hedge: str
    frm: datetime
    to: datetime
    state: str
    reason: str
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each word excuses a gap, by a hedge's own settings. `unexplained`: what is allowed without any: the time
    in which old facts may be taken for new, two looks, and a trade."""

    unexplained: timedelta
    plan: timedelta
    cooldown: timedelta
    question: timedelta
    snooze: timedelta
    start: timedelta

    def of(self, stretch: Stretch) -> timedelta:
        """From the beginning of a stretch on."""
        if stretch.state == "DOWN":
            return (stretch.started_at or stretch.to) - stretch.frm + self.start
        if stretch.reason in ("snoozed", "unanswered"):
            return self.snooze
        if stretch.reason == "max_per_hour":
            return HOUR
        if stretch.state in SUSPENDED or stretch.reason in LIMITS:
            return SUSPENDED_AT_MOST
        known = {"ADJUSTING": self.plan, "COOLDOWN": self.cooldown, "AWAITING_APPROVAL": self.question}
        return known.get(stretch.state, timedelta(0))


def patience(hedge: str, speed_s: float) -> Patience:
    """From the settings that the soak gives to this hedge."""
    config = in_force(hedge)
    stalls = timedelta(seconds=STALLS_S * speed_s)
    poll = timedelta(seconds=float(config.poll_seconds))
    quotes = config.limit_timeout_seconds if config.order_type != "market" else 0
    return Patience(
        unexplained=timedelta(seconds=config.max_chain_age_seconds) + poll + LOOKS_AGAIN + TRADES_WITHIN + stalls,
        plan=timedelta(seconds=quotes + config.twap_duration_seconds) + TRADES_WITHIN + stalls,
        cooldown=timedelta(seconds=config.cooldown_seconds) + poll + stalls,
        question=timedelta(seconds=config.approval_timeout_seconds) + stalls,
        snooze=timedelta(seconds=config.reject_snooze_seconds) + poll + stalls,
        start=timedelta(seconds=STARTS_WITHIN_S * speed_s),
    )


def stretches(stage: SoakStage, downs: Sequence[Down], since: datetime, until: datetime) -> list[Stretch]:
    """What state each hedge was in, when, as the program itself wrote it down; DOWN where there was none."""
    with reading(stage.database) as database:
        rows = database.execute("SELECT * FROM events WHERE kind = 'decision_changed' ORDER BY seq").fetchall()
    found = []
    first: list[tuple[datetime, str, str, datetime | None]] = [(since, "DOWN", "not started", since)]
    for leg in stage.legs:
        moments = [*first, *((down.frm, "DOWN", down.how, down.until) for down in downs)]
        moments += [_moment(row["at"], row["data"]) for row in rows if row["hedge"] == leg.name]
        moments = [*sorted(moments, key=lambda moment: moment[0]), (until, "", "", None)]
        found += [Stretch(leg.name, a[0], b[0], a[1], a[2], a[3]) for a, b in pairwise(moments)]
    return found


def _moment(at: str, data: str) -> tuple[datetime, str, str, None]:
    told = json.loads(data)
    return datetime.fromisoformat(at), told["state"], told["reason"], None


def over_band(gaps: Sequence[Gap], lasted: Sequence[Stretch], speed_s: float) -> Iterator[str]:
    """A hedge off its band for longer than what it said in that time excuses."""
    for hedge in sorted({gap.hedge for gap in gaps}):
        allowed = patience(hedge, speed_s)
        mine = [stretch for stretch in lasted if stretch.hedge == hedge]
        looks = [gap for gap in gaps if gap.hedge == hedge]
        for is_over, run in groupby(looks, key=lambda gap: gap.is_over):
            if is_over and (found := _unexplained(list(run), mine, allowed)):
                yield found


def _unexplained(run: Sequence[Gap], mine: Sequence[Stretch], allowed: Patience) -> str:
    """Empty, or since when the last part of the time over the band had no excuse."""
    begin, end = run[0].at, run[-1].at
    for stretch, unexplained in _running(begin, end, mine, allowed):
        if unexplained > allowed.unexplained:
            worst = max(run, key=lambda gap: gap.gap_quote)
            return (
                f"{worst.hedge} from {begin:%d %H:%M} to {end:%d %H:%M}: up to {worst.gap_quote:.0f} over "
                f"{worst.band_quote:.0f}, and said {stretch.state} {stretch.reason} at {stretch.frm:%d %H:%M}"
            )
    return ""


def _running(
    begin: datetime, end: datetime, mine: Sequence[Stretch], allowed: Patience
) -> Iterator[tuple[Stretch, timedelta]]:
    """The time without an excuse, added up by stretch. What outlasts a suspension begins anew after it, as prices and
    liquidity have moved meanwhile; plans excuse no more than so many of them may take."""
    unexplained, planned = timedelta(0), timedelta(0)
    for stretch in mine:
        frm, to = max(stretch.frm, begin), min(stretch.to, end)
        if to <= frm:
            continue
        excused = max(min(to, stretch.frm + allowed.of(stretch)) - frm, timedelta(0))
        if stretch.state == "ADJUSTING":
            excused = min(excused, PLANS_AT_MOST * allowed.plan - planned)
            planned += excused
        if stretch.state in (*SUSPENDED, "DOWN") and excused >= allowed.unexplained:
            unexplained, planned = timedelta(0), timedelta(0)
        unexplained += to - frm - excused
        yield stretch, unexplained


def said_while_over(gaps: Sequence[Gap], lasted: Sequence[Stretch]) -> str:
    """How many of the looks that found a gap over its band fell into each state."""
    states: Counter[str] = Counter()
    for hedge in sorted({gap.hedge for gap in gaps}):
        mine = [stretch for stretch in lasted if stretch.hedge == hedge]
        begins = [stretch.frm for stretch in mine]
        states.update(
            mine[place - 1].state
            for gap in gaps
            if gap.hedge == hedge and gap.is_over and (place := bisect_right(begins, gap.at))
        )
    return ", ".join(f"{name} {count}" for name, count in states.most_common()) or "none"
