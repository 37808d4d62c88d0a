"""The service hears the exchange: what happens to the account or the market is acted on long before the next poll."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.e2e.stage import BY_ITSELF, OPERATOR, SYMBOL, Service, Stage

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0
# A fraction of the poll's quarter of an hour.
SOON_S = 30.0
SLOW = BY_ITSELF | {"poll_seconds": "900", "max_chain_age_seconds": "3600", "max_basis_bps": "0"}


def test_a_strangers_trade_is_told_and_stops_it(stage: Stage) -> None:
    """With a poll of a quarter of an hour the phone rings at once; /adopt goes on."""
    stage.configure(SLOW, {})
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: stage.short() > 4, timeout_s=PATIENCE_S)
        stage.telegram.wait_for(lambda: stage.venue.hub.connected(private=True) == 1, timeout_s=PATIENCE_S)
        stage.venue.exchange.set_position(SYMBOL, stage.venue.exchange.position(SYMBOL) - 1)
        stage.telegram.wait_message(OPERATOR, "position", timeout_s=SOON_S)
        stage.telegram.wait_for(lambda: "position_mismatch" in service.output(), timeout_s=SOON_S)
        stage.telegram.say(OPERATOR, "/health")
        stage.telegram.wait_message(OPERATOR, "exchange account news", timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()


def test_the_perpetual_moves_and_the_chain_is_looked_at(stage: Stage) -> None:
    """The perp leads: its move has the pool read, and what moved there is hedged; no block was pushed."""
    stage.configure(SLOW, {})
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: stage.short() > 4, timeout_s=PATIENCE_S)
        stage.telegram.wait_for(lambda: stage.venue.hub.connected(private=False) == 2, timeout_s=PATIENCE_S)
        short = stage.short()
        stage.set_price(2120)
        stage.telegram.wait_for(lambda: stage.short() < short - Decimal("0.1"), timeout_s=SOON_S)
        assert service.stop() == 0, service.output()


QUOTING = SLOW | {"order_type": '"post_only"', "urgent_band_multiple": "0", "limit_timeout_seconds": "600"}


def test_a_halt_takes_back_a_quote(stage: Stage) -> None:
    """From the phone, long before it would be looked at again."""
    stage.configure(QUOTING, {})
    exchange = stage.venue.exchange
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: len(exchange.open_orders(SYMBOL)) == 1, timeout_s=PATIENCE_S)
        assert SYMBOL in exchange.countdowns
        stage.telegram.say(OPERATOR, "/halt eth")
        stage.telegram.wait_for(lambda: exchange.open_orders(SYMBOL) == [], timeout_s=SOON_S)
        assert service.stop() == 0, service.output()


def test_a_quote_does_not_outlive_a_stop(stage: Stage) -> None:
    """Nothing is left to fill while nobody looks; the next start quotes anew."""
    stage.configure(QUOTING, {})
    exchange = stage.venue.exchange
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: len(exchange.open_orders(SYMBOL)) == 1, timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
        assert exchange.open_orders(SYMBOL) == []
    with Service(stage, "again") as service:
        stage.telegram.wait_for(lambda: len(exchange.open_orders(SYMBOL)) == 1, timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()


def test_an_account_in_hedge_mode_is_hedged_on_its_short_leg(stage: Stage) -> None:
    """The mode is read and never switched."""
    stage.venue.exchange.set_hedge_mode(True)
    stage.configure(SLOW, {})
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: stage.venue.exchange.position(SYMBOL, "SHORT") < -4, timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
    assert stage.venue.exchange.position(SYMBOL, "LONG") == 0
