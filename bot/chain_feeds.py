"""Where the hedges of a configuration read their chains: one feed, and so one request a cycle, for each chain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.live_config import LiveConfig
from bot.rendering.health import HealthItem
from bot.rendering.numbers import span
from core.amm.presets import ChainPreset, chain_preset
from core.chain_watch import ChainWatch
from core.clock import Clock
from core.config import HedgeConfig
from core.errors import ConfigurationError, LpHedgeError, Refused
from core.facts import LpFacts
from core.feeds import ChainFeed
from core.observation import SHARED_READ_S
from core.ports import EventLog

if TYPE_CHECKING:
    from bot.settings import Settings
    from core.amm.nodes import NodeHealth
    from core.amm.reader import ChainReader


@dataclass(frozen=True, slots=True)
class _Chain:
    """`source` None: the configuration does not say how to read it, and `feed` says so at every read."""

    hedges: Mapping[str, HedgeConfig]
    source: _Source | None
    feed: ChainFeed


@dataclass(frozen=True, slots=True)
class _Source:
    preset: ChainPreset
    reader: ChainReader


class _Nowhere:
    """The `LpPositions` of a chain that is not configured rightly."""

    def __init__(self, error: ConfigurationError) -> None:
        self._error = error

    async def prepare(self) -> None:
        raise self._error

    async def read(self) -> Mapping[str, LpFacts]:
        raise self._error

    def faults(self) -> Mapping[str, LpHedgeError]:
        return {}

    async def follow(self, hedge: str, position_id: int) -> None:
        raise Refused(f"{hedge}: {self._error}", code="configuration")

    async def aclose(self) -> None: ...


class ChainFeeds:
    def __init__(self, settings: Settings, clock: Clock, followed: Mapping[str, Sequence[int]]) -> None:
        """`followed`: ids beside the configured ones, by hedge."""
        self._settings = settings
        self._clock = clock
        self._followed = followed
        self._chains = [self._chain(name) for name in settings.chains()]
        self._watches: list[ChainWatch] = []
        self.by_hedge = {hedge: chain.feed for chain in self._chains for hedge in chain.hedges}

    async def prepare(self) -> tuple[LpHedgeError, ...]:
        """What went wrong, ConfigurationError for a chain that is neither a preset nor configured; what may pass is
        tried again at every read."""
        troubles = await asyncio.gather(*(self._prepare(chain) for chain in self._chains))
        return tuple(trouble for of_chain in troubles for trouble in of_chain)

    def watches(self, wake: Callable[[str], None], events: EventLog, config: LiveConfig) -> Sequence[ChainWatch]:
        """One for each chain that tells its news. `wake` gets the name of a hedge that should be looked at."""
        self._watches = [watch for chain in self._chains if (watch := self._watch(chain, wake, events, config))]
        return self._watches

    def health(self) -> Sequence[HealthItem]:
        """Every node, and every connection that tells news; asks none of them."""
        return [item for chain in self._chains for item in self._health(chain)]

    async def aclose(self) -> None:
        for chain in self._chains:
            await chain.feed.aclose()

    async def _prepare(self, chain: _Chain) -> list[LpHedgeError]:
        try:
            await chain.feed.prepare()
        except LpHedgeError as error:
            return [error]
        await chain.feed.facts(next(iter(chain.hedges)), max_age_s=SHARED_READ_S)
        return [fault for name in chain.hedges if (fault := chain.feed.fault(name))]

    def _chain(self, name: str) -> _Chain:
        hedges = {each: hedge for each, hedge in self._settings.config.hedges.items() if hedge.chain == name}
        try:
            source = self._source(name, hedges)
        except ConfigurationError as error:
            return _Chain(hedges, None, ChainFeed(_Nowhere(error), self._clock))
        return _Chain(hedges, source, ChainFeed(source.reader, self._clock))

    def _source(self, name: str, hedges: Mapping[str, HedgeConfig]) -> _Source:
        from core.amm.reader import ChainReader  # it takes its time to load

        followed = {each: self._still_followed(each) for each in hedges}
        preset = chain_preset(name, self._settings.config.chains.get(name))
        reader = ChainReader(preset, hedges, self._settings.rpc_urls(name), self._clock, followed_ids=followed)
        return _Source(preset, reader)

    def _watch(
        self, chain: _Chain, wake: Callable[[str], None], events: EventLog, config: LiveConfig
    ) -> ChainWatch | None:
        url = self._settings.ws_url(chain.source.preset.name) if chain.source else None
        if url is None or chain.source is None:
            return None
        from core.amm.heads import HeadStream  # only for those who use it

        return ChainWatch(
            chain.source.preset.name,
            stream=HeadStream(url, chain.source.preset),
            feed=chain.feed,
            pools=chain.source.reader.pools,
            hedges=config.among(chain.hedges),
            wake=wake,
            events=events,
            clock=self._clock,
        )

    def _health(self, chain: _Chain) -> list[HealthItem]:
        if chain.source is None:
            return []
        name, now = chain.source.preset.name, self._clock.now()
        nodes = [_of_node(node, now) for node in chain.source.reader.health()]
        return nodes + [_of_news(watch) for watch in self._watches if watch.chain == name]

    def _still_followed(self, name: str) -> list[int]:
        """What was followed once and then given to another hedge in the file is that one's."""
        given = self._settings.config.ids_named_beside(name)
        return [position_id for position_id in self._followed.get(name, ()) if position_id not in given]


def _of_node(node: NodeHealth, now: datetime) -> HealthItem:
    lasted_s = (now - node.since).total_seconds() if node.since else 0
    since = f" for {span(lasted_s)}" if lasted_s >= 1 else ""
    detail = "answers" if node.trouble is None else f"{node.trouble}{since}"
    return HealthItem(node.name.removeprefix("the "), node.trouble is None, detail)


def _of_news(watch: ChainWatch) -> HealthItem:
    detail = f"{watch.trouble}; polling goes on" if watch.trouble else "tells its news"
    return HealthItem(watch.stream_name.removeprefix("the "), watch.trouble is None, detail)
