"""The reason codes of decisions in few words, and what the operator can do about each.

The long sentences are the decision's own; these fit into a line of a chat.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """`what`: the reason in words; `advice`: what to do, empty when nothing needs doing."""

    what: str
    advice: str = ""


REASONS: dict[str, Words] = {
    "none": Words("nothing to report"),
    "starting": Words("just started, reading for the first time"),
    "halted": Words("halted by the operator", "/resume when you are ready."),
    "paused": Words("paused by the operator, the short stays", "/resume when you are ready."),
    "outcome_unknown": Words(
        "an order may or may not exist", "I keep asking the exchange and send nothing until it is known."
    ),
    "no_price": Words("no price from the exchange", "If it does not come back: check the exchange and the network."),
    "stale_chain": Words("the chain's data is too old", "If it does not come back: check the node (RPC URL)."),
    "stale_venue": Words("the exchange's data is too old", "If it does not come back: check key and network."),
    "both_old": Words("neither the chain nor the exchange can be read", "Check the network of this machine."),
    "implausible_read": Words("a reading changed too much to believe at once", "I read again before I act on it."),
    "position_mismatch": Words(
        "the exchange's position is not what our own trades add up to",
        "Look at the position; /adopt takes it as ours, or undo the foreign trade.",
    ),
    "venue_dislocated": Words("the mark price left its index", "I wait until they agree again."),
    "wrong_symbol": Words(
        "the symbol is not the perpetual of the position's asset", "Check symbol and base in hedge.toml."
    ),
    "disabled": Words("switched off in the configuration"),
    "lp_moving": Words("the LP position is being opened or closed", "I only reduce until it has settled."),
    "no_lp": Words("no liquidity to hedge"),
    "within_band": Words("the gap is within the band"),
    "below_min_notional": Words("the missing trade is smaller than the minimum"),
    "below_step": Words("the missing trade is smaller than one step"),
    "within_basis": Words("pool and perp differ in price, and the short fits between the two"),
    "snoozed": Words("you rejected this side a while ago", "Wait for the snooze to end, or /hedge to trade now."),
    "cooldown": Words("the last trade was a moment ago"),
    "max_per_hour": Words("as many trades this hour as allowed", "Wait, or widen the band if this happens often."),
    "low_margin": Words("too little free margin for more short", "Add margin on the exchange, or lower the hedge."),
    "low_liquidation_distance": Words(
        "more short would be liquidated too near the price", "Add margin on the exchange, or lower the hedge."
    ),
    "at_cap": Words("the short is at its cap", "Raise max_position_notional (/set) if that is right."),
    "lp_limit": Words("more short than the liquidity could ever need"),
    "max_plan": Words("cut to the largest trade allowed at once"),
    "max_order": Words("cut to the largest order"),
    "zero_crossing": Words("cut at zero"),
    "executing": Words("orders are at work"),
    "superseded": Words("the proposal no longer fits"),
    "awaiting_approval": Words("waiting for your answer", "/pending shows it."),
    "unanswered": Words("a proposal went unanswered, I ask again later"),
    "band_exceeded": Words("the gap left the band"),
    "force_interval": Words("a rebalance is due by the clock"),
    "out_of_range": Words("the price has been out of range for long"),
    "approved": Words("you approved it"),
    "deleverage": Words("liquidation is too near"),
    "close_on_disable": Words("switched off, the short is closed"),
    "no_lp_close": Words("the liquidity is gone, the short is closed"),
    "net_legs": Words("long and short legs are netted"),
    "operator_hedge": Words("the operator asked to hedge now"),
    "operator_flatten": Words("the operator closes the short"),
    "evaluation_failed": Words(
        "something failed that should not", "It is tried again and again; the log has what happened."
    ),
}


def words(reason: str) -> Words:
    """A code without an entry is shown as it is, spaces for underscores."""
    return REASONS.get(reason) or Words(reason.replace("_", " "))
