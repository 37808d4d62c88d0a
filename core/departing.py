"""What the operator says about BASE that left a followed position, as every kind of hedge carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.errors import Refused
from core.events import Event, EventKind
from core.hedging import departed
from core.hedging.life_memory import LifeMemory


class Word(StrEnum):
    KEEP = "keep"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Answered:
    """`base`: what the word was about. `life`: what is to be remembered from now on."""

    word: Word
    hedge: str
    base: Decimal
    life: LifeMemory
    text: str

    def event(self, by: str, at: datetime) -> Event:
        """DEPARTED_KEPT or DEPARTED_CLOSED with the BASE it was about; `by`: who said it."""
        kind = EventKind.DEPARTED_KEPT if self.word is Word.KEEP else EventKind.DEPARTED_CLOSED
        return Event(kind, self.hedge, at, {"departed_base": str(self.base), "by": by})


def answer_departed(word: Word, hedge: str, unit: str, life: LifeMemory, most_base: Decimal | None) -> Answered:
    """`most_base`: what the question showed. Raises Refused when there is nothing to answer, or more than that."""
    base = life.departed_base
    if not base:
        raise Refused(
            f"{hedge}: no {unit} that left the LP counts any more, so there is nothing to {word}.", code="departed"
        )
    if word is Word.CLOSE:
        if most_base is not None and base > most_base:
            said = (
                f"{hedge}: {_size(base)} {unit} have left by now, more than the {_size(most_base)} you were asked about"
            )
            raise Refused(f"{said}: send /follow close again.", code="departed")
        said = f"{hedge}: {_size(base)} {unit} that left the LP no longer count; the short follows by the usual rules."
        return Answered(word, hedge, base, departed.given_up(life), said)
    if life.kept_base == base:
        raise Refused(f"{hedge}: the short for {_size(base)} {unit} is kept already.", code="departed")
    said = f"{hedge}: the short for {_size(base)} {unit} that left the LP is kept until something takes their place."
    return Answered(word, hedge, base, departed.kept(life), said)


def _size(base: Decimal) -> str:
    return f"{base:.8f}".rstrip("0").rstrip(".")
