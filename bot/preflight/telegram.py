"""Telegram's side: is the token good, and may the bot write to those it should write to?"""

from __future__ import annotations

import aiohttp

from bot.preflight.findings import Finding, fix, ok, warn
from bot.settings import Settings
from bot.telegram.settings import TelegramSettings
from core.errors import ConfigurationError

SUBJECT = "telegram"
TIMEOUT_S = 10.0


async def examine_telegram(settings: Settings) -> list[Finding]:
    try:
        telegram = settings.telegram()
    except ConfigurationError as error:
        return [fix(SUBJECT, str(error))]
    if telegram is None:
        return [_without(settings)]
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
            return await _ask(session, telegram)
    except (aiohttp.ClientError, OSError, ValueError) as error:  # their texts hold the URL, and that the token
        return [fix(SUBJECT, f"{telegram.api_url} did not answer ({type(error).__name__}): check the connection")]


def _without(settings: Settings) -> Finding:
    if settings.config.mode == "live" and settings.asks_somebody:
        return warn(SUBJECT, "no TELEGRAM_BOT_TOKEN: approvals can be answered in the terminal that runs it only")
    return ok(SUBJECT, "no TELEGRAM_BOT_TOKEN: the terminal is the operator's console")


async def _ask(session: aiohttp.ClientSession, telegram: TelegramSettings) -> list[Finding]:
    me = await _call(session, telegram, "getMe", {})
    if me is None:
        return [fix(SUBJECT, "the token is not accepted: copy it again from @BotFather")]
    name = f"@{me.get('username', '?')}"
    found = [ok(SUBJECT, f"{name}, obeys {', '.join(map(str, sorted(telegram.operator_ids)))}")]
    deaf = [
        chat
        for chat in telegram.destinations
        if await _call(session, telegram, "getChat", {"chat_id": str(chat)}) is None
    ]
    return found + [fix(SUBJECT, f"it cannot write to {chat}: open {name} there and press Start") for chat in deaf]


async def _call(
    session: aiohttp.ClientSession, telegram: TelegramSettings, method: str, params: dict[str, str]
) -> dict[str, object] | None:
    """None: Telegram said no."""
    async with session.post(f"{telegram.base_url}{telegram.token}/{method}", data=params) as response:
        answer = await response.json(content_type=None)
    if not isinstance(answer, dict) or response.status >= 500:
        raise ValueError("not an answer of the Bot API")
    result = answer.get("result")
    return result if answer.get("ok") and isinstance(result, dict) else None
