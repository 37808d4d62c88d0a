"""What an operator can ask and answer, the same for chat and terminal.

A front end passes on what was typed or pressed and shows what comes back; it decides nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

import structlog

from bot.answers import AuditTrail, Desk, DeskAnswer, HaltableEngine
from bot.chat_settings.answers import Answer, SettingsDesk, Speaker
from bot.chat_settings.buttons import CONFIRM_FOR, SETTING, declined, reply_of
from bot.commands import BY_NAME, Call, Command, Does, is_meant_as_command, parse
from bot.orders import Order, chosen, order_of, resolve, sized
from bot.rendering.approvals import (
    asks_why,
    explained_sentence,
    outcome_sentence,
    person,
    reason_question,
    settled_text,
)
from bot.rendering.markup import bold, clip, code, esc, lines, plain
from bot.rendering.numbers import hour, span
from bot.rendering.offers import settled_offer_sentence, settled_offer_text
from bot.rendering.questions import choice_text, question_text
from bot.replies import Actor, Button, PressResult, Reply
from bot.views import Views
from core.clock import Clock
from core.errors import Transient
from core.halting import HALT
from core.offers import Offer, Offers
from core.ports import ApprovalState, CommandQueue, Confirmations
from core.ports import Command as Row
from core.status import HedgeStatus

__all__ = ["Actor", "AuditTrail", "Button", "Desk", "DeskAnswer", "OperatorService", "PressResult", "Reply"]

TOAST_CHARS = 200
LOGGED_CHARS = 200
REASON_CHARS = 200
REASON_HINT = "Reason (optional)"
ANSWER_WAIT_S = 2.0
ANSWER_POLL_S = 0.05
TOKEN_BYTES = 9
RUN_BYTES = 3
UNKNOWN_BUTTON = "I do not know this button."
CLOSED = "This question is closed: answered, too old, or asked of someone else. Send the command again."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """Who said it, where, when, and the key by which a redelivery is known."""

    actor: Actor
    source: str
    update_key: str | None
    at: datetime


class OperatorService:
    def __init__(
        self,
        *,
        engine: HaltableEngine,
        desk: Desk,
        commands: CommandQueue,
        confirmations: Confirmations,
        offers: Offers,
        audit: AuditTrail,
        settings: SettingsDesk,
        views: Views,
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        self._engine = engine
        self._desk = desk
        self._commands = commands
        self._confirmations = confirmations
        self._offers = offers
        self._audit = audit
        self._settings = settings
        self._views = views
        self._clock = clock
        self._zone = zone
        self._run = secrets.token_hex(RUN_BYTES)

    async def submit(
        self,
        text: str,
        *,
        actor: Actor,
        source: str,
        update_key: str | None,
        issued_at: datetime,
        in_answer_to: str | None = None,
    ) -> Reply:
        """Answer one typed line. The same `update_key` twice acts once. Returns within about two seconds.

        `in_answer_to`: the plain text of the program's own message that this line answers, if it does.
        """
        call = parse(text)
        said = Said(actor, source, update_key, issued_at)
        if (rejected := _reason_given_for(text, in_answer_to)) is not None:
            answering = self._explain(rejected, text, said)
        else:
            answering = self._reply(call, said)
        try:
            reply = await answering
        except Transient as error:
            reply = _plain(_undone(error))
        if call.command is None or call.command.does is not Does.QUEUE:
            _log_said(said, text, reply.text)
        return reply

    async def _reply(self, call: Call, said: Said) -> Reply:
        if call.command is None:
            return _plain(_unknown(call.word))
        if call.command.does is Does.VIEW:
            return await self._views.show(call.command.name, call.args)
        if (age_s := self._too_old_by(call.command, said.at)) is not None:
            return _plain(f"Too old: /{call.command.name} was sent {span(age_s)} ago. Send it again if you mean it.")
        if call.command.does is Does.DECIDE:
            return await self._decide_by_text(call.command, call.args, said)
        if call.command.does is Does.SET:
            answer = await self._settings.say(call.command.name, call.args, _speaker(said))
            return await self._answered_with(answer, said)
        return await self._order(call.command, call.args, said, call.remark)

    async def press(self, data: str, *, actor: Actor, update_key: str | None, at: datetime) -> PressResult:
        """Answer one pressed button. `at` is when the press arrived (a press carries no time of its own)."""
        try:
            return await self._pressed(data, Said(actor, "button", update_key, at))
        except Transient as error:
            return PressResult(_toast(_undone(error)))

    async def _pressed(self, data: str, said: Said) -> PressResult:
        verb, _, rest = data.partition(":")
        match verb:
            case "approve" | "reject":
                result = await self._decide_by_press(verb, rest, said)
                _log_said(said, f"{verb} {rest}", result.toast)
                return result
            case "follow" | "keep" | "close":
                return await self._answer_offer(verb, rest, said)
            case "do" | "no":
                return await self._confirm(verb, rest, said)
            case "view" if (call := rest.split(":"))[0] in self._views.names():
                return await self._show_again(call[0], tuple(call[1:]))
            case _:
                return PressResult(UNKNOWN_BUTTON)

    async def _show_again(self, name: str, args: tuple[str, ...]) -> PressResult:
        """In the place of the message that held the button; a picture as a new one."""
        shown = await self._views.show(name, args)
        return PressResult("", said=shown) if shown.attachment else PressResult("Updated", shown)

    # approvals

    async def _decide_by_text(self, command: Command, args: tuple[str, ...], said: Said) -> Reply:
        if not args:
            return await self._views.show("pending")
        why = " ".join(args[1:]) or None
        answer = await self._answer(command.name, args[0].lower(), why, said)
        if why and command.name == "reject" and answer.lacks_a_reason:
            return await self._explain(args[0].lower(), why, said)
        return _plain(outcome_sentence(answer.approval, self._zone, wanted=command.name, won=answer.won))

    async def _decide_by_press(self, verb: str, approval_id: str, said: Said) -> PressResult:
        answer = await self._answer(verb, approval_id, None, said)
        approval = answer.approval
        toast = _toast(outcome_sentence(approval, self._zone, wanted=verb, won=answer.won))
        if approval is None or approval.state is ApprovalState.PENDING:
            return PressResult(toast)
        why = Reply(reason_question(approval), True, asks=REASON_HINT) if verb == "reject" and answer.won else None
        done = await self._desk.traded(approval_id)
        return PressResult(toast, Reply(settled_text(approval, self._zone, done), True), why)

    async def _explain(self, approval_id: str, text: str, said: Said) -> Reply:
        why = clip(" ".join(text.split()), REASON_CHARS)
        if not why:
            return _plain("No reason was kept.")
        answer = await self._desk.explain(approval_id, by=said.actor.label, why=why)
        if answer.won:
            await self._record(said, "explain", f"{approval_id} {why}")
        return _plain(explained_sentence(answer.approval, won=answer.won))

    async def _answer(self, verb: str, approval_id: str, note: str | None, said: Said) -> DeskAnswer:
        answer = await self._desk.answer(approval_id, approve=verb == "approve", by=said.actor.label, note=note)
        if answer.won:
            await self._record(said, verb, " ".join(filter(None, (approval_id, note))))
        return answer

    # commands for the engine

    async def _order(self, command: Command, args: tuple[str, ...], said: Said, remark: str) -> Reply:
        resolved = resolve(command, args, self._engine.hedge_names())
        if isinstance(resolved, str):
            return _plain(resolved)
        if resolved is None:
            return await self._choose(command, args, said)
        if self._must_ask(resolved):
            return await self._ask(resolved, said)
        return await self._carry_out(replace(resolved, remark=remark + resolved.remark), said)

    def _must_ask(self, order: Order) -> bool:
        if order.command.name != "resume":
            return order.command.asks_before(order.args)
        meant = order.args or self._engine.hedge_names()
        known = {status.name: status for status in self._engine.statuses()}
        return any(name not in known or "halted" in (known[name].stopped, known[name].reason) for name in meant)

    async def _choose(self, command: Command, args: tuple[str, ...], said: Said) -> Reply:
        """One button for each hedge; every button is a question of its own, good once and for the asker only."""
        orders = {name: chosen(command, args, name) for name in self._engine.hedge_names()}
        rows = [(Button(name, f"do:{await self._token(f'ask {order.text}', said)}"),) for name, order in orders.items()]
        if not rows:
            return _plain("There is no hedge yet.")
        return Reply(choice_text(command.name), True, tuple(rows))

    async def _ask(self, order: Order, said: Said, offer: Offer | None = None) -> Reply:
        """What is confirmed is what the question shows, and no more. `offer`: the one whose button was pressed."""
        status = self._status_of(order.hedges)
        certain = sized(order, status)
        if isinstance(certain, str):
            return _plain(certain)
        question = question_text(order.command.name, order.args, status)
        token = await self._token(f"offer {offer.offer_id} {certain.text}" if offer else certain.text, said)
        buttons = (Button("Yes", f"do:{token}", "danger"), Button("No", f"no:{token}"))
        return Reply(question, True, (buttons,))

    async def _token(self, command: str, said: Said, holds_for: timedelta = CONFIRM_FOR) -> str:
        ends_s = int(self._clock.monotonic_s() + holds_for.total_seconds()) + 1
        token = f"{self._run}.{ends_s}.{secrets.token_urlsafe(TOKEN_BYTES)}"
        expires_at = self._clock.now() + holds_for
        await self._confirmations.put(token, command, actor=said.actor.id, expires_at=expires_at)
        return token

    async def _confirmed(self, token: str, said: Said) -> str | None:
        """Of this process's tokens also in time by the monotonic clock: the other may have been set back."""
        text = await self._confirmations.take(token, actor=said.actor.id, now=self._clock.now())
        run, _, rest = token.partition(".")
        late = text is not None and run == self._run and self._clock.monotonic_s() > int(rest.partition(".")[0])
        return None if late else text

    async def _confirm(self, verb: str, token: str, said: Said) -> PressResult:
        text = await self._confirmed(token, said)
        if text is None:
            return PressResult(CLOSED)
        words = text.split()
        if words[0] == SETTING:
            return await self._set(words[1:], verb, replace(said, update_key=f"confirmed:{token}"))
        if words[0] == "ask":
            return await self._ask_or_do(order_of(words[1:]), said)
        if words[0] == "offer":
            return await self._confirm_offer(words[1:], verb, said)
        order = order_of(words)
        if verb == "no":
            return _not_done(order)
        return _done(order, (await self._carry_out(order, replace(said, update_key=f"confirmed:{token}"))).text)

    async def _ask_or_do(self, order: Order, said: Said) -> PressResult:
        """Once the hedge was chosen."""
        if self._must_ask(order):
            return PressResult("", await self._ask(order, said))
        return _done(order, (await self._carry_out(order, said)).text)

    async def _confirm_offer(self, words: Sequence[str], verb: str, said: Said) -> PressResult:
        offer = await self._offers.get(words[0])
        if offer is None:  # of another mode or account
            return PressResult(CLOSED)
        order = order_of(words[1:])
        return _not_done(order) if verb == "no" else _done(order, await self._take_up(offer, order, said))

    # settings

    async def _set(self, words: Sequence[str], verb: str, said: Said) -> PressResult:
        if verb == "no":
            return declined(words)
        reply = await self._answered_with(await self._settings.take_up(words, _speaker(said)), said)
        _log_said(said, " ".join(words), reply.text)
        return PressResult(_toast(plain(reply.text).partition("\n")[0]), reply)

    async def _answered_with(self, answer: Answer, said: Said) -> Reply:
        return await reply_of(answer, lambda text, holds_for: self._token(text, said, holds_for))

    # found positions

    async def _answer_offer(self, verb: str, offer_id: str, said: Said) -> PressResult:
        offer = await self._offers.get(offer_id)
        if offer is None:
            return PressResult(UNKNOWN_BUTTON)
        args = (str(offer.position_id),) if verb == "follow" else (verb, offer.hedge)
        order = Order(BY_NAME["follow"], args)
        if offer.outcome is None and self._must_ask(order):
            return PressResult("", said=await self._ask(order, said, offer))
        text = await self._take_up(offer, order, said)
        answered = await self._answered_offer(offer_id)
        shown = None if answered is None else Reply(settled_offer_text(answered, self._zone), True)
        return PressResult(_toast(plain(text)), shown)

    async def _take_up(self, offer: Offer, order: Order, said: Said) -> str:
        """The first press is carried out, a later one hears of it. One that was refused leaves the offer open."""
        key, _ = await self._standing(offer)
        if (answered := await self._answered_offer(offer.offer_id)) is not None:
            return esc(settled_offer_sentence(answered, self._zone))
        row = await self._put(order, replace(said, update_key=key))
        if row is not None:
            return (await self._answered(row, order)).text
        _, first = await self._standing(offer)
        who = f"{person(first.actor)} {hour(first.issued_at, self._zone)}" if first else "someone else"
        return esc(f"Pressed already by {who}: it is being carried out.")

    async def _answered_offer(self, offer_id: str) -> Offer | None:
        """As it stands now; None while it is open."""
        offer = await self._offers.get(offer_id)
        return offer if offer is not None and offer.outcome is not None else None

    async def _standing(self, offer: Offer) -> tuple[str, Row | None]:
        """The key under which a press on this offer is written, and the row that has it: waiting, or carried out."""
        tries = 1
        while (written := await self._commands.of_key(f"{offer.key}:{tries}")) is not None and written[1] is False:
            tries += 1
        return f"{offer.key}:{tries}", written[0] if written else None

    # rows

    async def _carry_out(self, order: Order, said: Said) -> Reply:
        """Write the row, wake the engine, and give its answer if it comes soon. A halt needs no row."""
        try:
            row = await self._put(order, said)
        except Transient:
            if order.command.name != HALT:
                raise
            return await self._halt(order, said)
        return _plain("This message was carried out already.") if row is None else await self._answered(row, order)

    async def _halt(self, order: Order, said: Said) -> Reply:
        answer = await self._engine.halt(order.args, said.actor.label)
        self._engine.wake(None)
        _log_said(said, order.text, answer)
        return _plain(f"⛔ {order.remark}{answer}")

    async def _put(self, order: Order, said: Said) -> int | None:
        row = await self._commands.put(
            order.command.name,
            order.args,
            actor=said.actor.label,
            source=said.source,
            update_key=said.update_key,
            at=said.at,
        )
        if row is not None:
            await self._record(said, order.command.name, " ".join(order.args))
            self._engine.wake(None)
        return row

    async def _answered(self, row: int, order: Order) -> Reply:
        answer = await self._answer_to(row)
        if answer is None:
            return _plain(f"{order.remark}Accepted: {order.text}. Working on it; /history shows how it went.")
        ok, text = answer
        return Reply(f"{'✅' if ok else '⚠️'} {esc(order.remark + text)}", True)

    async def _record(self, said: Said, action: str, detail: str) -> None:
        """It was done; that nobody can read so later must not say otherwise."""
        try:
            await self._audit.append(said.actor.label, said.source, action, detail, self._clock.now())
        except Transient as error:
            log.warning("not in the audit", by=said.actor.label, what=f"{action} {detail}", why=str(error))

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


def _reason_given_for(text: str, in_answer_to: str | None) -> str | None:
    """The proposal whose rejection `text` gives the reason of, if it is no command all the same."""
    return None if is_meant_as_command(text) else asks_why(in_answer_to or "")


def _speaker(said: Said) -> Speaker:
    return Speaker(said.actor.label, said.source, said.update_key, said.at)


def _log_said(said: Said, what: str, answer: str) -> None:
    """What goes to the engine is logged by whoever carries it out."""
    first = plain(answer).partition("\n")[0]
    log.info("command", by=said.actor.label, via=said.source, what=clip(what, LOGGED_CHARS), answer=first)


def _done(order: Order, answer: str) -> PressResult:
    return PressResult(_toast(plain(answer)), _settled(order, answer))


def _not_done(order: Order) -> PressResult:
    return PressResult("Nothing was done.", _settled(order, "Not carried out."))


def _settled(order: Order, outcome: str) -> Reply:
    return Reply(lines(f"{bold('Asked')}: {code('/' + order.text)}", outcome), True)


def _undone(error: Transient) -> str:
    return f"Nothing was done: {error}. Only /halt counts all the same."


def _unknown(word: str) -> str:
    """Where nothing but a slash was said: what shows the commands."""
    if not word:
        return "/help"
    return f"I do not know {word!r}, so nothing was done. /halt stops everything, /help lists what I understand."


def _plain(text: str) -> Reply:
    """Escaped, so that it can stand inside marked-up text as well."""
    return Reply(esc(text), True)


def _toast(text: str) -> str:
    return clip(text, TOAST_CHARS)
