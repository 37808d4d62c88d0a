"""What hangs below a message, as the Bot API accepts it and as a scripted user sees it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.rigs.telegram.entities import utf16_len
from tests.rigs.telegram.errors import bad_request

_ACTIONS = ("callback_data", "url", "copy_text", "switch_inline_query", "switch_inline_query_current_chat", "web_app")
_STYLES = (None, "danger", "success", "primary")
_KINDS = ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply")
_HINT_LIMIT = 64


@dataclass(frozen=True)
class ShownButton:
    label: str
    data: str | None
    style: str | None


Keyboard = tuple[tuple[ShownButton, ...], ...]


@dataclass(frozen=True)
class Below:
    """`keys`: the texts of a reply keyboard. `asks`: a forced reply; `hint`: what its input field shows.

    `selective`: only for those who are mentioned, or whose message is answered.
    """

    keyboard: Keyboard = ()
    keys: tuple[tuple[str, ...], ...] = ()
    asks: bool = False
    hint: str = ""
    selective: bool = False
    persistent: bool = False

    @property
    def can_be_edited(self) -> bool:
        return not (self.keys or self.asks)


def parse_markup(markup: dict[str, object]) -> Below:
    """Raises ApiError 400 for what Telegram refuses, and for two kinds in one."""
    kinds = [kind for kind in _KINDS if kind in markup]
    if not markup:
        return Below()
    if len(kinds) != 1:
        raise bad_request("object expected as reply markup")
    if kinds == ["inline_keyboard"]:
        return Below(parse_keyboard(markup))
    hint = markup.get("input_field_placeholder", "")
    if not isinstance(hint, str) or ("input_field_placeholder" in markup and not 1 <= utf16_len(hint) <= _HINT_LIMIT):
        raise bad_request("INPUT_FIELD_PLACEHOLDER_INVALID")
    selective, persistent = _flag(markup, "selective"), _flag(markup, "is_persistent")
    if kinds == ["keyboard"]:
        _flag(markup, "resize_keyboard")
        return Below(keys=_keys(markup["keyboard"]), hint=hint, selective=selective, persistent=persistent)
    if not _flag(markup, kinds[0]):
        raise bad_request(f'field "{kinds[0]}" must be True')
    return Below(asks=kinds == ["force_reply"], hint=hint, selective=selective)


def parse_keyboard(markup: dict[str, object]) -> Keyboard:
    """The only kind that an edited message can have."""
    if not markup:
        return ()
    if list(markup) != ["inline_keyboard"]:
        raise bad_request("inline keyboard expected")
    rows = markup["inline_keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" must be an Array of Arrays')
    keyboard = tuple(tuple(_parse_button(button) for button in row) for row in rows if row)
    if sum(len(row) for row in keyboard) > 100:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    return keyboard


def _flag(markup: dict[str, object], name: str) -> bool:
    value = markup.get(name, False)
    if not isinstance(value, bool):
        raise bad_request(f'field "{name}" must be a Boolean')
    return value


def _keys(rows: object) -> tuple[tuple[str, ...], ...]:
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        raise bad_request('field "keyboard" must be an Array of Arrays')
    return tuple(tuple(_key(button) for button in row) for row in rows)


def _key(button: object) -> str:
    text = button.get("text") if isinstance(button, dict) else button
    if not isinstance(text, str) or not text.strip():
        raise bad_request("keyboard button text must be non-empty")
    return text


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
