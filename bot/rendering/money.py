"""What was earned and what it cost, for a phone: one narrow table, and the sentences that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from functools import reduce
from operator import add

from bot.rendering.markup import bold, code, esc, lines
from bot.rendering.numbers import UNKNOWN, exact, moment, money, span
from core.accounting.attribution import Parts
from core.accounting.statement import Statement, Watched

LABEL_CHARS = 12
NUMBER_CHARS = 13
# A first reading this long after the asked start is worth a word.
LATE = timedelta(minutes=5)
CENT = Decimal("0.01")

Statements = Mapping[str, Statement | None]


@dataclass(frozen=True, slots=True)
class Period:
    start: datetime
    end: datetime
    zone: tzinfo


def pnl_text(statements: Statements, period: Period, title: str) -> str:
    """One hedge as a table; several as a table of their sum and a line each."""
    known = {name: statement for name, statement in statements.items() if statement is not None}
    unknown = [name for name, statement in statements.items() if statement is None]
    return lines(
        bold(title),
        *_tables(known),
        *(coverage(name, statement, period, named=len(statements) > 1) for name, statement in known.items()),
        *(f"{esc(name)}: nothing kept of this time yet, so its figures are unknown." for name in unknown),
    )


def watched_text(name: str, seen: Watched, quote: str) -> str:
    gap = money(seen.largest_gap_quote, quote)
    out = f"out of range {span(seen.out_of_range.total_seconds())}" if seen.out_of_range else "never out of range"
    return f"{esc(name)}: largest gap {esc(gap)} · {out}"


def _tables(known: Mapping[str, Statement]) -> Iterator[str]:
    if len(known) == 1:
        ((name, statement),) = known.items()
        yield f"{bold(name)} · {esc(statement.assets.quote)}"
        yield from _table(statement.total)
        return
    for quote, totals in _totals_by_quote(known).items():
        yield f"{bold('all')} · {esc(quote)}"
        yield from _table(reduce(add, totals.values(), Parts()))
        yield from (_line(name, total) for name, total in totals.items())


def _totals_by_quote(known: Mapping[str, Statement]) -> dict[str, dict[str, Parts]]:
    """By QUOTE, then by hedge."""
    totals: dict[str, dict[str, Parts]] = {}
    for name, statement in known.items():
        totals.setdefault(statement.assets.quote, {})[name] = statement.total
    return totals


def _table(total: Parts) -> Iterator[str]:
    yield _row("LP fees", total.lp_fees)
    yield _row("LP price", total.lp_price)
    yield _row("LP LVR", total.lvr)
    if total.beside:
        yield _row("Beside LP", total.beside)
    yield _row("Hedge", total.hedge)
    yield _row("Funding", total.funding)
    yield _row("Commissions", total.commissions)
    yield _row("Slippage", total.slippage)
    if total.other:
        yield _row("Other", total.other)
    yield _row("Net", total.net)
    yield esc(f"IL against holding {signed(total.impermanent_loss)} · {_trades(total)}")
    yield esc(f"Residual delta {signed(total.residual)} · {hedge_split(total)}")
    yield from _beside_net(total)


def _line(name: str, total: Parts) -> str:
    parts = (
        f"fees {signed(total.lp_fees)}, LP {signed(total.lp)}, hedge {signed(total.hedge)},"
        f" funding {signed(total.funding)}, costs {signed(total.costs)}"
    )
    return f"{bold(name)} net {esc(signed(total.net))}: {esc(parts)}"


def hedge_split(total: Parts) -> str:
    """Of the perpetual's profit, slippage included."""
    return f"hedge realised {signed(total.realised)}, unrealised {signed(total.unrealised)}"


def unpriced_fees(total: Parts) -> Iterator[str]:
    """Why the net is not the whole net."""
    if total.unpriced:
        paid = ", ".join(exact(amount, asset) for asset, amount in total.unpriced.items())
        yield esc(f"Net is before {paid} of fees: their price is not known here.")


def _beside_net(total: Parts) -> Iterator[str]:
    """What is in no part of the net, each only where there is some."""
    yield from unpriced_fees(total)
    apart = {
        "put in less taken out": total.added,
        "fees collected": total.collected,
        "trades by others": total.manual,
        "positions moved in": total.moved,
    }
    said = [f"{what} {signed(amount)}" for what, amount in apart.items() if abs(amount) >= CENT]
    if said:
        yield esc(f"Not in the net: {', '.join(said)}.")


def coverage(name: str, statement: Statement, period: Period, *, named: bool) -> str:
    """What time the figures are of, and where in it nothing was read."""
    who = f"{name}: " if named else ""
    since, until = moment(statement.start, period.zone), moment(statement.end, period.zone)
    sentences = [f"{who}{since} to {until}."]
    if statement.start > period.start + LATE:
        sentences.append("Nothing was kept before.")
    if statement.total.unwatched:
        gone = span(statement.total.unwatched.total_seconds())
        sentences.append(f"For {gone} of it nothing was read: counted by what was there before and after.")
    return esc(" ".join(sentences))


def _row(label: str, amount: Decimal) -> str:
    return code(f"{label:<{LABEL_CHARS}}{signed(amount):>{NUMBER_CHARS}}")


def signed(amount: Decimal | None) -> str:
    """To the cent, always with a sign; an amount under one stays visible. None is unknown."""
    if amount is None:
        return UNKNOWN
    if not amount:
        return "0.00"
    if abs(amount) >= CENT / 2:
        return f"{amount:+,.2f}"
    return "+<0.01" if amount > 0 else "-<0.01"


def _trades(total: Parts) -> str:
    trades = "1 trade" if total.trades == 1 else f"{total.trades} trades"
    return f"{trades}, turnover {total.turnover:,.2f}"
