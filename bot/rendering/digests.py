"""Many messages that waited, told as one: what was traded as a sum, the rest a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.rendering.markup import bold, esc, lines
from bot.rendering.numbers import amount, counted, exact, money, number
from core.ports import Gist

PROGRAM = "lp-hedge"


@dataclass(frozen=True, slots=True)
class Told:
    """One message of many: its gist, and its first line as it would have been shown."""

    gist: Gist
    title: str

    @property
    def is_trade(self) -> bool:
        return "quantity_base" in self.gist.figures


def digest_text(hedge: str, told: Sequence[Told]) -> str:
    """`told`: of one hedge, in the order in which it happened; `hedge` empty for the whole program."""
    trades = [each.gist for each in told if each.is_trade]
    others = [each for each in told if not each.is_trade]
    return lines(
        _head(hedge, told),
        _traded(trades) if trades else None,
        *_lines_of(others),
        "/history has each of it.",
    )


def _head(hedge: str, told: Sequence[Told]) -> str:
    first, last = told[0].gist.at, told[-1].gist.at
    span = f"{first} to {last}" if len(told) > 1 else first
    return f"📦 {bold(f'{hedge or PROGRAM}: while Telegram was away')} ({esc(span)})"


def _traded(trades: Sequence[Gist]) -> str:
    base, quote = trades[0].figures.get("base", ""), trades[0].figures.get("quote", "")
    sold, bought = (_sum(trades, side) for side in ("SELL", "BUY"))
    net = bought - sold
    direction = "bought" if net > 0 else "sold"
    return (
        f"🔁 {counted(len(trades), 'trade')}: sold {esc(exact(sold, base))}, bought {esc(exact(bought, base))},"
        f" net {direction} {esc(amount(abs(net), base))}; {esc(_fees(trades, quote))}."
    )


def _sum(trades: Iterable[Gist], side: str) -> Decimal:
    of_side = (number(trade.figures.get("quantity_base")) for trade in trades if trade.figures.get("side") == side)
    return sum((size for size in of_side if size is not None), Decimal(0))


def _fees(trades: Iterable[Gist], quote: str) -> str:
    """One that is not known, or not in QUOTE, is not counted as none."""
    fees = [number(trade.figures.get("fee_quote")) for trade in trades]
    known = sum((fee for fee in fees if fee is not None), Decimal(0))
    return f"fees {money(known, quote)}" + (f" and some not in {quote}" if None in fees else "")


def _lines_of(others: Sequence[Told]) -> list[str]:
    """The same words several times are one line with their number and the last time."""
    counts = Counter(each.title for each in others)
    last = {each.title: each.gist.at for each in others}
    return [f"{esc(last[title])} {title}{f' ({count} times)' if count > 1 else ''}" for title, count in counts.items()]
