"""The operator of the soak: reads, presses, commands, at random, and never leaves a hedge stopped for long."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

from tests.rigs.telegram.errors import RigMisuse
from tests.rigs.telegram.world import Message
from tests.soak.happened import is_stopped
from tests.soak.stage import OPERATOR, SoakStage

READS = (
    "/status",
    "/pending",
    "/positions",
    "/pnl",
    "/margin",
    "/history 20",
    "/health",
    "/config",
    "/whatif +5%",
    "/nonsense",
)
ACTS = ("/pause", "/halt", "/hedge", "/flatten", "/adopt")
# None of them moves the band, by which the judge measures.
SETS = ("max_slippage_bps 40", "max_slippage_bps default", "cooldown_seconds 60", "cooldown_seconds default")
# A stop of the operator's is taken back after so long.
STOPPED_FOR_S = 20 * 60.0
LOOKS_BACK = 12
YES = re.compile(r"Approve|Yes|Follow|Keep")


class People:
    def __init__(self, stage: SoakStage, random: Random) -> None:
        self._stage = stage
        self._random = random
        self._pressed: set[tuple[int, str]] = set()
        self._resume_at_s: float | None = None
        self.did: Counter[str] = Counter()

    def look(self, at_s: float) -> None:
        """Answer what asks."""
        for message in self._stage.telegram.messages(OPERATOR)[-LOOKS_BACK:]:
            if message.keyboard and (label := self._chosen(message)) is not None:
                self._press(message, label)
        if not is_stopped(self._stage):
            self._resume_at_s = None
        elif self._resume_at_s is None:
            self._resume_at_s = at_s + self._random.uniform(0.2, 1) * STOPPED_FOR_S
        elif at_s > self._resume_at_s:
            self.resume()

    def act(self, _at_s: float) -> None:
        """One thing of their own."""
        hedge = self._random.choice(self._stage.legs).name
        drawn = self._random.random()
        if drawn < 0.6:
            self._say(self._random.choice(READS))
        elif drawn < 0.75:
            self._say(f"/set {hedge} {self._random.choice(SETS)}")
        else:
            command = self._random.choice(ACTS)
            everything = command in ("/pause", "/halt") and self._random.random() < 0.5
            self._say(command if everything else f"{command} {hedge}")

    def resume(self) -> None:
        """Again at each look until it is so: a word may be lost on the way."""
        self._say("/resume")

    def confirm(self) -> None:
        """Say yes to everything that asks."""
        for message in self._stage.telegram.messages(OPERATOR)[-LOOKS_BACK:]:
            for label in message.labels:
                if YES.match(label):
                    self._press(message, label)

    def _chosen(self, message: Message) -> str | None:
        """What is pressed on this message now; mostly yes, sometimes no, sometimes nothing yet."""
        if self._random.random() < 0.3:
            return None
        agreed = [label for label in message.labels if YES.match(label)]
        if agreed and self._random.random() < 0.8:
            return agreed[0]
        return self._random.choice(message.labels)

    def _press(self, message: Message, label: str) -> None:
        if (message.message_id, label) in self._pressed and self._random.random() < 0.9:
            return
        self._pressed.add((message.message_id, label))
        try:
            self._stage.telegram.press(OPERATOR, message, label)
        except RigMisuse:  # it has just been edited away
            return
        self.did["presses"] += 1

    def _say(self, text: str) -> None:
        self._stage.telegram.say(OPERATOR, text)
        self.did[text.split(maxsplit=1)[0]] += 1
