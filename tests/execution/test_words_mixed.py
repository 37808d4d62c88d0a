"""People's words in any order: yes, no, too late, /hedge, /pause, /resume, /halt, /flatten, while prices move, books
are thin and answers get lost. A yes is used for what it showed, once; a stop stops; the journal is the exchange's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from sqlite3 import Row

import pytest

from core.errors import LpHedgeError
from core.events import EventKind
from core.execution.order_ids import parse_client_order_id
from core.ports import Approval, ApprovalState
from tests.execution.test_order_faults import NOT_ACCEPTED, UNKNOWN
from tests.execution.world import HEDGE, SYMBOL, Setting, World, running
from tests.rigs.venue import PLACE, VenueServer

HISTORIES = 36
PER_TEST = 6
STEPS = 16
TIMEOUT_S = 30
SNOOZE_S = 40
CLOSING = ("operator_flatten", "net_legs")
COMMANDED = ("operator_hedge", *CLOSING)

PRICES = [1700, 1850, 1930, 1980, 2000, 2020, 2070, 2180, 2400]
QUICK_UNKNOWN = [fault for fault in UNKNOWN if not fault.hold_s]
QUICK_NOT_ACCEPTED = [fault for fault in NOT_ACCEPTED if fault.status not in (403, 418)]


class Words:
    """One life of a hedge whose plans are mostly large enough to be asked for; `told`: its steps, for the message."""

    def __init__(self, setting: Setting, random: Random, stack: AsyncExitStack) -> None:
        self.setting = setting
        self.random = random
        self.told: list[str] = []
        self.stopped = False
        self.world: World
        self._stack = stack

    async def start(self) -> None:
        await self._stack.aclose()
        self.world = await self._stack.enter_async_context(running(self.setting))

    async def step(self) -> None:
        deed: Callable[[], Awaitable[None]] = self.random.choices(
            [self.move, self.yes, self.yes_meanwhile, self.no, self.late, self.command, self.thin, self.trouble,
             self.wait, self.start],
            weights=[7, 4, 2, 3, 1, 6, 2, 3, 2, 1],
        )[0]  # fmt: skip
        self.told.append(deed.__name__)
        before = len(self.setting.sent())
        await deed()
        await self.world.cycles(self.random.choice([1, 1, 2, 4]), every_s=self.random.choice([0.5, 1, 3]))
        await self.check_stopped(self.setting.sent()[before:])
        await self.world.check()

    async def begin(self) -> None:
        """Most lives begin hedged, with a person's yes."""
        await self.start()
        while self.random.random() < 0.95 and self.world.status.state != "READY":
            await self.world.cycles(1)
            await self.answer(approve=True)

    # -- what happens ----------------------------------------------------------------------------------------------

    async def move(self) -> None:
        near = self.setting.pool.price + self.random.choice([-30, -12, 12, 30])
        anywhere = Decimal(self.random.choice(PRICES))
        self.setting.set_price(self.random.choice([near, near, anywhere]))

    async def thin(self) -> None:
        """Partial fills from now on, until the next move."""
        bid = self.setting.pool.price - 1
        size = self.random.choice([Decimal("0.2"), Decimal("0.7"), Decimal(2)])
        self.setting.server.exchange.set_book(SYMBOL, [(bid, size)], [(bid + 2, size)])

    async def trouble(self) -> None:
        """The next order is lost before or after it was executed, or not accepted."""
        fault = self.random.choice(self.random.choice([QUICK_UNKNOWN, QUICK_NOT_ACCEPTED]))
        executed = fault in QUICK_UNKNOWN and self.random.random() < 0.5
        self.setting.server.faults.add(PLACE, fault.after() if executed else fault)

    async def wait(self) -> None:
        self.setting.clock.skip(self.random.choice([5, 20, 90]))

    async def command(self) -> None:
        """A size shown with /hedge may be more or less than what is needed, and on the wrong side."""
        name = self.random.choices(["hedge", "pause", "resume", "halt", "flatten"], weights=[5, 3, 5, 2, 1])[0]
        size = [str(self.random.choice([-3, -1, 1]))] if name == "hedge" and self.random.random() < 0.3 else []
        self.told.append(" ".join((name, *size)))
        await self.world.command(name, HEDGE, *size)
        self.stopped = name in ("pause", "halt", "flatten") or (self.stopped and name != "resume")

    async def yes(self) -> None:
        await self.answer(approve=True)

    async def no(self) -> None:
        await self.answer(approve=False)

    async def yes_meanwhile(self) -> None:
        """While an evaluation is under way."""
        await asyncio.gather(self.world.cycles(1), self.answer(approve=True))

    async def late(self) -> None:
        """Its time is up, and nobody has said so yet."""
        for approval in await self.pending():
            self.setting.clock.skip(TIMEOUT_S + 1)
            told = await self.world.office.desk.answer(approval.approval_id, approve=True, by="test", note=None)
            assert not told.won

    async def answer(self, *, approve: bool) -> None:
        for approval in await self.pending():
            await self.world.office.desk.answer(approval.approval_id, approve=approve, by="test", note=None)

    async def pending(self) -> list[Approval]:
        live = await self.world.store.approvals.live(HEDGE)
        return [approval for approval in live if approval.state is ApprovalState.PENDING]

    async def come_to_rest(self) -> None:
        """All trouble ends, and a person says yes to everything."""
        self.setting.server.faults.clear()
        self.setting.server.exchange.set_price(SYMBOL, self.setting.pool.price)
        await self.world.command("resume", HEDGE)
        for _ in range(200):
            await self.world.cycles(1, every_s=4)
            await self.answer(approve=True)
            status = self.world.status
            if (status.state, status.reason) == ("READY", "within_band"):
                return
        raise AssertionError(f"never came to rest: {status.state} {status.reason} {status.detail}")

    # -- what must hold --------------------------------------------------------------------------------------------

    async def check_stopped(self, sent: list[str]) -> None:
        """Of what left while halted or paused, all was to close."""
        if self.stopped:
            for client_id in sent:
                assert await self.reason_of(client_id) in CLOSING, f"{client_id} was sent while stopped"

    async def reason_of(self, client_id: str) -> str:
        name = parse_client_order_id(client_id)
        plan = await self.world.store.journal.plan(name.plan_id) if name else None
        assert plan is not None
        return plan.reason

    async def check_all(self) -> None:
        await self.world.check_settled()
        await self.check_journal()
        await self.check_yeses()
        await self.check_noes()
        await self.check_nothing_large_unasked()
        halts = await self.world.events(EventKind.HALTED)
        assert all(event.data["by"] == "test" for event in halts), [event.data for event in halts]

    async def check_journal(self) -> None:
        """Each request that left is one order of the journal, and at most one at the exchange."""
        sent = self.setting.sent()
        journal = [order.request.client_order_id for order in await self.world.orders()]
        assert len(sent) == len(set(sent)) and len(journal) == len(set(journal))
        assert set(self.setting.server.exchange.executed_by_client_id()) <= set(sent) <= set(journal)

    async def check_yeses(self) -> None:
        """What was counted of a yes and what its plans executed are within what it showed, on the side it showed."""
        for row in await self.rows(
            "SELECT approval_id, side, quantity_base, used_base, decided_by, state FROM approvals"
        ):
            plans = await self.rows("SELECT plan_id, side FROM plans WHERE approval_id = ?", row["approval_id"])
            filled = sum([await self.filled_base(plan["plan_id"]) for plan in plans], Decimal(0))
            assert Decimal(row["used_base"]) <= Decimal(row["quantity_base"])
            assert filled <= Decimal(row["quantity_base"])
            assert all(plan["side"] == row["side"] for plan in plans)
            assert not plans or (row["decided_by"] == "test" and row["state"] != "rejected")

    async def check_noes(self) -> None:
        """Until its snooze ends nothing trades on a rejected side by itself, and it is asked about again only for twice
        as much."""
        for no in await self.rows("SELECT * FROM approvals WHERE state = 'rejected'"):
            until = datetime.fromisoformat(no["decided_at"]) + timedelta(seconds=SNOOZE_S)
            later = [no["side"], no["decided_at"], until.strftime("%Y-%m-%dT%H:%M:%S.%fZ")]
            asked = await self.rows(
                "SELECT * FROM approvals WHERE side = ? AND created_at > ? AND created_at < ?", *later
            )
            assert all(Decimal(word["quantity_base"]) >= 2 * Decimal(no["quantity_base"]) for word in asked)
            plans = await self.rows("SELECT * FROM plans WHERE side = ? AND created_at > ? AND created_at < ?", *later)
            alone = [plan["reason"] for plan in plans if plan["approval_id"] is None and not asked]
            assert set(alone) <= set(COMMANDED), alone

    async def check_nothing_large_unasked(self) -> None:
        """No plan that reaches the limit without an approval or a command."""
        limit = self.setting.settings["approval_over_quote"]
        assert isinstance(limit, int)
        for plan in await self.rows("SELECT * FROM plans WHERE approval_id IS NULL"):
            if plan["reason"] not in (*COMMANDED, "deleverage"):
                assert await self.filled_base(plan["plan_id"]) * Decimal(plan["reference_price"]) < limit, dict(plan)

    async def filled_base(self, plan_id: str) -> Decimal:
        fills = await self.world.store.journal.plan_fills(plan_id)
        return sum((fill.quantity_base for fill in fills), Decimal(0))

    async def rows(self, sql: str, *values: str) -> list[Row]:
        return await self.world.store.database.rows(sql, values)


@asynccontextmanager
async def life(folder: Path, seed: int) -> AsyncIterator[Words]:
    random = Random(seed)
    async with VenueServer() as server, AsyncExitStack() as stack:
        server.exchange.set_price(SYMBOL, Decimal(2000))
        server.exchange.set_balance(Decimal(50_000))
        setting = Setting(server, folder / f"{seed}.db")
        setting.settings |= {
            "delta_band_quote": 100,
            "delta_band_pct": 0,
            "rebalance_to": random.choice(["target", "edge"]),
            "approval_over_quote": random.choice([200, 1500, 4000]),
            "approval_on_timeout": random.choice(["hold", "partial"]),
            "approval_timeout_seconds": TIMEOUT_S,
            "reject_snooze_seconds": SNOOZE_S,
            "twap_over_quote": random.choice([0, 1000]),
            "twap_duration_seconds": 12,
            "twap_interval_seconds": 3,
            "max_order_quote": random.choice([0, 1000, 3000]),
            "max_per_hour": 0,
            "cooldown_seconds": random.choice([0, 5]),
        }
        words = Words(setting, random, stack)
        await words.begin()
        yield words


@pytest.mark.parametrize("first", range(0, HISTORIES, PER_TEST))
async def test_words_in_any_order(tmp_path: Path, first: int) -> None:
    """No yes is stretched, no stop overheard, nothing doubled; and in the end journal and exchange agree."""
    for seed in range(first, first + PER_TEST):
        async with life(tmp_path, seed) as words:
            try:
                for _ in range(STEPS):
                    await words.step()
                await words.come_to_rest()
                await words.check_all()
            except (AssertionError, LpHedgeError) as broken:
                raise AssertionError(f"seed {seed}: {broken}; steps: {words.told}") from broken
