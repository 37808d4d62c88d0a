"""What an inner call of a batch says when it did not succeed."""

import pytest

from core.amm.abi import AskedTooMuch, CallResult, ChainUnavailable, selector

WORD = bytes(32)


@pytest.mark.parametrize(
    ("data", "says_no"),
    [
        (selector("Error(string)") + 3 * WORD, True),
        (selector("ERC721NonexistentToken(uint256)") + WORD, True),
        (selector("InvalidTokenId()"), True),
        (selector("Panic(uint256)") + WORD, False),
        (b"", False),
        (b"\x08", False),
    ],
    ids=["in words", "by a custom error", "by a bare custom error", "panic", "out of gas", "half a selector"],
)
def test_only_a_contract_that_speaks_says_no(data: bytes, says_no: bool) -> None:
    """A burnt id is told from a call that failed: forks revert by errors of their own, a lack of gas says nothing."""
    assert CallResult(False, data).reverted_with_reason == says_no
    assert not CallResult(True, data).reverted_with_reason


@pytest.mark.parametrize(("data", "error"), [(b"", AskedTooMuch), (selector("Panic(uint256)"), ChainUnavailable)])
def test_a_failed_call_has_no_words(data: bytes, error: type[ChainUnavailable]) -> None:
    """Whatever it says; and only silence may be mended by asking for less."""
    with pytest.raises(error) as failure:
        CallResult(False, data).words(1, "positions")
    assert type(failure.value) is error
