"""What a calibration has to tell, gathered for text, JSON and picture alike."""

from __future__ import annotations

from dataclasses import dataclass

from core.config import HedgeConfig
from core.replay.calibration.conclusion import CONFIGURED, Conclusion
from core.replay.calibration.measure import Measure
from core.replay.calibration.optimum import Optimum
from core.replay.calibration.ranking import fault, is_within, score
from core.replay.calibration.walk_forward import has_held
from core.replay.path import DAY_MS
from core.replay.theory import Prediction


@dataclass(frozen=True, slots=True)
class Report:
    """`price`: the path's mean, QUOTE per BASE. `band_quote`: what the configured bands come to at it.

    `optimum` None: theory has none, the position was never in range. `predicted`: of the chosen setting, by theory;
    None then, and where the configured one was chosen. `straight`: what is configured and what was chosen, each
    replayed over the whole path in one run, so that early losses are still missing later.
    """

    hedge: str
    quote: str
    symbol: str
    start_ms: int
    end_ms: int
    bars: int
    parts: int
    price: float
    band_quote: float
    conclusion: Conclusion
    optimum: Optimum | None
    predicted: Prediction | None
    straight: tuple[Measure, Measure]
    notices: tuple[str, ...]

    @property
    def days(self) -> float:
        """Of the whole path, 24 hours each."""
        return (self.end_ms - self.start_ms) / DAY_MS

    @property
    def configured(self) -> HedgeConfig:
        """The hedge as `hedge.toml` has it."""
        return self.config(CONFIGURED)

    @property
    def chosen(self) -> HedgeConfig:
        """The hedge with the settings ranked first, which may be the configured ones."""
        return self.config(self.conclusion.chosen)

    @property
    def keeps_configured(self) -> bool:
        """Nothing that was tried is ranked before what is configured."""
        return self.conclusion.chosen == CONFIGURED

    @property
    def is_sound(self) -> bool:
        """Whether anything was: the best is faulty only where all are."""
        return not fault(self.total(self.conclusion.chosen), self.conclusion.aim)

    @property
    def is_within(self) -> bool:
        """The chosen settings keep the limit of the residual over the whole path, or none was set."""
        return is_within(self.total(self.conclusion.chosen), self.conclusion.aim)

    @property
    def has_held(self) -> bool:
        """Sound, within the limit, and near the best in hindsight on the parts that it had not seen."""
        return self.is_sound and self.is_within and has_held(self.conclusion.steps)

    @property
    def is_worse(self) -> bool:
        """Than what is configured, which is ranked behind only because this account could not follow it."""
        now, found, aim = self.total(CONFIGURED), self.total(self.conclusion.chosen), self.conclusion.aim
        return bool(fault(now, aim)) and is_within(now, aim) and score(found, aim) > score(now, aim)

    def config(self, place: int) -> HedgeConfig:
        """`place` as in the conclusion, where the first is what is configured."""
        return self.conclusion.candidates[place].config

    def total(self, place: int) -> Measure:
        """Over the whole path, part by part; `place` as in `config`."""
        return self.conclusion.totals[place]

    def rms_quote(self, told: Prediction) -> float:
        """Of what theory says."""
        return told.residual_rms_base * self.price

    def band_of(self, place: int) -> float:
        """In QUOTE."""
        return self.band_quote if place == CONFIGURED else float(self.config(place).band_quote)
