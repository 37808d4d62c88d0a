"""Keyboards as the Bot API accepts them, and as a scripted user sees them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.rigs.telegram.errors import bad_request

_ACTIONS = ("callback_data", "url", "copy_text", "switch_inline_query", "switch_inline_query_current_chat", "web_app")
_STYLES = (None, "danger", "success", "primary")
_OTHER_MARKUPS = ("keyboard", "remove_keyboard", "force_reply")


@dataclass(frozen=True)
class ShownButton:
    label: str
    data: str | None
    style: str | None


Keyboard = tuple[tuple[ShownButton, ...], ...]


def parse_keyboard(markup: dict[str, object]) -> Keyboard:
    """The inline keyboard of `markup`, empty for other kinds; raises ApiError 400 for what Telegram refuses."""
    if not markup or any(kind in markup for kind in _OTHER_MARKUPS):
        return ()
    rows = markup.get("inline_keyboard")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" must be an Array of Arrays')
    keyboard = tuple(tuple(_parse_button(button) for button in row) for row in rows if row)
    if sum(len(row) for row in keyboard) > 100:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    return keyboard


def _parse_button(button: object) -> ShownButton:
    if not isinstance(button, dict):
        raise bad_request("InlineKeyboardButton must be an Object")
    label = button.get("text")
    if not isinstance(label, str) or not label.strip():
        raise bad_request("inline keyboard button text must be non-empty")
    if sum(action in button for action in _ACTIONS) != 1:
        raise bad_request("Text buttons are unallowed in the inline keyboard")
    style = button.get("style")
    if style not in _STYLES:
        raise bad_request("BUTTON_STYLE_INVALID")
    data = button.get("callback_data")
    if data is not None and not (isinstance(data, str) and 1 <= len(data.encode()) <= 64):
        raise bad_request("BUTTON_DATA_INVALID")
    return ShownButton(label, data, style)
