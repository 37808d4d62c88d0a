"""Who may use the bot, where it writes, and how patient it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.errors import ConfigurationError

DEFAULT_API_URL = "https://api.telegram.org"


@dataclass(frozen=True, slots=True)
class TelegramSettings:
    """Raises ConfigurationError when nobody is allowed: an empty list must never mean "everyone".

    `operator_ids`: numeric user ids, never names, which can change hands. `chat_id`: one more chat; all messages go
    there instead of to each operator.
    """

    token: str = field(repr=False)
    operator_ids: frozenset[int]
    chat_id: int | None = None
    api_url: str = DEFAULT_API_URL

    def __post_init__(self) -> None:
        if not self.token:
            raise ConfigurationError("TELEGRAM_BOT_TOKEN is empty: put the bot's token from @BotFather there.")
        if not self.operator_ids or min(self.operator_ids) <= 0:
            raise ConfigurationError(
                "TELEGRAM_OPERATOR_IDS must list the numeric user id of at least one operator, such as 123456789."
            )

    @property
    def bot_id(self) -> str:
        """The public half of the token."""
        return self.token.partition(":")[0]

    @property
    def base_url(self) -> str:
        """To which the library appends the token."""
        return f"{self.api_url.rstrip('/')}/bot"

    @property
    def destinations(self) -> tuple[int, ...]:
        """The chats that get every message."""
        return (self.chat_id,) if self.chat_id is not None else tuple(sorted(self.operator_ids))

    def admits(self, *, user_id: int, chat_id: int, private: bool) -> bool:
        """Both must fit: a listed person, in their own private chat or in the configured one."""
        if user_id not in self.operator_ids:
            return False
        return chat_id == self.chat_id or (private and chat_id == user_id)


@dataclass(frozen=True, slots=True)
class Timings:
    """All waits of this layer, in seconds.

    `confirm_wait_s`: how long the next poll, which confirms an update to Telegram, waits for its handler to have
    written the command down. `deaf_after_s`: without a successful poll for so long, the whole connection is built anew;
    it must exceed the poll's own time-out by far. `patience_s`: the longest flood wait that a single reply sits out.
    `pace_s`: between messages to one chat once `burst` of them went out at once; thrice as much in a group.
    `teardown_s`: for taking a connection down, all steps together. `farewell_s`: how long the end of the program waits
    for the last messages, and `last_look_s` for the board's last edit. `busy_after_s`: an answer that takes longer
    shows in the chat's header, and again each `busy_every_s`, since Telegram forgets it after five seconds.
    """

    poll_timeout_s: float = 10.0
    poll_interval_s: float = 0.3
    confirm_wait_s: float = 0.5
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 15.0
    deaf_after_s: float = 60.0
    watch_every_s: float = 1.0
    backoff_first_s: float = 1.0
    backoff_max_s: float = 60.0
    outbox_poll_s: float = 1.0
    pace_s: float = 1.0
    burst: int = 5
    patience_s: float = 10.0
    unreachable_retry_s: float = 30.0
    notice_every_s: float = 3600.0
    board_every_s: float = 30.0
    board_at_most_every_s: float = 5.0
    last_look_s: float = 1.0
    teardown_s: float = 1.5
    farewell_s: float = 2.0
    busy_after_s: float = 0.5
    busy_every_s: float = 4.0
