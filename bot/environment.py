"""Secrets and endpoints: the process's environment, and under it the `.env` file."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.database_place import DEFAULT_ENV_FILE, variables_in
from bot.env_file import exposure
from core.amm.node_names import is_this_machine
from core.errors import ConfigurationError

BINANCE_FUTURES = "https://fapi.binance.com"
BINANCE_STREAMS = "wss://fstream.binance.com"
BINANCE_SPOT = "https://api.binance.com"
RPC_SUFFIX, WS_SUFFIX = "_RPC_URL", "_WS_URL"
OUR_PREFIXES = ("TELEGRAM_", "BINANCE_", "LP_HEDGE_")
SENT_SECRETS = ("telegram_api_url", "binance_futures_url", "binance_stream_url", "binance_spot_url")
CURES = {
    "telegram_operator_ids": "numeric ids such as 123456789, apart by commas",
    "telegram_chat_id": "one numeric id such as -100123456789",
    "lp_hedge_clock": "its speed and the second since 1970 that it begins at, such as 150@1700000000",
}
NEVER_SHOWN = frozenset({"telegram_bot_token", "binance_api_key", "binance_api_secret"})


def _ids(value: object) -> object:
    """Ids apart by commas, semicolons or blanks."""
    return value.replace(",", " ").replace(";", " ").split() if isinstance(value, str) else value


def _http_url(value: str) -> str:
    return checked_url(value, "http", "https")


Url = Annotated[str, BeforeValidator(str.strip), BeforeValidator(_http_url)]
OperatorIds = Annotated[tuple[Annotated[int, Field(gt=0)], ...], NoDecode, BeforeValidator(_ids)]


class Environment(BaseSettings):
    """Every variable of `.env`, in lower case. An empty value counts as not set, but for BINANCE_SPOT_URL."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    telegram_bot_token: SecretStr | None = None
    telegram_operator_ids: OperatorIds = ()
    telegram_chat_id: int | None = None
    telegram_api_url: Url = "https://api.telegram.org"
    binance_api_key: SecretStr | None = None
    binance_api_secret: SecretStr | None = None
    binance_futures_url: Url = BINANCE_FUTURES
    binance_stream_url: str | None = None
    binance_spot_url: str | None = None
    lp_hedge_config: Path | None = None
    lp_hedge_db: Path | None = None  # known by name; `database_path` reads it, also for those who need nothing else
    lp_hedge_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    lp_hedge_log_format: Literal["text", "json"] = "text"
    lp_hedge_log_file: Path | None = None
    lp_hedge_log_file_mb: Annotated[int, Field(gt=0)] = 10
    lp_hedge_log_files: Annotated[int, Field(gt=0)] = 5
    lp_hedge_heartbeat_url: SecretStr | None = None
    lp_hedge_clock: Annotated[str, Field(pattern=r"^[0-9]{1,4}@[0-9]{1,12}$")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: dict[str, object]) -> dict[str, object]:
        return {key: value for key, value in data.items() if value != "" or key == "binance_spot_url"}

    @field_validator("binance_stream_url")
    @classmethod
    def _stream(cls, value: str | None) -> str | None:
        url = checked_url(value, "ws", "wss") if value else None
        if url and urlsplit(url).path.endswith(("/ws", "/stream")):
            raise ValueError(f"must be an address without the path of a stream, such as {BINANCE_STREAMS}")
        return url

    @field_validator("binance_spot_url")
    @classmethod
    def _spot(cls, value: str | None) -> str | None:
        return checked_url(value, "http", "https") if value else value

    @field_validator("lp_hedge_heartbeat_url")
    @classmethod
    def _heartbeat(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            checked_url(value.get_secret_value(), "http", "https")
        return value

    @field_validator("lp_hedge_log_level", "lp_hedge_log_format", mode="before")
    @classmethod
    def _any_case(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        return value.upper() if info.field_name == "lp_hedge_log_level" else value.lower()

    @model_validator(mode="after")
    def _both_keys_or_none(self) -> Environment:
        if (self.binance_api_key is None) != (self.binance_api_secret is None):
            raise ValueError("BINANCE_API_KEY and BINANCE_API_SECRET belong together, only one of them is set")
        return self

    @property
    def stream_url(self) -> str | None:
        """None: the exchange is only asked. Binance's own streams only beside its own futures host."""
        if self.binance_stream_url is not None:
            return self.binance_stream_url
        return BINANCE_STREAMS if self.binance_futures_url == BINANCE_FUTURES else None

    @property
    def mixes_exchanges(self) -> bool:
        """Of two addresses one is Binance's own and the other is not: perhaps a test network's, left behind."""
        asks_own, hears_own = self.binance_futures_url == BINANCE_FUTURES, self.stream_url == BINANCE_STREAMS
        return self.stream_url is not None and asks_own != hears_own

    @property
    def spot_url(self) -> str:
        """Empty: the key's permissions cannot be asked. Binance's own spot host only beside its own futures host."""
        if self.binance_spot_url is not None:
            return self.binance_spot_url
        return BINANCE_SPOT if self.binance_futures_url == BINANCE_FUTURES else ""


@dataclass(frozen=True, slots=True)
class ChainEndpoints:
    """In the order of preference. URLs often hold a provider's key, so they are secrets."""

    rpc_urls: tuple[SecretStr, ...]
    ws_url: SecretStr | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that the environment says. `notices`: sentences worth the operator's eye.

    `endpoint_names`: every variable that is set and names a chain's endpoint, used or not. `exposed`: who else can read
    the secrets in the file, and what to do; live mode does not begin with it. `file`: what was read, of which the
    variables `in_file` came.
    """

    values: Environment
    chains: Mapping[str, ChainEndpoints]
    notices: tuple[str, ...]
    endpoint_names: tuple[str, ...] = ()
    exposed: str | None = None
    file: Path = DEFAULT_ENV_FILE
    in_file: frozenset[str] = frozenset()

    def origin(self, name: str) -> str:
        """Of a variable, by its name in capitals: the environment wins over the file."""
        if any(each.upper() == name for each in os.environ):
            return "environment"
        if name in self.in_file:
            return str(self.file)
        return "environment" if name.lower() in self.values.model_fields_set else "default"


def read_environment(env_file: Path | None) -> Surroundings:
    """`env_file` None: `./.env` if there is one. The process's environment wins over the file.

    Raises ConfigurationError: the named file is missing, or a value is not allowed.
    """
    path, in_file = env_file or DEFAULT_ENV_FILE, variables_in(env_file)
    values = _validated(path)
    variables = {**in_file, **os.environ}
    names = tuple(name for name, value in variables.items() if name.endswith((RPC_SUFFIX, WS_SUFFIX)) and value.strip())
    exposed = exposure(path) if in_file else None
    notices, from_file = _notices(path, in_file, exposed, _plain(values)), frozenset(map(str.upper, in_file))
    return Surroundings(values, _chains(variables), notices, names, exposed, path, from_file)


def _validated(path: Path) -> Environment:
    try:
        return Environment(_env_file=path)
    except ValidationError as error:
        raise ConfigurationError("; ".join(_clause(each) for each in error.errors(include_url=False)) + ".") from None


def checked_url(value: str, *schemes: str) -> str:
    """Without a slash at the end. Raises ValueError, which never shows more of it than scheme and host."""
    url = value.strip()
    if " " in url or not url.isprintable():
        raise ValueError("must be an address without blanks or control characters in it")
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"must be an address that begins with {' or '.join(f'{each}://' for each in schemes)}")
    _require_port(parts)
    _require_host_name(parts.hostname)
    return url.rstrip("/")


def _require_port(parts: SplitResult) -> None:
    """It may be left out."""
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("must be an address whose port is a number up to 65535") from None


def _require_host_name(host: str) -> None:
    try:
        host.encode("idna")
    except UnicodeError:
        raise ValueError("must be an address whose host is a name: each part of it has 1 to 63 letters") from None


def http_endpoints(name: str, value: str) -> tuple[SecretStr, ...]:
    """Apart by commas. Raises ConfigurationError, which calls them `name` and shows nothing of them."""
    return tuple(_endpoint(name, each, "http", "https") for each in value.split(",") if each.strip())


def rpc_name(chain: str) -> str:
    """The variable that holds a chain's endpoints: BSC_RPC_URL."""
    return f"{_upper(chain)}{RPC_SUFFIX}"


def _upper(chain: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in chain).upper()


def _chains(variables: Mapping[str, str]) -> dict[str, ChainEndpoints]:
    found = {}
    for name, value in variables.items():
        if name.endswith(RPC_SUFFIX) and value.strip():
            chain = name.removesuffix(RPC_SUFFIX)
            urls = http_endpoints(name, value)
            ws_name = f"{chain}{WS_SUFFIX}"
            ws_url = variables.get(ws_name, "").strip()
            if "," in ws_url:
                raise ConfigurationError(f"{ws_name} takes one address; only {name} takes several, apart by commas.")
            found[chain] = ChainEndpoints(urls, _endpoint(ws_name, ws_url, "ws", "wss") if ws_url else None)
    return found


def _endpoint(name: str, value: str, *schemes: str) -> SecretStr:
    try:
        return SecretStr(checked_url(value, *schemes))
    except ValueError as error:
        raise ConfigurationError(f"{name} {error}.") from None


def _clause(detail: ErrorDetails) -> str:
    if not detail["loc"]:
        return str(detail.get("ctx", {}).get("error", detail["msg"]))
    field = str(detail["loc"][0])
    shown = "" if field in NEVER_SHOWN or detail["type"] == "value_error" else f" = {detail['input']!r}"
    match detail["type"]:
        case "int_parsing" | "int_parsing_size" | "int_type" | "greater_than" | "string_pattern_mismatch":
            return f"{field.upper()}{shown} is not allowed: use {CURES.get(field, 'a whole number from 1 on')}"
        case "literal_error":
            return f"{field.upper()}{shown} is not allowed: use {detail.get('ctx', {})['expected']}".replace("'", "")
    return f"{field.upper()} {detail['msg'].removeprefix('Value error, ')}"


def _notices(path: Path, in_file: Mapping[str, str], exposed: str | None, plain: Sequence[str]) -> tuple[str, ...]:
    """`plain`: variables whose address is another machine's and not encrypted."""
    notices = [_unknown(path, name) for name in in_file if name.startswith(OUR_PREFIXES) and not _is_known(name)]
    notices += [f"{name}: what is sent there, secrets too, is not encrypted: use https." for name in plain]
    return (*notices, exposed) if exposed else tuple(notices)


def _plain(values: Environment) -> list[str]:
    """Of the addresses that a secret of ours is sent to."""
    return [name.upper() for name in SENT_SECRETS if _is_plain(getattr(values, name))]


def _is_plain(url: str | None) -> bool:
    parts = urlsplit(url or "")
    return parts.scheme in ("http", "ws") and not is_this_machine(parts.hostname or "")


def _is_known(name: str) -> bool:
    return name.lower() in Environment.model_fields or name.endswith((RPC_SUFFIX, WS_SUFFIX))


def _unknown(path: Path, name: str) -> str:
    close = difflib.get_close_matches(name.lower(), list(Environment.model_fields), n=1)
    return f"{path}: {name} is not a name I read{f', did you mean {close[0].upper()}?' if close else '.'}"
