"""The one table of a hedge's settings that may be changed while it runs: what each means, and which way is riskier."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Riskier(Enum):
    """Which change asks before it counts. `..._OR_OFF`: 0 stands for "no limit" and so for the largest.

    `LOWER_BUT_ON`: a smaller number, but 0 is off and the safest.
    """

    HIGHER = auto()
    HIGHER_OR_OFF = auto()
    LOWER = auto()
    LOWER_BUT_ON = auto()
    EITHER = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """`riskier`: for a setting of words the words, from the safest to the riskiest. `danger`: what that leads to."""

    key: str
    meaning: str
    riskier: Riskier | tuple[str, ...]
    danger: str = ""


HIGHER, HIGHER_OR_OFF, LOWER = Riskier.HIGHER, Riskier.HIGHER_OR_OFF, Riskier.LOWER
LOWER_BUT_ON, EITHER, NEVER = Riskier.LOWER_BUT_ON, Riskier.EITHER, Riskier.NEVER
WIDER = "more exposure is left"
LARGER_TRADE = "larger trades at once"

GROUPS: dict[str, tuple[Row, ...]] = {
    "what is hedged": (
        Row("enabled", "whether this hedge trades at all", ("true", "false"), "the LP position is not hedged"),
        Row("hedge_ratio", "the part of the exposure that is hedged", EITHER, "the short changes to the new size"),
        Row("include_fees", "BASE in fees not yet collected counts", ("true", "false"), "that BASE is not hedged"),
        Row("include_wallet_base", "BASE in the wallet counts", EITHER, "the short changes by what is in the wallet"),
        Row("close_on_disable", "switching off also closes the short", EITHER, "switched off, it closes or keeps it"),
        Row("close_when_no_lp", "a position that is gone ends the short", ("true", "false"), "a short may stay alone"),
        Row("no_lp_grace_seconds", "how long what left the LP stays hedged", EITHER, "a short alone, or a gap"),
    ),
    "when it trades": (
        Row("poll_seconds", "it looks at least so often", HIGHER, "it reacts later"),
        Row("hedge_threshold", "the band in BASE", HIGHER, WIDER),
        Row("delta_band_quote", "the band in QUOTE", HIGHER, WIDER),
        Row("delta_band_pct", "the band in % of the position's value", HIGHER, WIDER),
        Row("rebalance_to", "a trade ends at the target or inside the band", ("target", "edge"), WIDER),
        Row("delta_hysteresis_quote", "the edge's distance from the target", HIGHER, "more exposure is left"),
        Row("force_rebalance_seconds", "trades to the target so often anyway", LOWER_BUT_ON, "more trades, more cost"),
        Row("out_of_range_seconds", "out of range so long: one trade", HIGHER_OR_OFF, WIDER),
        Row("cooldown_seconds", "the pause between rebalances", LOWER, "more trades, more cost"),
        Row("max_per_hour", "rebalances in an hour", EITHER, "more trades, more cost, or gaps that stay open"),
        Row("urgent_band_multiple", "so many bands wait for no pause", EITHER, "large gaps wait, or trades rush"),
        Row("min_notional_quote", "no smaller increase", HIGHER, WIDER),
    ),
    "how it trades": (
        Row("price_type", "what a gap is valued at", NEVER),
        Row("order_type", "how an order is sent", ("market", "limit", "post_only"), "a gap may stay open for longer"),
        Row("limit_timeout_seconds", "how long limit orders are tried", HIGHER_OR_OFF, "a gap stays open for longer"),
        Row("fallback", "what follows limit orders that did not fill", ("market", "none"), "a gap may stay open"),
        Row("max_slippage_bps", "more slippage gets a price limit", HIGHER_OR_OFF, "worse prices are taken"),
        Row("urgent_slippage_bps", "the same for an urgent gap", HIGHER_OR_OFF, "worse prices are taken"),
        Row("max_retries", "attempts in a row before it slows down", NEVER),
        Row("max_hedge_notional", "the most one rebalance trades", HIGHER_OR_OFF, LARGER_TRADE),
        Row("max_order_size", "the most one order trades, in BASE", HIGHER_OR_OFF, LARGER_TRADE),
        Row("max_order_quote", "the most one order trades, in QUOTE", HIGHER_OR_OFF, LARGER_TRADE),
        Row("twap_over_quote", "larger trades are sliced over time", HIGHER_OR_OFF, LARGER_TRADE),
        Row("twap_duration_seconds", "over how long they are sliced", EITHER, "larger slices, or an open gap"),
        Row("twap_interval_seconds", "from slice to slice", HIGHER, "fewer and larger slices"),
    ),
    "limits of risk": (
        Row("max_position_notional", "the largest short", HIGHER_OR_OFF, "a larger short"),
        Row("min_available_balance_quote", "margin that is kept free", LOWER, "less margin is kept free"),
        Row("min_liquidation_distance_pct", "no growth when liquidation is nearer", LOWER, "nearer to liquidation"),
        Row("deleverage_below_pct", "it buys back when liquidation is nearer", LOWER, "it buys back later, or never"),
    ),
    "what is believed": (
        Row("max_chain_age_seconds", "older blocks are no facts", EITHER, "it trades on older figures, or not at all"),
        Row("max_price_age_seconds", "nor are older prices", EITHER, "it trades on older figures, or not at all"),
        Row("max_basis_bps", "prices further apart: caution", HIGHER_OR_OFF, "a pushed pool causes a trade"),
        Row("max_jump_pct", "a larger jump must be read twice", HIGHER_OR_OFF, "a wrong reading may be believed"),
        Row("on_chain_blind", "when the node is silent", ("hold", "estimate"), "it trades on an estimate"),
        Row("adopt_external", "trades that are not ours", ("ask", "auto"), "a foreign position is taken as ours"),
    ),
    "whom it asks": (
        Row("approval_over_quote", "larger trades ask first", HIGHER, "larger trades happen unasked"),
        Row("approval_timeout_seconds", "how long it waits for an answer", EITHER, "an older yes counts, or none is"),
        Row("approval_on_timeout", "without an answer", ("hold", "partial"), "a part is traded unasked"),
        Row("reject_snooze_seconds", "how long a rejection is respected", HIGHER, "the gap stays open for longer"),
        Row("alert_over_quote", "a breach alarm from this gap on", HIGHER_OR_OFF, "the alarm comes later, or never"),
    ),
}  # fmt: skip
# What 0 means, where it is more than a number.
ZERO = {
    "hedge_threshold": "off",
    "delta_band_quote": "off",
    "delta_band_pct": "off",
    "force_rebalance_seconds": "off",
    "out_of_range_seconds": "off",
    "cooldown_seconds": "no pause",
    "max_per_hour": "no limit",
    "urgent_band_multiple": "nothing is urgent",
    "min_notional_quote": "the exchange's own minimum alone",
    "limit_timeout_seconds": "for ever",
    "max_slippage_bps": "any price",
    "urgent_slippage_bps": "any price",
    "max_hedge_notional": "no limit",
    "max_order_size": "no limit",
    "max_order_quote": "no limit",
    "twap_over_quote": "never",
    "twap_duration_seconds": "never sliced",
    "max_position_notional": "no limit",
    "deleverage_below_pct": "never",
    "max_basis_bps": "off",
    "max_jump_pct": "off",
    "approval_over_quote": "all ask",
    "alert_over_quote": "never",
}
ROWS = {row.key: row for rows in GROUPS.values() for row in rows}
# Of a setting of the whole program, which is in no table.
NO_ROW = Row("", "", NEVER)

IN_THE_FILE = "set it in hedge.toml and start again"
# Of a hedge and of the whole program, and where it is changed instead.
NOT_FROM_CHAT: dict[str, str] = {
    "chain": f"which chain it is on is part of what the hedge is: {IN_THE_FILE}.",
    "amm_type": f"which exchange the pool is of is part of what the hedge is: {IN_THE_FILE}.",
    "lp_position_ids": f"/follow adds a position; for anything else {IN_THE_FILE}.",
    "pool_id": f"addresses cannot be set from chat: {IN_THE_FILE}.",
    "wallet": f"addresses cannot be set from chat: {IN_THE_FILE}.",
    "base": f"which token is BASE is part of what the hedge is: {IN_THE_FILE}.",
    "exchange": f"the exchange is part of what the hedge is: {IN_THE_FILE}.",
    "symbol": f"the perpetual is part of what the hedge is: {IN_THE_FILE}.",
    "leverage": f"it is set only at a start while nothing is held: {IN_THE_FILE}.",
    "margin_type": f"it is set only at a start while nothing is held: {IN_THE_FILE}.",
    "mode": f"paper or live is decided at the machine: {IN_THE_FILE}.",
    "timezone": f"it is read at the start: {IN_THE_FILE}.",
}
SECTIONS_NOT_FROM_CHAT: dict[str, str] = {
    "chains": f"chains and their addresses cannot be set from chat: {IN_THE_FILE}.",
    "paper": f"the paper account begins with it: {IN_THE_FILE}.",
}
