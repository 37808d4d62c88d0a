"""Telegram's side: is the token good, and may the bot write to those it should write to?"""

from __future__ import annotations

import aiohttp

from bot.preflight.findings import Finding, fix, ok, warn
from bot.settings import Settings
from bot.telegram.settings import TelegramSettings
from core.errors import ConfigurationError, Refused, Transient

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


async def people_who_wrote(token: str, api_url: str, *, wait_s: int) -> dict[int, str]:
    """Numeric id -> name of whoever wrote to the bot lately. Confirms nothing, so a running service misses nothing.

    Raises Transient when Telegram cannot be asked now, Refused when it does not accept the token.
    """
    root, params = f"{api_url}/bot{token}", {"timeout": str(wait_s), "allowed_updates": '["message"]'}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S + wait_s)) as session:
            updates = await _call(session, root, "getUpdates", params)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Transient(f"{api_url} did not answer ({type(error).__name__}).") from None
    if not isinstance(updates, list):
        raise Refused("Telegram does not tell who wrote: is the token right, and no lp-hedge running?", code="telegram")
    senders = [update.get("message", {}).get("from", {}) for update in updates]
    return {sender["id"]: str(sender.get("first_name", "")) for sender in senders if not sender.get("is_bot", True)}


async def _ask(session: aiohttp.ClientSession, telegram: TelegramSettings) -> list[Finding]:
    root = f"{telegram.base_url}{telegram.token}"
    me = await _call(session, root, "getMe", {})
    if not isinstance(me, dict):
        return [fix(SUBJECT, "the token is not accepted: copy it again from @BotFather")]
    name = f"@{me.get('username', '?')}"
    found = [ok(SUBJECT, f"{name}, obeys {', '.join(map(str, sorted(telegram.operator_ids)))}")]
    chats = telegram.destinations
    deaf = [chat for chat in chats if await _call(session, root, "getChat", {"chat_id": str(chat)}) is None]
    return found + [fix(SUBJECT, f"it cannot write to {chat}: open {name} there and press Start") for chat in deaf]


async def _call(session: aiohttp.ClientSession, root: str, method: str, params: dict[str, str]) -> object:
    """The result; None: Telegram said no. Raises ValueError for what is no answer."""
    async with session.post(f"{root}/{method}", data=params) as response:
        answer = await response.json(content_type=None)
    if not isinstance(answer, dict) or response.status >= 500:
        raise ValueError("not an answer of the Bot API")
    return answer.get("result") if answer.get("ok") else None
