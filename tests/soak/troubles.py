"""What goes wrong by chance: one call in ten of each kind, and whole troubles that last."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import TypeVar

from tests.execution.troubles import BEHIND, CLOCK, COUNTDOWN, MISREAD, NOT_ACCEPTED, REFUSED, UNKNOWN
from tests.rigs.chain import faults as chain_faults
from tests.rigs.chain.proxy import Answer, Body, RpcProxy
from tests.rigs.chain.proxy import Fault as ChainFault
from tests.rigs.telegram.faults import Drop
from tests.rigs.telegram.faults import Fault as ChatFault
from tests.rigs.telegram.faults import Faults as ChatFaults
from tests.rigs.venue import CANCEL, PLACE, Fault
from tests.rigs.venue.faults import Faults
from tests.soak.stage import SoakStage

T = TypeVar("T")
# By the fast clock: a request that is answered with a fault and carried out all the same, within its window.
LATE_S = (0.5, 1.5, 3.0)
LONGEST_HOLD_S = 60.0
# A ban or a refused key silences for minutes; it is drawn that much more rarely than any other fault.
RARE = 12
RARE_STATUS = (401, 403, 418)
OF_NODES: tuple[ChainFault, ...] = (
    chain_faults.HTML,
    chain_faults.BAD_GATEWAY,
    chain_faults.GARBAGE,
    chain_faults.EMPTY_BODY,
    chain_faults.RATE_LIMITED,
    chain_faults.NULL_RESULT,
    chain_faults.EMPTY_RESULT,
    chain_faults.only("eth_call", chain_faults.ZEROS),
    chain_faults.only("eth_call", chain_faults.SHORT),
    chain_faults.DROPPED,
    chain_faults.HEADER_NOT_FOUND,
    chain_faults.lagging(3),
    chain_faults.slow(0.05),
    *chain_faults.QUOTAS.values(),
)


class Chance:
    """Whether a call fails, and which of several happens. Drawn from one seed, from any thread. `part` of 0: never."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._lock = threading.Lock()
        self.part = 0.0
        self.calls: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def strikes(self, service: str) -> bool:
        with self._lock:
            self.calls[service] += 1
            struck = self._random.random() < self.part
            self.failed[service] += struck
            return struck

    def of(self, several: tuple[T, ...]) -> T:
        with self._lock:
            return self._random.choice(several)


class VenueFaults(Faults):
    """Of the exchange, on the fast time."""

    def __init__(self, chance: Chance, speed: float) -> None:
        super().__init__()
        self._chance = chance
        self._speed = speed
        self.down: Fault | None = None

    def waiting(self, endpoint: str | None = None) -> int:
        return 1

    def take(self, endpoint: str, params: Mapping[str, str]) -> Fault | None:
        strikes = self._chance.strikes("exchange")
        if self.down is not None:
            return self.down
        return self._on_fast_time(self._drawn(endpoint)) if strikes else None

    def _drawn(self, endpoint: str) -> Fault:
        fault = self._chance.of(_kinds(endpoint))
        if fault.status in RARE_STATUS and self._chance.of(tuple(range(RARE))):
            return self._drawn(endpoint)
        if endpoint in (PLACE, CANCEL) and fault in UNKNOWN:
            late = fault.late(self._chance.of(LATE_S))
            return self._chance.of((fault.before(), fault.after(), late))
        return fault

    def _on_fast_time(self, fault: Fault) -> Fault:
        hold_s = min(fault.hold_s, LONGEST_HOLD_S) / self._speed
        return replace(fault, hold_s=hold_s, late_s=fault.late_s / self._speed)


def _kinds(endpoint: str) -> tuple[Fault, ...]:
    if endpoint == PLACE:
        return (*UNKNOWN, *NOT_ACCEPTED, *CLOCK, *REFUSED)
    if endpoint in (CANCEL, COUNTDOWN):
        return (*UNKNOWN, *NOT_ACCEPTED, *CLOCK)
    return (*MISREAD, *BEHIND.get(endpoint, ()))


class NodeFaults:
    """A node: `lasting` strikes every call, else chance does."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self.lasting: ChainFault | None = None

    def __call__(self, request: Body, forward: Callable[[Body], bytes]) -> Answer:
        strikes = self._chance.strikes("nodes")
        if self.lasting is not None:
            return self.lasting(request, forward)
        return self._chance.of(OF_NODES)(request, forward) if strikes else Answer(body=forward(request))


class BotApiFaults(ChatFaults):
    """Of Telegram, on people's time."""

    def __init__(self, chance: Chance) -> None:
        super().__init__()
        self._chance = chance

    def take(self, method: str, text: str = "") -> ChatFault | None:
        if (scripted := super().take(method, text)) is not None or not self._chance.strikes("Telegram"):
            return scripted
        return self._chance.of(CHAT_FAULTS)()


def _refusal(code: int, words: str, *, retry_after: int | None = None, delay_s: float = 0.0) -> Callable[[], ChatFault]:
    return lambda: ChatFault("*", 1, code, words, retry_after, delay_s, None, "")


def _dropped(drop: Drop) -> Callable[[], ChatFault]:
    return lambda: ChatFault("*", 1, None, "", None, 0.0, drop, "")


CHAT_FAULTS: tuple[Callable[[], ChatFault], ...] = (
    _refusal(500, "Internal Server Error"),
    _refusal(502, "Bad Gateway"),
    _refusal(429, "Too Many Requests: retry after 1", retry_after=1),
    _dropped(Drop.BEFORE),
    _dropped(Drop.AFTER),
    lambda: ChatFault("*", 1, None, "", None, 0.3, None, ""),
)


class Troubles:
    """All of it, and the hand that turns it on and off."""

    def __init__(self, stage: SoakStage, random: Random, part: float) -> None:
        self._stage = stage
        self._random = random
        self._part = part
        self.chance = Chance(Random(random.random()))
        self.venue = VenueFaults(self.chance, stage.clock.speed_s)
        self.nodes: dict[str, list[NodeFaults]] = {}
        self.began: Counter[str] = Counter()
        self._ends: list[tuple[float, Callable[[], None]]] = []
        stage.venue.faults = self.venue
        with stage.telegram.world.changed:
            stage.telegram.world.faults = BotApiFaults(self.chance)
        for name, proxies in stage.proxies.items():
            self.nodes[name] = [self._spoil(proxy) for proxy in proxies]

    def _spoil(self, proxy: RpcProxy) -> NodeFaults:
        proxy.fault = faults = NodeFaults(self.chance)
        return faults

    def begin(self) -> None:
        self.chance.part = self._part

    def end(self) -> None:
        """Of everything, also of what would have lasted."""
        self.chance.part = 0.0
        while self._ends:
            self._ends.pop()[1]()

    def look(self, at_s: float) -> None:
        """End what is over."""
        due = [each for each in self._ends if each[0] <= at_s]
        self._ends = [each for each in self._ends if each[0] > at_s]
        for _, ends in due:
            ends()

    def strike(self, at_s: float) -> None:
        """One trouble that lasts, or one that is over at once."""
        name = self._random.choice(sorted(LASTING))
        self.began[name] += 1
        LASTING[name](self, at_s)

    def lasts(self, until_s: float, ends: Callable[[], None]) -> None:
        self._ends.append((until_s, ends))

    def minutes_s(self, least: float, most: float) -> float:
        return 60 * self._random.uniform(least, most)

    def one_node(self, at_s: float) -> None:
        nodes = self._random.choice([each for both in self.nodes.values() for each in both])
        self._break(nodes, self._random.choice((chain_faults.lagging(8), chain_faults.DROPPED)), at_s)

    def whole_chain(self, at_s: float) -> None:
        until_s = at_s + self.minutes_s(5, 40)
        for node in self.nodes[self._random.choice(sorted(self.nodes))]:
            self._break(node, chain_faults.DROPPED, at_s, until_s)

    def exchange_down(self, at_s: float) -> None:
        self.venue.down = self._random.choice((MISREAD[0], NOT_ACCEPTED[0]))
        self.lasts(at_s + self.minutes_s(2, 20), self._exchange_up)

    def streams_cut(self, at_s: float) -> None:
        self._stage.venue.hub.close_all(abruptly=self._random.random() < 0.5)

    def streams_silent(self, at_s: float) -> None:
        self._stage.venue.hub.go_silent(root=self._random.choice(("private", "market", "public")))

    def streams_refused(self, at_s: float) -> None:
        hub = self._stage.venue.hub
        hub.refusing = True
        hub.close_all()
        self.lasts(at_s + self.minutes_s(2, 30), lambda: setattr(hub, "refusing", False))

    def news_lost(self, at_s: float) -> None:
        hub = self._stage.venue.hub
        hub.muted = True
        self.lasts(at_s + self.minutes_s(2, 30), lambda: setattr(hub, "muted", False))

    def listen_key_ends(self, at_s: float) -> None:
        self._stage.venue.hub.expire_listen_key()

    def telegram_down(self, at_s: float) -> None:
        self._stage.telegram.down()
        self.lasts(at_s + self.minutes_s(5, 60), self._stage.telegram.up)

    def _exchange_up(self) -> None:
        self.venue.down = None

    def _break(self, node: NodeFaults, fault: ChainFault, at_s: float, until_s: float | None = None) -> None:
        node.lasting = fault
        self.lasts(until_s or at_s + self.minutes_s(5, 60), lambda: setattr(node, "lasting", None))


LASTING: Mapping[str, Callable[[Troubles, float], None]] = {
    "one node lags or is gone": Troubles.one_node,
    "all nodes of a chain are gone": Troubles.whole_chain,
    "the exchange is down": Troubles.exchange_down,
    "all streams are cut": Troubles.streams_cut,
    "a stream falls silent": Troubles.streams_silent,
    "streams are refused": Troubles.streams_refused,
    "the account's news are lost": Troubles.news_lost,
    "the listen key ends": Troubles.listen_key_ends,
    "Telegram is down": Troubles.telegram_down,
}
