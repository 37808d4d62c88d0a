"""How things would stand at another price, and whether the exchange account could bear it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.asked_price import Place, impossible, parsed, price_now
from bot.rendering.markup import esc
from bot.rendering.numbers import quote_of, span
from bot.rendering.outlook import Names, margin_text, whatif_help, whatif_text
from bot.replies import Button, Reply
from bot.views.margin_parts import margin_of, whole_accounts
from bot.views.sources import Show, Sources
from core.hedging.margin_needs import Readable, readable
from core.hedging.whatif import WhatIf, what_if
from core.outlook import Outlook
from core.status import HedgeStatus

STOPPED = ("halted", "paused", "disabled")
NOT_READ = "Nothing has been read yet. Try again in a moment."
OLD_AFTER_S = 60.0
MOST_BYTES = 64


class Outlooks:
    def __init__(self, sources: Sources) -> None:
        self._from = sources

    def shows(self) -> Mapping[str, Show]:
        return {"whatif": self.whatif, "margin": self.margin}

    async def whatif(self, args: tuple[str, ...]) -> Reply:
        """Of one hedge when a price is named; a percentage or an edge may be of all."""
        if not args:
            return self._explained()
        place, hedges = parsed(args[0]), self._named(args[1:])
        if isinstance(place, str):
            return _plain(place)
        if isinstance(hedges, str):
            return _plain(hedges)
        if place.price is not None and len(hedges) > 1:
            return _which(args[0], hedges)
        return self._at(place, hedges)

    async def margin(self, args: tuple[str, ...]) -> Reply:
        """Of every hedge unless one is named."""
        hedges = self._named(args)
        return _plain(hedges) if isinstance(hedges, str) else self._needs(hedges)

    def _at(self, place: Place, hedges: Sequence[str]) -> Reply:
        found: list[tuple[Names, WhatIf]] = []
        untold: list[str] = []
        for name in hedges:
            answer = self._answer(place, name)
            if isinstance(answer, str):
                untold.append(esc(answer))
            else:
                found.append(answer)
        text = "\n\n".join(filter(None, (whatif_text(found), *untold)))
        return Reply(text or NOT_READ, True, _buttons(hedges) if found else ())

    def _needs(self, hedges: Sequence[str]) -> Reply:
        known = self._readable()
        shown = [each for each in known if each.hedge in hedges]
        parts = [margin_of(each, self._base(each.hedge), known) for each in shown]
        if len(hedges) > 1:
            parts += whole_accounts(known)
        missing = _missing(hedges, shown)
        return Reply("\n\n".join(filter(None, (margin_text(parts), esc(missing)))) or NOT_READ, True)

    def _answer(self, place: Place, hedge: str) -> tuple[Names, WhatIf] | str:
        outlook = self._from.engine.outlook(hedge)
        if outlook is None:
            return f"{hedge}: nothing has been read yet. Try again in a moment."
        price = place.of(outlook)
        if price is None:
            return f"{outlook.hedge}: there is no such price, for its liquidity has no edge or was not read yet."
        return impossible(price, outlook) or (self._names(outlook), what_if(outlook, price))

    def _readable(self) -> list[Readable]:
        outlooks = (self._from.engine.outlook(name) for name in self._from.engine.hedge_names())
        return [found for outlook in outlooks if (found := readable(outlook)) is not None]

    def _explained(self) -> Reply:
        hedges = self._from.engine.hedge_names()
        outlook = next((each for name in hedges if (each := self._from.engine.outlook(name)) is not None), None)
        base = self._base(outlook.hedge) if outlook else "BASE"
        now = price_now(outlook) if outlook else None
        return Reply(whatif_help(base, now, hedges[0] if hedges else "NAME"), True, _buttons(hedges))

    def _named(self, args: Sequence[str]) -> tuple[str, ...] | str:
        """The hedges that are meant, or a sentence why none is."""
        names = self._from.engine.hedge_names()
        if not args or args[0].lower() == "all":
            return names
        if (wanted := args[0].lower()) in names:
            return (wanted,)
        return f"I know no hedge {args[0]}; there is {', '.join(names) or 'none yet'}."

    def _names(self, outlook: Outlook) -> Names:
        status = self._from.status(outlook.hedge)
        remark = " ".join(_remarks(status)) if status else ""
        return Names(outlook.hedge, self._base(outlook.hedge), quote_of(outlook.config.symbol), remark)

    def _base(self, hedge: str) -> str:
        status = self._from.status(hedge)
        return (status.base_symbol if status else "") or "BASE"


def _missing(hedges: Sequence[str], shown: Sequence[Readable]) -> str:
    unread = set(hedges) - {each.hedge for each in shown}
    return f"{', '.join(sorted(unread))}: chain and exchange are not both read yet." if unread else ""


def _remarks(status: HedgeStatus) -> Iterator[str]:
    if status.reason in STOPPED:
        yield f"It is {status.reason}: until it hedges again only what is left alone applies."
    if status.estimated:
        yield "Estimated: the chain cannot be read now."
    old_s = max(status.chain_age_s or 0.0, status.venue_age_s or 0.0)
    if old_s > OLD_AFTER_S:
        yield f"From figures that are {span(old_s)} old."


def _which(price: str, hedges: Sequence[str]) -> Reply:
    """A price belongs to one hedge."""
    rows = tuple((Button(name, f"view:whatif:{price}:{name}"),) for name in hedges)
    fits = all(len(button.data.encode()) <= MOST_BYTES for row in rows for button in row)
    return Reply(esc(f"{price} of which hedge? Send its name after it, or /whatif +10%."), True, rows if fits else ())


def _buttons(hedges: Sequence[str]) -> tuple[tuple[Button, ...], ...]:
    """Of one hedge, or of all together."""
    name = f":{hedges[0]}" if len(hedges) == 1 else ""
    rows = (("-10%", "-5%", "lower edge"), ("+10%", "+5%", "upper edge"))
    return tuple(
        tuple(Button(label, f"view:whatif:{label.removesuffix(' edge')}{name}") for label in row) for row in rows
    )


def _plain(text: str) -> Reply:
    return Reply(esc(text), True)
