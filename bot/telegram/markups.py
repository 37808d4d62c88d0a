"""What hangs below a message. Telegram takes one kind each: buttons, else a question, else the keyboard of views."""

from __future__ import annotations

from collections.abc import Sequence

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, ReplyKeyboardMarkup

from bot.replies import Button, Reply
from bot.telegram.pieces import clipped

_HINT_LIMIT = 64
Keys = tuple[tuple[str, ...], ...]
Markup = InlineKeyboardMarkup | ForceReply | ReplyKeyboardMarkup


def markup_of(reply: Reply, keys: Keys = (), *, of_one: bool = False) -> Markup | None:
    """`of_one`: in a group, only the person whose message this answers is asked."""
    if reply.buttons:
        return inline_markup(reply.buttons)
    if reply.asks:
        hint = clipped(reply.asks, _HINT_LIMIT)
        return ForceReply(selective=of_one or None, input_field_placeholder=hint)
    if keys:
        return ReplyKeyboardMarkup(keys, resize_keyboard=True, is_persistent=True)
    return None


def inline_markup(rows: Sequence[Sequence[Button]]) -> InlineKeyboardMarkup | None:
    """None where there are no buttons."""
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(b.label, callback_data=b.data, style=b.style or None) for b in row] for row in rows]
    )
