"""What the exchange tells by itself, and what is said when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import NoReturn

from core.errors import Transient
from core.events import Event, EventKind
from core.execution.bookkeeping import Bookkeeper
from core.facts import Market
from core.venue_watch import Streams, VenueWatch
from tests.core.kept_events import KeepsEvents
from tests.core.pair import CountedClock

SYMBOL = "ETHUSDT"


class Pushed:
    """A market stream whose news and end the test decides."""

    def __init__(self) -> None:
        self._say: Callable[[str], None] | None = None
        self._end: asyncio.Future[NoReturn] | None = None

    async def listen(self, symbols: Collection[str], on_move: Callable[[str], None]) -> NoReturn:
        self._say, self._end = on_move, asyncio.get_running_loop().create_future()
        await self._end
        raise AssertionError("only an error ends it")

    def latest(self, symbol: str) -> Market | None:
        return None

    def say(self) -> None:
        assert self._say is not None
        self._say(SYMBOL)

    def end(self) -> None:
        assert self._end is not None
        self._end.set_exception(Transient("the connection broke"))


class Scene(KeepsEvents):
    """`bookkeeper`: nothing is booked here."""

    def __init__(self, *, known: bool) -> None:
        self.clock, self.stream, self.events = CountedClock(), Pushed(), list[Event]()
        self.known = known
        self.watch = VenueWatch(
            streams=Streams(markets=self.stream),
            hedges={SYMBOL: "eth"},
            is_known=lambda _symbol: self.known,
            bookkeeper=object.__new__(Bookkeeper),
            concerns=lambda _hedge, _market: False,
            wake=lambda _hedge: None,
            events=self,
            clock=self.clock,
        )

    async def after(self, seconds_s: int) -> None:
        for _ in range(seconds_s):
            await self.clock.advance(1)
            for _ in range(30):
                await asyncio.sleep(0)


@asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[None]:
    task = asyncio.ensure_future(scene.watch.loops()["the exchange's market news"]())
    await scene.after(1)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_news_that_never_came_are_not_called_lost() -> None:
    """No symbol's rules are known, so nothing could be listened to since the start."""
    scene = Scene(known=False)
    async with running(scene):
        await scene.after(90)
    ((kind, data),) = [(event.kind, dict(event.data)) for event in scene.events]
    assert (kind, data.pop("never")) == (EventKind.VENUE_NEWS_LOST, "true")
    assert data == {"stream": "market", "detail": "The exchange has not told the rules of any symbol yet"}


async def test_news_that_came_once_are_lost() -> None:
    """The connection broke and stays away."""
    scene = Scene(known=True)
    async with running(scene):
        scene.stream.say()
        await scene.after(1)
        scene.stream.end()
        await scene.after(90)
    ((kind, data),) = [(event.kind, dict(event.data)) for event in scene.events]
    assert (kind, data) == (EventKind.VENUE_NEWS_LOST, {"stream": "market", "detail": "the connection broke"})
