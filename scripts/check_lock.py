"""The lock agrees with pyproject.toml and names no host but the public defaults.

An index given by the environment would be written into every entry of the lock, and would make a public lock fail:
the check therefore runs without any such variable.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

PUBLIC_HOSTS = frozenset({"pypi.org", "files.pythonhosted.org"})
ROOT = Path(__file__).resolve().parent.parent
URL = re.compile(r'"((?:https?|git\+\w+|ssh|file)://[^"]+)"')


def foreign_hosts(lock: str) -> set[str]:
    """Hosts of the lock's addresses that are not the public ones; a path on this machine counts as foreign."""
    hosts = {urlsplit(url).hostname or url for url in URL.findall(lock)}
    return hosts - PUBLIC_HOSTS


def main() -> int:
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    if foreign := foreign_hosts(lock):
        sys.stderr.write(f"uv.lock names {', '.join(sorted(foreign))}; lock again without an index of your own\n")
        return 1
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UV_INDEX", "UV_EXTRA"))}
    for name in ("UV_DEFAULT_INDEX", "UV_FIND_LINKS", "UV_NO_INDEX"):
        environment.pop(name, None)
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.exists() else "uv"
    return subprocess.run([uv, "lock", "--check", "--quiet"], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
