"""The pinned message: one per chat, silent, always current, and the operator's own pin wins."""

from __future__ import annotations

from bot.replies import Reply
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import OPERATOR, Running


class Content:
    def __init__(self) -> None:
        self.text = ""

    def __call__(self) -> Reply | None:
        return Reply(self.text, html=False) if self.text else None


async def test_is_sent_once_pinned_silently_and_edited_in_place(rig: TelegramRig, running: Running) -> None:
    """Also over a restart: the place is remembered."""
    content = Content()
    async with running(board=content):
        content.text = "PAPER · RUNNING 12:00"
        (message,) = await rig.eventually(lambda: [m for m in rig.messages(OPERATOR) if m.pinned])
        assert message.silent
    content.text = "PAPER · PAUSED 12:01"
    async with running(board=content):
        await rig.eventually(lambda: message.text == content.text)
        content.text = "PAPER · RUNNING 12:02"
        await rig.eventually(lambda: message.text == content.text)
    assert len(rig.messages(OPERATOR)) == 1
    assert [call.status for call in rig.calls("pinChatMessage")] == [200]


async def test_a_deleted_board_comes_back_and_another_pin_is_respected(rig: TelegramRig, running: Running) -> None:
    """What the operator pinned is not covered."""
    content = Content()
    content.text = "one"
    async with running(board=content):
        (first,) = await rig.eventually(lambda: [m for m in rig.messages(OPERATOR) if m.pinned])
        first.deleted = True
        rig.say(OPERATOR, "my own note").pinned = True
        content.text = "two"
        (second,) = await rig.eventually(lambda: rig.messages(OPERATOR, "two"))
        content.text = "three"
        await rig.eventually(lambda: second.text == "three")
    assert not second.pinned


async def test_an_unchanged_board_is_not_sent_again(rig: TelegramRig, running: Running) -> None:
    """Edits cost calls; a still picture costs none, and while Telegram is away nothing piles up."""
    content = Content()
    content.text = "still"
    async with running(board=content):
        (message,) = await rig.eventually(lambda: [m for m in rig.messages(OPERATOR) if m.pinned])
        rig.down()
        content.text = "moved"
        await rig.eventually(lambda: rig.world.updates.polls)
        rig.up()
        await rig.eventually(lambda: message.text == "moved")
        edits = len(rig.calls("editMessageText"))
        await rig.eventually(lambda: rig.world.updates.polls > 2)
        assert len(rig.calls("editMessageText")) == edits
