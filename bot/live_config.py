"""The configuration in force: what the file says, and over it what an operator changed from chat."""

from __future__ import annotations

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
        return self._now

    @property
    def alerts(self) -> AlertsConfig:
        return self._now.alerts

    def hedge(self, name: str) -> HedgeConfig:
        return self._now.hedges[name]

    def put_in_force(self, config: Config) -> None:
        """`config` has been validated; it names the hedges of the file."""
        self._now = config
