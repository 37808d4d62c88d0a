"""A symbol that exists but belongs to another asset: seen before the first trade, and not confused with a crash."""

from decimal import Decimal
from pathlib import Path

import pytest

from core.events import EventKind
from tests.core.pair import Pair, started

APART = Decimal("1.2")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    pair = Pair(tmp_path / "pair.db")
    pair.pools["eth"].apart = APART
    return pair


async def test_a_perpetual_of_another_price_is_never_traded(pair: Pair) -> None:
    """It stands and says which; the other hedge of the account is not held up by it."""
    async with started(pair) as programme:
        await programme.cycles(5)
        status = programme.status("eth")
        assert (status.state, status.reason) == ("SUSPENDED", "wrong_symbol")
        assert "ETHUSDT does not look like the perpetual of" in status.detail
        assert await programme.position("eth") == 0
        assert await programme.position("bnb") < 0
        told = [event for event in await programme.events(EventKind.SUSPENDED) if event.hedge == "eth"]
        assert told[-1].data["reason"] == "wrong_symbol"


async def test_once_seen_to_be_right_a_price_that_parts_is_the_market(pair: Pair) -> None:
    """Also after a restart in the middle of a crash, when the short must go on being kept."""
    pair.pools["eth"].apart = Decimal(1)
    async with started(pair) as programme:
        await programme.cycles(5)
        assert await programme.position("eth") < 0
    pair.pools["eth"].apart = APART
    async with started(pair) as programme:
        await programme.cycles(5)
        assert programme.status("eth").reason != "wrong_symbol"


async def test_it_goes_on_by_itself_when_the_prices_meet(pair: Pair) -> None:
    """A pool that was pushed at the very first look."""
    async with started(pair) as programme:
        await programme.cycles(3)
        assert await programme.position("eth") == 0
        pair.pools["eth"].apart = Decimal(1)
        await programme.cycles(5)
        assert await programme.position("eth") < 0
