"""What another price would mean, and what a move to the range's edges needs on the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.rendering.markup import bold, esc, italic, lines
from bot.rendering.numbers import UNKNOWN, amount, money, percent
from core.hedging.margin_needs import Need
from core.hedging.whatif import LpThen, ShortThen, WhatIf

FOOTNOTE = (
    "Pool and perp both at that price, nothing added or removed, before funding and slippage. Rebalanced: straight to"
    " that price; going back and forth costs more."
)


@dataclass(frozen=True, slots=True)
class Names:
    """How a hedge and its two assets are called; `remark`: a sentence that comes before the figures, empty for none."""

    hedge: str
    base: str
    quote: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """A move in words, and what it needs left alone and rebalanced; None where that cannot be told."""

    title: str
    left_alone: Need | None
    rebalanced: Need | None


@dataclass(frozen=True, slots=True)
class Margin:
    """One hedge, or several of one account. `spare_quote`: what may be moved out, below zero what must be moved in,
    None when it cannot be told. `keeps`: the limits that are kept, in words."""

    title: str
    quote: str
    there: str
    ways: tuple[Way, ...]
    spare_quote: Decimal | None
    keeps: str


def whatif_text(found: Sequence[tuple[Names, WhatIf]]) -> str:
    """Nothing for none."""
    if not found:
        return ""
    return "\n\n".join((*(lines(*_whatif_of(names, each)) for names, each in found), italic(FOOTNOTE)))


def margin_text(parts: Sequence[Margin]) -> str:
    return "\n\n".join(_margin_of(part) for part in parts)


def whatif_help(base: str, price: Decimal | None, hedge: str) -> str:
    """`price`: an example, near the present one."""
    example = amount(round(price, -price.adjusted() + 2) if price else Decimal(650)).replace(",", "")
    return lines(
        bold("What would be at another price?"),
        f"/whatif {esc(example)} or /whatif +10% or /whatif -5%: LP, hedge, margin and liquidation at that price of"
        f" {esc(base)}, hedged and unhedged. With several hedges a name after it: /whatif +10% {esc(hedge)}",
    )


def away(price: Decimal, mark: Decimal | None) -> str:
    """How far a price is from the present one: " (+7.4 %)"; nothing when that is not known."""
    return f" ({percent(price / mark - 1, signed=True)})" if mark else ""


def _whatif_of(names: Names, found: WhatIf) -> tuple[str | None, ...]:
    now = found.mark_price or found.pool_price
    return (
        bold(f"{names.hedge} at {amount(found.price, names.quote)}{away(found.price, now)}"),
        esc(names.remark) or None,
        *_lp_lines(found.lp, names),
        *_short_lines("Short left alone", found.left_alone, found, names),
        *_short_lines("Short rebalanced", found.rebalanced, found, names),
    )


def _lp_lines(lp: LpThen | None, names: Names) -> tuple[str | None, ...]:
    if lp is None:
        return ("LP unknown, for it was not read yet.",)
    base, quote = names.base, names.quote
    beside = f"Fees and what else counts {amount(lp.beside_base, base)} + {money(lp.beside_quote, quote)}"
    change, values = money(lp.change_quote, quote, signed=True), (lp.value_now_quote, lp.value_quote)
    return (
        f"LP {esc(amount(lp.base, base))} + {esc(money(lp.quote, quote))}",
        esc(beside) if lp.beside_base or lp.beside_quote else None,
        f"Unhedged {bold(change)} ({esc(' → '.join(money(each, quote) for each in values))})",
    )


def _short_lines(title: str, short: ShortThen | None, found: WhatIf, names: Names) -> tuple[str, ...]:
    if short is None:
        return (f"{title}: {UNKNOWN}",)
    quote, size = names.quote, amount(short.position_base, names.base, signed=True)
    if short.liquidated:
        return (f"🚨 {title} {esc(size)}: {bold('liquidated before that price')}",)
    earned = money(short.pnl_quote, quote, signed=True)
    fee = f", fees {money(-short.fee_quote, quote)}" if short.fee_quote else ""
    cap = " (over max_position_notional: it would be smaller)" if found.over_cap and short is found.rebalanced else ""
    account = f"balance {money(short.margin_balance_quote, quote)} · {_free(short.free_quote, quote)}"
    return (
        f"{title} {esc(size + cap)}: {esc(earned + fee)}{_together(found.lp, short, quote)}",
        f"  {esc(account)} · liquidation {esc(_liquidation(short, found.price, quote))}",
    )


def _together(lp: LpThen | None, short: ShortThen, quote: str) -> str:
    return f" → hedged {bold(money(lp.change_quote + short.gain_quote, quote, signed=True))}" if lp else ""


def _liquidation(short: ShortThen, price: Decimal, quote: str) -> str:
    if short.liquidation_price is None:
        return "none"
    return f"{amount(short.liquidation_price, quote)} ({percent(abs(short.liquidation_price / price - 1))} away)"


def _free(free_quote: Decimal, quote: str) -> str:
    return f"free {money(free_quote, quote)}" if free_quote >= 0 else f"free 0, {money(-free_quote, quote)} missing"


def _margin_of(part: Margin) -> str:
    return lines(
        bold(f"Margin · {part.title}"),
        esc(part.there),
        *(line for way in part.ways for line in _way_lines(way, part.quote)),
        _verdict(part),
        italic(f"Kept: {part.keeps}."),
    )


def _way_lines(way: Way, quote: str) -> tuple[str, ...]:
    return (
        f"To {esc(way.title)}:",
        f"  left alone {esc(_need(way.left_alone, quote))}",
        f"  rebalanced {esc(_need(way.rebalanced, quote))}",
    )


def _need(need: Need | None, quote: str) -> str:
    if need is None:
        return UNKNOWN
    lacks = f", lacks {money(need.lacks_quote, quote)}" if need.lacks_quote > 0 else ""
    return f"{money(need.gain_quote, quote, signed=True)} → {_free(need.free_quote, quote)}{lacks}"


def _verdict(part: Margin) -> str:
    if part.spare_quote is None:
        return "What to move: unknown, for not all of it can be told."
    if part.spare_quote < 0:
        return f"⚠️ {bold(f'Move in {money(-part.spare_quote, part.quote)}')} to bear all of these."
    if not part.spare_quote:
        return "✅ All of these are borne, with nothing to spare."
    return f"✅ All of these are borne; up to {esc(money(part.spare_quote, part.quote))} could be moved out."
