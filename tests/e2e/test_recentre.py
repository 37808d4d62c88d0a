"""A position that is re-centred and a pool that is pushed, on the real contracts: neither moves the hedge by itself."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from tests.e2e.stage import BY_ITSELF, OPERATOR, SYMBOL, Service, Stage

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0
LOOKS_S = 3.0
STEP = Decimal("0.002")


def until_short(stage: Stage, base: Decimal) -> None:
    stage.until_short(base, within=STEP, timeout_s=PATIENCE_S)


def looks(stage: Stage) -> None:
    """Long enough for several looks, at the end of which nothing was sent that should not have been."""
    time.sleep(LOOKS_S)


@pytest.mark.parametrize("everything", [False, True], ids=["by number", "all"])
def test_one_of_two_positions_is_recentred(stage: Stage, everything: bool) -> None:
    """Burnt and minted anew around another price, which moved meanwhile: the short follows what the price did to the
    other one and to nothing else; by number after a tap on Follow, with "all" without a word."""
    chain, pool, phone = stage.chain, stage.pool, stage.telegram
    stays, goes = stage.position_id, chain.mint_position(pool, 1700, 2300, base=4, quote=8_000)
    settings = {"delta_band_quote": '"5"', "delta_band_pct": '"0"', "include_fees": "false", "min_notional_quote": "1"}
    ids = '"all"' if everything else f"[{stays}, {goes}]"
    named = {"lp_position_ids": ids, "wallet": f'"{chain.lp}"', "pool_id": f'"{pool.address}"'}
    stage.configure(BY_ITSELF | settings | named)
    with Service(stage) as service:
        until_short(stage, stage.base_of(stays, goes))
        left, held, orders = stage.base_of(goes), stage.short(), stage.orders_sent()
        chain.burn(goes)
        looks(stage)
        assert (stage.short(), stage.orders_sent()) == (held, orders)

        stage.set_price(1990)
        until_short(stage, stage.base_of(stays) + left)
        held, orders = stage.short(), stage.orders_sent()

        new = chain.mint_position(pool, 1650, 2250, base=left, quote=8_000)
        if not everything:
            alert = phone.wait_message(OPERATOR, f"position {new} is in the same wallet", timeout_s=PATIENCE_S)
            assert alert.labels == ["Follow", "Close", "Keep"]
            looks(stage)
            phone.press(OPERATOR, alert, "Follow")
            phone.wait_message(OPERATOR, f"position {new} is hedged too", timeout_s=PATIENCE_S)
        looks(stage)
        assert (stage.short(), stage.orders_sent()) == (held, orders)

        rest = left - stage.base_of(new)
        assert rest >= 0
        stage.set_price(1980)
        until_short(stage, stage.base_of(stays, new) + rest)
        assert service.stop() == 0, service.output()


def test_a_pushed_pool_alone_trades_nothing_and_is_told_once(stage: Stage) -> None:
    """5 % by one swap while the perpetual stays: one alert with the pool's own average, or that it has none; when the
    perpetual follows, the hedge does."""
    stage.configure(BY_ITSELF)
    phone = stage.telegram
    with Service(stage) as service:
        until_short(stage, stage.base_of(stage.position_id))
        held, orders = stage.short(), stage.orders_sent()
        stage.chain.swap_to_price(stage.pool, 1900)
        alert = phone.wait_message(OPERATOR, "pool and perp disagree on the price", timeout_s=PATIENCE_S)
        assert "The pool does not remember its own average." in alert.text
        looks(stage)
        assert (stage.short(), stage.orders_sent()) == (held, orders)
        assert len(phone.messages(OPERATOR, "pool and perp disagree")) == 1
        stage.venue.exchange.set_price(SYMBOL, Decimal(1900))
        until_short(stage, stage.base_of(stage.position_id))
        phone.wait_message(OPERATOR, "agree on the price again", timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()


def test_a_pushed_second_pool_trades_nothing_either(stage: Stage) -> None:
    """A hedge over two fee tiers: the thin one is pushed by one swap, and the alert shows its price."""
    chain, pool = stage.chain, stage.pool
    thin = chain.create_pool(pool.base, pool.quote, price=2000, fee_pips=3000)
    second = chain.mint_position(thin, 1800, 2200, base=4, quote=8_000)
    stage.configure(BY_ITSELF | {"lp_position_ids": f"[{stage.position_id}, {second}]"})
    with Service(stage) as service:
        until_short(stage, stage.base_of(stage.position_id, second))
        held, orders = stage.short(), stage.orders_sent()
        chain.swap_to_price(thin, 2100)
        alert = stage.telegram.wait_message(OPERATOR, "pool and perp disagree on the price", timeout_s=PATIENCE_S)
        assert "Pool 2,100" in alert.text
        looks(stage)
        assert (stage.short(), stage.orders_sent()) == (held, orders)
        assert service.stop() == 0, service.output()
