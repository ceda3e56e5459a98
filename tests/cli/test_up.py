"""`jivapay up` as a person runs it: one line when all answers, nothing left behind, and back again after any kill."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx2
import pytest
from redis import Redis

from jivapay.embedded import Stack, describe_running

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

GIVEN_BY_TESTS = ("DATABASE_URL", "REDIS_URL", "S3_BUCKET_NAME", "STORAGE_DIR", "JIVAPAY_HOME", "ENV")
START_SECONDS = 90.0
RECOVERY_SECONDS = 60.0


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="jivapay-up-"))
    yield place
    shutil.rmtree(place, ignore_errors=True)


class Platform:
    """A running `up`."""

    def __init__(self, process: subprocess.Popen[str], said: list[str]) -> None:
        self.process = process
        self.said = said
        self.url = said[-1].removeprefix("ready ")

    def answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx2.HTTPError:
            return False

    def family(self) -> dict[int, str]:
        """Every process that descends from it, by pid, with its command line."""
        parents, found = parents_by_pid(), {self.process.pid: ""}
        for _ in range(5):
            found |= {pid: command_line(pid) for pid, parent in parents.items() if parent in found}
        del found[self.process.pid]
        return found

    def children(self) -> list[int]:
        """The processes that are ours, in the order they were started."""
        parents = parents_by_pid()
        return sorted(
            pid
            for pid, parent in parents.items()
            if parent == self.process.pid and "up" in command_line(pid).split("\0")
        )

    def stop(self, sent: signal.Signals = signal.SIGINT) -> float:
        began = time.monotonic()
        self.process.send_signal(sent)
        assert self.process.wait(30) == 0
        return time.monotonic() - began


def parents_by_pid() -> dict[int, int]:
    """Of every process there is at this moment; one that ends meanwhile is left out."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    return parents


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def wait_for(condition: Callable[[], bool], seconds: float = RECOVERY_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def jivapay(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jivapay", *arguments],
        env=surroundings(),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def surroundings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in GIVEN_BY_TESTS}


@contextmanager
def running(home: Path) -> Iterator[Platform]:
    with (home / "errors.log").open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "jivapay", "up", "--home", str(home / "home"), "--port", "0", "--workers", "1"],
            env=surroundings(),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    with process:
        said: list[str] = []
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line.rstrip("\n"))
                if line.startswith("ready "):
                    break
            assert said, (home / "errors.log").read_text()[-2000:]
            yield Platform(process, said)
        finally:
            process.terminate()


def test_it_says_one_line_outlives_any_kill_and_leaves_nothing(home: Path) -> None:
    with running(home) as platform:
        assert platform.answers()
        assert platform.said[-1].startswith("ready http://127.0.0.1:")
        assert [line.split(",")[0] for line in platform.said[:-1]] == ["first administrator admin@jivapay.example"]
        kill_each_part(home, platform)
        family = platform.family()
        assert sum(pid in family for pid in platform.children()) == 4
        platform.stop()
        assert not [pid for pid in family if command_line(pid)]
        assert not platform.answers()


def kill_each_part(home: Path, platform: Platform) -> None:
    """The four processes of ours and the two servers; all are back, with what they knew."""
    before = describe_running(home / "home")
    assert before is not None
    with Redis.from_url(before["REDIS_URL"]) as valkey:
        valkey.set("kept", "1")
    victims = platform.children()
    servers = [pid for pid, line in platform.family().items() if "postgres\0-D" in line or "valkey-server" in line]
    assert (len(victims), len(servers)) == (4, 2)
    for victim in (*victims, *servers):
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda gone=victim: not command_line(gone))  # type: ignore[misc]
    wait_for(lambda: len(platform.children()) == 4 and platform.answers())
    assert describe_running(home / "home") == before
    with Redis.from_url(before["REDIS_URL"]) as valkey:
        assert valkey.get("kept") == b"1"


def test_commands_find_its_data_while_it_runs(home: Path) -> None:
    place = str(home / "home")
    with running(home) as platform:
        assert len(platform.said) == 1  # the administrator's password is never shown again
        again = jivapay("up", "--home", place)
        assert again.returncode == 2
        assert again.stderr == (
            f"jivapay: already running on {place} (pid {platform.process.pid}); stop it, or choose another --home\n"
        )
        assert jivapay("db", "current", "--home", place).returncode == 0
        assert jivapay("check", "--home", place).returncode == 0
        made = jivapay("user", "create", "--role", "support", "--email", "one@example.com", "--home", place)
        assert made.stdout.startswith("created support one@example.com\npassword ")
        assert jivapay("rate", "show", "--home", place).stdout == "no rate is set\n"
        assert jivapay("rate", "set", "USDT/RUB", "92.50", "--home", place).stdout == "USDT/RUB 92.50\n"
        jump = jivapay("rate", "set", "USDT/RUB", "925.0", "--home", place)
        assert (jump.returncode, jump.stderr.count("\n")) == (2, 1)
        family = platform.family()
        platform.process.kill()
    # After its own death the next one starts, on the same data.
    with running(home) as platform:
        assert platform.answers()
        assert not [pid for pid in family if command_line(pid)]
        platform.stop(signal.SIGTERM)


def test_commands_find_its_data_after_it(home: Path) -> None:
    place = str(home / "home")
    assert jivapay("rate", "show", "--home", place).stdout.startswith("USDT/RUB 92.50 manual ")
    twice = jivapay("user", "create", "--role", "support", "--email", "one@example.com", "--home", place)
    assert (twice.returncode, twice.stderr.count("\n")) == (2, 1)
    not_frozen = jivapay("unfreeze", "--reason", "nothing", "--home", place)
    assert (not_frozen.returncode, not_frozen.stderr) == (2, "jivapay: Money is not frozen.\n")


async def test_check_shows_what_was_altered_by_hand(home: Path) -> None:
    with Stack(home / "home", need_valkey=False) as stack:
        connection = await asyncpg.connect(stack.env["DATABASE_OWNER_URL"])
        try:
            await connection.execute("alter table audit_log disable trigger audit_log_append_only")
            await connection.execute(
                "update audit_log set action = 'nothing' where id = (select min(id) from audit_log)"
            )
            await connection.execute("alter table audit_log enable trigger audit_log_append_only")
        finally:
            await connection.close()
    checked = jivapay("check", "--home", str(home / "home"))
    assert checked.returncode == 1
    lines = checked.stdout.splitlines()
    assert lines[-1] == "1 violated"
    violated = next(number for number, line in enumerate(lines) if line.startswith("VIOLATED"))
    assert lines[violated + 1].startswith("         {")
    assert sum(line.startswith("ok ") for line in lines) == len(lines) - 3
