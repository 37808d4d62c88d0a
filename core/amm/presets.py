"""What is known of each chain: ids, contracts, stables. What could not be confirmed twice is absent: set it yourself.

Every address stands in at least two public sources. Uniswap V3 managers and wrapped coins: Uniswap/docs
`docs/contracts/v3/reference/deployments/`, Uniswap/sdks `sdk-core/src/addresses.ts`, KyberNetwork/kyberswap-interface
`packages/schema/src/constants/`. PancakeSwap V3 managers: pancakeswap/pancake-document `v3-contracts/README.md`,
hummingbot/gateway `pancakeswap.contracts.ts`, KyberSwap as above. Its farms (MasterChef V3): the same document,
pancakeswap/pancake-v3-contracts `deployments/`, KyberSwap, and DefiLlama/DefiLlama-Adapters. Stables: pancakeswap/
pancake-frontend `packages/tokens`, bgd-labs/aave-address-book, Gelato's USDC list, DefiLlama `coreAssets.json`,
Uniswap/default-token-list; USDT on Base: DefiLlama and cowprotocol/token-lists; USDT0 on Optimism: RequestNetwork/
request-token-list and stableflow-ai/stableflow-interface. Multicall3: mds1/multicall `deployments.json`, wevm/viem.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from core.config import ChainConfig, Config
from core.errors import ConfigurationError

# Deployed at this address on every chain below.
MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
_UNISWAP_MANAGER = "0xC36442b4a4522E871399CD717aBDD847Ab11FE88"
_PANCAKESWAP_MANAGER = "0x46A15B0b27311cedF172AB29E4f4766fbE7F4364"
_MASTERCHEF_V3 = "0x556B9306565093C855AEA9AE92A594704c2Cd59e"


@dataclass(frozen=True, slots=True)
class ChainPreset:
    """One chain. `stables` are the tokens that count as QUOTE; `position_managers` by AMM type.

    `farms`: by AMM type, the contract in which its positions are staked.

    `arbitrum_blocks`: the contracts' `block.number` is the parent chain's, the chain's own comes from a precompile.
    """

    name: str
    chain_id: int
    wrapped_native: str | None
    stables: tuple[str, ...]
    position_managers: Mapping[str, str] = field(default_factory=dict)
    farms: Mapping[str, str] = field(default_factory=dict)
    multicall: str = MULTICALL3
    arbitrum_blocks: bool = False


PRESETS: Mapping[str, ChainPreset] = {
    preset.name: preset
    for preset in (
        ChainPreset(
            name="ethereum",
            chain_id=1,
            wrapped_native="0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
            stables=(
                "0xdAC17F958D2ee523a2206206994597C13D831ec7",  # USDT
                "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",  # USDC
                "0x6B175474E89094C44Da98b954EedeAC495271d0F",  # DAI
            ),
            position_managers={"uniswap_v3": _UNISWAP_MANAGER, "pancakeswap_v3": _PANCAKESWAP_MANAGER},
            farms={"pancakeswap_v3": _MASTERCHEF_V3},
        ),
        ChainPreset(
            name="bsc",
            chain_id=56,
            wrapped_native="0xbb4CdB9CBd36B01bD1cBaEBF2De08d9173bc095c",
            stables=(
                "0x55d398326f99059fF775485246999027B3197955",  # USDT, 18 decimals here
                "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d",  # USDC, 18 decimals here
                "0xc5f0f7b66764F6ec8C8Dff7BA683102295E16409",  # FDUSD
                "0x1AF3F329e8BE154074D8769D1FFa4eE058B1DBc3",  # DAI
            ),
            position_managers={
                "uniswap_v3": "0x7b8A01B39D58278b5DE7e48c8449c9f4F5170613",
                "pancakeswap_v3": _PANCAKESWAP_MANAGER,
            },
            farms={"pancakeswap_v3": _MASTERCHEF_V3},
        ),
        ChainPreset(
            name="arbitrum",
            chain_id=42161,
            wrapped_native="0x82aF49447D8a07e3bd95BD0d56f35241523fBab1",
            stables=(
                "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9",  # USDT
                "0xaf88d065e77c8cC2239327C5EDb3A432268e5831",  # USDC
                "0xFF970A61A04b1cA14834A43f5dE4533eBDDB5CC8",  # USDC.e
                "0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1",  # DAI
            ),
            position_managers={"uniswap_v3": _UNISWAP_MANAGER, "pancakeswap_v3": _PANCAKESWAP_MANAGER},
            farms={"pancakeswap_v3": "0x5e09ACf80C0296740eC5d6F643005a4ef8DaA694"},
            arbitrum_blocks=True,
        ),
        ChainPreset(
            name="base",
            chain_id=8453,
            wrapped_native="0x4200000000000000000000000000000000000006",
            stables=(
                "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",  # USDC
                "0xd9aAEc86B65D86f6A7B5B1b0c42FFA531710b6CA",  # USDbC
                "0xfde4C96c8593536E31F229EA8f37b2ADa2699bb2",  # USDT
                "0x50c5725949A6F0c72E6C4a641F24049A917DB0Cb",  # DAI
            ),
            position_managers={
                "uniswap_v3": "0x03a520b32C04BF3bEEf7BEb72E919cf822Ed34f1",
                "pancakeswap_v3": _PANCAKESWAP_MANAGER,
            },
            farms={"pancakeswap_v3": "0xC6A2Db661D5a5690172d8eB0a7DEA2d3008665A3"},
        ),
        ChainPreset(
            name="optimism",
            chain_id=10,
            wrapped_native="0x4200000000000000000000000000000000000006",
            stables=(
                "0x94b008aA00579c1307B0EF2c499aD98a8ce58e58",  # USDT
                "0x01bFF41798a0BcF287b996046Ca68b395DbC1071",  # USDT0
                "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85",  # USDC
                "0x7F5c764cBc14f9669B88837ca1490cCa17c31607",  # USDC.e
                "0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1",  # DAI
            ),
            position_managers={"uniswap_v3": _UNISWAP_MANAGER},
        ),
        ChainPreset(
            name="polygon",
            chain_id=137,
            wrapped_native="0x0d500B1d8E8eF31E21C99d1Db9A6444d3ADf1270",
            stables=(
                "0xc2132D05D31c914a87C6611C10748AEb04B58e8F",  # USDT
                "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359",  # USDC
                "0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174",  # USDC.e
                "0x8f3Cf7ad23Cd3CaDbD9735AFf958023239c6A063",  # DAI
            ),
            position_managers={"uniswap_v3": _UNISWAP_MANAGER},
        ),
    )
}


def chain_preset(name: str, override: ChainConfig | None) -> ChainPreset:
    """The preset with `[chains.NAME]` laid over it, or a chain made of that block alone.

    A position manager given there is added to the preset's; stables given there replace the preset's.
    Raises ConfigurationError when the chain is unknown and its block is not complete.
    """
    override = override or ChainConfig()
    known = PRESETS.get(name) or _unknown_chain(name, override)
    beside = {
        "position_managers": {**known.position_managers, **(override.position_managers or {})},
        "farms": _farms(known, override),
    }
    return replace(known, **(override.model_dump(exclude_none=True) | beside))


def _farms(known: ChainPreset, override: ChainConfig) -> dict[str, str]:
    """The preset's farm is of the preset's manager: a manager of one's own has none unless it is named."""
    own_managers = override.position_managers or {}
    kept = {amm: farm for amm, farm in known.farms.items() if amm not in own_managers}
    return {**kept, **(override.farms or {})}


def require_known_contracts(config: Config) -> None:
    """Raises ConfigurationError, naming the hedge, for what no node need be asked about.

    That is a chain that is neither a preset nor described, an AMM without a position manager there, and a farm without
    the manager whose positions it would hold.
    """
    for name, hedge in config.hedges.items():
        try:
            position_manager(chain_preset(hedge.chain, config.chains.get(hedge.chain)), hedge.amm_type)
        except ConfigurationError as error:
            raise ConfigurationError(f"hedges.{name}: {error}") from None
    for name, chain in config.chains.items():
        _require_managers_of_farms(name, chain)


def _require_managers_of_farms(name: str, chain: ChainConfig) -> None:
    known = PRESETS[name].position_managers if name in PRESETS else {}
    for amm_type in chain.farms or ():
        if amm_type not in {**known, **(chain.position_managers or {})}:
            raise ConfigurationError(
                f"chains.{name}.farms.{amm_type} has no position manager beside it: set "
                f"position_managers.{amm_type} in [chains.{name}], or correct the name"
            )


def _unknown_chain(name: str, override: ChainConfig) -> ChainPreset:
    if override.chain_id is None or not override.stables or not override.position_managers:
        close = difflib.get_close_matches(name.lower(), PRESETS, n=1)
        meant = f"did you mean {close[0]}? " if close else ""
        raise ConfigurationError(
            f'chain "{name}" is not known: {meant}The presets are {", ".join(PRESETS)}; for any other '
            f"set chain_id, stables and position_managers in [chains.{name}]"
        )
    return ChainPreset(name, override.chain_id, None, override.stables)


def position_manager(chain: ChainPreset, amm_type: str) -> str:
    """The AMM's position manager on a chain; ConfigurationError, saying what to set, where none is known."""
    manager = chain.position_managers.get(amm_type)
    if manager is not None:
        return manager
    raise ConfigurationError(
        f"{_why_unknown(chain, amm_type)} (known there: {', '.join(sorted(chain.position_managers)) or 'none'}): "
        f"correct chain or amm_type, or set position_managers.{amm_type} in [chains.{chain.name}]"
    )


def _why_unknown(chain: ChainPreset, amm_type: str) -> str:
    where = [name for name, preset in PRESETS.items() if amm_type in preset.position_managers]
    if chain.name in PRESETS and where:
        return f"{amm_type} is not deployed on {chain.name}, only on {', '.join(where)}"
    return f"no {amm_type} position manager is known on {chain.name}"
