"""The Telegram front end. Start with `TelegramFrontEnd`; nothing here decides anything about a hedge."""

from bot.telegram.frontend import Hearing, TelegramFrontEnd, TelegramHealth
from bot.telegram.handlers import Operator
from bot.telegram.settings import DEFAULT_API_URL, TelegramSettings, Timings

__all__ = [
    "DEFAULT_API_URL",
    "Hearing",
    "Operator",
    "TelegramFrontEnd",
    "TelegramHealth",
    "TelegramSettings",
    "Timings",
]
