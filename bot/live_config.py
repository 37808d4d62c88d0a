"""The configuration in force: what the file says, and over it what an operator changed from chat."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from core.config import AlertsConfig, Config, HedgeConfig


class LiveConfig:
    """Whoever reads a setting asks here at the moment of use, so that a change counts from the next look on.

    Which hedges there are, and on which chain, pool and symbol, never changes while the program runs.
    """

    def __init__(self, file: Config) -> None:
        self.file = file
        self._now = file

    @property
    def now(self) -> Config:
        """As a whole, of this moment: not to be kept."""
        return self._now

    @property
    def alerts(self) -> AlertsConfig:
        """Of this moment: not to be kept."""
        return self._now.alerts

    def hedge(self, name: str) -> HedgeConfig:
        """Of this moment: not to be kept. Raises KeyError for a name that is not configured."""
        return self._now.hedges[name]

    def among(self, names: Collection[str]) -> Mapping[str, HedgeConfig]:
        """Some of the hedges, each as it is at the moment of use."""
        return _Now(self, names)

    def put_in_force(self, config: Config) -> None:
        """`config` has been validated; it names the hedges of the file."""
        self._now = config


class _Now(Mapping[str, HedgeConfig]):
    def __init__(self, live: LiveConfig, names: Collection[str]) -> None:
        self._live = live
        self._names = tuple(names)

    def __getitem__(self, name: str) -> HedgeConfig:
        if name not in self._names:
            raise KeyError(name)
        return self._live.hedge(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
