"""deploy/systemd: every command line is one of ours, every variable a setting; systemd itself where it is at hand."""

import configparser
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.manifests import DEPLOY, QUEUES, is_setting, parse, secret_names
from jivapay.config.start_checks import EXIT_REFUSED
from jivapay.embedded.home import APPLICATION_SECRETS

FOLDER = DEPLOY / "systemd"
SERVICES = sorted(FOLDER.glob("*.service"))
LINES = (FOLDER / "environment.example").read_text(encoding="utf-8").splitlines()
ENVIRONMENT = dict(line.split("=", 1) for line in LINES if not line.startswith("#"))


def service(path: Path) -> configparser.SectionProxy:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # systemd's names have capitals
    unit.read(path, encoding="utf-8")
    return unit["Service"]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_it_starts_a_command_of_ours(path: Path) -> None:
    unit = service(path)
    program, *arguments = unit["ExecStart"].split()
    assert program == "/opt/jivapay/bin/jivapay"
    for queue in QUEUES if "%i" in arguments else ("",):
        _, parameters = parse([queue if one == "%i" else one for one in arguments])
        assert parameters.get("queues") in {None, *QUEUES}
    assert unit["User"] == "jivapay"
    assert unit["NoNewPrivileges"] == "yes"
    if unit["Type"] == "notify":
        assert int(unit["RestartPreventExitStatus"]) == EXIT_REFUSED


def test_every_process_has_a_unit() -> None:
    assert {path.name for path in SERVICES} == {
        f"jivapay-{name}.service" for name in ("web", "worker@", "relay", "scheduler", "check")
    }


def test_the_environment_is_made_of_settings() -> None:
    assert [name for name in ENVIRONMENT if not is_setting(name)] == []
    named = set(secret_names(list(ENVIRONMENT.values())))
    assert {name.lower() for name in APPLICATION_SECRETS} <= named


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for path in FOLDER.iterdir():
        name = path.name.replace("@.", "@orders.")
        text = path.read_text(encoding="utf-8").replace("/opt/jivapay/bin/jivapay", shutil.which("true") or "")
        (tmp_path / name).write_text(
            text.replace("User=jivapay", "User=daemon").replace("Group=jivapay", "Group=daemon")
        )
    units = [path for path in tmp_path.iterdir() if path.suffix in {".service", ".timer", ".target"}]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],  # noqa: S607 - it stands where the machine has it
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "jivapay" in line]
    assert ours == []
