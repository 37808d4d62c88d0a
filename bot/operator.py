"""What an operator can ask and answer, the same for chat and terminal.

A front end passes on what was typed or pressed and shows what comes back; it decides nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import ROUND_DOWN, Decimal
from typing import Protocol

from bot.commands import BY_NAME, Command, Does, Needs, parse
from bot.rendering.approvals import outcome_sentence, settled_text
from bot.rendering.markup import bold, clip, code, esc, lines, plain
from bot.rendering.numbers import span
from bot.rendering.questions import choice_text, question_text
from bot.replies import Actor, Button, PressResult, Reply
from bot.views import Views
from core.clock import Clock
from core.ports import Approval, ApprovalState, CommandQueue, Confirmations, EngineView
from core.status import HedgeStatus

__all__ = ["Actor", "AuditTrail", "Button", "Desk", "DeskAnswer", "OperatorService", "PressResult", "Reply"]

TOAST_CHARS = 200
ANSWER_WAIT_S = 2.0
ANSWER_POLL_S = 0.05
CONFIRM_FOR = timedelta(seconds=90)
TOKEN_BYTES = 9
LEGS = ("LONG", "SHORT", "BOTH")
STOPPED = ("halted", "paused")
CONFIRMED_DIGITS = Decimal("1e-8")
NO_FIGURES = "The gap is not known yet, so there is nothing to confirm: /status says what is missing."
CLOSED = "This question is closed: answered, too old, or asked of someone else. Send the command again."


class DeskAnswer(Protocol):
    @property
    def won(self) -> bool: ...

    @property
    def approval(self) -> Approval | None: ...


class Desk(Protocol):
    """The approval desk; its word on who was first is the only one."""

    async def answer(self, approval_id: str, *, approve: bool, by: str, note: str | None) -> DeskAnswer: ...


class AuditTrail(Protocol):
    """Who asked for what, kept for good."""

    async def append(self, actor: str, source: str, action: str, detail: str, at: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Said:
    """Who said it, where, when, and the key by which a redelivery is known."""

    actor: Actor
    source: str
    update_key: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """A command with its arguments made certain, as it would be written to the queue."""

    command: Command
    args: tuple[str, ...]
    remark: str = ""

    @property
    def text(self) -> str:
        return " ".join((self.command.name, *self.args))


class OperatorService:
    def __init__(
        self,
        *,
        engine: EngineView,
        desk: Desk,
        commands: CommandQueue,
        confirmations: Confirmations,
        audit: AuditTrail,
        views: Views,
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        self._engine = engine
        self._desk = desk
        self._commands = commands
        self._confirmations = confirmations
        self._audit = audit
        self._views = views
        self._clock = clock
        self._zone = zone

    async def submit(
        self, text: str, *, actor: Actor, source: str, update_key: str | None, issued_at: datetime
    ) -> Reply:
        """Answer one typed line. The same `update_key` twice acts once. Returns within about two seconds."""
        call = parse(text)
        if call.command is None:
            return _plain(f"I do not know {call.word!r}. /help lists what I understand." if call.word else "/help")
        if call.command.does is Does.VIEW:
            return await self._views.show(call.command.name, call.args)
        if (age_s := self._too_old_by(call.command, issued_at)) is not None:
            return _plain(f"Too old: /{call.command.name} was sent {span(age_s)} ago. Send it again if you mean it.")
        said = Said(actor, source, update_key, issued_at)
        if call.command.does is Does.DECIDE:
            return await self._decide_by_text(call.command, call.args, said)
        return await self._order(call.command, call.args, said)

    async def press(self, data: str, *, actor: Actor, update_key: str | None, at: datetime) -> PressResult:
        """Answer one pressed button. `at` is when the press arrived (a press carries no time of its own)."""
        verb, _, rest = data.partition(":")
        said = Said(actor, "button", update_key, at)
        match verb:
            case "approve" | "reject":
                return await self._decide_by_press(verb, rest, said)
            case "do" | "no":
                return await self._confirm(verb, rest, said)
            case "view" if rest in self._views.names():
                return PressResult("Updated", await self._views.show(rest))
            case _:
                return PressResult("I do not know this button.")

    # approvals

    async def _decide_by_text(self, command: Command, args: tuple[str, ...], said: Said) -> Reply:
        if not args:
            return await self._views.show("pending")
        answer = await self._answer(command.name, args[0].lower(), " ".join(args[1:]) or None, said)
        return _plain(outcome_sentence(answer.approval, self._zone, wanted=command.name, won=answer.won))

    async def _decide_by_press(self, verb: str, approval_id: str, said: Said) -> PressResult:
        answer = await self._answer(verb, approval_id, None, said)
        approval = answer.approval
        toast = _toast(outcome_sentence(approval, self._zone, wanted=verb, won=answer.won))
        if approval is None or approval.state is ApprovalState.PENDING:
            return PressResult(toast)
        return PressResult(toast, Reply(settled_text(approval, self._zone), True))

    async def _answer(self, verb: str, approval_id: str, note: str | None, said: Said) -> DeskAnswer:
        answer = await self._desk.answer(approval_id, approve=verb == "approve", by=said.actor.label, note=note)
        if answer.won:
            await self._record(said, verb, " ".join(filter(None, (approval_id, note))))
        return answer

    # commands for the engine

    async def _order(self, command: Command, args: tuple[str, ...], said: Said) -> Reply:
        resolved = self._resolve(command, args)
        if isinstance(resolved, Reply):
            return resolved
        if resolved is None:
            return await self._choose(command, args, said)
        if self._must_ask(resolved):
            return await self._ask(resolved, said)
        return await self._carry_out(resolved, said)

    def _resolve(self, command: Command, args: tuple[str, ...]) -> Order | Reply | None:
        """The order meant, or why there is none; None: a hedge must be chosen first."""
        match command.needs:
            case Needs.POSITION_ID:
                if len(args) != 1 or not (args[0].isascii() and args[0].isdigit()):
                    return _plain(f"Which position? {command.usage}, with the position's number.")
                return Order(command, args)
            case Needs.ANY_HEDGE:
                return self._for_any_hedge(command, args)
            case _:
                return self._for_one_hedge(command, args)

    def _for_any_hedge(self, command: Command, args: tuple[str, ...]) -> Order | Reply:
        if not args or args[0].lower() == "all":
            return Order(command, ())
        if args[0].lower() in self._engine.hedge_names():
            return Order(command, (args[0].lower(),))
        if command.name == "halt":  # A misspelt name must not keep anything running.
            return Order(command, (), f"I know no hedge {args[0]!r}, so all are halted. ")
        return self._no_such_hedge(args[0])

    def _for_one_hedge(self, command: Command, args: tuple[str, ...]) -> Order | Reply | None:
        names = self._engine.hedge_names()
        if args and args[0].lower() in names:
            name, rest = args[0].lower(), args[1:]
        elif args and not (command.name == "adopt" and args[0].upper() in LEGS):
            return self._no_such_hedge(args[0])
        elif len(names) == 1:
            name, rest = names[0], args
        else:
            return None
        leg = tuple(word.upper() for word in rest[:1]) if command.name == "adopt" else ()
        if leg and leg[0] not in LEGS:
            return _plain(f"{command.usage}: the leg is LONG or SHORT.")
        return Order(command, (name, *leg))

    def _no_such_hedge(self, name: str) -> Reply:
        known = ", ".join(self._engine.hedge_names()) or "none"
        return _plain(f"I know no hedge {clip(name, 40)!r}; there is {known}.")

    def _must_ask(self, order: Order) -> bool:
        if order.command.name != "resume":
            return order.command.dangerous
        meant = order.args or self._engine.hedge_names()
        return any(status.reason == "halted" for status in self._engine.statuses() if status.name in meant)

    async def _choose(self, command: Command, args: tuple[str, ...], said: Said) -> Reply:
        """One button for each hedge; every button is a question of its own, good once and for the asker only."""
        orders = [Order(command, (name, *(word.upper() for word in args[:1]))) for name in self._engine.hedge_names()]
        rows = [(Button(order.args[0], f"do:{await self._token(f'ask {order.text}', said)}"),) for order in orders]
        if not rows:
            return _plain("There is no hedge yet.")
        return Reply(choice_text(command.name), True, tuple(rows))

    async def _ask(self, order: Order, said: Said) -> Reply:
        """A /hedge is confirmed for the side and size that the question shows, and for no more."""
        status = self._status_of(order.args)
        question = question_text(order.command.name, order.args, status)
        if order.command.name == "hedge":
            if status is None or status.gap_base is None:
                return _plain(NO_FIGURES)
            if status.reason in STOPPED:
                return _plain(f"{status.name} is {status.reason}: /resume first.")
            most_base = status.gap_base.quantize(CONFIRMED_DIGITS, ROUND_DOWN)
            if not most_base:
                return _plain("Nothing is missing now.")
            order = Order(order.command, (*order.args, f"{most_base:f}"))
        token = await self._token(order.text, said)
        buttons = (Button("Yes", f"do:{token}", "danger"), Button("No", f"no:{token}"))
        return Reply(question, True, (buttons,))

    async def _token(self, command: str, said: Said) -> str:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        expires_at = self._clock.now() + CONFIRM_FOR
        await self._confirmations.put(token, command, actor=said.actor.id, expires_at=expires_at)
        return token

    async def _confirm(self, verb: str, token: str, said: Said) -> PressResult:
        text = await self._confirmations.take(token, actor=said.actor.id, now=self._clock.now())
        if text is None:
            return PressResult(CLOSED)
        words = text.split()
        if words[0] == "ask":
            return PressResult("", await self._ask(_order_of(words[1:]), said))
        order = _order_of(words)
        if verb == "no":
            return PressResult("Nothing was done.", _settled(order, "Not carried out."))
        reply = await self._carry_out(order, Said(said.actor, said.source, f"confirmed:{token}", said.at))
        return PressResult(_toast(plain(reply.text)), _settled(order, reply.text))

    async def _carry_out(self, order: Order, said: Said) -> Reply:
        """Write the row, wake the engine, and give its answer if it comes soon."""
        row = await self._commands.put(
            order.command.name,
            order.args,
            actor=said.actor.label,
            source=said.source,
            update_key=said.update_key,
            at=said.at,
        )
        if row is None:
            return _plain("This message was carried out already.")
        await self._record(said, order.command.name, " ".join(order.args))
        self._engine.wake(None)
        answer = await self._answer_to(row)
        if answer is None:
            return _plain(f"{order.remark}Accepted: {order.text}. Working on it; /history shows how it went.")
        ok, text = answer
        return Reply(f"{'✅' if ok else '⚠️'} {esc(order.remark + text)}", True)

    async def _record(self, said: Said, action: str, detail: str) -> None:
        await self._audit.append(said.actor.label, said.source, action, detail, self._clock.now())

    async def _answer_to(self, row: int) -> tuple[bool, str] | None:
        deadline_s = self._clock.monotonic_s() + ANSWER_WAIT_S
        while (answer := await self._commands.answer(row)) is None:
            if self._clock.monotonic_s() >= deadline_s:
                return None
            await self._clock.sleep(ANSWER_POLL_S)
        return answer

    def _too_old_by(self, command: Command, issued_at: datetime) -> float | None:
        age_s = (self._clock.now() - issued_at).total_seconds()
        return age_s if command.max_age_s is not None and age_s > command.max_age_s else None

    def _status_of(self, args: Sequence[str]) -> HedgeStatus | None:
        statuses = self._engine.statuses()
        return next((s for s in statuses if s.name in args or (not args and len(statuses) == 1)), None)


def _order_of(words: Sequence[str]) -> Order:
    return Order(BY_NAME[words[0]], tuple(words[1:]))


def _settled(order: Order, outcome: str) -> Reply:
    return Reply(lines(f"{bold('Asked')}: {code('/' + order.text)}", outcome), True)


def _plain(text: str) -> Reply:
    """Escaped, so that it can stand inside marked-up text as well."""
    return Reply(esc(text), True)


def _toast(text: str) -> str:
    return clip(text, TOAST_CHARS)
