"""The longer answers: positions, what waits, what happened, health, help."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from bot.commands import COMMANDS, Command
from bot.rendering.approvals import proposal_text, time_left
from bot.rendering.bars import range_line
from bot.rendering.markup import bold, code, esc, lines
from bot.rendering.numbers import amount, exact, money, quote_of
from bot.rendering.status import ESTIMATE
from core.ports import Approval, ApprovalState
from core.status import HedgeStatus, PositionStatus


def positions_text(statuses: Sequence[HedgeStatus]) -> str:
    return lines(*(_positions_of(status) for status in statuses)) or "No hedge has been read yet."


def pending_text(approvals: Sequence[Approval], *, now: datetime, zone: tzinfo) -> str:
    """What waits for an answer in full, what was answered and is being carried out in a line."""
    if not approvals:
        return "Nothing waits for your answer."
    return "\n\n".join(_waiting(approval, now, zone) for approval in approvals)


def help_text() -> str:
    """From the table of commands: those that only show first."""
    reading = [command for command in COMMANDS if command.read_only]
    acting = [command for command in COMMANDS if not command.read_only]
    return lines(bold("Look"), *map(_help_line, reading), "", bold("Act"), *map(_help_line, acting))


def greeting_text(version: str, mode: str, hedges: Sequence[str]) -> str:
    """The answer to /start."""
    names = ", ".join(hedges) or "none yet"
    return lines(
        f"{bold(f'lp-hedge {version}')} · {esc(mode.upper())}",
        f"I keep a short against the LP position: {esc(names)}.",
        "/status shows everything, /help what I understand, /halt stops every order at once.",
    )


def _positions_of(status: HedgeStatus) -> str:
    base, quote = status.base_symbol or "BASE", quote_of(status.perp.symbol)
    perp = status.perp
    legs = f" (LONG {exact(perp.long_base)}, SHORT {exact(perp.short_base)})" if perp.long_base else ""
    return lines(
        f"{bold(status.name)} · {esc(perp.symbol)} {esc(amount(perp.position_base, base, signed=True))}{esc(legs)}"
        f" · entry {esc(amount(perp.entry_price, quote))} · mark {esc(amount(perp.mark_price, quote))}",
        ESTIMATE if status.estimated else None,
        *(_position_lines(position, status, base, quote) for position in status.lp.positions),
        *(("no LP position read",) if not status.lp.positions else ()),
    )


def _position_lines(position: PositionStatus, status: HedgeStatus, base: str, quote: str) -> str:
    held = f"{amount(position.base, base)} + {money(position.quote, quote)}"
    fees = f"{amount(position.fee_base, base)} + {money(position.fee_quote, quote)}"
    return lines(
        f"LP {code(str(position.id))} {esc(position.state.replace('_', ' ').lower())}: {esc(held)} · fees {esc(fees)}",
        range_line(position, status.lp.price),
    )


def _waiting(approval: Approval, now: datetime, zone: tzinfo) -> str:
    if approval.state is not ApprovalState.PENDING:
        size = f"{approval.side.value} {exact(approval.quantity_base)}"
        return f"{bold(approval.hedge)}: {size} is {approval.state.value}."
    twins = f"/approve {approval.approval_id} or /reject {approval.approval_id}"
    return lines(proposal_text(approval, zone), f"{time_left(approval, now)}. {esc(twins)}")


def _help_line(command: Command) -> str:
    asks = " (asks once more)" if command.dangerous else ""
    return f"{esc(command.usage)}: {esc(command.summary)}{asks}"
