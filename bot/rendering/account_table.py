"""The account for a terminal of 100 columns: a column for each hedge, or a line for each period."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from bot.rendering.money import signed
from core.accounting.attribution import Parts

LABEL_CHARS = 27
COLUMN_CHARS = 14
MOST_COLUMNS = 5
PERIOD_CHARS = 10
AMOUNT_CHARS = 11
GAS = "Gas of the wallet's own transactions: not known. This program sends none and does not read it."

Row = tuple[str, Callable[[Parts], Decimal | None]]

# Above the line what adds up to the net; a row in brackets only where a hedge has some.
EARNED: Sequence[Row] = (
    ("LP fees", lambda each: each.lp_fees),
    ("LP value, by the price", lambda each: each.lp_price),
    ("LP value, LVR", lambda each: each.lvr),
    ("(BASE beside the LP)", lambda each: each.beside),
    ("Hedge, at arrival prices", lambda each: each.hedge),
    ("Slippage", lambda each: each.slippage),
    ("Commissions", lambda each: each.commissions),
    ("Funding", lambda each: each.funding),
    ("(Other)", lambda each: each.other),
)
NET: Row = ("Net", lambda each: each.net)
APART: Sequence[Row] = (
    ("Hedge realised", lambda each: each.realised),
    ("Hedge unrealised", lambda each: each.unrealised),
    ("Residual delta", lambda each: each.residual),
    ("IL against holding", lambda each: each.impermanent_loss),
    ("(Put in less taken out)", lambda each: each.added),
    ("(Fees collected)", lambda each: each.collected),
    ("(Trades by others)", lambda each: each.manual),
    ("(Positions moved in)", lambda each: each.moved),
    ("Change of wealth", lambda each: each.wealth_change),
)
BY_PERIOD: Sequence[Row] = (
    ("LP fees", lambda each: each.lp_fees),
    ("LP price", lambda each: each.lp_price + each.beside),
    ("LVR", lambda each: each.lvr),
    ("Hedge", lambda each: each.hedge),
    ("Funding", lambda each: each.funding),
    ("Costs", lambda each: each.costs),
    ("Net", lambda each: each.net),
    ("Residual", lambda each: each.residual),
)


def hedges_table(columns: Mapping[str, Parts], quote: str) -> Iterator[str]:
    """The lines of as many tables as it takes: no line is longer than 97 characters."""
    every = list(columns)
    for first in range(0, len(every), MOST_COLUMNS):
        names = every[first : first + MOST_COLUMNS]
        shown = [columns[name] for name in names]
        yield _line(f"In {quote}", map(_cut, names))
        yield from _rows(EARNED, shown)
        yield "-" * (LABEL_CHARS + COLUMN_CHARS * len(shown))
        yield from _rows([NET], shown)
        yield ""
        yield from _rows(APART, shown)
        yield _line("Turnover", (f"{each.turnover:,.2f}" for each in shown))
        yield _line("Trades", (f"{each.trades}" for each in shown))
        yield ""


def periods_table(lines: Sequence[tuple[str, Parts]], total: Parts) -> Iterator[str]:
    """`lines`: each with the first day of its period."""
    yield " " * PERIOD_CHARS + "".join(f"{label:>{AMOUNT_CHARS}}" for label, _ in BY_PERIOD)
    for begins, parts in (*lines, ("Total", total)):
        amounts = (signed(amount(parts) or Decimal(0)).replace(",", "") for _, amount in BY_PERIOD)
        yield f"{begins:<{PERIOD_CHARS}}" + "".join(f"{text:>{AMOUNT_CHARS}}" for text in amounts)


def _rows(rows: Sequence[Row], shown: Sequence[Parts]) -> Iterator[str]:
    for label, amount in rows:
        values = [amount(each) for each in shown]
        if label.startswith("(") and not any(values):
            continue
        yield _line(label.strip("()"), map(signed, values))


def _line(label: str, texts: Iterable[str]) -> str:
    return f"{label:<{LABEL_CHARS}}" + "".join(f"{text:>{COLUMN_CHARS}}" for text in texts)


def _cut(name: str) -> str:
    return name if len(name) < COLUMN_CHARS else f"{name[: COLUMN_CHARS - 2]}…"
