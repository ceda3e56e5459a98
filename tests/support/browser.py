"""Debian's Chromium for tests marked `browser`: found, else installed when root, else those tests are skipped.

CI and root must not skip: there a missing browser is a failure. Elsewhere one closing line counts what was skipped.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

DEBIANS = ("chromium-headless-shell", "chromium")
"""The first opens a page in a third of the time: it draws no window around it."""
NAMES = (*DEBIANS, "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NO_BROWSER = "no Chromium here"
INSTALL_SECONDS = 300


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def require_browser() -> str:
    """The browser's path; skips the test, or fails it where it must run."""
    path = find_browser() or (_install() if _may_install() else None)
    if path is not None:
        return path
    if os.environ.get("CI") or os.geteuid() == 0:
        pytest.fail(f"{NO_BROWSER}: apt-get install chromium", pytrace=False)
    pytest.skip(NO_BROWSER)


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install() -> str | None:
    """Once for all the workers of a run: the others wait, then find it."""
    with (Path(tempfile.gettempdir()) / "jivapay-tests-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if find_browser() is None:
            _apt_get("update", "-qq")
        for name in DEBIANS:
            if find_browser() is None:
                _apt_get("install", "-y", "-qq", "--no-install-recommends", name)
    return find_browser()


def _apt_get(*command: str) -> None:
    subprocess.run(
        ["apt-get", *command],  # noqa: S607 - found on PATH before
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdout=subprocess.DEVNULL,
        timeout=INSTALL_SECONDS,
        check=False,
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for all the tests that had no browser. The root conftest.py imports it."""
    skipped = [report for report in terminalreporter.stats.get("skipped", ()) if NO_BROWSER in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(
            f"{len(skipped)} browser tests were skipped: {NO_BROWSER} (apt-get install chromium)"
        )
