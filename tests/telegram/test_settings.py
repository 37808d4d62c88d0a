"""Who is let in, decided on values alone."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from bot.telegram import TelegramSettings
from core.errors import ConfigurationError
from tests.rigs.telegram import TOKEN

GROUP = -1001


@pytest.mark.parametrize(("token", "ids"), [("", {1}), (TOKEN, set()), (TOKEN, {0}), (TOKEN, {1, -5})])
def test_no_list_is_a_refusal_to_start(token: str, ids: set[int]) -> None:
    """An empty list never means everyone, and a group is no person."""
    with pytest.raises(ConfigurationError):
        TelegramSettings(SecretStr(token), frozenset(ids))


@pytest.mark.parametrize(
    ("user_id", "chat_id", "private", "admitted"),
    [
        (1, 1, True, True),
        (2, 2, True, True),
        (3, 3, True, False),
        (1, GROUP, False, True),
        (3, GROUP, False, False),
        (1, -5, False, False),
        (1, 2, True, False),
        (1, 1, False, False),
    ],
)
def test_person_and_chat_must_both_fit(user_id: int, chat_id: int, private: bool, admitted: bool) -> None:
    """A listed person in their own private chat or in the configured one, and nobody else anywhere."""
    settings = TelegramSettings(SecretStr(TOKEN), frozenset({1, 2}), GROUP)
    assert settings.admits(user_id=user_id, chat_id=chat_id, private=private) is admitted


def test_messages_go_to_the_configured_chat_else_to_each_operator() -> None:
    """Sorted, so that the order of deliveries is the same at every start."""
    assert TelegramSettings(SecretStr(TOKEN), frozenset({2, 1})).destinations == (1, 2)
    assert TelegramSettings(SecretStr(TOKEN), frozenset({2, 1}), GROUP).destinations == (GROUP,)


def test_the_token_does_not_show() -> None:
    """Not where settings are printed."""
    assert TOKEN not in repr(TelegramSettings(SecretStr(TOKEN), frozenset({1})))
