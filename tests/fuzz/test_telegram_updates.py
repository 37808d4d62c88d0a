"""Whatever Telegram delivers: the bot goes on listening, and nobody but a listed person is ever heard."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from telegram import Update

from bot.redaction import Redactor
from bot.telegram import TelegramFrontEnd, TelegramSettings
from bot.telegram.polling import PollWatch
from core.clock import SystemClock
from storage.store import Store
from tests.fuzz.spoilt import CUTS, JUNK, cut, spoils, spoilt
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import GROUP, OPERATOR, QUICK, STRANGER
from tests.telegram.fakes import ScriptedOperator

PERSON = {"id": OPERATOR, "is_bot": False, "first_name": "Anna"}
CHAT = {"id": OPERATOR, "type": "private", "first_name": "Anna"}
BOT = {"id": 123456789, "is_bot": True, "first_name": "bot", "username": "lp_hedge_rig_bot"}
MESSAGE = {"message_id": 7, "date": 1, "chat": CHAT, "from": PERSON, "text": "/halt"}
ANSWER = {**MESSAGE, "reply_to_message": {"message_id": 5, "date": 1, "chat": CHAT, "from": BOT, "text": "Why?"}}
FORWARDED = {**MESSAGE, "forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "Eve"}}
KEYS = {"inline_keyboard": [[{"text": "Approve", "callback_data": "approve:a1"}]]}
PRESS = {
    "id": "1",
    "from": PERSON,
    "chat_instance": "1",
    "data": "approve:a1",
    "message": {**MESSAGE, "from": BOT, "text": "Hedge?", "reply_markup": KEYS},
}
SAMPLES: tuple[tuple[str, Mapping[str, object]], ...] = (
    ("message", MESSAGE),
    ("message", ANSWER),
    ("message", FORWARDED),
    ("message", {**MESSAGE, "chat": {"id": GROUP, "type": "supergroup", "title": "g"}}),
    ("message", {**MESSAGE, "from": {**PERSON, "id": STRANGER}, "chat": {**CHAT, "id": STRANGER}}),
    ("edited_message", {**MESSAGE, "edit_date": 2}),
    (
        "channel_post",
        {"message_id": 7, "date": 1, "chat": {"id": -5, "type": "channel", "title": "c"}, "text": "/halt"},
    ),
    ("callback_query", PRESS),
    ("callback_query", {**PRESS, "message": {"message_id": 7, "date": 0, "chat": CHAT}}),
    ("callback_query", {key: value for key, value in PRESS.items() if key != "message"}),
)
Spoilt = list[tuple[tuple[str, Mapping[str, object]], list[tuple[float, object]]]]
UPDATES = st.tuples(st.sampled_from(SAMPLES), spoils())


@given(st.lists(UPDATES, min_size=1, max_size=4), spoils(1), st.booleans())
@settings(max_examples=200)
def test_what_passes_the_poll_can_be_decoded(
    updates: Spoilt,
    of_all: list[tuple[float, object]],
    is_whole: bool,
) -> None:
    """Updates spoilt inside, and sometimes the answer around them: the library gets none that it stumbles over."""
    result = [
        {"update_id": number, kind: spoilt(content, changes)}
        for number, ((kind, content), changes) in enumerate(updates)
    ]
    answer = {"ok": True, "result": result}
    passed = _passed(json.dumps(answer if is_whole else spoilt(answer, of_all)).encode())
    assert not is_whole or len(passed) == len(result)


@given(CUTS, st.sampled_from(JUNK))
@settings(max_examples=100)
def test_any_other_answer_to_a_poll_passes_no_update(cuts: list[tuple[float, int, bytes]], junk: object) -> None:
    """Bytes cut out of an answer, and junk in the place of the updates."""
    answer = json.dumps({"ok": True, "result": [{"update_id": 1, "message": MESSAGE}]}).encode()
    _passed(cut(answer, cuts))
    assert _passed(json.dumps({"ok": True, "result": junk}).encode()) == []
    assert _passed(b"[" * 100_000) == []


def _passed(payload: bytes) -> list[Update | None]:
    """What the library makes of the updates that it is given; an answer that is none it reports by itself."""
    seen = PollWatch(SystemClock(), 0.1, lambda update_id: None).seen(200, payload)
    try:
        result = json.loads(seen)["result"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []
    return [Update.de_json(update) for update in result] if isinstance(result, list) else []


@given(st.lists(UPDATES, min_size=25, max_size=25))
@settings(max_examples=4, phases=[Phase.generate])
def test_after_all_of_them_the_bot_still_hears_its_operator_and_nobody_else(
    tmp_path_factory: pytest.TempPathFactory,
    updates: Spoilt,
) -> None:
    """The whole front end, delivered in one go; it answers nobody who is not listed."""
    asyncio.run(_delivered(tmp_path_factory.mktemp("chat"), updates))


async def _delivered(folder: Path, updates: Spoilt) -> None:
    operator = ScriptedOperator()
    with TelegramRig() as rig:
        rig.add_chat(OPERATOR)
        for (kind, content), changes in updates:
            rig.push_raw(kind, spoilt(content, changes))
        async with await Store.open(folder / "t.db", scope="paper:test", clock=SystemClock()) as store:
            front = TelegramFrontEnd(
                TelegramSettings(SecretStr(rig.token), frozenset({OPERATOR}), None, rig.api_url),
                operator=operator,
                outbox=store.outbox,
                clock=SystemClock(),
                redactor=Redactor(),
                timings=QUICK,
            )
            task = asyncio.create_task(front.run())
            await rig.eventually(lambda: rig.unconfirmed() == 0)
            rig.say(OPERATOR, "/positions")
            await rig.eventually(lambda: rig.messages(OPERATOR, "heard /positions"))
            task.cancel()
            await asyncio.wait({task})
        assert {heard.actor.id for heard in operator.heard} == {f"tg:{OPERATOR}"}
        assert {str(call.values["chat_id"]) for call in rig.calls("sendMessage")} == {str(OPERATOR)}
