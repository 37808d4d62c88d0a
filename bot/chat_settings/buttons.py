"""The desk's answers as replies of the operator's service: each choice a button of its own, good once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from itertools import chain

from bot.chat_settings.answers import Answer, Choice
from bot.rendering.markup import bold, code, lines
from bot.replies import Button, PressResult, Reply

# How a press on such a button comes back.
SETTING = "setting"
CONFIRM_FOR = timedelta(seconds=90)
CHOOSE_FOR = timedelta(minutes=10)

Token = Callable[[str, timedelta], Awaitable[str]]


async def reply_of(answer: Answer, token: Token) -> Reply:
    """`token` gives the opaque id of a text for a while; a yes and its no share one."""
    holds_for = CONFIRM_FOR if answer.is_question else CHOOSE_FOR
    tokens: dict[tuple[str, ...], str] = {}
    for choice in chain.from_iterable(answer.rows):
        if choice.words not in tokens:
            tokens[choice.words] = await token(" ".join((SETTING, *choice.words)), holds_for)
    return Reply(answer.text, True, tuple(tuple(_button(each, tokens) for each in row) for row in answer.rows))


def declined(words: Sequence[str]) -> PressResult:
    """After No: `words` are those of the choice."""
    asked = code(" ".join(("/set", *words[1:-2])))
    return PressResult("Nothing was done.", Reply(lines(f"{bold('Asked')}: {asked}", "Not carried out."), True))


def _button(choice: Choice, tokens: Mapping[tuple[str, ...], str]) -> Button:
    verb = "no" if choice.declines else "do"
    return Button(choice.label, f"{verb}:{tokens[choice.words]}", "danger" if choice.is_danger else "")
