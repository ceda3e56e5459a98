"""Nothing that looks like a secret lies in the repository.

Reads the files named on the command line, else all tracked ones. A line that must look like one (a test vector, a
pattern) says so with the words `not a secret`.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = "not a secret"
PATTERNS = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "API key of this platform": re.compile(r"\bjp_(?:live|test)_[A-Za-z0-9]{4,}_[A-Za-z0-9]{32,}"),
    "callback secret": re.compile(r"\bwhsec_[A-Za-z0-9+/]{40,}={0,2}"),
    "AWS access key": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}"),
    "signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"),
    "Sentry DSN": re.compile(r"https://[0-9a-f]{32}@[a-z0-9.-]+/\d+"),
    "password in an address": re.compile(
        r"\b(?:postgres(?:ql)?|rediss?|amqps?)(?:\+\w+)?://[^\s:@/\"'{}<>]+:[^\s@/\"'{}<>]{12,}@"
    ),
}


def secrets_in(text: str) -> list[tuple[int, str]]:
    """Line number and kind of each thing that looks like a secret."""
    return [
        (number, kind)
        for number, line in enumerate(text.splitlines(), 1)
        if ALLOWED not in line
        for kind, pattern in PATTERNS.items()
        if pattern.search(line)
    ]


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607  # git stands where the machine has it
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def main(names: list[str]) -> int:
    found = 0
    for path in [Path(name) for name in names] or tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        for number, kind in secrets_in(text):
            found += 1
            sys.stderr.write(f"{path}:{number}: looks like a {kind}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
