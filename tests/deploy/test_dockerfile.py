"""deploy/Dockerfile: hadolint's rules, and that the image holds what it should and nothing else."""

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

from architecture.house import ROOT
from deploy.manifests import DEPLOY, IMAGE_PORT, IMAGE_USER, is_setting, parse

TEXT = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def instructions(name: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", " ", TEXT)
    return [line.split(maxsplit=1)[1] for line in joined.splitlines() if line.startswith(f"{name} ")]


def test_the_linter_has_nothing_to_say() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_installs_what_the_lock_says_without_servers_and_tests() -> None:
    syncs = [one for one in instructions("RUN") if "uv sync" in one]
    assert len(syncs) == 2
    assert all("--locked --no-default-groups" in one for one in syncs)
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]["default-groups"]
    assert set(groups) == {"dev", "embedded"}


def test_it_runs_as_somebody_who_is_not_root() -> None:
    assert instructions("USER") == [f"{IMAGE_USER}:{IMAGE_USER}"]
    assert TEXT.index("USER ") > TEXT.rindex("FROM ")


def test_it_is_built_in_stages_on_the_tested_python() -> None:
    bases = [one.split()[0] for one in instructions("FROM")]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    version = re.findall(r'python-version: "([\d.]+)"', workflow)
    assert bases[0].startswith(f"python:{version[0]}-slim")


def test_it_starts_the_server_and_asks_it() -> None:
    assert instructions("ENTRYPOINT") == ['["jivapay"]']
    command = re.findall(r'"([^"]+)"', instructions("CMD")[-1])
    assert parse(command) == ("serve", parse(command)[1] | {"host": "0.0.0.0", "port": IMAGE_PORT})  # noqa: S104
    assert instructions("EXPOSE") == [str(IMAGE_PORT)]
    assert f"http://127.0.0.1:{IMAGE_PORT}/healthz/" in instructions("HEALTHCHECK")[0]
    assert is_setting("ENV")
    assert "ENV=production" in TEXT


def test_nothing_but_what_is_copied_reaches_the_builder() -> None:
    rules = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] not in {"", "#"}
    ]
    assert rules[0] == "*"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {source for one in instructions("COPY") if not one.startswith("--from") for source in one.split()[:-1]}
    assert copied == let_in
    assert not any(fnmatch(".env", rule) for rule in let_in)
