"""Events: what happened, past tense, appended to the database and shown by chat, terminal and logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EventKind(StrEnum):
    STARTED = "started"
    STOPPED = "stopped"
    CRASH_LOOP = "crash_loop"
    CRASH_LOOP_OVER = "crash_loop_over"
    DECISION_CHANGED = "decision_changed"
    SUSPENDED = "suspended"
    RECOVERED = "recovered"
    TASK_FAILED = "task_failed"
    TASK_RECOVERED = "task_recovered"
    EXPOSURE_BREACHED = "exposure_breached"
    EXPOSURE_RESTORED = "exposure_restored"
    PLAN_OPENED = "plan_opened"
    HEDGE_EXECUTED = "hedge_executed"
    PLAN_FAILED = "plan_failed"
    SLIPPAGE_EXCEEDED = "slippage_exceeded"
    ORDER_TAKEN_BACK = "order_taken_back"
    VENUE_NEWS_LOST = "venue_news_lost"
    VENUE_NEWS_BACK = "venue_news_back"
    ORDER_REFUSED = "order_refused"
    OUTCOME_UNKNOWN = "outcome_unknown"
    OUTCOME_RESOLVED = "outcome_resolved"
    APPROVAL_ASKED = "approval_asked"
    APPROVAL_APPROVED = "approval_approved"
    APPROVAL_REJECTED = "approval_rejected"
    APPROVAL_EXPLAINED = "approval_explained"
    APPROVAL_EXPIRED = "approval_expired"
    APPROVAL_SUPERSEDED = "approval_superseded"
    APPROVAL_VOIDED = "approval_voided"
    APPROVAL_DONE = "approval_done"
    APPROVAL_FAILED = "approval_failed"
    LP_STATE_CHANGED = "lp_state_changed"
    LP_LIQUIDITY_CHANGED = "lp_liquidity_changed"
    BASE_DEPARTED = "base_departed"
    POSITION_CHANGED = "position_changed"
    POSITION_FOUND = "position_found"
    POSITION_GIVEN = "position_given"
    POSITION_FOLLOWED = "position_followed"
    DEPARTED_KEPT = "departed_kept"
    DEPARTED_CLOSED = "departed_closed"
    POSITION_MISMATCH = "position_mismatch"
    POSITION_ADOPTED = "position_adopted"
    FOREIGN_TRADE = "foreign_trade"
    CHAIN_ESTIMATED = "chain_estimated"
    CHAIN_READ_AGAIN = "chain_read_again"
    CHAIN_REORGANISED = "chain_reorganised"
    VENUE_BANNED = "venue_banned"
    KEY_AT_RISK = "key_at_risk"
    NEWS_LOST = "news_lost"
    NEWS_BACK = "news_back"
    TELEGRAM_LOST = "telegram_lost"
    TELEGRAM_BACK = "telegram_back"
    BASIS_EXCEEDED = "basis_exceeded"
    BASIS_RESTORED = "basis_restored"
    DELEVERAGING = "deleveraging"
    LIQUIDATION_NEAR = "liquidation_near"
    COMMAND_DROPPED = "command_dropped"
    COMMAND_WAITING = "command_waiting"
    HALTED = "halted"
    PAUSED = "paused"
    RESUMED = "resumed"
    SETTING_CHANGED = "setting_changed"


@dataclass(frozen=True, slots=True)
class Event:
    """`hedge` is None for what concerns the whole program; `data` holds strings only, numbers with every digit."""

    kind: EventKind
    hedge: str | None
    at: datetime
    data: Mapping[str, str]
