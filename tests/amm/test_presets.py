"""What is built in about each chain is well-formed, and what is not says which key to set."""

import pytest
from eth_utils.address import is_checksum_address

from core.amm.presets import PRESETS, ChainPreset, chain_preset, position_manager
from core.config import ChainConfig
from core.errors import ConfigurationError

SOME_ADDRESS = "0x" + "ab" * 20


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())
def test_addresses_carry_their_checksum(preset: ChainPreset) -> None:
    """Every address is written with its checksum, so that a wrong digit cannot pass, and none stands twice."""
    addresses = [preset.multicall, preset.wrapped_native, *preset.stables, *preset.farms.values()]
    assert all(is_checksum_address(address) for address in (*addresses, *preset.position_managers.values()))
    assert len(set(addresses)) == len(addresses)


def test_chain_ids() -> None:
    """The chains are the six that the configuration promises, by their registered ids."""
    ids = {name: preset.chain_id for name, preset in PRESETS.items()}
    assert ids == {"ethereum": 1, "bsc": 56, "arbitrum": 42161, "base": 8453, "optimism": 10, "polygon": 137}


def test_override_adds_a_manager_and_replaces_stables() -> None:
    """A block in the configuration changes only what it names."""
    preset = chain_preset(
        "bsc", ChainConfig(stables=(SOME_ADDRESS,), position_managers={"pancakeswap_v3": SOME_ADDRESS})
    )
    assert preset.stables == (SOME_ADDRESS,)
    assert position_manager(preset, "pancakeswap_v3") == SOME_ADDRESS
    assert position_manager(preset, "uniswap_v3") == position_manager(PRESETS["bsc"], "uniswap_v3")
    assert preset.wrapped_native == PRESETS["bsc"].wrapped_native


def test_unknown_chain_names_what_is_missing() -> None:
    """A chain that is no preset needs a whole block."""
    with pytest.raises(ConfigurationError, match=r"set chain_id, stables and position_managers in \[chains.mars\]"):
        chain_preset("mars", ChainConfig(chain_id=4))


@pytest.mark.parametrize("chain", ["optimism", "polygon"])
def test_amm_that_is_not_deployed(chain: str) -> None:
    """Refused by name, with the chains where it is and the key that names one of one's own."""
    says = rf"pancakeswap_v3 is not deployed on {chain}, only on ethereum, bsc, arbitrum, base .*position_managers"
    with pytest.raises(ConfigurationError, match=says):
        position_manager(PRESETS[chain], "pancakeswap_v3")


def test_every_preset_has_what_is_deployed_there() -> None:
    """Uniswap V3 on all six, PancakeSwap V3 with its farm on four of them."""
    managed = {name for name, preset in PRESETS.items() if "uniswap_v3" in preset.position_managers}
    farmed = {name for name, preset in PRESETS.items() if "pancakeswap_v3" in preset.farms}
    assert managed == set(PRESETS)
    assert farmed == {"ethereum", "bsc", "arbitrum", "base"}
    assert farmed == {name for name, preset in PRESETS.items() if "pancakeswap_v3" in preset.position_managers}


def test_a_fork_by_configuration_alone() -> None:
    """Its name is free, its manager and farm are the block's."""
    block = ChainConfig(position_managers={"sushiswap_v3": SOME_ADDRESS}, farms={"sushiswap_v3": SOME_ADDRESS})
    preset = chain_preset("polygon", block)
    assert position_manager(preset, "sushiswap_v3") == preset.farms["sushiswap_v3"] == SOME_ADDRESS
    with pytest.raises(ConfigurationError, match=r"no quickswap_v3 position manager is known on polygon"):
        position_manager(preset, "quickswap_v3")


def test_a_manager_of_ones_own_has_no_farm_of_the_presets() -> None:
    """A fork under a known name on a preset chain: the preset's farm holds the preset's positions."""
    given = {"pancakeswap_v3": SOME_ADDRESS}
    assert "pancakeswap_v3" not in chain_preset("bsc", ChainConfig(position_managers=given)).farms
    assert chain_preset("bsc", ChainConfig(position_managers=given, farms=given)).farms == given
