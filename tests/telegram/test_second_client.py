"""What the bot itself sends, read by the second library: a whole conversation must be valid in its models too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from aiogram import methods
from aiogram.methods import TelegramMethod
from aiogram.types import BufferedInputFile

from bot.replies import Attachment, Button, Reply
from core.ports import OutboxMessage
from storage.outbox import SqliteOutbox
from tests.rigs.telegram import TelegramRig
from tests.rigs.telegram.pictures import png
from tests.rigs.telegram.world import UPLOADED, Call
from tests.telegram.conftest import GROUP, OPERATOR, QUICK, Running
from tests.telegram.fakes import PROPOSAL, ScriptedOperator

_STRUCTURES = {
    "reply_markup",
    "link_preview_options",
    "reply_parameters",
    "commands",
    "scope",
    "allowed_updates",
    "media",
}
CHART = Reply(
    "<b>bnb</b>",
    html=True,
    buttons=((Button("Refresh", "view:chart"),),),
    attachment=Attachment("chart.png", png(), photo=True),
)
ANSWERS = {
    "/status": PROPOSAL,
    "/chart": CHART,
    "/export": Reply("fills", html=False, attachment=Attachment("fills.csv", b"a,b\r\n")),
    "/reject a1": Reply("Why?", html=False, asks="reason"),
    "/history": Reply("\n".join(f"<b>line {number}</b>" for number in range(600)), html=True),
}


def _models() -> dict[str, type[TelegramMethod[object]]]:
    found = [getattr(methods, name) for name in methods.__all__]
    models = [each for each in found if issubclass(each, TelegramMethod) and each is not TelegramMethod]
    return {each.__api_method__: each for each in models}


def _fields(call: Call) -> Iterator[tuple[str, object]]:
    """As the second library would be given them: structures taken out of their JSON, files as files."""
    for name, value in call.values.items():
        if value == UPLOADED:
            yield name, BufferedInputFile(b"x", "file")
        elif name in _STRUCTURES:
            decoded = json.loads(str(value))
            yield name, {**decoded, "media": BufferedInputFile(b"x", "f")} if name == "media" else decoded
        else:
            yield name, value


def _refusals(call: Call) -> str | None:
    """Unknown methods and fields, and values of a wrong type; None when there are none."""
    model = _models().get(call.method)
    if model is None:
        return f"no method {call.method}"
    fields = dict(_fields(call))
    if call.method == "editMessageMedia":  # the file travels beside the structure that names it
        fields = {name: value for name, value in fields.items() if call.values[name] != UPLOADED}
    unknown = set(fields) - set(model.model_fields)
    if unknown:
        return f"{call.method}: unknown {sorted(unknown)}"
    model.model_validate(fields)
    return None


async def _talk(rig: TelegramRig, running: Running, operator: ScriptedOperator, outbox: SqliteOutbox) -> None:
    """Everything that the bot can send: answers, pictures, files, questions, keyboards, edits, pins, menus, alerts."""
    operator.replies = ANSWERS
    operator.shows = {"view:chart": CHART, "view:text": Reply("words", html=False)}
    operator.slow = {"/health": 0.2}
    board = ["one"]
    timings = replace(QUICK, busy_after_s=0.05, read_timeout_s=20, deaf_after_s=20)
    async with running(chat_id=GROUP, board=lambda: Reply(board[0], html=False), timings=timings):
        await rig.eventually(lambda: [message for message in rig.messages(GROUP) if message.pinned])
        board[0] = "two"
        for chat in (OPERATOR, GROUP):
            for text in ("/start", "/health", *ANSWERS):
                rig.say(OPERATOR, text, chat_id=chat)
        chart = (await rig.eventually(lambda: [m for m in rig.messages(OPERATOR) if m.kind == "photo"]))[0]
        rig.press(OPERATOR, chart, "Refresh")
        ask = (await rig.eventually(lambda: rig.messages(OPERATOR, "Hedge?")))[0]
        rig.press(OPERATOR, ask, "✅")
        await rig.eventually(lambda: len(chart.revisions) == len(ask.revisions) == 2)
        operator.shows = {"view:chart": Reply("words", html=False)}
        rig.press(OPERATOR, chart, "Refresh")
        now = datetime.now(UTC)
        await outbox.put(OutboxMessage("a", "alert", html=False, priority=0, silent=True, created_at=now))
        await outbox.put(
            OutboxMessage("b", "done", html=False, priority=0, silent=True, created_at=now, replies_to="a")
        )
        await rig.eventually(lambda: rig.messages(GROUP, "done") and len(chart.revisions) == 3)
        wanted = ("two", "line 599", "Why?", "fills", "heard /health")
        await rig.eventually(lambda: all(rig.messages(GROUP, text) for text in wanted))


async def test_what_the_bot_sends_is_valid_for_an_independent_implementation(
    rig: TelegramRig, operator: ScriptedOperator, outbox: SqliteOutbox, running: Running
) -> None:
    """Every method, field and type; and the rig, which is as strict as Telegram, refused nothing of it."""
    rig.add_chat(GROUP)
    await _talk(rig, running, operator, outbox)
    calls = rig.calls()
    assert not [refusal for refusal in map(_refusals, calls) if refusal]
    assert {
        "getMe", "deleteWebhook", "getUpdates", "getChat", "setMyCommands", "deleteMyCommands", "pinChatMessage",
        "sendMessage", "sendPhoto", "sendDocument", "sendChatAction", "answerCallbackQuery",
        "editMessageText", "editMessageCaption", "editMessageMedia",
    } <= {call.method for call in calls}  # fmt: skip
    refused = [call for call in calls if call.status not in (0, 200) and call.method != "getUpdates"]
    # The board looks once whether its message shows the same, and a picture is asked for its text before its caption.
    assert {call.method for call in refused} <= {"editMessageText"}
