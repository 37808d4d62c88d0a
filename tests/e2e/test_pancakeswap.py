"""PancakeSwap V3 end to end: its own pools, a tier that Uniswap lacks, positions in the wallet and in the farm."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.stage import BY_ITSELF, Service, Stage, set_stage
from tests.rigs.chain.fixtures import pancake_chain, pancake_session
from tests.rigs.chain.proxy import RpcProxy
from tests.rigs.chain.rig import ChainRig
from tests.rigs.telegram.rig import TelegramRig
from tests.rigs.venue.server import VenueServer

__all__ = ["pancake_chain", "pancake_session"]

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0
STEP = Decimal("0.002")


@pytest.fixture
def pancake(tmp_path: Path, pancake_chain: ChainRig, venue: VenueServer, telegram: TelegramRig) -> Iterator[Stage]:
    """With eighteen digits of dollar, as on BNB Chain."""
    with RpcProxy(pancake_chain.rpc_url) as proxy:
        yield set_stage(tmp_path, pancake_chain, proxy, venue, telegram, quote=("USDT", 18), fee_pips=2500)


def until_short(stage: Stage, base: Decimal) -> None:
    stage.until_short(base, within=STEP, timeout_s=PATIENCE_S)


def test_all_of_a_wallet_staked_or_not_is_hedged(pancake: Stage) -> None:
    """Staking moves nothing; a position minted and staked while it runs is hedged; fees less the protocol's share are
    counted as the contract would pay them."""
    chain, stage = pancake.chain, pancake
    held, wallet, pool = stage.position_id, f'"{stage.chain.lp}"', f'"{stage.pool.address}"'
    narrow = {"delta_band_quote": '"5"', "delta_band_pct": '"0"', "min_notional_quote": "1"}
    stage.configure(BY_ITSELF | narrow | {"lp_position_ids": '"all"', "wallet": wallet, "pool_id": pool})
    with Service(stage) as service:
        until_short(stage, stage.base_of(held))
        short, orders = stage.short(), stage.orders_sent()
        chain.stake(held)
        new = chain.mint_position(stage.pool, 1700, 2300, base=2, quote=4_000)
        chain.stake(new)
        until_short(stage, stage.base_of(held, new))
        assert stage.orders_sent() == orders + 1 and stage.short() > short
        for price in (2100, 1950):
            stage.set_price(price)
            until_short(stage, stage.base_of(held, new))
        found = stage.call("status", "--json").stdout
        assert f'"id": "{held}"' in found and f'"id": "{new}"' in found
        assert service.stop() == 0, service.output()
