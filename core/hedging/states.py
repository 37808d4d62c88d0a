"""The states of a hedge, why it is in them, and the moves between them.

All enums are integers, so that the kernel can be compiled; people see `text` and `explanation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from core.errors import InvariantBroken


class State(IntEnum):
    DISABLED = 0
    READY = 1
    ADJUSTING = 2
    COOLDOWN = 3
    SUSPENDED = 4
    AWAITING_APPROVAL = 5

    @property
    def text(self) -> str:
        """Upper case, as the design writes states."""
        return self.name


class LpState(IntEnum):
    """Life cycle of one position, or of all positions of a hedge together."""

    NONE = 0
    OPENING = 1
    IN_RANGE = 2
    OUT_OF_RANGE = 3
    CLOSING = 4

    @property
    def text(self) -> str:
        """As the database, JSON and events have it."""
        return self.name.lower()


class Action(IntEnum):
    """What the decision asks the engine to do.

    CONTINUE, SHRINK and CANCEL speak of the executor at work. KEEP_ASKING leaves the pending approval as it is;
    SUPERSEDE withdraws it, and the next evaluation looks anew.
    """

    HOLD = 0
    ADJUST = 1
    CONTINUE = 2
    SHRINK = 3
    CANCEL = 4
    ASK = 5
    KEEP_ASKING = 6
    SUPERSEDE = 7


class Request(IntEnum):
    """A confirmed wish of the operator, waiting to be carried out."""

    NONE = 0
    HEDGE = 1
    FLATTEN = 2


class Reason(IntEnum):
    NONE = 0
    STARTING = 1
    HALTED = 2
    PAUSED = 3
    OUTCOME_UNKNOWN = 4
    NO_PRICE = 5
    STALE_CHAIN = 6
    STALE_VENUE = 7
    IMPLAUSIBLE_READ = 8
    POSITION_MISMATCH = 9
    VENUE_DISLOCATED = 10
    DISABLED = 12
    LP_MOVING = 13
    NO_LP = 14
    WITHIN_BAND = 15
    BELOW_MIN_NOTIONAL = 16
    BELOW_STEP = 17
    WITHIN_BASIS = 18
    SNOOZED = 19
    COOLDOWN = 20
    MAX_PER_HOUR = 21
    LOW_MARGIN = 22
    LOW_LIQUIDATION_DISTANCE = 23
    AT_CAP = 24
    LP_LIMIT = 25
    MAX_PLAN = 26
    MAX_ORDER = 27
    ZERO_CROSSING = 28
    EXECUTING = 29
    SUPERSEDED = 30
    AWAITING_APPROVAL = 31
    UNANSWERED = 32
    BAND_EXCEEDED = 33
    FORCE_INTERVAL = 34
    OUT_OF_RANGE = 35
    APPROVED = 36
    DELEVERAGE = 37
    CLOSE_ON_DISABLE = 38
    NO_LP_CLOSE = 39
    NET_LEGS = 40
    OPERATOR_HEDGE = 41
    OPERATOR_FLATTEN = 42
    EVALUATION_FAILED = 43
    WRONG_SYMBOL = 44

    @property
    def text(self) -> str:
        """The stable name in JSON, database and logs."""
        return self.name.lower()

    @property
    def explanation(self) -> str:
        """A sentence for people."""
        return EXPLANATIONS[self]


EXPLANATIONS: Mapping[Reason, str] = {
    Reason.NONE: "Nothing to report.",
    Reason.STARTING: "The program is taking its first readings and does not trade before they are complete.",
    Reason.HALTED: (
        "Halted by the operator, or by the program itself when it found what cannot be true: no order of any kind is"
        " sent except a confirmed /flatten."
    ),
    Reason.PAUSED: "Paused by the operator: the short stays as it is and no new trade is started.",
    Reason.OUTCOME_UNKNOWN: "It is not yet known whether an order was executed; nothing is sent until a query tells.",
    Reason.NO_PRICE: "There is no usable price of the perpetual.",
    Reason.STALE_CHAIN: "The chain has not been read recently enough to know the position.",
    Reason.STALE_VENUE: "The exchange account or market has not been read recently enough.",
    Reason.IMPLAUSIBLE_READ: "A reading changed in a way nothing explains; a second reading must confirm it first.",
    Reason.POSITION_MISMATCH: "The exchange's position differs from our own records; /adopt tells which one is right.",
    Reason.VENUE_DISLOCATED: "The exchange's mark price has been far from its own index for a minute.",
    Reason.WRONG_SYMBOL: "The symbol is not the perpetual of the LP's BASE: its price is another's, or there is none.",
    Reason.DISABLED: "The hedge is switched off in the configuration.",
    Reason.LP_MOVING: "Liquidity is being added or removed; until it settles the short may only be reduced.",
    Reason.NO_LP: "There is no liquidity to hedge; the short is held.",
    Reason.WITHIN_BAND: "The missing trade is smaller than the configured band.",
    Reason.BELOW_MIN_NOTIONAL: "The missing trade is worth less than the smallest order allowed.",
    Reason.BELOW_STEP: "The missing trade is smaller than one step of the exchange's quantities.",
    Reason.WITHIN_BASIS: "Pool and exchange disagree on the price, and the short lies between what the two call for.",
    Reason.SNOOZED: "A trade on this side was rejected; it is not proposed again until the snooze ends.",
    Reason.COOLDOWN: "The last hedge was moments ago; the cooldown has not ended.",
    Reason.MAX_PER_HOUR: "As many hedges as allowed were made within the last hour.",
    Reason.LOW_MARGIN: "The available balance does not allow a larger short.",
    Reason.LOW_LIQUIDATION_DISTANCE: "A larger short would be liquidated too near the current price.",
    Reason.AT_CAP: "The short has reached the configured largest position.",
    Reason.LP_LIMIT: "The short would be larger than the liquidity could ever need.",
    Reason.MAX_PLAN: "Cut to the largest trade allowed at once.",
    Reason.MAX_ORDER: "Cut to the largest order quantity.",
    Reason.ZERO_CROSSING: "Cut at zero: an open position is closed before one on the other side is opened.",
    Reason.EXECUTING: "Orders of a hedge are at work.",
    Reason.SUPERSEDED: "The proposal no longer fits what is needed and is withdrawn.",
    Reason.AWAITING_APPROVAL: "A large hedge waits for the operator's approval.",
    Reason.UNANSWERED: "A proposal went unanswered; it is made again later or when the need has grown by half.",
    Reason.BAND_EXCEEDED: "The missing trade exceeds every configured band.",
    Reason.FORCE_INTERVAL: "The configured longest time between hedges has passed.",
    Reason.OUT_OF_RANGE: "All positions have been out of range for the configured time.",
    Reason.APPROVED: "The operator approved this hedge.",
    Reason.DELEVERAGE: "The short is too near its liquidation price and is partly bought back.",
    Reason.CLOSE_ON_DISABLE: "The hedge was switched off and its short is closed.",
    Reason.NO_LP_CLOSE: "The liquidity is gone and its short is closed.",
    Reason.NET_LEGS: "Long and short legs are both open and are netted against each other.",
    Reason.OPERATOR_HEDGE: "The operator asked to hedge to the target now.",
    Reason.OPERATOR_FLATTEN: "The operator asked to close the perpetual position.",
    Reason.EVALUATION_FAILED: "An evaluation failed in a way nobody foresaw; it is tried again and again.",
}

# What a person confirmed, and the netting of legs: plans that need no other word, and overtake one that stands.
COMMANDED = (Reason.OPERATOR_HEDGE, Reason.OPERATOR_FLATTEN, Reason.NET_LEGS)
COMMANDED_TEXTS = tuple(reason.text for reason in COMMANDED)

# A state follows from fresh facts, so almost any may follow any. What may not: a hedge that was switched off never
# starts acting, or says it is ready to, without first standing in SUSPENDED(starting) for one evaluation.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.DISABLED: frozenset({State.DISABLED, State.SUSPENDED, State.ADJUSTING, State.AWAITING_APPROVAL}),
    State.READY: frozenset(State),
    State.ADJUSTING: frozenset(State),
    State.COOLDOWN: frozenset(State),
    State.SUSPENDED: frozenset(State),
    State.AWAITING_APPROVAL: frozenset(State),
}


def transition(frm: State, to: State) -> State:
    """The one way from one state to the next. Raises InvariantBroken for a pair that is not in TRANSITIONS."""
    if to not in TRANSITIONS[frm]:
        raise InvariantBroken(f"a hedge cannot go from {frm.text} to {to.text}")
    return to
