"""Turns what changed between two evaluations into events: each told once, at entry and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from core.config import HedgeConfig
from core.events import Event, EventKind
from core.excess import RESTORED_AT, Excess
from core.feeds import VenueFacts
from core.hedging.kernel_types import Decision
from core.hedging.lifecycle import LpView
from core.hedging.states import LpState, Reason, State
from core.kernel_facts import hedge_price
from core.newcomers import Newcomers
from core.observation import Observation
from core.ports import EventLog

# How long an order that does not wait may take to be sent, answered, and repeated where a part was not filled.
AT_WORK_S = 10.0
# A quote without a time-out of its own.
UNTIMED_QUOTE_S = 60.0
# In an event's data: its figures follow from the liquidity last confirmed, not from a read.
ESTIMATED = "true"


class Watch:
    """For one hedge. Holds only what was last told, so that a restart tells what still stands once more."""

    def __init__(self, hedge: str, events: EventLog) -> None:
        self._hedge = hedge
        self._events = events
        self._told: tuple[int, int] | None = None
        self._suspended: Reason | None = None
        self._breach = Excess(EventKind.EXPOSURE_BREACHED, EventKind.EXPOSURE_RESTORED)
        self._working_since: datetime | None = None
        self._basis = Excess(EventKind.BASIS_EXCEEDED, EventKind.BASIS_RESTORED)
        self._liquidation_near = False
        self._lp_state: LpState | None = None
        self._positions: dict[int, LpState] | None = None
        self._departed_base = Decimal(0)
        self._reorganised_at = 0
        self._estimated = False
        self._owners: dict[int, str] = {}
        self._newcomers = Newcomers()

    def remember(self, departed_base: Decimal, owners: Mapping[int, str]) -> None:
        """What was told before a restart. `owners` by position."""
        self._departed_base = departed_base
        self._owners = dict(owners)

    async def note(self, decision: Decision, seen: Observation, config: HedgeConfig) -> None:
        """Once an evaluation, before the deed. What stands on figures that cannot be read now stays as it was told."""
        self._note_work(decision, seen.at)
        await self._note_decision(decision, seen, config)
        await self._note_suspension(decision, seen)
        await self.note_chain(seen)
        if seen.venue is not None and seen.venue_problem is Reason.NONE:
            await self._note_isolated(seen.venue, config, seen.at)
        if seen.is_believed:
            await self._note_breach(decision, seen, config)
            if not seen.estimated:
                await self._note_basis(decision, seen, config)

    async def note_chain(self, seen: Observation) -> None:
        """What a look found on the chain, also one that decides nothing: the next look does not find it again."""
        await self._note_estimate(seen)
        if seen.lp is not None and seen.chain_problem is Reason.NONE and not seen.estimated:
            await self._note_lp(seen.lp, seen.at)

    async def _note_decision(self, decision: Decision, seen: Observation, config: HedgeConfig) -> None:
        if self._told == (decision.state, decision.reason):
            return
        self._told = (decision.state, decision.reason)
        data = {
            "state": State(decision.state).text,
            "reason": Reason(decision.reason).text,
            "gap_base": str(decision.gap_base),
            "gap_quote": str(decision.gap_quote),
            "band_quote": str(decision.band_quote),
            "target_base": str(decision.target_base),
            **self._covered(decision, config),
        }
        if seen.estimated:
            data["estimated"] = ESTIMATED
        if decision.clipped_by:
            data["clipped_by"] = Reason(decision.clipped_by).text
        await self._tell(EventKind.DECISION_CHANGED, data, seen.at)
        if decision.reason == Reason.DELEVERAGE and seen.venue is not None:
            await self._tell(EventKind.DELEVERAGING, _distance(seen.venue), seen.at)

    async def _note_suspension(self, decision: Decision, seen: Observation) -> None:
        suspended = Reason(decision.reason) if decision.state == State.SUSPENDED else None
        before, self._suspended = self._suspended, suspended
        if suspended == before:
            return
        if suspended is not None:
            await self._tell_suspended(suspended, seen)
        elif before is not None:
            data = {"reason": before.text, "detail": before.explanation, "state": State(decision.state).text}
            await self._tell(EventKind.RECOVERED, data, seen.at)

    async def _tell_suspended(self, reason: Reason, seen: Observation) -> None:
        """A mismatch with both figures."""
        detail = seen.detail or reason.explanation
        await self._tell(EventKind.SUSPENDED, {"reason": reason.text, "detail": detail}, seen.at)
        if reason is Reason.POSITION_MISMATCH and seen.comparison is not None:
            venue, journal = seen.comparison.venue.net_base, seen.comparison.journal.net_base
            data = {"venue_base": str(venue), "journal_base": str(journal)}
            await self._tell(EventKind.POSITION_MISMATCH, data, seen.at)

    async def _note_isolated(self, venue: VenueFacts, config: HedgeConfig, at: datetime) -> None:
        """Where deleveraging would not help, a person must, and hears of it once each time."""
        account = venue.account
        near = account.isolated and account.position_base < 0 and _is_near(venue, config.deleverage_below_pct)
        if near and not self._liquidation_near:
            await self._tell(EventKind.LIQUIDATION_NEAR, _distance(venue), at)
        self._liquidation_near = near

    async def _note_lp(self, lp: LpView, at: datetime) -> None:
        before, self._lp_state = self._lp_state, lp.state
        for change in lp.changes:
            data = {
                "position_id": str(change.position_id),
                "before": str(change.before),
                "after": str(change.after),
                "block": str(change.block),
            }
            await self._tell(EventKind.LP_LIQUIDITY_CHANGED, data, at)
        await self._note_positions(lp, at)
        await self._note_reorganisation(lp, at)
        if before is not None and before is not lp.state:
            data = {"frm": before.text, "to": lp.state.text, "block": str(lp.facts.block.number)}
            await self._tell(EventKind.LP_STATE_CHANGED, data, at)
        if lp.departed_base > self._departed_base:
            data = {"departed_base": str(lp.departed_base), "block": str(lp.facts.block.number)}
            await self._tell(EventKind.BASE_DEPARTED, data, at)
        self._departed_base = lp.departed_base
        await self._note_owners(lp, at)
        await self._note_unfollowed(lp, at)

    async def _note_reorganisation(self, lp: LpView, at: datetime) -> None:
        """Once, also when the same read is looked at again."""
        replaced, block = lp.facts.reorganised_from, lp.facts.block.number
        if replaced is None or self._reorganised_at == block:
            return
        self._reorganised_at = block
        await self._tell(EventKind.CHAIN_REORGANISED, {"replaced_block": str(replaced), "block": str(block)}, at)

    async def _note_estimate(self, seen: Observation) -> None:
        """A blind chain is told also where its hedge goes on by an estimate."""
        if seen.estimated == self._estimated:
            return
        self._estimated = seen.estimated
        if seen.estimated:
            await self._tell(EventKind.CHAIN_ESTIMATED, {"detail": seen.detail}, seen.at)
        elif seen.chain_problem is Reason.NONE:
            await self._tell(EventKind.CHAIN_READ_AGAIN, {}, seen.at)

    async def _note_positions(self, lp: LpView, at: datetime) -> None:
        """Each position's own way through its life; one that is not there any more has none."""
        before, now = self._positions, {view.position.position_id: view.state for view in lp.positions}
        self._positions = now
        if before is None:
            return
        for number in sorted({*now, *before}):
            frm, to = before.get(number, LpState.NONE), now.get(number, LpState.NONE)
            if frm is not to:
                data = {"position_id": str(number), "frm": frm.text, "to": to.text}
                await self._tell(EventKind.POSITION_CHANGED, data | {"block": str(lp.facts.block.number)}, at)

    async def _note_owners(self, lp: LpView, at: datetime) -> None:
        """A position that was given away, sold or staked is still hedged: the operator knows whether it should be."""
        for view in lp.positions:
            number, owner = view.position.position_id, view.position.owner
            before = self._owners.get(number, owner)
            self._owners[number] = owner
            if before.lower() != owner.lower():
                data = {"position_id": str(number), "before": before, "after": owner}
                await self._tell(EventKind.POSITION_GIVEN, data | {"block": str(lp.facts.block.number)}, at)

    async def _note_unfollowed(self, lp: LpView, at: datetime) -> None:
        """`departed_base` is there when the operator is to say what becomes of it."""
        newcomer = self._newcomers.look(lp)
        if newcomer is None:
            return
        data = {"position_id": str(newcomer.position_id)}
        if newcomer.departed_base is not None:
            data["departed_base"] = str(newcomer.departed_base)
        if newcomer.others:
            data["others"] = str(newcomer.others)
        await self._tell(EventKind.POSITION_FOUND, data, at)

    def _note_work(self, decision: Decision, at: datetime) -> None:
        """Since when an executor has been at work without a break."""
        if decision.state != State.ADJUSTING:
            self._working_since = None
        elif self._working_since is None or self._working_since > at:  # the clock was set back
            self._working_since = at

    def _covered(self, decision: Decision, config: HedgeConfig) -> dict[str, str]:
        """Until when a gap is being worked on."""
        if self._working_since is None:
            return {}
        time_s = working_time_s(config, gap_quote=decision.gap_quote, urgent=decision.urgent)
        return {"covered_until": (self._working_since + timedelta(seconds=time_s)).isoformat()}

    async def _note_breach(self, decision: Decision, seen: Observation, config: HedgeConfig) -> None:
        limit = decision.alert_quote
        if seen.venue is None or limit <= 0:
            return
        gap_quote = decision.gap_quote
        kind = self._breach.news(gap_quote, is_beyond=gap_quote >= limit, is_back=gap_quote < RESTORED_AT * limit)
        if kind is None:
            return
        data = {
            "gap_base": str(decision.gap_base),
            "gap_quote": str(gap_quote),
            "limit_quote": str(limit),
            "band_quote": str(decision.band_quote),
            "price": str(hedge_price(seen.venue.market, config)),
            "reason": _why_open(decision).text,
            **self._covered(decision, config),
        }
        if seen.estimated:
            data["estimated"] = ESTIMATED
        await self._tell(kind, data, seen.at)

    async def _note_basis(self, decision: Decision, seen: Observation, config: HedgeConfig) -> None:
        if seen.lp is None or seen.venue is None:
            return
        limit_bps = config.max_basis_bps * (RESTORED_AT if self._basis.is_told else 1)
        exceeded = decision.basis_bps > limit_bps > 0
        kind = self._basis.news(decision.basis_bps, is_beyond=exceeded, is_back=not exceeded)
        if kind is not None:
            await self._tell(kind, _apart(seen.lp, seen.venue, decision, config), seen.at)

    async def _tell(self, kind: EventKind, data: dict[str, str], at: datetime) -> None:
        await self._events.append(Event(kind, self._hedge, at, data))


def working_time_s(config: HedgeConfig, *, gap_quote: Decimal, urgent: bool) -> float:
    """How long a plan for this gap may take by its own settings, quoting and slicing included."""
    in_slices = 0 < config.twap_over_quote <= gap_quote and not urgent
    slicing_s = float(config.twap_duration_seconds) if in_slices else 0.0
    return AT_WORK_S + _quoting_s(config, urgent=urgent) + slicing_s


def _quoting_s(config: HedgeConfig, *, urgent: bool) -> float:
    if config.order_type == "market" or (urgent and config.order_type == "post_only"):
        return 0.0
    return float(config.limit_timeout_seconds) or UNTIMED_QUOTE_S


def _apart(lp: LpView, venue: VenueFacts, decision: Decision, config: HedgeConfig) -> dict[str, str]:
    """Of the pool that is farthest from the mark."""
    pool_price = lp.farthest_price(venue.market.mark_price)
    data = {
        "pool_price": str(pool_price),
        "mark_price": str(venue.market.mark_price),
        "basis_bps": str(decision.basis_bps),
        "limit_bps": str(config.max_basis_bps),
    }
    if lp.facts.average_price is not None and pool_price == lp.facts.price:
        data["average_price"] = str(lp.facts.average_price)
    return data


def _why_open(decision: Decision) -> Reason:
    """A question is as good as asked when the decision is to ask it."""
    return Reason.AWAITING_APPROVAL if decision.state == State.AWAITING_APPROVAL else Reason(decision.reason)


def _distance(venue: VenueFacts) -> dict[str, str]:
    distance_pct = _distance_pct(venue)
    return {} if distance_pct is None else {"distance_pct": str(distance_pct)}


def _is_near(venue: VenueFacts, limit_pct: Decimal) -> bool:
    """0 for `limit_pct`: nothing is."""
    distance_pct = _distance_pct(venue)
    return distance_pct is not None and limit_pct > 0 and distance_pct < limit_pct


def _distance_pct(venue: VenueFacts) -> Decimal | None:
    """How far above the mark, in per cent, the short would be liquidated; None: it would not be."""
    liquidation, mark = venue.account.liquidation_price, venue.market.mark_price
    return None if liquidation is None else (liquidation / mark - 1) * 100
