"""The question before a dangerous command, with the figures one would want to see first."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bot.rendering.markup import bold, esc, lines
from bot.rendering.numbers import amount, exact, money, quote_of
from core.status import HedgeStatus


def question_text(command: str, args: Sequence[str], status: HedgeStatus | None) -> str:
    """`status` is the hedge's newest, None when it was never read."""
    if command == "follow":
        return _departed_question(args[1], status)
    name = args[0] if args else "all hedges"
    asked = QUESTIONS[command].format(name=name)
    leg = f" (leg {args[1]})" if len(args) > 1 else ""
    return lines(f"❓ {bold(asked)}{esc(leg)}", _figures(command, status))


def choice_text(command: str) -> str:
    return f"❓ {bold(f'/{command}: which hedge?')}"


QUESTIONS = {
    "hedge": "Trade {name} to its target now?",
    "flatten": "Close the whole short of {name} now?",
    "adopt": "Take the exchange's position as ours in {name}?",
    "resume": "{name}: halted. Hedge again?",
}


def _departed_question(name: str, status: HedgeStatus | None) -> str:
    """Only `close` is asked about."""
    title = f"❓ {bold(f'Close the short of {name} for what left the LP?')}"
    if status is None:
        return lines(title, "Nothing has been read yet, so I cannot show figures.")
    base, quote = status.base_symbol or "BASE", quote_of(status.perp.symbol)
    size = f"{exact(status.departed_base, base)} ≈ {money(_worth(status.departed_base, status.price), quote)}"
    target = f"{amount(status.target_base, base, signed=True)} → {amount(_target_without(status), base, signed=True)}"
    stopped = status.reason if status.reason in ("halted", "paused") else None
    return lines(
        title,
        f"{esc(size)} are dropped: they count no more, as if their grace ended now. Target {esc(target)}.",
        f"It is {stopped}: nothing is traded until /resume."
        if stopped
        else "The short is bought back to it at once, by the usual rules; nothing is sold for this.",
    )


def _target_without(status: HedgeStatus) -> Decimal | None:
    """The target in proportion to what is left of the exposure."""
    if status.target_base is None or status.departed_base is None or not status.net_base:
        return None
    return status.target_base * max(Decimal(0), status.net_base - status.departed_base) / status.net_base


def _worth(size_base: Decimal | None, price: Decimal | None) -> Decimal | None:
    """In QUOTE."""
    return size_base * price if size_base is not None and price else None


def _figures(command: str, status: HedgeStatus | None) -> str:
    if status is None:
        return "Nothing has been read yet, so I cannot show figures."
    base, quote = status.base_symbol or "BASE", quote_of(status.perp.symbol)
    position = esc(amount(status.perp.position_base, base, signed=True))
    if command == "flatten":
        short_base = status.perp.short_base
        short = f"{exact(short_base, base)} ≈ {money(_worth(short_base, status.price), quote)}"
        return f"Short {esc(short)}. From then on it is halted and the LP position is not hedged, until /resume."
    gap = f"{amount(status.gap_base, base, signed=True)} = {money(status.gap_quote, quote)}"
    target = amount(status.target_base, base, signed=True)
    most = " No more than this gap is traded." if command == "hedge" else ""
    return f"Position {position}, target {esc(target)}, gap {esc(gap)}.{most}"
