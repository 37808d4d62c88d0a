"""A command with its arguments made certain, as it would be written to the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from bot.commands import BY_NAME, Command, Needs
from bot.rendering.markup import clip
from core.departing import Word
from core.halting import HALT, meant_by_halt
from core.status import HedgeStatus

LEGS = ("LONG", "SHORT", "BOTH")
STOPPED = ("halted", "paused")
CONFIRMED_DIGITS = Decimal("1e-8")
NO_FIGURES = "The gap is not known yet, so there is nothing to confirm: /status says what is missing."
NOTHING_READ = "What left is not known yet, so there is nothing to confirm: /status says what is missing."


@dataclass(frozen=True, slots=True)
class Order:
    """`remark`: what the operator should know of how it was understood."""

    command: Command
    args: tuple[str, ...]
    remark: str = ""

    @property
    def text(self) -> str:
        return " ".join((self.command.name, *self.args))

    @property
    def hedges(self) -> tuple[str, ...]:
        """The hedge that is named; none: all, or none in particular."""
        return self.args[1:2] if self.command.needs is Needs.POSITION else self.args[:1]


def order_of(words: Sequence[str]) -> Order:
    """Of a text that `Order.text` gave."""
    return Order(BY_NAME[words[0]], tuple(words[1:]))


def resolve(command: Command, args: tuple[str, ...], names: Sequence[str]) -> Order | str | None:
    """The order meant, or a sentence why there is none; None: a hedge must be chosen first."""
    match command.needs:
        case Needs.POSITION:
            return _for_position(command, args, names)
        case Needs.ANY_HEDGE:
            return _for_any_hedge(command, args, names)
        case _:
            return _for_one_hedge(command, args, names)


def chosen(command: Command, args: tuple[str, ...], name: str) -> Order:
    """What was said without a hedge, for the one that was chosen."""
    if command.needs is Needs.POSITION:
        return Order(command, (args[0].lower(), name))
    return Order(command, (name, *(word.upper() for word in args[:1])))


def sized(order: Order, status: HedgeStatus | None) -> Order | str:
    """The order with the size that its question shows, or a sentence why there is nothing to ask."""
    match order.command.name:
        case "hedge":
            return _with_gap(order, status)
        case "follow":
            return _with_departed(order, status)
        case _:
            return order


def _with_gap(order: Order, status: HedgeStatus | None) -> Order | str:
    if status is None or status.gap_base is None:
        return NO_FIGURES
    if status.reason in STOPPED:
        return f"{status.name} is {status.reason}: /resume first."
    most_base = status.gap_base.quantize(CONFIRMED_DIGITS, ROUND_DOWN)
    return replace(order, args=(*order.args, f"{most_base:f}")) if most_base else "Nothing is missing now."


def _with_departed(order: Order, status: HedgeStatus | None) -> Order | str:
    if status is None or status.departed_base is None:
        return NOTHING_READ
    if not status.departed_base:
        unit = status.base_symbol or "BASE"
        return f"{status.name}: no {unit} that left the LP counts any more, so there is nothing to close."
    return replace(order, args=(*order.args, f"{status.departed_base:f}"))


def _for_position(command: Command, args: tuple[str, ...], names: Sequence[str]) -> Order | str | None:
    """A number, or a word and the hedge that it is for."""
    word, *named = args or ("",)
    if word.lower() in tuple(Word):
        return _for_word(command, word.lower(), named, names)
    if named or not (word.isascii() and word.isdigit()):
        return f"Which position? {command.usage}, ID being the position's number."
    return Order(command, args)


def _for_word(command: Command, word: str, named: Sequence[str], names: Sequence[str]) -> Order | str | None:
    if len(named) > 1:
        return f"{command.usage}: name one hedge."
    if not named:
        return Order(command, (word, names[0])) if len(names) == 1 else None
    name = named[0].lower()
    return Order(command, (word, name)) if name in names else _no_such_hedge(named[0], names)


def _for_any_hedge(command: Command, args: tuple[str, ...], names: Sequence[str]) -> Order | str:
    """One hedge or all of them. More words are no order that could be carried out in part, but for a halt."""
    match tuple(word.lower() for word in args):
        case () | ("all",):
            return Order(command, ())
        case (name,) if name in names:
            return Order(command, (name,))
        case _ if command.name == HALT:
            return Order(command, (), meant_by_halt(args, names).remark)
        case (_,):
            return _no_such_hedge(args[0], names)
    return f"{command.usage}: name one hedge, or none for all of them. Nothing was done."


def _for_one_hedge(command: Command, args: tuple[str, ...], names: Sequence[str]) -> Order | str | None:
    if args and args[0].lower() in names:
        return _of_hedge(command, args[0].lower(), args[1:])
    if args and not _is_leg(command, args[0]):
        return _no_such_hedge(args[0], names)
    return _of_hedge(command, names[0], args) if len(names) == 1 else None


def _is_leg(command: Command, word: str) -> bool:
    return command.name == "adopt" and word.upper() in LEGS


def _of_hedge(command: Command, name: str, rest: Sequence[str]) -> Order | str:
    """`rest`: what was said beside the hedge, which counts for `adopt` alone: the leg."""
    if command.name != "adopt" or not rest:
        return Order(command, (name,))
    leg = rest[0].upper()
    return Order(command, (name, leg)) if leg in LEGS else f"{command.usage}: the leg is LONG or SHORT."


def _no_such_hedge(name: str, names: Sequence[str]) -> str:
    return f"I know no hedge {clip(name, 40)!r}; there is {', '.join(names) or 'none'}."
