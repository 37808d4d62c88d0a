"""A strict Bot API server on loopback with a scripted user. Start with `TelegramRig`."""

from tests.rigs.telegram.errors import RigMisuse
from tests.rigs.telegram.faults import Drop
from tests.rigs.telegram.rig import TOKEN, TelegramRig
from tests.rigs.telegram.world import Message, Press

__all__ = ["TOKEN", "Drop", "Message", "Press", "RigMisuse", "TelegramRig"]
