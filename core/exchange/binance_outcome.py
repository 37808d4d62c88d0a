"""What a failed request to Binance means: one table for orders, one for everything else.

Text and HTTP status come before the code, because the same code travels with opposite meanings (the code beside the 503
"Unknown error" is undocumented and has been seen as -1000 and -1003). Whatever is in no table is unknown for an order:
a guess must never become a second order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.errors import LpHedgeError, OutcomeUnknown, Refused, Transient


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed request, without URL, headers or anything signed.

    `status` None: no answer came. `code` None: the answer carried none. `never_sent`: it broke before the request left.
    """

    what: str
    status: int | None
    code: int | None
    text: str
    retry_after_s: float | None = None
    never_sent: bool = False

    @property
    def is_4xx(self) -> bool:
        """The kind of answer that finds fault with the request."""
        return self.status is not None and 400 <= self.status < 500

    def sentence(self) -> str:
        """For a person: what was asked, what came, with state and code."""
        answer = "no answer" if self.status is None else f"HTTP {self.status}"
        code = "" if self.code is None else f", code {self.code}"
        return f"Binance, {self.what}: {self.text} ({answer}{code})"


class Verdict(StrEnum):
    """REJECTED: no order exists, do not repeat. NOT_ACCEPTED: none exists, may be repeated. UNKNOWN: query it."""

    REJECTED = "rejected"
    NOT_ACCEPTED = "not_accepted"
    UNKNOWN = "unknown"


# By the beginning of the text, whatever the code beside it. The second kind counts with a 503 only and with Binance's
# own full stop: some proxy's "Service Unavailable" promises nothing.
UNKNOWN_TEXTS = ("unknown error, please check your request",)
NOT_ACCEPTED_TEXTS_OF_503 = ("service unavailable.", "internal error; unable to process your request")
STATUS_VERDICTS = {
    408: Verdict.UNKNOWN,
    403: Verdict.NOT_ACCEPTED,  # the firewall in front of the exchange
    418: Verdict.NOT_ACCEPTED,
    429: Verdict.NOT_ACCEPTED,
    451: Verdict.REJECTED,  # refused by place of the caller
}
CODE_VERDICTS = {
    -1000: Verdict.UNKNOWN,
    -1001: Verdict.UNKNOWN,
    -1003: Verdict.NOT_ACCEPTED,
    -1006: Verdict.UNKNOWN,
    -1007: Verdict.UNKNOWN,
    -1008: Verdict.NOT_ACCEPTED,
    -1015: Verdict.NOT_ACCEPTED,
    -1021: Verdict.NOT_ACCEPTED,
    -5028: Verdict.NOT_ACCEPTED,
    -4116: Verdict.UNKNOWN,  # an *open* order has this id: evidence that an earlier request got through
}
NO_SUCH_ORDER = "-2013"
NO_LONGER_OPEN = frozenset({"-2011", "-2013"})
MODE_DIFFERS = "-4061"
# Of 4xx, those that say nothing about the request: a firewall, a slow connection, limits.
PASSING_STATUSES = frozenset({403, 408, 418, 429})
CLOCK_CODES = frozenset({-1021, -5028})
UNREAD_CODES = frozenset({-1000, -1001, -1003, -1006, -1007, -1008, -1015, -1021, -5028})

ADVICE = {
    -1022: "check BINANCE_API_SECRET",
    -2014: "check BINANCE_API_KEY",
    -2015: "check BINANCE_API_KEY, its IP list and that futures trading is enabled for it",
    -2018: "the futures wallet does not cover it; add margin or lower the caps",
    -2019: "the margin does not cover it; add margin or lower the caps",
    -2022: "the position is smaller than the order, or other reduce-only orders already cover it",
    -2023: "the account is being liquidated",
    -2027: "the position would pass the largest size at this leverage",
    -4061: "the account's position mode was changed; it is read again before the next order",
    -4087: "the exchange allows this account only to reduce",
    -4088: "the exchange does not let this account place orders now",
    -4131: "the market is too far from the mark price",
    -4192: "the account is in a cooling-off period",
    -4400: "the exchange allows this account only to reduce for now",
}


def judge_order(failure: Failure) -> Verdict:
    """The meaning of a failed `POST /fapi/v1/order`."""
    if failure.never_sent:
        return Verdict.NOT_ACCEPTED
    if failure.status is None or failure.status < 400:
        return Verdict.UNKNOWN
    return _by_text(failure) or _by_table(failure.status, failure.code) or _unlisted(failure)


def _by_text(failure: Failure) -> Verdict | None:
    text = failure.text.strip().lower()
    if text.startswith(UNKNOWN_TEXTS):
        return Verdict.UNKNOWN
    if failure.status == 503 and text.startswith(NOT_ACCEPTED_TEXTS_OF_503):
        return Verdict.NOT_ACCEPTED
    return None


def _by_table(status: int, code: int | None) -> Verdict | None:
    return STATUS_VERDICTS.get(status) or (None if code is None else CODE_VERDICTS.get(code))


def _unlisted(failure: Failure) -> Verdict:
    """Only Binance's own refusal, which carries a code, says that there is no order."""
    return Verdict.REJECTED if failure.is_4xx and failure.code is not None else Verdict.UNKNOWN


def order_error(failure: Failure, client_order_id: str) -> LpHedgeError:
    """What to raise for it: Refused, Transient or OutcomeUnknown."""
    verdict = judge_order(failure)
    if verdict is Verdict.NOT_ACCEPTED:
        return Transient(failure.sentence(), retry_after_s=failure.retry_after_s)
    if verdict is Verdict.REJECTED:
        return _refused(failure)
    return OutcomeUnknown(failure.sentence(), client_order_id=client_order_id)


def read_error(failure: Failure) -> LpHedgeError:
    """The meaning of any other failed request. Repeating those changes nothing twice, so an unknown is Transient."""
    final = failure.is_4xx and failure.status not in PASSING_STATUSES
    if final and (failure.code is not None or failure.status in (401, 451)) and failure.code not in UNREAD_CODES:
        return _refused(failure)
    return Transient(failure.sentence(), retry_after_s=failure.retry_after_s)


def _refused(failure: Failure) -> Refused:
    advice = ADVICE.get(failure.code) if failure.code is not None else None
    sentence = failure.sentence() if advice is None else f"{failure.sentence()}; {advice}"
    return Refused(sentence, code=str(failure.status if failure.code is None else failure.code))
