"""Where the database is: known without reading the rest of the configuration, which takes its time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from core.errors import ConfigurationError
from storage.lock import real_place

DEFAULT_DATABASE = Path("data/lp_hedge.db")
DEFAULT_ENV_FILE = Path(".env")
NAME = "lp_hedge_db"


def database_path(named: Path | None, env_file: Path | None) -> Path:
    """`named` by a flag, else by the environment, else by `env_file` (None: `./.env`), else the default. Where that is
    a link, the file it leads to: beside that lies all that belongs to it.

    Raises ConfigurationError: the named env file is missing.
    """
    return real_place(_said(named, env_file))


def _said(named: Path | None, env_file: Path | None) -> Path:
    if named is not None:
        return named
    for variables in (os.environ, variables_in(env_file)):
        values = {name.lower(): value for name, value in variables.items()}
        if NAME in values:
            return Path(values[NAME]) if values[NAME] else DEFAULT_DATABASE
    return DEFAULT_DATABASE


def variables_in(env_file: Path | None) -> Mapping[str, str]:
    """Empty without a file, as long as none was named. Raises ConfigurationError."""
    if env_file is not None and not env_file.is_file():
        raise ConfigurationError(f"there is no file {env_file}, which --env-file names.")
    return _read(env_file or DEFAULT_ENV_FILE)


def _read(path: Path) -> Mapping[str, str]:
    try:
        values = dotenv_values(path) if path.is_file() else {}
        return {key: value or "" for key, value in values.items()}
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not text in UTF-8.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
