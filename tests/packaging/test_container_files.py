"""Dockerfile, .dockerignore and compose.yaml speak of what the program has. No image is built here."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import yaml

from bot.arguments import build_parser
from bot.environment import Environment
from tests.packaging.conftest import ROOT, new_environment, ran

Step = tuple[str, str]


def steps() -> list[Step]:
    """Instruction and arguments, continued lines joined, of all stages in order."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line]


def stages() -> list[list[Step]]:
    found: list[list[Step]] = []
    for step in steps():
        if step[0] == "FROM":
            found.append([])
        found[-1].append(step)
    return found


def said(stage: list[Step], instruction: str) -> list[str]:
    return [arguments for name, arguments in stage if name == instruction]


def variables(stage: list[Step]) -> dict[str, str]:
    return dict(pair.split("=", 1) for line in said(stage, "ENV") for pair in shlex.split(line))


def service() -> dict[str, Any]:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    (only,) = compose["services"].values()
    assert isinstance(only, dict)
    return only | {"declared": set(compose["volumes"])}


BUILD, FINAL = stages()


def test_the_package_can_be_built_from_what_is_copied(dependencies: Path, tmp_path: Path) -> None:
    """And is complete: the commands of the stage, but for the registry's part."""
    python = new_environment(tmp_path / "venv", dependencies)
    source = tmp_path / "source"
    source.mkdir()
    for *names, target in map(str.split, said(BUILD, "COPY")):
        for name in names:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, source / target)
            else:
                shutil.copy(ROOT / name, source / target)
    (install,) = [line for line in said(BUILD, "RUN") if "--no-deps" in line]
    pip = install.split("&&")[0].split()
    assert pip[:2] == ["/opt/lp-hedge/bin/pip", "install"]
    ran(python, "-m", "pip", *pip[1:], cwd=source)
    (tmp_path / "data").mkdir()
    assert "net quote" in ran(python.parent / "lp-hedge", "demo", "--fast", "--hours", "1", cwd=tmp_path / "data")


def test_the_engine_is_given_what_is_copied_and_nothing_else() -> None:
    """Everything is ignored but that: secrets beside the Dockerfile never reach an image."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    copied = {name for line in said(BUILD, "COPY") for name in line.split()[:-1]}
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert not copied & {".", ".env", "data", "hedge.toml"}
    makefile = (ROOT / "Makefile").read_text()
    assert set(re.findall(r"^PACKAGE := (.+)$", makefile, re.MULTILINE)[0].split()) | {"requirements.lock"} == copied


def test_both_stages_are_of_the_oldest_python_that_is_supported() -> None:
    """An environment is copied from one to the other: they must be the same."""
    python = re.findall(r'requires-python = ">=(.+)"', (ROOT / "pyproject.toml").read_text())
    assert said(BUILD, "FROM") == [f"python:{python[0]}-slim AS build"]
    assert said(FINAL, "FROM") == [f"python:{python[0]}-slim"]
    assert said(FINAL, "COPY") == ["--from=build /opt/lp-hedge /opt/lp-hedge"]


def test_only_locked_wheels_are_installed_and_no_tools_stay() -> None:
    """Neither pip nor setuptools, in neither of the two environments."""
    fetched = next(line for line in said(BUILD, "RUN") if "requirements.lock" in line)
    assert {"--require-hashes", "--only-binary"} <= set(fetched.split())
    removed = [line for stage in (BUILD, FINAL) for line in said(stage, "RUN") if "pip uninstall" in line]
    assert len(removed) == 2
    assert all({"pip", "setuptools"} <= set(line.split("uninstall")[1].split("&&")[0].split()) for line in removed)
    assert not any("apt" in line for line in said(FINAL, "RUN"))


def test_it_runs_as_nobody_in_particular_and_writes_to_its_volume_alone() -> None:
    """A user by number, so that an engine can see that it is not root."""
    (user,), (volume,), (folder,) = (said(FINAL, name) for name in ("USER", "VOLUME", "WORKDIR"))
    uid, gid = map(int, user.split(":"))
    assert min(uid, gid) > 0
    assert any(f"--uid {uid}" in line and f"--home-dir {volume}" in line for line in said(FINAL, "RUN"))
    assert volume == folder == "/data"
    assert Path(variables(FINAL)["LP_HEDGE_DB"]).parent == Path(volume)
    assert variables(FINAL)["PATH"].split(":")[0] == "/opt/lp-hedge/bin"
    assert said(FINAL, "STOPSIGNAL") == ["SIGTERM"]


def test_the_commands_of_the_image_are_the_programs() -> None:
    """As one line: the entry and what it is given."""
    entry, given = (json.loads(said(FINAL, name)[0]) for name in ("ENTRYPOINT", "CMD"))
    assert entry == ["lp-hedge"]
    assert build_parser().parse_args(given).command == "run"
    assert service()["command"] == given


def test_the_health_check_asks_the_program() -> None:
    """The same in the image and in the composition, which starts counting once a start has had its time."""
    options, command = said(FINAL, "HEALTHCHECK")[0].split(" CMD ")
    check = service()["healthcheck"]
    assert check.pop("test") == ["CMD", *json.loads(command)]
    assert {f"--{key.replace('_', '-')}={value}" for key, value in check.items()} == set(options.split())
    program, *words = json.loads(command)
    assert program == "lp-hedge"
    assert build_parser().parse_args(words).command == "health"


def test_every_variable_has_a_name_that_the_program_reads() -> None:
    """A mistyped one would look as if it were read."""
    ours = {name for name in {**variables(FINAL), **service()["environment"]} if name.startswith("LP_HEDGE_")}
    assert ours
    assert ours <= {name.upper() for name in Environment.model_fields}
    assert service()["env_file"] == [{"path": ".env", "required": True}]


def test_the_composition_keeps_state_and_only_reads_the_configuration() -> None:
    """The database lies in the volume, where the image expects one; the file must exist before anything starts."""
    one = service()
    volumes = {each["target"]: each for each in one["volumes"]}
    assert volumes["/data"]["type"] == "volume"
    assert volumes["/data"]["source"] in one["declared"]
    assert one["environment"]["LP_HEDGE_DB"] == variables(FINAL)["LP_HEDGE_DB"]
    configuration = volumes[one["environment"]["LP_HEDGE_CONFIG"]]
    assert configuration["read_only"]
    assert configuration["bind"] == {"create_host_path": False}


def test_the_composition_is_restarted_and_bounded() -> None:
    """It comes back after a crash and a boot, is given time to end, and cannot fill memory or disk."""
    one = service()
    assert one["restart"] == "unless-stopped"
    assert int(one["stop_grace_period"].removesuffix("s")) >= 10
    assert one["init"] and one["read_only"]
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["tmpfs"][0].startswith("/tmp:size=")
    assert {"max-size", "max-file"} == set(one["logging"]["options"])
    assert {"mem_limit", "pids_limit"} <= set(one)
    assert "ports" not in one
