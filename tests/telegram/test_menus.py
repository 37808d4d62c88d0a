"""Who sees which commands behind the menu button."""

from __future__ import annotations

from bot import commands
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import GROUP, OPERATOR, SECOND, STRANGER, Running

EVERYTHING = [name for name, _ in commands.menu()]
NEVER_SEEN = 44


async def test_menus_show_commands_to_operators_only(rig: TelegramRig, running: Running) -> None:
    """Everybody else sees /start; an operator who presses Start later gets the menu then."""
    async with running(operators=frozenset({OPERATOR, SECOND})):
        await rig.eventually(lambda: rig.menu(OPERATOR, OPERATOR) == EVERYTHING)
        await rig.eventually(lambda: rig.menu(STRANGER, STRANGER) == ["start"])  # set beside the other
        assert rig.menu(SECOND, SECOND) == ["start"]
        rig.say(SECOND, "/start")
        await rig.eventually(lambda: rig.menu(SECOND, SECOND) == EVERYTHING)


async def test_in_the_configured_group_only_operators_see_them(rig: TelegramRig, running: Running) -> None:
    """Also where an earlier version showed them to the whole group, and one of the operators is unknown there."""
    rig.add_chat(GROUP)
    rig.world.commands['{"chat_id": -1001, "type": "chat"}'] = [{"command": "flatten", "description": "close all"}]
    async with running(operators=frozenset({OPERATOR, NEVER_SEEN}), chat_id=GROUP):
        await rig.eventually(lambda: rig.menu(OPERATOR, GROUP) == EVERYTHING)
        await rig.eventually(lambda: rig.menu(STRANGER, GROUP) == ["start"])


async def test_menus_are_set_anew_at_each_start(rig: TelegramRig, running: Running) -> None:
    """What was lost or changed meanwhile is put right."""
    async with running():
        await rig.eventually(lambda: rig.menu(OPERATOR, OPERATOR) == EVERYTHING)
    rig.world.commands.clear()
    async with running():
        await rig.eventually(lambda: rig.menu(OPERATOR, OPERATOR) == EVERYTHING)


async def test_menus_that_cannot_be_set_keep_nobody_from_being_heard(rig: TelegramRig, running: Running) -> None:
    """A menu is a convenience."""
    rig.fault("setMyCommands", times=None, code=400)
    async with running():
        rig.say(OPERATOR, "/pending")
        await rig.eventually(lambda: rig.messages(OPERATOR, "heard /pending"))
