"""The accounts of a demo against the paper ledger and the pool's own maths, which know nothing of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.accounts import Accounts
from bot.demo.chain import HEDGE
from bot.demo.market import SYMBOL, DemoMarket
from bot.demo.path import RECORDED_START
from bot.demo.provider import FIRST_POSITION_ID
from core.account_keeping import AccountKeeper
from core.accounting.statement import Statement
from core.amm.prices import human_amount
from core.clock import ManualClock
from core.engine import Engine
from core.exchange.paper import PaperVenue
from core.ports import ApprovalState
from core.series_keeping import SeriesKeeper
from storage.store import Store
from tests.demo.embedded import embedded

# Its provider moves in block 1825.
SEED = 31
TINY = Decimal("1e-12")


@dataclass
class Demo:
    """The whole program over the embedded market, driven by hand."""

    clock: ManualClock
    market: DemoMarket
    venue: PaperVenue
    store: Store
    engine: Engine
    keeper: AccountKeeper
    series: SeriesKeeper
    accounts: Accounts

    async def cycle(self) -> None:
        """One evaluation; whoever is asked says yes."""
        await self.engine.cycle()
        await self.series.turn()
        for approval in await self.store.approvals.live(HEDGE):
            if approval.state is ApprovalState.PENDING:
                await self.store.approvals.decide(
                    approval.approval_id, approve=True, by="test", note=None, now=self.clock.now()
                )

    async def run(self, hours: Decimal) -> None:
        """In steps of 15 s, the income being read at the end."""
        end = self.clock.now() + timedelta(seconds=int(hours * 3600))
        while self.clock.now() < end:
            await self.cycle()
            await self.clock.sleep(15)
        await self.keeper.turn()

    async def wealth(self) -> Decimal:
        """LP with all that it is owed, by the pool; the account's equity, by the paper ledger; at both prices now."""
        position = self.market.chain.position()
        assert position is not None
        base, quote = position.base + position.owed_base, position.quote + position.owed_quote
        account = await self.venue.account(SYMBOL)
        return base * position.price + quote + account.margin_balance_quote

    def wallet(self) -> Decimal:
        """What the provider has beside its position, at the pool's price."""
        position, provider = self.market.chain.position(), self.market.chain.provider
        assert position is not None
        base, quote = (human_amount(raw, places) for raw, places in ((provider.base_raw, 18), (provider.quote_raw, 6)))
        return base * position.price + quote

    async def last_reading(self) -> None:
        """One that is kept, and upon which nothing was traded: wealth and books are of the same moment then."""
        await self.clock.sleep(60)
        trades = len(await self.store.journal.recent_fills(1000))
        await self.cycle()
        assert len(await self.store.journal.recent_fills(1000)) == trades

    async def statement(self) -> Statement:
        found = await self.accounts.statement(HEDGE, RECORDED_START, self.clock.now())
        assert found is not None
        assert found.end == self.clock.now()
        return found


async def opened(stack: AsyncExitStack, folder: Path, *, seed: int, moves: bool) -> Demo:
    world = await embedded(stack, folder, seed=seed, moves=moves)
    clock, venue, store, office = world.clock, world.venue, world.store, world.office
    keeper = AccountKeeper(venue=venue, engine=office.slot, income=store.income, clock=clock, began=clock.now())
    series = SeriesKeeper(engine=office.slot, series=store.series)
    accounts = Accounts(store.series, store.journal, store.income, office.config)
    return Demo(clock, world.market, venue, store, world.engine, keeper, series, accounts)


@pytest.fixture
async def still(tmp_path: Path) -> AsyncIterator[Demo]:
    """A provider that leaves its position where it is."""
    async with AsyncExitStack() as stack:
        with capture_logs():
            yield await opened(stack, tmp_path, seed=1, moves=False)


@pytest.fixture
async def restless(tmp_path: Path) -> AsyncIterator[Demo]:
    """A provider that re-centres six hours and one minute after the start."""
    async with AsyncExitStack() as stack:
        with capture_logs():
            yield await opened(stack, tmp_path, seed=SEED, moves=True)


async def test_the_net_is_the_change_of_wealth(still: Demo) -> None:
    """Trades, fees and funding, and hours in which the program was off: what the parts sum up to is what pool and
    ledger say, to 1e-12."""
    await still.cycle()
    before = await still.wealth()
    await still.run(Decimal("0.3"))
    await still.clock.sleep(7.6 * 3600)
    await still.run(Decimal("0.3"))
    await still.last_reading()
    after = await still.wealth()
    statement = await still.statement()
    total = statement.total
    ledger = await still.venue.ledger()
    assert total.trades > 3
    assert abs(total.net - (after - before)) < TINY
    assert (total.funding, total.commissions) == (ledger.funding, -ledger.fees)
    assert total.added == total.collected == total.moved == total.manual == 0
    assert total.funding > 0 and total.lp_fees > 0 > total.lvr
    assert timedelta(hours=7.5) < total.unwatched < timedelta(hours=8)
    assert statement.series.steps[-1].net == total.net


async def test_re_centring_is_no_performance(restless: Demo) -> None:
    """Twenty thousand leave the position and come back: they stand apart, and what was collected with them too.

    With the provider's wallet the wealth is whole; what it does there costs some ten.
    """
    await restless.cycle()
    before = await restless.wealth() + restless.wallet()
    await restless.run(Decimal("0.1"))
    await restless.clock.sleep(5.8 * 3600)
    await restless.run(Decimal("0.3"))
    await restless.last_reading()
    after = await restless.wealth() + restless.wallet()
    total = (await restless.statement()).total
    held = restless.market.chain.provider.held
    assert held is not None and held.position_id > FIRST_POSITION_ID
    assert total.collected > 10 and total.turnover > 0
    assert abs(total.net - (after - before)) < 10
    assert abs(total.wealth_change - (total.net + total.added - total.collected)) < TINY
