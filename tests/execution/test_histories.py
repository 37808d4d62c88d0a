"""Short random lives of a hedge: prices, faults, restarts, strangers and operators in any order; the rules hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from core.ports import ApprovalState
from tests.execution.test_order_faults import NOT_ACCEPTED, REFUSED, UNKNOWN
from tests.execution.world import HEDGE, SYMBOL, Setting, World, running
from tests.rigs.venue import DEPTH, PLACE, POSITION, QUERY, TRADES, VenueServer, faults

HISTORIES = 60
STEPS = 14
QUICK_UNKNOWN = [fault for fault in UNKNOWN if not fault.hold_s]
QUICK_NOT_ACCEPTED = [fault for fault in NOT_ACCEPTED if fault.status not in (403, 418)]
BLIND = [faults.empty_list(), faults.bad_gateway_502(), faults.drop()]
PRICES = [1700, 1850, 1930, 1980, 2000, 2020, 2070, 2180, 2400]


class History:
    """One life; `told` is the list of its steps, for the message when a rule is broken."""

    def __init__(self, setting: Setting, random: Random, stack: AsyncExitStack) -> None:
        self.setting = setting
        self.random = random
        self.told: list[str] = []
        self._stack = stack
        self.world: World

    async def start(self) -> None:
        await self._stack.aclose()
        self.world = await self._stack.enter_async_context(running(self.setting))

    async def step(self) -> None:
        deed: Callable[[], Awaitable[None]] = self.random.choices(
            [self.move, self.trouble, self.blind, self.meddle, self.command, self.answer, self.start, self.wait],
            weights=[6, 6, 3, 1, 1, 3, 2, 3],
        )[0]
        self.told.append(deed.__name__)
        await deed()
        await self.world.cycles(self.random.choice([1, 1, 2]), every_s=self.random.choice([0.5, 1, 3]))
        await self.world.check()
        await self.check_approvals()

    async def move(self) -> None:
        self.setting.set_price(self.random.choice(PRICES))
        if self.random.random() < 0.3:
            bid = self.setting.pool.price - 1
            self.setting.server.exchange.set_book(SYMBOL, [(bid, Decimal("0.7"))], [(bid + 2, Decimal("0.7"))])

    async def trouble(self) -> None:
        fault = self.random.choice(self.random.choice([QUICK_UNKNOWN, QUICK_UNKNOWN, QUICK_NOT_ACCEPTED, REFUSED]))
        executed = fault in QUICK_UNKNOWN and self.random.random() < 0.5
        self.told.append(f"{fault.name} {'after' if executed else 'before'}")
        self.setting.server.faults.add(PLACE, fault.after() if executed else fault)

    async def blind(self) -> None:
        endpoint = self.random.choice([QUERY, TRADES, POSITION, DEPTH])
        fault = self.random.choice(BLIND if endpoint != QUERY else [faults.no_such_order_2013(), *BLIND])
        self.told.append(f"{fault.name} at {endpoint}")
        self.setting.server.faults.add(endpoint, fault, times=self.random.choice([1, 2, 5]))

    async def meddle(self) -> None:
        exchange = self.setting.server.exchange
        position = exchange.position(SYMBOL)
        if self.random.random() < 0.5 and position < -1:
            exchange.deleverage(SYMBOL, Decimal("0.5"))
        else:
            exchange.set_position(SYMBOL, position + self.random.choice([-1, 1]))

    async def command(self) -> None:
        name = self.random.choice(["halt", "pause", "resume", "hedge", "flatten", "adopt"])
        await self.world.command(name, HEDGE)

    async def answer(self) -> None:
        await self.say(yes=self.random.random() < 0.8)

    async def say(self, *, yes: bool) -> None:
        for approval in await self.world.store.approvals.live(HEDGE):
            if approval.state is ApprovalState.PENDING:
                await self.world.office.desk.answer(approval.approval_id, approve=yes, by="test", note=None)

    async def wait(self) -> None:
        self.setting.clock.skip(self.random.choice([5, 20, 90]))

    async def come_to_rest(self) -> None:
        """All trouble ends, and a person says yes to everything."""
        self.setting.server.faults.clear()
        self.setting.server.exchange.set_price(SYMBOL, self.setting.pool.price)
        for name in ("adopt", "resume"):
            await self.world.command(name, HEDGE)
        for _ in range(200):
            await self.world.cycles(1, every_s=4)
            status = self.world.status
            if status.reason == "position_mismatch":
                await self.world.command("adopt", HEDGE)
            await self.say(yes=True)
            if (status.state, status.reason) == ("READY", "within_band"):
                return
        raise AssertionError(f"never came to rest: {status.state} {status.reason} {status.detail}")

    async def check_approvals(self) -> None:
        """No more was executed under an approval than it showed."""
        store = self.world.store
        for row in await store.database.rows("SELECT DISTINCT approval_id FROM plans WHERE approval_id IS NOT NULL"):
            approval = await store.approvals.get(row["approval_id"])
            assert approval is not None and approval.used_base <= approval.quantity_base


@asynccontextmanager
async def history(folder: Path, seed: int) -> AsyncIterator[History]:
    random = Random(seed)
    async with VenueServer() as server, AsyncExitStack() as stack:
        server.exchange.set_price(SYMBOL, Decimal(2000))
        server.exchange.set_balance(Decimal(50_000))
        setting = Setting(server, folder / f"{seed}.db")
        setting.settings |= {
            "approval_over_quote": random.choice(["off", 1500, 4000]),
            "reject_snooze_seconds": 10,
            "approval_timeout_seconds": 30,
            "twap_over_quote": random.choice([0, 1000]),
            "twap_duration_seconds": 12,
            "twap_interval_seconds": 3,
            "max_per_hour": 0,
            "max_order_quote": random.choice([0, 3000]),
        }
        life = History(setting, random, stack)
        await life.start()
        yield life


@pytest.mark.parametrize("tens", range(HISTORIES // 10))
async def test_any_history(tmp_path: Path, tens: int) -> None:
    """Nothing twice, nothing beyond a plan or an approval, nothing while in doubt; and in the end all agree."""
    for seed in range(10 * tens, 10 * tens + 10):
        async with history(tmp_path, seed) as life:
            try:
                for _ in range(STEPS):
                    await life.step()
                await life.come_to_rest()
                await life.world.check_settled()
            except AssertionError as broken:
                raise AssertionError(f"seed {seed}: {broken}; steps: {life.told}") from broken
