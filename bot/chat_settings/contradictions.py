"""Settings of a hedge that are each allowed and make little sense together."""

from __future__ import annotations

from collections.abc import Iterator

from core.config import HedgeConfig


def contradictions(hedge: HedgeConfig) -> tuple[str, ...]:
    """One clause each, without a full stop."""
    return (*_of_prices_and_slices(hedge), *_of_quotes(hedge))


def _of_prices_and_slices(hedge: HedgeConfig) -> Iterator[str]:
    usual, urgent = hedge.max_slippage_bps, hedge.urgent_slippage_bps
    if urgent > 0 and (usual == 0 or urgent < usual):
        yield (
            f"urgent_slippage_bps = {urgent:f} is stricter than max_slippage_bps = {usual:f}: an urgent gap closes"
            " slower than any other"
        )
    over, every = hedge.twap_duration_seconds, hedge.twap_interval_seconds
    if hedge.twap_over_quote > 0 and every > over > 0:
        yield f"twap_interval_seconds = {every} is longer than twap_duration_seconds = {over}: nothing is sliced"


def _of_quotes(hedge: HedgeConfig) -> Iterator[str]:
    if hedge.order_type == "post_only" and 0 < hedge.urgent_band_multiple <= 1:
        yield (
            f"urgent_band_multiple = {hedge.urgent_band_multiple:f} makes every gap urgent, and urgent ones go to the"
            ' market: order_type = "post_only" has no effect'
        )
    if hedge.order_type != "market" and hedge.fallback == "none" and hedge.limit_timeout_seconds == 0:
        yield 'fallback = "none" has no effect: with limit_timeout_seconds = 0 limit orders are tried for ever'
