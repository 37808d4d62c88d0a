"""One history of a hedge: program and exchange in one process, on a time of their own, killed at any instant."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from core.events import EventKind
from tests.execution.in_process import Deed, Plug, in_process
from tests.execution.virtual_time import VirtualClock, VirtualLoop, wind_up
from tests.execution.witness import Witness
from tests.execution.world import HEDGE, SYMBOL, Setting, World, running
from tests.hedging.positions import position
from tests.rigs.venue import Depth, Exchange, VenueServer

T = TypeVar("T")
TIMEOUT_S = 10.0  # the adapter's own
MARKET_EVERY_S = 2.0  # that nothing moves in is told again


class TimedExchange(Exchange):
    """The exchange on the history's time."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        super().__init__(depth=Depth(levels=10))

    def now_ms(self) -> int:
        return int(self._clock.true_now().timestamp() * 1000) + self.clock_offset_ms


class Stage:
    """`settings` are keys of the hedge's block. Every method returns when the work is done, in no time.

    `hearing`: from the next start on the program listens to what the exchange tells.
    """

    def __init__(self, folder: Path, settings: dict[str, object] | None = None) -> None:
        self.loop = VirtualLoop()
        self.clock = VirtualClock(self.loop)
        self.server = VenueServer(TimedExchange(self.clock))
        self.server.port = 1  # where nobody listens
        self.exchange = self.server.exchange
        self.exchange.set_price(SYMBOL, Decimal(2000))
        self.exchange.set_balance(Decimal(50_000))
        self.server.hub.book_every_s = MARKET_EVERY_S
        self.hearing = False
        self.failed = False  # something was raised, and what follows is of no interest
        self.plug = Plug()
        self.setting = Setting(
            self.server,
            folder / "lp_hedge.db",
            self.clock,
            dict(settings or {}),
            began=self.clock.now(),
            wall=self.clock,
            timeout_s=TIMEOUT_S,
        )
        self.witness = Witness(self.setting, self.clock)
        self._around = ExitStack()
        self._around.enter_context(quiet())
        self._around.enter_context(in_process(self.server, self.clock, lambda: self.plug, self.witness.heard))
        self._life: AsyncExitStack | None = None
        # For a test to compare with: what was there, and what our orders had executed, when its trouble began.
        self.before = self.executed_before = Decimal(0)
        self._world: World | None = None

    @property
    def world(self) -> World:
        assert self._world is not None
        return self._world

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self.loop.run_until_complete(work)
        except BaseException:
            self.failed = True
            raise

    def start(self, *, prepared: bool = True) -> World:
        """Of the program; before it was ended, that is a restart."""
        self.plug, self._life = Plug(), AsyncExitStack()
        life = running(self.setting, prepared=prepared, hearing=self.hearing)
        self._world = self.run(self._life.enter_async_context(life))
        return self._world

    def start_killed(self, *, after: int) -> bool:
        """As `cycles_killed`, while it starts."""
        self.plug, self._life = Plug(), AsyncExitStack()
        self.plug.cut_in(after)
        killed = self.run(self._until_out(self._enter(self._life)))
        self.plug.call_off()
        if killed:
            self.kill()
        return killed

    async def _enter(self, life: AsyncExitStack) -> None:
        self._world = await life.enter_async_context(running(self.setting, hearing=self.hearing))

    def stop(self) -> None:
        """Politely."""
        life, self._life, self._world = self._life, None, None
        if life is not None:
            self.run(life.aclose())

    def kill(self) -> None:
        """As SIGKILL: what is on the disk and what has reached the exchange is all that is left of it."""
        if not self.plug.is_out:
            self.plug.pull()
        self.plug.bury()
        self.stop()

    def cycles(self, count: int, *, every_s: float = 1.0) -> None:
        self.run(self._cycles(count, every_s))

    async def _cycles(self, count: int, every_s: float) -> None:
        for _ in range(count):
            await self.world.cycle()
            self.witness.looked(self.world.status)
            await self.clock.pass_time(every_s)

    def cycles_killed(self, count: int, *, after: int, every_s: float = 1.0) -> bool:
        """False when it came to its end before so many statements and requests had been made."""
        self.plug.cut_in(after)
        killed = self.run(self._until_out(self._cycles(count, every_s)))
        self.plug.call_off()
        if killed:
            self.kill()
        return killed

    def cycles_meanwhile(self, count: int, deed: Deed, *, after: int, every_s: float = 1.0) -> None:
        """`deed` happens beside the evaluation, when so many statements and requests have been made, or at its end."""
        self.plug.do_in(after, deed)
        self.cycles(count, every_s=every_s)
        begun, self.plug.deeds_done = self.plug.deeds_done, []
        self.plug.call_off()
        self.run(_ended(begun) if begun else deed())

    def until(self, done: Callable[[], object], *, within_s: int = 60) -> None:
        """Evaluated once a second for a minute, then at a quarter of that pace."""
        began_s = self.loop.time()
        while not done():
            waited_s = self.loop.time() - began_s
            status = self.world.status
            assert waited_s < within_s, f"not within {within_s} s: {status.state} {status.reason} {status.detail}"
            self.cycles(1, every_s=1.0 if waited_s < 60 else 4.0)

    def until_hedged(self, *, within_s: int = 60) -> None:
        self.until(lambda: self.world.status.state == "READY", within_s=within_s)
        self.cycles(1)
        assert self.world.status.state == "READY"

    def is_settled(self) -> None:
        """Journal and exchange agree on every order and on the position, and the witness has no complaint."""
        self.run(self.world.check_settled())
        assert self.witness.broken == []

    @property
    def gap_base(self) -> Decimal:
        """What is missing by the books of exchange and pool: BASE to sell when positive."""
        pool = self.setting.pool
        base = position(liquidity=pool.liquidity, price=str(pool.price)).base
        return base * self.setting.config().hedges[HEDGE].hedge_ratio + self.setting.position

    def told(self, *kinds: EventKind) -> list[str]:
        """The reason or code of each event, oldest first."""
        events = self.run(self.world.events(*kinds))
        return [event.data.get("reason") or event.data.get("code") or event.kind.value for event in events]

    async def _until_out(self, work: Coroutine[Any, Any, None]) -> bool:
        task, out = asyncio.ensure_future(work), asyncio.ensure_future(self.plug.went_out.wait())
        await asyncio.wait({task, out}, return_when=asyncio.FIRST_COMPLETED)
        killed = self.plug.is_out
        for each in (out, task) if killed else (out,):
            each.cancel()
        if killed:
            self.plug.bury()  # or what is cancelled would wait for a lock that they hold
        results = await asyncio.gather(task, out, return_exceptions=True)
        if not killed and isinstance(results[0], BaseException):
            raise results[0]
        return killed

    def close(self) -> None:
        self.kill()
        self.witness.close()
        wind_up(self.loop)
        self._around.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def _ended(begun: list[asyncio.Task[None]]) -> None:
    await asyncio.gather(*begun)


@contextmanager
def quiet() -> Iterator[None]:
    """Tens of thousands of decisions are not printed."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(wrapper_class=before)
