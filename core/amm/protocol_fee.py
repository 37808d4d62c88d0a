"""The share of a swap's fee that the protocol keeps, from slot0's raw `feeProtocol` field of either AMM."""

from collections.abc import Callable

ProtocolShare = Callable[[int, int, bool], int]


def uniswap_protocol_fee(fee_raw: int, fee_protocol: int, zero_for_one: bool) -> int:
    """Uniswap: uint8 of two 4-bit divisors, low for token0 in, high for token1 in; 0 keeps nothing, n keeps 1/n."""
    divisor = fee_protocol % 16 if zero_for_one else fee_protocol >> 4
    return fee_raw // divisor if divisor else 0


def pancakeswap_protocol_fee(fee_raw: int, fee_protocol: int, zero_for_one: bool) -> int:
    """PancakeSwap: uint32 of two 16-bit shares of 10,000, low for token0 in, high for token1 in."""
    share = fee_protocol % 65536 if zero_for_one else fee_protocol >> 16
    return fee_raw * share // 10_000


def protocol_share(amm_type: str) -> ProtocolShare:
    """The rule of `uniswap_v3` or `pancakeswap_v3`; ValueError for another name."""
    if amm_type == "uniswap_v3":
        return uniswap_protocol_fee
    if amm_type == "pancakeswap_v3":
        return pancakeswap_protocol_fee
    raise ValueError(f"no protocol fee rule for {amm_type!r}; known: uniswap_v3, pancakeswap_v3")
