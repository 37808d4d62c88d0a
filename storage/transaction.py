"""All of what one block writes, or none of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiosqlite


@asynccontextmanager
async def all_or_nothing(connection: aiosqlite.Connection) -> AsyncIterator[None]:
    """Holds the file's write lock from its first line; durable when the block is left, undone when it raises.

    A caller that is cancelled, wherever that is, leaves no transaction open: the connection's thread takes calls in
    order, and the rollback is the last of them.
    """
    async with AsyncExitStack() as undone:
        undone.push_async_callback(connection.rollback)
        await connection.execute("BEGIN IMMEDIATE")
        yield
        await connection.commit()
        undone.pop_all()
