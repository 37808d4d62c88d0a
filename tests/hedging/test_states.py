"""States, reasons, and the moves between them."""

from __future__ import annotations

import itertools

import pytest

from core.errors import InvariantBroken
from core.hedging.states import EXPLANATIONS, TRANSITIONS, Reason, State, transition

FORBIDDEN = {(State.DISABLED, State.READY), (State.DISABLED, State.COOLDOWN)}


@pytest.mark.parametrize(("frm", "to"), list(itertools.product(State, State)))
def test_every_pair_is_either_allowed_or_raises(frm: State, to: State):
    """The table answers for every pair of states, and a missing pair raises."""
    if (frm, to) in FORBIDDEN:
        with pytest.raises(InvariantBroken):
            transition(frm, to)
    else:
        assert transition(frm, to) is to


def test_the_table_names_every_state():
    """No state is left out of the table."""
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_explained_to_people(reason: Reason):
    """One sentence each, and a stable lower-case name."""
    assert reason.explanation.endswith(".") and reason.explanation[0].isupper()
    assert reason.text == reason.name.lower()


def test_no_explanation_is_said_twice():
    """Two reasons that read the same would be one."""
    assert len(set(EXPLANATIONS.values())) == len(Reason)
