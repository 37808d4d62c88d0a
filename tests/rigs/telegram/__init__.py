"""A strict Bot API server on loopback with a scripted user. Start with `TelegramRig`."""

from .errors import RigMisuse
from .faults import Drop
from .rig import TOKEN, TelegramRig
from .world import Message, Press

__all__ = ["TOKEN", "Drop", "Message", "Press", "RigMisuse", "TelegramRig"]
