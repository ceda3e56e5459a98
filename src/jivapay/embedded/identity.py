"""Under which identity a server runs. PostgreSQL refuses uid 0, and root may neither add an account nor open its
own directories to the world for that: it drops to an existing account, or enters a user namespace.
"""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypedDict

from jivapay.embedded.errors import EmbeddedError

PROBE_SECONDS = 10.0


class IdentityKind(StrEnum):
    SELF = "self"
    """As the ordinary user we are."""
    DROP = "drop"
    """As an unprivileged account that can reach home and binaries."""
    USERNS = "userns"
    """As root without a single capability, whom the server sees as the account: for paths only root can enter."""


class Credentials(TypedDict, total=False):
    """The part of Popen's arguments that changes the user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class RunAs:
    kind: IdentityKind = IdentityKind.SELF
    uid: int = 0
    gid: int = 0

    def credentials(self) -> Credentials:
        if self.kind is not IdentityKind.DROP:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def command(self, argv: Sequence[str]) -> list[str]:
        if self.kind is not IdentityKind.USERNS:
            return list(argv)
        # Entering the namespace clears the parent-death signal; setpriv sets it again inside.
        enter = ["unshare", "--user", f"--map-user={self.uid}", f"--map-group={self.gid}", "--"]
        return [*enter, "setpriv", "--pdeathsig", "INT", *argv]

    @property
    def owner(self) -> tuple[int, int]:
        """The user and group that must own the data, as the file system sees them."""
        if self.kind is IdentityKind.DROP:
            return self.uid, self.gid
        return os.geteuid(), os.getegid()

    def own(self, *paths: Path) -> None:
        """Give `paths` to this identity; nothing to do unless it is another than ours."""
        uid, gid = self.owner
        for path in paths:
            if path.lstat().st_uid != uid:
                os.chown(path, uid, gid, follow_symlinks=False)


def pick_identity(home: Path, binary: Path) -> RunAs:
    """The least privileged identity that can enter `home` and run `binary`. Raises EmbeddedError when none can."""
    if os.geteuid() != 0:
        return RunAs()
    name = os.environ.get("JIVAPAY_EMBEDDED_USER", "nobody")
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        raise EmbeddedError(f"JIVAPAY_EMBEDDED_USER names {name!r}, and there is no such account") from None
    probe = ["/bin/sh", "-c", 'cd "$1" && exec "$2" --version', "sh", str(home), str(binary)]
    for kind in (IdentityKind.DROP, IdentityKind.USERNS):
        candidate = RunAs(kind, account.pw_uid, account.pw_gid)
        if _works(candidate, probe):
            return candidate
    raise EmbeddedError(
        f"running as root, but account {name!r} cannot reach {home} or {binary}, and there are no user namespaces; "
        "choose --home /var/lib/jivapay and keep the virtualenv outside /root, or set DATABASE_URL and REDIS_URL"
    )


def _works(candidate: RunAs, argv: Sequence[str]) -> bool:
    try:
        done = subprocess.run(
            candidate.command(argv),
            cwd="/",
            capture_output=True,
            timeout=PROBE_SECONDS,
            check=False,
            **candidate.credentials(),
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
