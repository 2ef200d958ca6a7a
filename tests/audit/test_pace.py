"""How fast it asks: against servers that allow so much a second, in time that passes at once."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.audit.pace import CEILING, Clock, Lane, Pace
from tests.audit.fast import FastClock

Server = Callable[[float], bool]


class Hands(Clock):
    """Says when a wait would end, for a simulation of many threads."""

    def __init__(self) -> None:
        super().__init__()
        self.time = self.wanted = 0.0

    def now(self) -> float:
        return self.time

    def wait_until(self, moment: float) -> None:
        self.wanted = max(moment, self.time)


def bucket(rate: float) -> Server:
    """A second's worth may come at once."""
    tokens, last = rate, 0.0

    def allows(now: float) -> bool:
        nonlocal tokens, last
        tokens, last = min(rate, tokens + (now - last) * rate), now
        if tokens < 1:
            return False
        tokens -= 1
        return True

    return allows


def sliding(rate: float) -> Server:
    """So many within any second."""
    gone: deque[float] = deque()

    def allows(now: float) -> bool:
        while gone and gone[0] <= now - 1:
            gone.popleft()
        if len(gone) >= rate:
            return False
        gone.append(now)
        return True

    return allows


def window(rate: float) -> Server:
    """So many in each second of the clock; refused ones count too."""
    second, used = -1, 0

    def allows(now: float) -> bool:
        nonlocal second, used
        if int(now) != second:
            second, used = int(now), 0
        used += 1
        return used <= rate

    return allows


def simulate(server: Server, calls: int, threads: int, latency: float = 0.05) -> tuple[float, Lane, int]:
    """Seconds until all calls were answered, the lane, and how many were given up."""
    clock, noise = Hands(), random.Random(threads)
    lane = Lane(clock, seed=calls)
    events: list[tuple[float, int, str, float, int]] = []
    waiting: deque[tuple[int, int]] = deque()
    busy, left, lost = False, calls, 0

    def at(moment: float, thread: int, what: str, sent: float, tries: int) -> None:
        heapq.heappush(events, (moment, thread, what, sent, tries))

    for each in range(threads):
        at(0.0, each, "next", 0.0, 0)
    while events:
        clock.time, thread, what, sent, tries = heapq.heappop(events)
        clock.wanted = clock.time
        if what in ("yes", "no"):
            if what == "yes":
                lane.succeed()
            elif lane.fail("throttled", "ThrottlingException", sent, tries):
                at(clock.wanted, thread, "queue", 0.0, tries)
                continue
            else:
                lost += 1
            at(clock.time, thread, "next", 0.0, 0)
        elif what == "next" and left:
            left -= 1
            at(clock.time, thread, "queue", 0.0, 0)
        elif what == "queue":
            waiting.append((thread, tries))
        elif what == "send":
            busy = False
            said = "yes" if server(clock.time + noise.uniform(0, 0.005)) else "no"
            at(clock.time + latency + noise.uniform(0, 0.01), thread, said, clock.time, tries + 1)
        if waiting and not busy:
            busy, (thread, tries) = True, waiting.popleft()
            clock.wanted = clock.time
            lane.take()
            at(clock.wanted, thread, "send", 0.0, tries)
    return clock.time, lane, lost


@pytest.mark.parametrize("kind", [bucket, sliding, window])
@pytest.mark.parametrize("threads", [1, 8, 16])
@pytest.mark.parametrize("calls", [100, 450, 2_000])
def test_ten_calls_a_second_are_used_up(kind: Callable[[float], Server], calls: int, threads: int) -> None:
    took, lane, lost = simulate(kind(10), calls, threads)
    assert lost == 0
    assert took <= 1.2 * calls / 10
    assert lane.count.throttles <= calls * 0.05 + 5


@pytest.mark.parametrize("kind", [bucket, sliding, window])
@pytest.mark.parametrize(("rate", "threads"), [(2, 1), (2, 8), (5, 8)])
def test_slower_operations_are_found_out(kind: Callable[[float], Server], rate: int, threads: int) -> None:
    took, lane, lost = simulate(kind(rate), 200, threads)
    assert lost == 0
    assert took <= 1.2 * 200 / rate
    assert lane.count.throttles <= 30


def test_the_ceiling_is_never_exceeded() -> None:
    took, lane, _ = simulate(lambda now: True, 5_000, 16, latency=0.001)
    assert lane.rate == CEILING
    assert took >= 5_000 / CEILING
    assert Lane(FastClock(), ceiling=3).rate == 3


@given(
    st.lists(
        st.tuples(st.sampled_from(["ok", "throttled", "failed", "denied"]), st.integers(1, 9)), max_size=200
    )
)
def test_rates_stay_within_bounds(steps: list[tuple[str, int]]) -> None:
    clock = FastClock()
    lane = Lane(clock)
    for what, tries in steps:
        sent = lane.take()
        if what == "ok":
            lane.succeed()
        else:
            lane.fail(what, "Code", sent, tries)
        assert 0.5 <= lane.rate <= CEILING
    assert lane.count.calls == len(steps)
    assert lane.count.throttles == sum(what == "throttled" for what, _ in steps)


def test_one_burst_of_throttles_cuts_once() -> None:
    clock = FastClock()
    lane = Lane(clock)
    sent = [lane.take() for _ in range(8)]
    for each in sent:
        lane.fail("throttled", "ThrottlingException", each, 9)
    assert lane.rate == 10
    lane.fail("throttled", "ThrottlingException", clock.now() + 1, 9)
    assert lane.rate == 8.5


def test_an_operation_that_never_works_is_given_up() -> None:
    """Each call ends after bounded tries, and after a minute of nothing else no call is made any more."""
    clock = FastClock()
    lane = Lane(clock, seed=1)
    while not lane.closed:
        tries = 1
        while lane.fail("throttled", "ThrottlingException", lane.take(), tries):
            tries += 1
        assert tries <= 9
    assert lane.closed == ("throttled", "ThrottlingException")
    assert 60 < clock.now() < 120


def test_denials_in_a_row_close_a_lane_unless_one_call_is_allowed() -> None:
    lane = Lane(FastClock())
    for number in range(150):
        assert not lane.fail("denied", "AccessDeniedException", lane.take(), 1)
        if number == 60:
            lane.succeed()
        assert (lane.closed is not None) == (number >= 160)
    for _ in range(20):
        lane.fail("denied", "AccessDeniedException", lane.take(), 1)
    assert lane.closed == ("denied", "AccessDeniedException")


def test_the_lane_of_an_operation_is_one() -> None:
    pace = Pace(FastClock(), 5)
    assert pace.lane("sagemaker", "ListModels") is pace.lane("sagemaker", "ListModels")
    pace.lane("sagemaker", "ListModels").take()
    pace.lane("kms", "ListAliases").take()
    assert {name: count.calls for name, count in pace.counts().items()} == {
        "sagemaker:ListModels": 1,
        "kms:ListAliases": 1,
    }


def test_a_stopped_clock_ends_waiting() -> None:
    clock = Clock()
    assert clock.now() <= clock.now()
    clock.wait_until(clock.now() - 1)
    clock.stop()
    clock.wait_until(clock.now() + 3_600)
    assert clock.stopped
    lane = Lane(clock)
    assert not lane.fail("throttled", "ThrottlingException", lane.take(), 1)
