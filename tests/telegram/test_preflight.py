"""What `check` and `init` learn from Telegram."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from bot.telegram import TelegramSettings
from bot.telegram.preflight import Probe, Writer, probe, who_writes
from core.errors import Refused, Transient
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import GROUP, OPERATOR, SECOND


async def test_tells_the_bot_and_the_chats_that_are_not_open_yet(rig: TelegramRig) -> None:
    """Nothing is sent to find out."""
    rig.block(7)
    settings = TelegramSettings(SecretStr(rig.token), frozenset({OPERATOR, SECOND, 7}), api_url=rig.api_url)
    assert await probe(settings) == Probe("lp_hedge_rig_bot", (7, SECOND))
    assert rig.world.messages == []


async def test_a_wrong_token_is_a_mistake_and_an_outage_is_not(rig: TelegramRig) -> None:
    """The one ends the start, the other does not; neither message holds the token."""
    with pytest.raises(Refused, match="TELEGRAM_BOT_TOKEN") as refused:
        await probe(TelegramSettings(SecretStr("1:wrong"), frozenset({OPERATOR}), api_url=rig.api_url))
    assert refused.value.code == "bad_token"
    rig.down()
    with pytest.raises(Transient):
        await probe(TelegramSettings(SecretStr(rig.token), frozenset({OPERATOR}), api_url=rig.api_url))


async def test_shows_the_ids_of_those_who_write(rig: TelegramRig) -> None:
    """In private and in a group, each message once."""
    writers = who_writes(SecretStr(rig.token), rig.api_url)
    first = asyncio.ensure_future(anext(writers))
    await rig.eventually(lambda: rig.world.updates.polls)
    rig.say(555, "hello")
    assert await first == Writer(555, "User555", 555, "private")
    rig.say(555, "/id", chat_id=GROUP)
    assert await anext(writers) == Writer(555, "User555", GROUP, "group")
    await writers.aclose()
