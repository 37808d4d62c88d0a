"""The Bot API methods that the rig serves, by name.

An unknown method is refused loudly (404), which client libraries take for a wrong token: add it here first.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.rigs.telegram.errors import ApiError
from tests.rigs.telegram.wire import Params
from tests.rigs.telegram.world import World

Method = Callable[[World, Params], object]
METHODS: dict[str, Method] = {}


def method(name: str) -> Callable[[Method], Method]:
    def register(served: Method) -> Method:
        METHODS[name] = served
        return served

    return register


def call(world: World, name: str, params: Params) -> object:
    if name not in METHODS:
        raise ApiError(404, f"Not Found: method {name} is not served by this rig")
    return METHODS[name](world, params)
