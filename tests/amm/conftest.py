"""Fixtures of the chain tests."""

from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
from pydantic import SecretStr

from core.amm.presets import ChainPreset
from core.amm.reader import ChainReader
from core.clock import Clock, SystemClock
from core.config import HedgeConfig
from tests.amm.reading import MakeReader
from tests.rigs.chain.fixtures import (
    bare_chain,
    bare_session,
    chain,
    chain_proxy,
    chain_session,
    pancake_chain,
    pancake_session,
    ws_proxy,
)

__all__ = [
    "bare_chain",
    "bare_session",
    "chain",
    "chain_proxy",
    "chain_session",
    "pancake_chain",
    "pancake_session",
    "ws_proxy",
]


Ids = Mapping[str, Sequence[int]]


@pytest.fixture
async def make_reader() -> AsyncIterator[MakeReader]:
    """Readers that are closed after the test, by preset, URLs and hedges."""
    made: list[ChainReader] = []

    def make(
        preset: ChainPreset,
        *urls: str,
        timeout_s: float = 30,
        clock: Clock | None = None,
        followed_ids: Ids | None = None,
        named_ids: Ids | None = None,
        **hedges: HedgeConfig,
    ) -> ChainReader:
        beside = {"followed_ids": followed_ids, "named_ids": named_ids}
        made.append(
            ChainReader(preset, hedges, [*map(SecretStr, urls)], clock or SystemClock(), timeout_s=timeout_s, **beside)
        )
        return made[-1]

    yield make
    for reader in made:
        await reader.aclose()
