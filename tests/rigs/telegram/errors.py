"""What the Bot API server answers when it refuses, and what the rig raises when a test asks the impossible."""

from __future__ import annotations


class ApiError(Exception):
    """A refusal on the wire: `code` is both the HTTP status and the `error_code` of the body."""

    def __init__(self, code: int, description: str, *, retry_after: int | None = None) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.retry_after = retry_after


class RigMisuse(AssertionError):
    """The test told the scripted user to do what no Telegram client could, such as pressing a missing button."""


def bad_request(reason: str) -> ApiError:
    return ApiError(400, f"Bad Request: {reason}")
