"""Whether an address was copied whole."""

from __future__ import annotations


def fits_its_checksum(address: str) -> bool:
    """Mixed case must be that of EIP-55, which one wrong digit spoils; all small or all capital letters say nothing."""
    digits = address[2:]
    if digits in (digits.lower(), digits.upper()):
        return True
    from eth_utils.crypto import keccak  # only for those who wrote one: it takes its time to load

    digest = keccak(text=digits.lower()).hex()
    return all(
        digit.isdigit() or digit.isupper() is (int(nibble, 16) >= 8)
        for digit, nibble in zip(digits, digest, strict=False)
    )


def is_zero(address: str) -> bool:
    """Where burnt things go: nobody's wallet, and no contract."""
    return not address[2:].strip("0")
