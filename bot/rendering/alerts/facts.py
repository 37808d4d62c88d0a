"""An event's or a trouble's figures, ready to be put into a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

from bot.rendering.approvals import person
from bot.rendering.markup import bold, esc
from bot.rendering.numbers import amount, exact, money, number


@dataclass(frozen=True, slots=True)
class Units:
    """The symbols that stand behind a hedge's amounts."""

    base: str
    quote: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Strings, read leniently: what is absent or no number is shown as unknown. `hedge` None: all of them."""

    data: Mapping[str, str]
    units: Units
    zone: tzinfo
    hedge: str | None = None

    @property
    def base(self) -> str:
        return self.units.base

    @property
    def by(self) -> str:
        """Who did it, without their id, escaped."""
        return esc(person(self.data.get("by")))

    @property
    def name(self) -> str:
        """For a title, which escapes it."""
        return self.hedge or "all hedges"

    def title(self, text: str) -> str:
        """In bold, escaped, with the hedge before it."""
        return bold(f"{self.name}: {text}")

    def text(self, key: str, default: str = "unknown") -> str:
        """Escaped; `default` stands for an empty one too."""
        return esc(self.data.get(key) or default)

    def number(self, key: str) -> Decimal | None:
        """None for what is absent or no number."""
        return number(self.data.get(key))

    def exact(self, key: str) -> str:
        """In BASE, with every digit."""
        return esc(exact(self.number(key), self.base))

    def amount(self, key: str, *, signed: bool = False) -> str:
        """In BASE, to six significant digits."""
        return esc(amount(self.number(key), self.base, signed=signed))

    def price(self, key: str) -> str:
        """In QUOTE, to six significant digits."""
        return esc(amount(self.number(key), self.units.quote))

    def money(self, key: str, *, signed: bool = False) -> str:
        """In QUOTE, to the cent."""
        return esc(money(self.number(key), self.units.quote, signed=signed))

    def per_cent(self, key: str) -> str:
        """A figure that is in per cent already, to a hundredth of one."""
        value = self.number(key)
        return esc(amount(None if value is None else round(value, 2), "%"))
