"""The read-only answers: each gathers what the running program already knows and renders it."""

from bot.views.health import Health
from bot.views.money import Money
from bot.views.overview import Overview
from bot.views.past import Past
from bot.views.pictures import Pictures
from bot.views.settings import EffectiveSettings, Settings, file_settings
from bot.views.sources import Identity, Sources, Views
from core.clock import Clock

__all__ = ["EffectiveSettings", "Identity", "Sources", "Views", "all_views", "file_settings"]


def all_views(sources: Sources, identity: Identity, clock: Clock) -> Views:
    return Views(
        Overview(sources, identity, clock),
        Past(sources, identity),
        Money(sources, identity, clock),
        Health(sources, identity, clock),
        Settings(sources),
        Pictures(sources, identity, clock),
    )
