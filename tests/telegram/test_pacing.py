"""No more to a chat than Telegram takes, however much there is to say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.telegram.pacing import GROUP_FACTOR, Buckets
from core.clock import ManualClock
from tests.bot.samples import T0

PRIVATE, GROUP = 42, -1001


@given(st.lists(st.floats(0, 20), max_size=60), st.sampled_from([PRIVATE, GROUP]))
async def test_a_burst_and_then_the_pace(pauses: list[float], chat: int) -> None:
    """In any stretch of time at most the burst and one a pace; and after a wait as told there is room for one."""
    clock = ManualClock(T0, sleep_advances=True)
    buckets = Buckets(clock, burst=5, refill_s=1.0)
    pace_s = GROUP_FACTOR if chat == GROUP else 1.0
    sent: list[float] = []
    for pause in pauses:
        await clock.sleep(pause)
        await clock.sleep(buckets.wait_s([chat]) + 1e-6)
        assert buckets.wait_s([chat]) < 1e-3
        buckets.take([chat])
        sent.append(clock.monotonic_s())
    for first, at in enumerate(sent):
        for last in range(first, len(sent)):
            assert last - first + 1 <= 5 + (sent[last] - at) / pace_s + 1e-2


async def test_the_slowest_chat_sets_the_pace() -> None:
    """A message goes to all of them, so all must have room."""
    clock = ManualClock(T0, sleep_advances=True)
    buckets = Buckets(clock, burst=1, refill_s=1.0)
    buckets.take([PRIVATE, GROUP])
    assert 2.9 < buckets.wait_s([PRIVATE, GROUP]) <= 3.0
    assert 0.9 < buckets.wait_s([PRIVATE]) <= 1.0


async def test_without_a_pace_there_is_no_wait() -> None:
    """For tests and for servers of one's own."""
    buckets = Buckets(ManualClock(T0), burst=1, refill_s=0)
    for _ in range(10):
        buckets.take([PRIVATE])
    assert not buckets.wait_s([PRIVATE])
