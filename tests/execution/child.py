"""The engine as a process of its own, to be killed: `child DATABASE VENUE_URL PRICE_FILE SKIPPED_S`."""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

from tests.execution.world import QuickClock, Setting, running
from tests.rigs.venue import VenueServer

PACE_S = 0.02  # a second of the program's, in real time


class FarServer(VenueServer):
    """Where the exchange is, without being it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    @property
    def url(self) -> str:
        return self._url


def _price(file: str) -> Decimal:
    return Decimal(Path(file).read_text())


async def main(database: str, url: str, price_file: str, skipped_s: str) -> None:
    clock = QuickClock()
    clock.skip(float(skipped_s))
    setting = Setting(FarServer(url), Path(database), clock)
    async with running(setting) as world:
        while True:
            setting.pool.price = _price(price_file)
            await world.cycles(1)
            await asyncio.sleep(PACE_S)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
