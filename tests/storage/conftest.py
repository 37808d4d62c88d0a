"""Stores on real files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.clock import ManualClock
from storage.store import Store
from tests.storage.samples import SCOPE, T0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "lp_hedge.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with await Store.open(path, scope=SCOPE, clock=ManualClock(T0)) as opened:
        yield opened


@pytest.fixture
async def second_store(store: Store, path: Path) -> AsyncIterator[Store]:
    """Other connections to the same file, as another process has."""
    async with await Store.open(path, scope=store.scope, clock=ManualClock(T0)) as opened:
        yield opened


@pytest.fixture
async def live_store(store: Store, path: Path) -> AsyncIterator[Store]:
    """Another scope in the same file."""
    async with await Store.open(path, scope="live:abcd", clock=ManualClock(T0)) as opened:
        yield opened
