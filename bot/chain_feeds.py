"""Where the hedges of a configuration read their chains: together, or each alone where one of them cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from core.amm.presets import chain_preset
from core.clock import Clock
from core.errors import ConfigurationError, LpHedgeError, Refused
from core.feeds import ChainFeed

if TYPE_CHECKING:
    from bot.settings import Settings


class ChainFeeds:
    """One feed a chain, so that its hedges share a request, until `prepare` finds that one spoils it for the others."""

    def __init__(self, settings: Settings, clock: Clock, followed: Mapping[str, Sequence[int]]) -> None:
        """`followed`: ids beside the configured ones, by hedge.

        Raises ConfigurationError for a chain or contract that is neither a preset nor configured.
        """
        self._settings = settings
        self._clock = clock
        self._followed = followed
        self._made: list[ChainFeed] = []
        self.by_hedge: dict[str, ChainFeed] = {}
        for chain in settings.chains():
            self._share(self._of_chain(chain))

    async def prepare(self) -> tuple[LpHedgeError, ...]:
        """What went wrong; what may pass is tried again at every read."""
        troubles = await asyncio.gather(*(self._prepare_chain(chain) for chain in self._settings.chains()))
        return tuple(trouble for of_chain in troubles for trouble in of_chain)

    async def aclose(self) -> None:
        for feed in self._made:
            await feed.aclose()

    async def _prepare_chain(self, chain: str) -> list[LpHedgeError]:
        names = self._of_chain(chain)
        trouble = await _trouble(self.by_hedge[names[0]])
        if len(names) == 1 or not isinstance(trouble, Refused | ConfigurationError):
            return [trouble] if trouble else []
        for name in names:
            self._share([name])
        alone = await asyncio.gather(*(_trouble(self.by_hedge[name]) for name in names))
        return [each for each in alone if each]

    def _of_chain(self, chain: str) -> list[str]:
        return [name for name, hedge in self._settings.config.hedges.items() if hedge.chain == chain]

    def _share(self, names: list[str]) -> None:
        from core.amm.reader import ChainReader  # web3 takes its time to load

        config = self._settings.config
        hedges = {name: config.hedges[name] for name in names}
        chain = config.hedges[names[0]].chain
        preset = chain_preset(chain, config.chains.get(chain))
        urls = self._settings.rpc_urls(chain)
        named = {name: self._named_beside(name) for name in names}
        followed = {name: self._still_followed(name) for name in names}
        reader = ChainReader(preset, hedges, urls, self._clock, followed_ids=followed, named_ids=named)
        feed = ChainFeed(reader, self._clock)
        self._made.append(feed)
        self.by_hedge.update(dict.fromkeys(names, feed))

    def _named_beside(self, name: str) -> frozenset[int]:
        """Ids that other hedges of the same contracts name or follow: they are not this one's, whoever reads them."""
        config = self._settings.config
        followed = (self._still_followed(other) for other in config.beside(name))
        return config.ids_named_beside(name).union(*followed)

    def _still_followed(self, name: str) -> list[int]:
        """What was followed once and then given to another hedge in the file is that one's."""
        given = self._settings.config.ids_named_beside(name)
        return [position_id for position_id in self._followed.get(name, ()) if position_id not in given]


async def _trouble(feed: ChainFeed) -> LpHedgeError | None:
    try:
        await feed.prepare()
    except LpHedgeError as error:
        return error
    return None
