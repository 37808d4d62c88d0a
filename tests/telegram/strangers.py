"""Everything that could be said or pressed, by everybody who must not: the updates of eight kinds of stranger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.commands import COMMANDS
from tests.rigs.telegram import Message, Press, TelegramRig
from tests.rigs.telegram.world import Revision
from tests.telegram.conftest import GROUP, OPERATOR, SECOND, STRANGER

APPROVAL, OFFER, TOKEN = "a1b2c3d4", "offer1", "token-of-the-operator"
OTHER_GROUP, CHANNEL, OTHER_CHAT = -1002, -1_000_000_000_555, 77
BUTTONS = {
    "approve": APPROVAL,
    "reject": APPROVAL,
    "follow": OFFER,
    "keep": OFFER,
    "close": OFFER,
    "do": TOKEN,
    "no": TOKEN,
    "view": "status",
}
_ARGUMENTS = {
    "approve": APPROVAL,
    "reject": f"{APPROVAL} too large",
    "follow": "7",
    "set": "bnb hedge_ratio 0.5",
    "alerts": "gap off",
    "whatif": "600",
    "history": "5",
    "logs": "5",
    "pnl": "7",
    "export": "7",
    "chart": "24",
    "adopt": "bnb SHORT",
}
_WITHOUT = {"status", "pending", "positions", "report", "health", "version", "help", "start"}


def lines() -> Iterator[str]:
    """Every command with arguments that would act, in each of its spellings."""
    for command in COMMANDS:
        arguments = "" if command.name in _WITHOUT else _ARGUMENTS.get(command.name, "bnb")
        for word in (f"/{command.name}", command.name.upper(), f"/{command.name}@lp_hedge_rig_bot"):
            yield f"{word} {arguments}".strip()


def panel(rig: TelegramRig, chat_id: int) -> Message:
    """A message of the bot in that chat which bears every button there is."""
    with rig.world.changed:
        rig.world.open_chat(chat_id)
        message = rig.world.add(chat_id, rig.world.bot_id, "text", Revision("panel", "panel", (), ()))
        for verb, rest in BUTTONS.items():
            rig.add_button(message, verb, f"{verb}:{rest}")
    return message


def press_all(rig: TelegramRig, user_id: int, message: Message, **how: bool) -> list[Press]:
    return [rig.press(user_id, message, verb, stale=True, **how) for verb in BUTTONS]


@dataclass(frozen=True)
class Stranger:
    """`says` queues the updates, before or while the bot runs, and returns the presses that get a toast."""

    name: str
    says: Callable[[TelegramRig], list[Press]]
    chat_id: int | None = None
    before_start: bool = False


def other_user(rig: TelegramRig) -> list[Press]:
    for line in lines():
        rig.say(STRANGER, line)
    press_all(rig, STRANGER, panel(rig, STRANGER))
    press_all(rig, STRANGER, panel(rig, OPERATOR), chatless=True)
    return []


def other_chat(rig: TelegramRig) -> list[Press]:
    """A listed person's id in a private chat that is not theirs."""
    for line in lines():
        rig.say(OPERATOR, line, chat_id=OTHER_CHAT)
    press_all(rig, OPERATOR, panel(rig, OTHER_CHAT))
    return []


def group(rig: TelegramRig) -> list[Press]:
    """A member of the configured group, its anonymous administrator, and a listed person in another group."""
    for line in lines():
        rig.say(STRANGER, line, chat_id=GROUP)
        rig.say_in_the_groups_name(GROUP, line)
        rig.say(OPERATOR, line, chat_id=OTHER_GROUP)
    press_all(rig, STRANGER, panel(rig, GROUP))
    press_all(rig, OPERATOR, panel(rig, OTHER_GROUP))
    return []


def forwarded(rig: TelegramRig) -> list[Press]:
    """By a listed person, in their own chat."""
    for line in lines():
        for origin in ("user", "hidden_user", "channel", "chat"):
            rig.forward(OPERATOR, line, origin=origin)
    passed_on = panel(rig, OPERATOR)
    passed_on.origin = {"type": "hidden_user", "sender_user_name": "Mallory", "date": passed_on.date}
    press_all(rig, OPERATOR, passed_on)
    return []


def edited(rig: TelegramRig) -> list[Press]:
    """Waiting since before the bot asked for nothing but messages and presses; a press cannot be edited."""
    for line in lines():
        with rig.world.changed:
            said = rig.world.add(OPERATOR, OPERATOR, "text", Revision("hello", "hello", (), ()))
        rig.edit(said, line)
    return []


def channel(rig: TelegramRig) -> list[Press]:
    """Posts, and presses below them by a listed person as well."""
    for line in lines():
        rig.post(CHANNEL, line)
    press_all(rig, STRANGER, panel(rig, CHANNEL))
    press_all(rig, OPERATOR, panel(rig, CHANNEL))
    return []


def anothers_button(rig: TelegramRig) -> list[Press]:
    """A stranger presses, and answers, what was asked of an operator; a second operator presses the first one's Yes."""
    asked = panel(rig, GROUP)
    for line in lines():
        rig.say(STRANGER, line, chat_id=GROUP, in_answer_to=asked)
    press_all(rig, STRANGER, asked)
    press_all(rig, STRANGER, panel(rig, OPERATOR))
    return [rig.press(SECOND, asked, verb) for verb in ("do", "no")]


def out_of_sight(rig: TelegramRig) -> list[Press]:
    """Live questions on messages that the bot can no longer see."""
    asked = panel(rig, OPERATOR)
    return press_all(rig, OPERATOR, asked, accessible=False) + press_all(rig, OPERATOR, asked, chatless=True)


STRANGERS = (
    Stranger("other user", other_user),
    Stranger("other chat", other_chat),
    Stranger("group", group, chat_id=GROUP),
    Stranger("forwarded", forwarded),
    Stranger("edited", edited, before_start=True),
    Stranger("channel", channel),
    Stranger("channel, waiting", channel, before_start=True),
    Stranger("another's button", anothers_button, chat_id=GROUP),
    Stranger("stale press: out of sight", out_of_sight),
)
