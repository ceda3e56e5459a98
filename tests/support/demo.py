"""`jivapay demo` as a child, and the environment a person would start it in."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GIVEN_BY_TESTS = ("DATABASE_URL", "REDIS_URL", "S3_BUCKET_NAME", "STORAGE_DIR", "JIVAPAY_HOME", "ENV")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "jivapay", "demo", *arguments]


def clean_environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in GIVEN_BY_TESTS} | more


@contextmanager
def demo_without_traffic(home: Path) -> Iterator[str]:
    process = subprocess.Popen(
        command("--home", str(home), "--port", "0", "--no-traffic"),
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = next((line for line in process.stdout if line.startswith("ready ")), "")
        assert said, (home / "up.log").read_text()
        yield said.split()[1]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()
