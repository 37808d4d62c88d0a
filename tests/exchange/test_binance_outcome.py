"""The table from failure to meaning: what is in no list is never a promise that no order exists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import OutcomeUnknown, Refused, Transient
from core.exchange.binance_outcome import (
    CODE_VERDICTS,
    STATUS_VERDICTS,
    Failure,
    Verdict,
    judge_order,
    order_error,
    read_error,
)
from tests.exchange import recorded

CODES = st.one_of(st.none(), st.sampled_from(sorted(CODE_VERDICTS)), st.integers(-6000, -1000))
TEXTS = st.one_of(st.just("Service Unavailable."), st.just("Unknown error, please check your request"), st.text())


def failure(status: int | None, code: int | None = None, text: str = "") -> Failure:
    return Failure("new order", status, code, text)


@given(code=CODES, text=TEXTS)
def test_without_an_answer_the_outcome_is_unknown(code: int | None, text: str) -> None:
    """Time-outs and broken connections."""
    assert judge_order(failure(None, code, text)) is Verdict.UNKNOWN


@given(status=st.integers(100, 399), code=CODES, text=TEXTS)
def test_an_unreadable_success_is_unknown(status: int, code: int | None, text: str) -> None:
    """A 2xx that does not parse, or a redirect nobody expects."""
    assert judge_order(failure(status, code, text)) is Verdict.UNKNOWN


@given(status=st.integers(500, 599), text=TEXTS)
def test_a_server_error_in_unlisted_words_is_unknown(status: int, text: str) -> None:
    """Only two texts and the throttling code promise that nothing was created."""
    promised = status == 503 and text == "Service Unavailable."
    assert judge_order(failure(status, None, text)) is (Verdict.NOT_ACCEPTED if promised else Verdict.UNKNOWN)


def test_a_proxy_s_words_are_not_the_exchange_s() -> None:
    """Without the exchange's full stop, or with another state, the same words promise nothing."""
    assert judge_order(failure(503, None, "Service Unavailable")) is Verdict.UNKNOWN
    assert judge_order(failure(502, None, "Service Unavailable.")) is Verdict.UNKNOWN


@given(status=st.integers(400, 499), text=TEXTS)
def test_a_client_error_without_a_code_is_not_a_rejection(status: int, text: str) -> None:
    """Some proxy on the way may have said it. The listed states are the exchange's own gate."""
    verdict = judge_order(failure(status, None, text))
    assert verdict in {Verdict.UNKNOWN, STATUS_VERDICTS.get(status)}


@pytest.mark.parametrize("code", [-1000, -1003, -4164])
def test_the_text_of_the_unknown_error_wins_over_its_code(code: int) -> None:
    """The code beside it is undocumented."""
    text = "Unknown error, please check your request or try again later."
    assert judge_order(failure(503, code, text)) is Verdict.UNKNOWN


def test_every_documented_code_of_a_400_has_its_meaning() -> None:
    """Rejected, unless listed as unknown or as not accepted."""
    documented = recorded.errors("documented_messages")
    assert isinstance(documented, dict)
    for code, text in documented.items():
        words = text if isinstance(text, str) else text[0]
        verdict = judge_order(failure(400, int(code), words))
        assert verdict is CODE_VERDICTS.get(int(code), Verdict.REJECTED), code


def test_what_was_seen_live() -> None:
    """Each observed pair of state and body, as the knowledge of it says."""
    observed = recorded.errors("observed")
    assert isinstance(observed, list)
    verdicts = {row["body"]["code"]: judge_order(failure(row["http"], *row["body"].values())) for row in observed}
    assert verdicts[-1000] is verdicts[-4116] is Verdict.UNKNOWN
    assert verdicts[-1008] is Verdict.NOT_ACCEPTED
    assert {verdicts[code] for code in (-5022, -4164, -1106, -4061, -2011)} == {Verdict.REJECTED}


def test_sentences_say_what_to_do() -> None:
    """A person reads them in a chat."""
    refused = order_error(failure(400, -2019, "Margin is insufficient."), "id")
    assert isinstance(refused, Refused)
    assert str(refused) == (
        "Binance, new order: Margin is insufficient. (HTTP 400, code -2019); "
        "the margin does not cover it; add margin or lower the caps"
    )
    assert str(order_error(failure(None, None, "timed out"), "id")) == "Binance, new order: timed out (no answer)"


@given(status=st.one_of(st.none(), st.integers(200, 599)), code=CODES, text=TEXTS)
def test_order_errors_and_read_errors_are_of_the_three_kinds(status: int | None, code: int | None, text: str) -> None:
    """Whatever comes, the caller gets one of the classes it knows; a read is never OutcomeUnknown."""
    assert isinstance(order_error(failure(status, code, text), "id"), Refused | Transient | OutcomeUnknown)
    assert isinstance(read_error(failure(status, code, text)), Refused | Transient)


@given(status=st.one_of(st.none(), st.integers(500, 599), st.sampled_from([403, 408, 418, 429])), code=CODES)
def test_trouble_of_the_exchange_is_never_final_for_a_read(status: int | None, code: int | None) -> None:
    """Time-outs, 5xx and rate limits never end the program."""
    assert isinstance(read_error(failure(status, code)), Transient)
