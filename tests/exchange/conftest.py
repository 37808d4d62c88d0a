from collections.abc import AsyncIterator

import pytest

from tests.rigs.venue import VenueServer


@pytest.fixture
async def venue() -> AsyncIterator[VenueServer]:
    async with VenueServer() as server:
        yield server
