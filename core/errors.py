"""Errors sorted by what the caller must do, not by where they arose.

Every message is one sentence that a person can act on, and holds no secret.
"""

from __future__ import annotations


class LpHedgeError(Exception):
    """Base of all errors this program raises on purpose."""


class ConfigurationError(LpHedgeError):
    """The configuration or the call is wrong: mend it, then start again (exit code 2)."""


class Transient(LpHedgeError):
    """Nothing was done and the same call may work later.

    `retry_after_s` is the wait the other side asked for, None when it named none.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


# Of a Refused: the exchange has no perpetual of that name.
UNKNOWN_SYMBOL = "unknown_symbol"


class Refused(LpHedgeError):
    """The other side said no, for good: do not repeat the call (exit code 3 at start-up).

    `code` is the other side's own code, such as "-2019", or a short name of ours.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class OutcomeUnknown(LpHedgeError):
    """An order may or may not exist: find out by query before anything else is ordered."""

    def __init__(self, message: str, *, client_order_id: str) -> None:
        super().__init__(message)
        self.client_order_id = client_order_id


class InvariantBroken(LpHedgeError):
    """Something that cannot be true is: halt and tell the operator."""
