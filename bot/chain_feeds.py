"""Where the hedges of a configuration read their chains: one feed, and so one request a cycle, for each chain."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from core.amm.presets import chain_preset
from core.clock import Clock
from core.errors import LpHedgeError
from core.feeds import ChainFeed
from core.observation import SHARED_READ_S

if TYPE_CHECKING:
    from bot.settings import Settings


class ChainFeeds:
    def __init__(self, settings: Settings, clock: Clock, followed: Mapping[str, Sequence[int]]) -> None:
        """`followed`: ids beside the configured ones, by hedge.

        Raises ConfigurationError for a chain or contract that is neither a preset nor configured.
        """
        self._settings = settings
        self._clock = clock
        self._followed = followed
        self._by_chain = {chain: self._feed(chain) for chain in settings.chains()}
        hedges = settings.config.hedges
        self.by_hedge = {name: self._by_chain[hedge.chain] for name, hedge in hedges.items()}

    async def prepare(self) -> tuple[LpHedgeError, ...]:
        """What went wrong; what may pass is tried again at every read."""
        troubles = await asyncio.gather(*(self._prepare(chain) for chain in self._by_chain))
        return tuple(trouble for of_chain in troubles for trouble in of_chain)

    async def aclose(self) -> None:
        for feed in self._by_chain.values():
            await feed.aclose()

    async def _prepare(self, chain: str) -> list[LpHedgeError]:
        feed, names = self._by_chain[chain], self._of_chain(chain)
        try:
            await feed.prepare()
        except LpHedgeError as error:
            return [error]
        await feed.facts(names[0], max_age_s=SHARED_READ_S)
        return [fault for name in names if (fault := feed.fault(name))]

    def _of_chain(self, chain: str) -> list[str]:
        return [name for name, hedge in self._settings.config.hedges.items() if hedge.chain == chain]

    def _feed(self, chain: str) -> ChainFeed:
        from core.amm.reader import ChainReader  # web3 takes its time to load

        config = self._settings.config
        hedges = {name: config.hedges[name] for name in self._of_chain(chain)}
        followed = {name: self._still_followed(name) for name in hedges}
        preset = chain_preset(chain, config.chains.get(chain))
        reader = ChainReader(preset, hedges, self._settings.rpc_urls(chain), self._clock, followed_ids=followed)
        return ChainFeed(reader, self._clock)

    def _still_followed(self, name: str) -> list[int]:
        """What was followed once and then given to another hedge in the file is that one's."""
        given = self._settings.config.ids_named_beside(name)
        return [position_id for position_id in self._followed.get(name, ()) if position_id not in given]
