"""How the tests read a rig's chain, and what they hold a reading against."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import SecretStr

from core.amm.presets import ChainPreset, chain_preset
from core.amm.reader import ChainReader
from core.clock import SystemClock
from core.config import ChainConfig, HedgeConfig
from core.facts import LpFacts, LpPosition
from tests.rigs.chain.rig import ChainRig, PoolRef, TokenRef

MakeReader = Callable[..., ChainReader]


def preset_of(rig: ChainRig, *stables: TokenRef, **override: Any) -> ChainPreset:
    """The rig as a chain of the configuration, with these tokens as its stables."""
    settings = {
        "chain_id": rig.chain_id,
        "wrapped_native": rig.weth.address,
        "stables": tuple(stable.address for stable in stables),
        "position_managers": {rig.amm_type: rig.manager.address},
    }
    if rig.farm is not None:
        settings["farms"] = {rig.amm_type: rig.farm.address}
    return chain_preset("rig", ChainConfig(**(settings | override)))


def hedge(ids: Sequence[int] | str, **settings: Any) -> HedgeConfig:
    """A hedge of these positions on the rig's chain."""
    wanted = ids if isinstance(ids, str) else tuple(ids)
    defaults = {"chain": "rig", "amm_type": "uniswap_v3", "symbol": "BASEUSDT"}
    return HedgeConfig(**(defaults | {"lp_position_ids": wanted} | settings))


async def read_once(
    rig: ChainRig, pool: PoolRef, ids: Sequence[int] | str, *, url: str | None = None, **settings: Any
) -> LpFacts:
    """Prepare a reader, read one hedge once, close it."""
    reader = ChainReader(
        preset_of(rig, pool.quote),
        {"h": hedge(ids, **({"amm_type": rig.amm_type} | settings))},
        [SecretStr(url or rig.rpc_url)],
        SystemClock(),
        timeout_s=30,
    )
    try:
        await reader.prepare()
        return (await reader.read())["h"]
    finally:
        await reader.aclose()


def assert_pays(rig: ChainRig, pool: PoolRef, position: LpPosition) -> None:
    """The position's amounts are, to the last unit, what the contract itself would pay now."""
    pay = rig.expected_collect(position.position_id)
    assert (position.base, position.quote) == pool.order.base_quote(*pay.principal)
    assert (position.owed_base, position.owed_quote) == pool.order.base_quote(*pay.owed)
    total = pool.order.base_quote(*pay.total)
    assert (position.base + position.owed_base, position.quote + position.owed_quote) == total
