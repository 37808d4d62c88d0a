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
    addresses = [preset.multicall, preset.wrapped_native, *preset.stables]
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


def test_amm_that_is_not_deployed() -> None:
    """Where an AMM has no known manager the message says so and names the key."""
    with pytest.raises(ConfigurationError, match=r"no pancakeswap_v3 position manager is known on polygon"):
        position_manager(PRESETS["polygon"], "pancakeswap_v3")
