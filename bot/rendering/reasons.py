"""The reason codes of decisions in words, and what the operator can do about each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """`what`: the reason in words; `advice`: what to do, empty when nothing needs doing."""

    what: str
    advice: str = ""


REASONS: dict[str, Words] = {
    "within_band": Words("the gap is within the band"),
    "below_min_notional": Words("the missing trade is smaller than the minimum"),
    "below_step": Words("the missing trade is smaller than one step"),
    "within_basis": Words("pool and perp disagree on the price, and the short fits between the two"),
    "snoozed": Words("you rejected this side a while ago", "Wait for the snooze to end, or /hedge to trade now."),
    "cooldown": Words("the last trade was a moment ago"),
    "max_per_hour": Words("as many trades this hour as allowed", "Wait, or widen the band if this happens often."),
    "halted": Words("halted by the operator", "/resume when you are ready."),
    "paused": Words("paused by the operator; the short stays", "/resume when you are ready."),
    "outcome_unknown": Words(
        "an order may or may not exist", "I keep asking the exchange and send nothing until it is known."
    ),
    "no_price": Words("no price from the exchange", "If it does not come back: check the exchange and the network."),
    "stale_chain": Words("the chain's data is too old", "If it does not come back: check the node (RPC URL)."),
    "stale_venue": Words(
        "the exchange's data is too old", "If it does not come back: check exchange, key and network."
    ),
    "implausible_read": Words("a reading changed too much to believe at once", "I read again before I act on it."),
    "position_mismatch": Words(
        "the exchange's position is not what our own trades add up to",
        "Look at the position; /adopt takes it as ours, or undo the foreign trade.",
    ),
    "venue_dislocated": Words("the mark price left its index", "I wait until they agree again."),
    "lp_moving": Words("the LP position is being opened or closed", "I only reduce until it has settled."),
    "low_margin": Words("too little free margin for more short", "Add margin on the exchange, or lower the hedge."),
    "at_cap": Words("the short is at its cap", "Raise max_position_notional in the file if that is right."),
    "no_lp": Words("no liquidity in the pool"),
    "disabled": Words("switched off in the configuration"),
    "starting": Words("just started, reading for the first time"),
    "awaiting_approval": Words("waiting for your answer", "/pending shows it."),
    "band_exceeded": Words("the gap left the band"),
    "forced": Words("a rebalance is due by the clock"),
    "out_of_range": Words("the price left the range"),
    "operator": Words("asked for by the operator"),
    "flatten": Words("the operator closes the short"),
    "deleverage": Words("liquidation is too near"),
    "close_disabled": Words("switched off: the short is closed"),
    "close_no_lp": Words("the LP position is gone: the short is closed"),
}


def words(reason: str) -> Words:
    """A code without an entry is shown as it is, spaces for underscores."""
    return REASONS.get(reason) or Words(reason.replace("_", " "))
