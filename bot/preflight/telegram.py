"""Telegram's side: is the token good, and may the bot write to those it should write to?"""

from __future__ import annotations

from bot.preflight.findings import Finding, fix, ok, warn
from bot.settings import Settings
from core.errors import ConfigurationError, LpHedgeError, Transient

SUBJECT = "telegram"


async def examine_telegram(settings: Settings) -> list[Finding]:
    """Sends nothing: asks who the bot is, and whether each chat is open to it."""
    try:
        telegram = settings.telegram()
    except ConfigurationError as error:
        return [fix(SUBJECT, str(error))]
    if telegram is None:
        return [_without(settings)]
    from bot.telegram.preflight import probe

    try:
        bot = await probe(telegram)
    except Transient as error:
        return [fix(SUBJECT, f"{error}: check the connection")]
    except LpHedgeError as error:
        return [fix(SUBJECT, str(error))]
    found = [ok(SUBJECT, f"@{bot.username}, obeys {', '.join(map(str, sorted(telegram.operator_ids)))}")]
    deaf = "it cannot write to {}: open @{} there and press Start"
    return found + [fix(SUBJECT, deaf.format(chat, bot.username)) for chat in bot.closed_chats]


def _without(settings: Settings) -> Finding:
    if settings.config.mode == "live" and settings.asks_somebody:
        return warn(SUBJECT, "no TELEGRAM_BOT_TOKEN: approvals can be answered in the terminal that runs it only")
    return ok(SUBJECT, "no TELEGRAM_BOT_TOKEN: the terminal is the operator's console")
