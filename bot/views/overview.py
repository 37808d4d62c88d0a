"""How things stand: status, positions, what waits for an answer; and what the program is."""

from __future__ import annotations

from collections.abc import Mapping

from bot.income import funding_of_last_day
from bot.rendering.listings import greeting_text, help_text, pending_text, positions_text
from bot.rendering.markup import bold, esc
from bot.rendering.status import Service, status_text
from bot.replies import Button, Reply, approval_buttons
from bot.views.sources import Identity, Show, Sources
from core.clock import Clock
from core.ports import ApprovalState


class Overview:
    def __init__(self, sources: Sources, identity: Identity, clock: Clock) -> None:
        self._from = sources
        self._identity = identity
        self._clock = clock

    def shows(self) -> Mapping[str, Show]:
        return {
            "status": self.status,
            "positions": self.positions,
            "pending": self.pending,
            "version": self.version,
            "help": self.help,
            "start": self.start,
        }

    async def status(self, args: tuple[str, ...]) -> Reply:
        """Of every hedge unless one is named."""
        statuses, now = self._from.engine.statuses(), self._clock.now()
        if args:
            statuses = tuple(status for status in statuses if status.name == args[0].lower())
            if not statuses:
                names = ", ".join(self._from.engine.hedge_names())
                return Reply(esc(f"I know no hedge {args[0]}; there is {names}."), True)
        text = status_text(
            statuses,
            mode=self._identity.mode,
            now=now,
            zone=self._identity.zone,
            funding=await funding_of_last_day(self._from.income, now),
            service=self._service(),
        )
        return Reply(text, True, _refresh(args))

    def _service(self) -> Service:
        """Seen from inside: it runs. Its other parts as they say themselves."""
        items = [item for probe in self._from.probes for item in probe()]
        return Service(True, [f"{item.name}: {item.detail}" for item in items if item.ok is False])

    async def pending(self, _args: tuple[str, ...]) -> Reply:
        """With the buttons of each that still wants an answer."""
        live = await self._from.approvals.live()
        waiting = [approval for approval in live if approval.state is ApprovalState.PENDING]
        rows = tuple(row for approval in waiting for row in _named_buttons(approval.approval_id, len(waiting) > 1))
        return Reply(pending_text(live, now=self._clock.now(), zone=self._identity.zone), True, rows)

    async def positions(self, _args: tuple[str, ...]) -> Reply:
        return Reply(positions_text(self._from.engine.statuses()), True)

    async def version(self, _args: tuple[str, ...]) -> Reply:
        return Reply(f"{bold(f'lp-hedge {self._identity.version}')} · {esc(self._identity.mode.upper())}", True)

    async def help(self, _args: tuple[str, ...]) -> Reply:
        return Reply(help_text(), True)

    async def start(self, _args: tuple[str, ...]) -> Reply:
        """A greeting; it starts nothing."""
        names = self._from.engine.hedge_names()
        return Reply(greeting_text(self._identity.version, self._identity.mode, names), True)


def _refresh(args: tuple[str, ...]) -> tuple[tuple[Button, ...], ...]:
    return ((Button("🔄 Refresh", ":".join(("view:status", *args[:1]))),),)


def _named_buttons(approval_id: str, named: bool) -> tuple[tuple[Button, ...], ...]:
    if not named:
        return approval_buttons(approval_id)
    return tuple(
        tuple(Button(f"{button.label} {approval_id}", button.data, button.style) for button in row)
        for row in approval_buttons(approval_id)
    )
