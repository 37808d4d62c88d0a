"""A stream that is listened to in the background, and what it has told so far."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

T = TypeVar("T")
PATIENCE_S = 20.0  # for what normally comes at once


async def until(is_so: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(within_s):
        while not is_so():
            await asyncio.sleep(0.005)


class Listening(Generic[T]):
    """`listen` is given the function to call with each piece of news."""

    def __init__(self, listen: Callable[[Callable[[T], None]], Coroutine[object, object, object]]) -> None:
        self.news: list[T] = []
        self.task = asyncio.create_task(listen(self.news.append))

    async def until(self, is_so: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
        """Raises what the stream raised when that comes first."""

        def so() -> bool:
            if is_so():
                return True
            if self.task.done():
                self.task.result()
            return False

        await until(so, within_s)

    async def count(self, number: int) -> list[T]:
        await self.until(lambda: len(self.news) >= number)
        return self.news

    async def failure(self, within_s: float = PATIENCE_S) -> BaseException:
        done, _ = await asyncio.wait([self.task], timeout=within_s)
        assert done, "it still listens"
        error = self.task.exception()
        assert error is not None
        return error

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
