"""Everything that is kept, opened as one."""

from __future__ import annotations

from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

from core.clock import Clock
from storage.accounts import SqliteIncome
from storage.approvals import SqliteApprovals
from storage.commands import SqliteCommandQueue, SqliteConfirmations
from storage.database import Database, has_database, open_database
from storage.history import Audit, SqliteEventLog
from storage.journal import SqliteJournal
from storage.last_deeds import SqliteLastDeeds
from storage.memory import Meta, PaperAccounts, SqliteFollowedPositions, SqliteHedgeMemory
from storage.offers import SqliteOffers
from storage.outbox import SqliteOutbox
from storage.overrides import Overrides
from storage.series import SqliteSeries


class Store:
    """`async with await Store.open(...)`, or `aclose()` in the end: an unclosed store keeps its process alive.

    Of `scope` ("<mode>:<account>"): journal, last_deeds, approvals, memory, paper, followed, offers, series, income,
    overrides, events. The rest is the database's.
    """

    def __init__(self, database: Database, scope: str, resources: AsyncExitStack) -> None:
        self.database = database
        self.scope = scope
        self.journal = SqliteJournal(database, scope)
        self.last_deeds = SqliteLastDeeds(database, scope)
        self.approvals = SqliteApprovals(database, scope)
        self.memory = SqliteHedgeMemory(database, scope)
        self.paper = PaperAccounts(database, scope)
        self.followed = SqliteFollowedPositions(database, scope)
        self.offers = SqliteOffers(database, scope)
        self.series = SqliteSeries(database, scope)
        self.income = SqliteIncome(database, scope)
        self.outbox = SqliteOutbox(database)
        self.commands = SqliteCommandQueue(database)
        self.confirmations = SqliteConfirmations(database)
        self.events = SqliteEventLog(database, scope)
        self.audit = Audit(database)
        self.overrides = Overrides(database, scope)
        self.meta = Meta(database)
        self._resources = resources

    @classmethod
    async def open(
        cls, path: Path, *, scope: str, clock: Clock, read_only: bool = False, of_any_age: bool = False
    ) -> Store:
        """Raises ConfigurationError as `open_database` does; the clock only stamps a migration."""
        opening = open_database(path, now=clock.now(), read_only=read_only, of_any_age=of_any_age)
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(opening)
            return cls(database, scope, stack.pop_all())

    @classmethod
    async def open_existing(cls, path: Path, *, scope: str, clock: Clock, of_any_age: bool = False) -> Store | None:
        """For reading, beside a running service or without one; None when nothing was ever stored there.

        `of_any_age`: where an older schema is no error. Only what every schema has is then to be asked of it.
        """
        if not has_database(path):
            return None
        return await cls.open(path, scope=scope, clock=clock, read_only=True, of_any_age=of_any_age)

    async def holds_position(self) -> bool:
        """Whether a leg is open in the journal of any account of this scope's mode.

        Of any account and symbol: behind a mistyped key or symbol stands one that was never seen. Every schema has it.
        """
        mode = self.scope.partition(":")[0]
        rows = await self.database.rows("SELECT scope, net_base FROM leg_totals")
        return any(row["scope"].partition(":")[0] == mode and Decimal(row["net_base"]) != 0 for row in rows)

    async def aclose(self) -> None:
        """Ends both connections with their threads; a second time does nothing."""
        await self._resources.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
