"""What the engine last believed, asked for through the program: foretold figures against the account that got there."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from bot.rendering.markup import plain
from core.errors import Refused
from core.facts import SymbolRules
from core.hedging.margin_needs import need, readable
from core.hedging.whatif import what_if
from core.status import DueKind
from tests.core.pair import SYMBOLS, HandFeed, Pair, Programme, started


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path / "lp_hedge.db")


async def shows(programme: Programme, command: str, *args: str) -> str:
    return plain((await programme.office.views.show(command, args)).text)


async def paused(programme: Programme) -> None:
    await programme.put("pause")
    await programme.engine.carry_out_commands()


async def test_nothing_is_known_before_the_first_look(pair: Pair) -> None:
    """And nothing ever of a hedge that there is none of."""
    async with started(pair) as programme:
        assert programme.engine.outlook("eth") is None
        assert "read" in await shows(programme, "whatif", "+5%")
        assert "not both read yet" in await shows(programme, "margin")
        await programme.cycles(1)
        seen = programme.engine.outlook("eth")
        assert seen is not None
        assert seen.lp is not None and seen.account is not None and seen.market is not None
        assert programme.engine.outlook("nobody") is None


@pytest.mark.parametrize("price", ["1700", "2350"])
async def test_both_shorts_left_alone_end_where_it_was_foretold(pair: Pair, price: str) -> None:
    """Two symbols of one account moved together while paused: balance and available are those of the sum."""
    async with started(pair) as programme:
        await programme.cycles(8)
        await paused(programme)
        known = [readable(programme.engine.outlook(name)) for name in SYMBOLS]
        both = [each for each in known if each is not None]
        assert len(both) == 2
        assert all(each.account.position_base < 0 for each in both)
        foretold = need(both, dict.fromkeys(SYMBOLS, Decimal(price)), follows=False)
        assert foretold is not None
        pair.feed.price = Decimal(price)
        await programme.cycles(3)
        for name in SYMBOLS:
            there = await programme.venue.account(SYMBOLS[name])
        assert abs(there.margin_balance_quote - foretold.balance_quote) < Decimal("1e-6")
        assert abs(there.available_balance_quote - foretold.free_quote) < Decimal("1e-6")


@pytest.mark.parametrize("price", ["1700", "2350"])
async def test_the_positions_are_what_was_foretold(pair: Pair, price: str) -> None:
    """Amounts that the next read finds at that price are those of what-if, to the last unit."""
    async with started(pair) as programme:
        await programme.cycles(2)
        before = programme.engine.outlook("eth")
        assert before is not None
        foretold = what_if(before, Decimal(price)).lp
        await paused(programme)
        pair.feed.price = Decimal(price)
        await programme.cycles(2)
        after = programme.status("eth").lp
        assert foretold is not None
        assert (foretold.base, foretold.quote) == (after.base, after.quote)


async def test_whatif_and_margin_speak_of_both_hedges(pair: Pair) -> None:
    """Through the whole office: each hedge, and the account that they share."""
    async with started(pair) as programme:
        await programme.cycles(8)
        whatif = await shows(programme, "whatif", "+5%")
        assert "eth at 2,100 USDT (+5 %)" in whatif and "bnb at 2,100 USDT (+5 %)" in whatif
        margin = await shows(programme, "margin")
        assert margin.count("To the upper edge") == 2
        assert "Margin · the whole account" in margin


async def test_a_sliced_plan_shows_its_progress(pair: Pair) -> None:
    """Which slice of how many, and how much is filled; nothing once it is done. The next look is due within a poll."""
    pair.settings = {"twap_over_quote": 100, "twap_duration_seconds": 60, "twap_interval_seconds": 5}
    pair.settings |= {"urgent_band_multiple": 0}
    async with started(pair) as programme:
        await programme.cycles(12)
        status = programme.status("eth")
        assert status.work is not None
        assert (status.work.side, status.work.slices, status.work.quote) == ("SELL", 12, None)
        assert 1 < status.work.orders < 12
        assert 0 < status.work.filled_base < status.work.quantity_base
        assert "At work: SELL" in await shows(programme, "status")
        await programme.cycles(80)
        done = programme.status("eth")
        assert done.work is None
        assert DueKind.LOOK in {due.kind for due in done.due}


async def test_a_quote_that_rests_shows_its_price_and_age(pair: Pair) -> None:
    """Side, what is left of it, and since when."""
    pair.settings = {"order_type": "post_only", "limit_timeout_seconds": 60, "urgent_band_multiple": 0}
    async with started(pair) as programme:
        await programme.cycles(4)
        work = programme.status("eth").work
        assert work is not None
        assert work.quote is not None
        market = await programme.venue.market(SYMBOLS["eth"])
        assert (work.quote.side, work.quote.price) == ("SELL", market.best_ask)
        assert 0 < work.quote.left_base <= work.quantity_base
        assert f"rests {work.quote.left_base.normalize():f} at" in await shows(programme, "status")


class Lacking(HandFeed):
    """An exchange that has no BNB perpetual."""

    async def prepare(self, symbols: Sequence[str]) -> None:
        for symbol in symbols:
            self.rules(symbol)

    def rules(self, symbol: str) -> SymbolRules:
        if symbol == SYMBOLS["bnb"]:
            raise Refused(f"Invalid symbol {symbol}", code="-1121")
        return super().rules(symbol)


async def test_a_hedge_without_its_exchange_is_foretold_from_the_chain_alone(pair: Pair) -> None:
    """The positions are known, the short is not; the other hedge is whole."""
    pair.feed = Lacking(pair.clock)
    async with started(pair, prepare=(SYMBOLS["eth"],)) as programme:
        await programme.cycles(2)
        late = programme.engine.outlook("bnb")
        assert late is not None
        assert late.lp is not None
        assert late.account is None and late.market is None
        assert "Short left alone: unknown" in await shows(programme, "whatif", "+5%", "bnb")
        margin = await shows(programme, "margin")
        assert "Margin · eth" in margin and "bnb: chain and exchange are not both read yet." in margin
