"""The units speak of what the program has, and systemd itself finds nothing wrong where it can be asked."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.arguments import build_parser
from bot.database_place import DEFAULT_DATABASE
from tests.packaging.conftest import ROOT

FOLDER = ROOT / "examples" / "systemd"
PROGRAM = "/usr/local/bin/lp-hedge"
HOME = Path("/var/lib/lp-hedge")
SERVICES = ("lp-hedge.service", "lp-hedge-backup.service")
# What systemd calls "OK" ends at 5; the rest here is that the service needs the network.
MOST_EXPOSED_TENTHS = 20

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")


def settings(name: str) -> dict[str, list[str]]:
    """All values of each key, in order: systemd lets keys repeat."""
    found: dict[str, list[str]] = {}
    for line in (FOLDER / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def one(name: str, key: str) -> str:
    (value,) = settings(name)[key]
    return value


def asked(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The same, with a program that is there."""
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_text(path.read_text().replace(PROGRAM, "/bin/true"))
    return tmp_path


def test_the_service_starts_the_program_as_it_can_be_started() -> None:
    """With a named configuration: a missing one is an error and no demo. Paths are those of its own folder."""
    program, *words = one("lp-hedge.service", "ExecStart").split()
    options = build_parser().parse_args(words)
    assert (program, options.command) == (PROGRAM, "run")
    assert (options.config, options.env_file, options.db) == (Path("hedge.toml"), Path(".env"), None)
    assert one("lp-hedge.service", "WorkingDirectory") == str(HOME)
    assert f"/var/lib/{one('lp-hedge.service', 'StateDirectory')}" == str(HOME)
    read_only = one("lp-hedge.service", "ReadOnlyPaths").replace("-/", "/").split()
    assert read_only == [str(HOME / options.config), str(HOME / options.env_file)]


def test_the_backup_copies_the_database_of_the_service() -> None:
    """Into a folder that systemd makes, under names that do not repeat, of which old ones go."""
    name = "lp-hedge-backup.service"
    assert one(name, "ConditionPathExists") == str(HOME / DEFAULT_DATABASE)
    shell, flag, script = shlex.split(one(name, "ExecStart"))
    assert (shell, flag) == ("/bin/sh", "-c")
    done = asked(shell, flag, script.replace("%%", "%").replace(f"exec {PROGRAM}", "echo"))
    options = build_parser().parse_args(done.stdout.split())
    assert (options.command, options.action, options.db) == ("db", "backup", None)
    assert re.fullmatch(r"backups/lp_hedge-\d{8}T\d{6}Z\.db", str(options.file))
    assert f"lp-hedge/{options.file.parent}" in one(name, "StateDirectory").split()


def test_old_copies_go_before_a_new_one_is_made(tmp_path: Path) -> None:
    """So that a disk that they have filled has room again; thirteen stay, with a new one every night two weeks."""
    folder = tmp_path / "backups"
    folder.mkdir()
    shell, flag, script = shlex.split(one("lp-hedge-backup.service", "ExecStartPre"))
    clean = ["env", "--chdir", str(tmp_path), shell, flag, script]
    assert asked(*clean).returncode == 0  # the first night
    copies = [f"lp_hedge-202611{day:02}T034000Z.db" for day in range(1, 21)]
    for name in (*copies, "lp_hedge-20261121T034000Z.db.partial", "mine.txt"):
        (folder / name).touch()
    done = asked(*clean)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(file.name for file in folder.iterdir()) == [*copies[-13:], "mine.txt"]
    assert asked(*clean).returncode == 0 and len([*folder.iterdir()]) == 14


@pytest.mark.parametrize("name", SERVICES)
def test_it_runs_as_a_user_of_its_own_and_writes_its_folder_alone(name: str) -> None:
    """Both see the same files as the same user."""
    said = settings(name)
    assert said["User"] == said["Group"] == ["lp-hedge"]
    assert said["ProtectSystem"] == ["strict"]
    assert said["UMask"] == ["0077"]
    assert said["CapabilityBoundingSet"] == [""]
    for key in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "RestrictNamespaces"):
        assert said[key] == ["yes"], key
    assert "ReadWritePaths" not in said


def test_it_is_started_again_for_ever_and_given_time_to_end() -> None:
    """The program needs 5 s; without a limit of starts a day without disk or node ends by itself."""
    said = settings("lp-hedge.service")
    assert said["Restart"] == ["always"]
    assert said["StartLimitIntervalSec"] == ["0"]
    assert int(said["RestartSec"][0]) >= 5
    assert int(said["TimeoutStopSec"][0]) >= 10
    assert "WatchdogSec" not in said
    assert "MemoryMax" in said


def test_the_timer_starts_the_backup_also_after_a_night_off() -> None:
    """By its name: a timer starts the service that is called as it is."""
    assert (FOLDER / "lp-hedge-backup.timer").exists()
    assert one("lp-hedge-backup.timer", "Persistent") == "true"


@needs_systemd
def test_systemd_finds_nothing_wrong(units: Path) -> None:
    """No unknown key, no bad value, no missing unit."""
    done = asked("systemd-analyze", "verify", *sorted(str(path) for path in units.iterdir()))
    assert not [line for line in (done.stdout + done.stderr).splitlines() if "lp-hedge" in line]


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_little_exposed(units: Path, name: str) -> None:
    """Of 10.0, by its own measure."""
    limit = f"--threshold={MOST_EXPOSED_TENTHS}"
    done = asked("systemd-analyze", "security", "--offline=true", limit, "--no-pager", str(units / name))
    assert done.returncode == 0, done.stdout
