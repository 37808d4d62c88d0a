"""The accounts against the exchange's own books: real engine, storage and adapter before the exchange rig."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from bot.accounts import Accounts
from core.account_keeping import AccountKeeper
from core.accounting.books import EXACT
from core.accounting.statement import Statement
from core.series_keeping import SeriesKeeper
from tests.execution.world import HEDGE, SYMBOL, Setting, World, running
from tests.hedging.positions import position

TINY = Decimal("1e-9")
# The exchange rounds each realised profit to 1e-8.
VENUE_UNITS = Decimal("1e-7")


class Books:
    """Keeps what the hedge read after each of its looks, as the service does beside it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.series = SeriesKeeper(engine=world.engine, series=world.store.series)
        store, setting = world.store, world.setting
        self.accounts = Accounts(store.series, store.journal, store.income, world.office.config)
        self.income = AccountKeeper(
            venue=world.venue,
            engine=world.engine,
            income=store.income,
            clock=setting.clock,
            began=setting.began,
        )

    async def look(self, times: int = 3) -> None:
        """As often as it takes to trade and to see what came of it."""
        for _ in range(times):
            await self.world.cycles(1)
            await self.series.turn()

    async def kept(self) -> int:
        now = self.world.setting.clock.now()
        return len(await self.world.store.series.between(HEDGE, now - timedelta(days=1), now + timedelta(days=1)))

    async def statement(self) -> Statement:
        now = self.world.setting.clock.now()
        found = await self.accounts.statement(HEDGE, now - timedelta(days=1), now + timedelta(minutes=1))
        assert found is not None
        return found

    def wealth(self) -> Decimal:
        """The position's principal by the V3 maths, and the exchange's word on the account."""
        setting = self.world.setting
        held = position(liquidity=setting.pool.liquidity, price=str(setting.pool.price))
        account = setting.server.exchange.account
        return held.base * held.price + held.quote + account.wallet + account.unrealised()


async def test_the_net_is_what_the_exchange_says(setting: Setting) -> None:
    """Orders, fees and funding over moves of the price: the parts are the change of the account and of the LP."""
    exchange = setting.server.exchange
    async with running(setting) as world:
        books = Books(world)
        before = books.wealth()
        for price in (2000, 1950, 2040, 2010):
            setting.set_price(price)
            await books.look()
        exchange.set_funding(SYMBOL, Decimal("0.0001"), exchange.now_ms() - 1000)
        exchange.pay_funding(SYMBOL)
        setting.clock.skip(61)
        await books.income.turn()
        await books.look(1)
        total = (await books.statement()).total
        assert total.trades >= 3 and total.funding > 0 > total.commissions
        assert abs(total.net - (books.wealth() - before)) < TINY
        assert total.moved == total.manual == 0


async def test_realised_and_unrealised_are_the_exchanges(setting: Setting) -> None:
    """Its own rows of realised profit, and its own entry price at the end less at the start of the readings."""
    account = setting.server.exchange.account
    async with running(setting) as world:
        books = Books(world)
        await world.until_hedged()
        await books.look()
        before, opening = account.unrealised(), list(setting.server.exchange.ledger.trades)
        for price in (1950, 2040, 2010):
            setting.set_price(price)
            await books.look()
        setting.clock.skip(61)
        await books.income.turn()
        await books.look(1)
        total = (await books.statement()).total
        rows = await world.store.income.between(setting.began, setting.clock.now())
        assert sum(row.amount for row in rows if row.kind == "REALIZED_PNL") == total.realised != 0
        assert sum(row.amount for row in rows if row.kind == "COMMISSION") == total.commissions - sum(
            trade.commission for trade in opening
        )
        assert total.unrealised is not None and abs(total.unrealised - account.unrealised() + before) < VENUE_UNITS
        assert EXACT.add(total.realised, total.unrealised) == EXACT.add(total.hedge, total.slippage)


async def test_a_blind_chain_leaves_no_reading(setting: Setting) -> None:
    """Neither the last block over and over, nor an estimate of it; when it answers again the books go on."""
    setting.settings["on_chain_blind"] = "estimate"
    async with running(setting) as world:
        books = Books(world)
        await world.until_hedged()
        await books.look()
        setting.pool.blind = True
        setting.clock.skip(70)
        await world.until(lambda world: world.status.estimated)
        kept = await books.kept()
        setting.clock.skip(70)
        await books.look()
        assert await books.kept() == kept
        setting.pool.blind = False
        await books.look()
        assert await books.kept() > kept


async def test_a_manual_trade_is_none_of_the_hedges(setting: Setting) -> None:
    """Though hedging stops over it, the position is real and kept; its cost stands apart, nothing is unexplained."""
    async with running(setting) as world:
        books = Books(world)
        await world.until_hedged()
        await books.look()
        trades = len(await world.store.journal.recent_fills(99))
        setting.server.exchange.set_position(SYMBOL, Decimal(-1))
        setting.clock.skip(61)
        await world.until(lambda world: world.status.reason == "position_mismatch")
        await books.look()
        total = (await books.statement()).total
        assert total.manual != 0 and total.moved == 0
        assert total.trades < trades + 1
