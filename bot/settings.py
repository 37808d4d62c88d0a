"""Everything that is configured, gathered once: where the files are, what they say, and what that lets us do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

from bot.config_file import read_config
from bot.database_place import database_path
from bot.environment import RPC_SUFFIX, WS_SUFFIX, ChainEndpoints, Surroundings, read_environment, rpc_name
from core.amm.node_names import unmistakable
from core.amm.presets import require_known_contracts
from core.config import Config
from core.errors import ConfigurationError

if TYPE_CHECKING:  # importing it would load the whole of python-telegram-bot
    from bot.telegram.settings import TelegramSettings

DEFAULT_CONFIG = Path("hedge.toml")


@dataclass(frozen=True, slots=True)
class Locations:
    """`--config`, `--db`, `--env-file` as given; None: not named."""

    config: Path | None = None
    db: Path | None = None
    env_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """The files in force: by flag, else by environment, else the defaults. `config_named`: by flag or environment."""

    config_path: Path
    config_named: bool
    database_path: Path
    around: Surroundings


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`lp-hedge demo`. `hours` None: until stopped. `speed` times real time; None: as fast as it goes.

    It prints what is to be seen, so that it logs less than the service unless it is told to.
    """

    hours: int | None = None
    speed: float | None = 60.0
    seed: int = 0
    approvals: Literal["ask", "approve", "reject", "ignore"] = "ask"
    json: bool = False
    telegram: TelegramSettings | None = None
    log_level: str = "WARNING"


@dataclass(frozen=True, slots=True)
class Settings:
    config: Config
    config_path: Path
    database_path: Path
    around: Surroundings

    @property
    def notices(self) -> tuple[str, ...]:
        """What is set and of no use, to be told at the start."""
        return (*self.around.notices, *self._unused_endpoints())

    @property
    def zone(self) -> tzinfo:
        """The operator's: of times in messages, and of the day that a report is about."""
        return zone_of(self.config.timezone)

    @property
    def account(self) -> str:
        """Names the exchange account without telling the key: journal and memory are kept apart by it."""
        return account_of(self.around.values.binance_api_key) if self.config.mode == "live" else "paper"

    @property
    def scope(self) -> str:
        """`<mode>:<account>`, as the storage wants it."""
        return f"{self.config.mode}:{self.account}"

    @property
    def scope_if_known(self) -> str:
        """As `scope`, also in live mode without a key yet: then a name under which nothing is stored."""
        keyless = self.config.mode == "live" and self.around.values.binance_api_key is None
        return "live:unknown" if keyless else self.scope

    def endpoints(self, chain: str) -> ChainEndpoints:
        """Raises ConfigurationError when no RPC URL is set for a chain."""
        name = rpc_name(chain)
        found = self.around.chains.get(name.removesuffix("_RPC_URL"))
        if found is None:
            users = ", ".join(key for key, hedge in self.config.hedges.items() if hedge.chain == chain)
            raise ConfigurationError(f"{name} is not set: put the address of a {chain} node in .env for hedge {users}.")
        return found

    def rpc_urls(self, chain: str) -> tuple[SecretStr, ...]:
        """In the order of preference."""
        return self.endpoints(chain).rpc_urls

    def ws_url(self, chain: str) -> SecretStr | None:
        """None when polling is all there is."""
        return self.endpoints(chain).ws_url

    def chains(self) -> tuple[str, ...]:
        """Those that a hedge uses, each once."""
        return tuple(dict.fromkeys(hedge.chain for hedge in self.config.hedges.values()))

    def _unused_endpoints(self) -> tuple[str, ...]:
        """One sentence for all of them: a mistyped name would else look as if it were read."""
        used = [rpc_name(chain).removesuffix(RPC_SUFFIX) for chain in self.chains()]
        unused = [name for name in self.around.endpoint_names if _chain_part(name) not in used]
        if not unused:
            return ()
        read = ", ".join(f"{chain}{RPC_SUFFIX} and {chain}{WS_SUFFIX}" for chain in used)
        return (f"{', '.join(unused)}: set, but no hedge is on such a chain; {read} are read.",)

    @property
    def asks_somebody(self) -> bool:
        """Whether a hedge may ever ask for an approval."""
        return any(hedge.approval_over_quote != "off" for hedge in self.config.hedges.values())

    def telegram(self) -> TelegramSettings | None:
        """None without a token. Raises ConfigurationError for a token without operators."""
        return telegram_settings(self.around)

    def secrets(self) -> tuple[str, ...]:
        """For the redactor, before the first line is logged."""
        return secrets_of(self.around)

    def require_known_contracts(self) -> None:
        """Raises ConfigurationError for a chain or an AMM of which the configuration alone tells that it is wrong."""
        try:
            require_known_contracts(self.config)
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.config_path}: {error}.") from None

    def require_chains(self) -> None:
        """Raises ConfigurationError as `require_known_contracts`, and for a chain without an endpoint."""
        self.require_known_contracts()
        for chain in self.chains():
            self.endpoints(chain)

    def require_private_secrets(self) -> None:
        """Raises ConfigurationError when other users of this machine can read what trades with real money."""
        if self.config.mode == "live" and self.around.exposed:
            raise ConfigurationError(self.around.exposed)

    def require_runnable(self, *, has_terminal: bool) -> None:
        """Raises ConfigurationError for what `run` cannot start with in any case: keys, nobody to ask."""
        telegram = self.telegram()
        if self.config.mode != "live":
            return
        if self.around.values.binance_api_key is None:
            raise ConfigurationError('mode = "live" needs BINANCE_API_KEY and BINANCE_API_SECRET in .env.')
        if self.asks_somebody and telegram is None and not has_terminal:
            raise ConfigurationError(
                "large hedges need an approval and there is nobody to ask: set TELEGRAM_BOT_TOKEN and "
                'TELEGRAM_OPERATOR_IDS, or run in a terminal, or set approval_over_quote = "off".'
            )


def _chain_part(name: str) -> str:
    return name.removesuffix(RPC_SUFFIX).removesuffix(WS_SUFFIX)


def find_places(locations: Locations) -> Places:
    """Raises ConfigurationError as `read_environment` does."""
    around = read_environment(locations.env_file)
    config = locations.config or around.values.lp_hedge_config
    database = database_path(locations.db, locations.env_file)
    return Places(config or DEFAULT_CONFIG, config is not None, database, around)


def settings_at(places: Places) -> Settings:
    """Reads the file; asks nobody. Raises ConfigurationError, one sentence, also for an unknown timezone."""
    config = read_config(places.config_path)
    zone_of(config.timezone)
    return Settings(config, places.config_path, places.database_path, places.around)


def looks_like_a_first_start(places: Places, hedges_in_database: Callable[[], Sequence[str]]) -> bool:
    """Whether `run` may show the demo: nothing was named, written, keyed or ever run here."""
    return not (
        places.config_named
        or places.config_path.exists()
        or places.around.values.binance_api_key is not None
        or hedges_in_database()
    )


def telegram_settings(around: Surroundings) -> TelegramSettings | None:
    """None without a token. Raises ConfigurationError for one that nobody may use."""
    values = around.values
    if values.telegram_bot_token is None:
        return None
    from bot.telegram.settings import TelegramSettings

    return TelegramSettings(
        token=values.telegram_bot_token,
        operator_ids=frozenset(values.telegram_operator_ids),
        chat_id=values.telegram_chat_id,
        api_url=values.telegram_api_url,
    )


def secrets_of(around: Surroundings) -> tuple[str, ...]:
    """What must never be written down: token, keys, and every URL that may carry a provider's key."""
    values = around.values
    secrets = [
        values.telegram_bot_token,
        values.binance_api_key,
        values.binance_api_secret,
        values.lp_hedge_heartbeat_url,
    ]
    plain = [secret.get_secret_value() for secret in secrets if secret is not None]
    for endpoints in around.chains.values():
        for url in (*endpoints.rpc_urls, endpoints.ws_url):
            plain += [url.get_secret_value(), *unmistakable(url.get_secret_value())] if url is not None else []
    return tuple(plain)


def account_of(api_key: SecretStr | None) -> str:
    """Ten hex digits of the key's hash, by which journals are told apart. Raises ConfigurationError without a key."""
    if api_key is None:
        raise ConfigurationError('mode = "live" needs BINANCE_API_KEY and BINANCE_API_SECRET in .env.')
    return hashlib.sha256(api_key.get_secret_value().encode()).hexdigest()[:10]


def zone_of(name: str) -> tzinfo:
    """UTC without a time zone database; others need the system's. Raises ConfigurationError."""
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f'timezone = "{name}" is not known here: use a name such as "UTC" or "Europe/Berlin".'
        ) from None
