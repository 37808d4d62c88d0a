"""What the engine and the command desk need of one hedge."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from core.departing import Word
from core.facts import Market, PositionSide
from core.outlook import Outlook
from core.status import HedgeStatus


class Hedge(Protocol):
    @property
    def name(self) -> str:
        """As in `[hedges.NAME]`, and in every event, row and command."""
        ...

    @property
    def evaluated_at_s(self) -> float | None:
        """Monotonic; None before the first evaluation was completed."""
        ...

    async def evaluate(self) -> None:
        """One look, one decision, at most one order."""
        ...

    def is_moved_by(self, market: Market) -> bool:
        """Whether a market calls for a look before the next one is due."""
        ...

    def status(self) -> HedgeStatus:
        """As last evaluated: reads nothing."""
        ...

    def outlook(self) -> Outlook | None:
        """What was last believed; None while nothing was read."""
        ...

    def pause_s(self) -> float:
        """Until the next evaluation is due by itself."""
        ...

    async def halt(self, by: str = "", *, why: str = "") -> None:
        """No order but those of /flatten, and what rests is taken back; kept across restarts.

        `by`: the operator; or `why`: what cannot be true and yet was found, where the program halts by itself.
        """
        ...

    async def pause(self, by: str) -> None:
        """No new trade, and what rests is taken back; the short stays. Kept across restarts."""
        ...

    async def resume(self, by: str) -> None:
        """Ends halt and pause alike, and takes back a /flatten that waits."""
        ...

    async def hedge(self, by: str, most_base: Decimal | None = None) -> str:
        """To the target now, by at most that signed trade. The answer for the operator. Raises Refused."""
        ...

    async def flatten(self, by: str) -> str:
        """The answer for the operator. Raises Refused."""
        ...

    async def adopt(self, leg: PositionSide, by: str) -> str:
        """The answer for the operator. Raises Refused."""
        ...

    async def take_back(self) -> bool:
        """What rests, before the program ends; False when something may rest still."""
        ...

    async def answer_departed(self, word: Word, by: str, most_base: Decimal | None = None) -> str:
        """What becomes of BASE that left; `most_base`: as much as the question showed. Raises Refused."""
        ...

    async def position_followed(self) -> None:
        """New liquidity takes the place of what was kept; what it does not replace has its grace again."""
        ...
