"""TLS to the database: verified, certificate and name, unless it stands inside `PLAINTEXT_NETS` (decision 21).

The driver's own default takes TLS when it is offered and believes any certificate: whoever stands between answers with
one of his own, and neither side sees it. Where the URL names a mode, the driver obeys it; production refuses those that
verify nothing.
"""

import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only

from jivapay.config.plaintext import LOOPBACK_NETS, addresses_of, may_be_plain
from jivapay.config.settings import Settings

VERIFYING_MODES = frozenset({"verify-ca", "verify-full"})


@dataclass(frozen=True, slots=True)
class DatabaseTls:
    """Whose certificate is believed (`ca_file`; the system's authorities without one), and where none is asked for."""

    plaintext_nets: str = LOOPBACK_NETS
    ca_file: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.plaintext_nets, settings.database_ca_file)

    def watch(self, engine: AsyncEngine) -> None:
        """Hold every new connection of `engine` to it."""

        @event.listens_for(engine.sync_engine, "do_connect")
        def secure(_dialect: object, _record: object, _args: object, parameters: dict[str, Any]) -> None:
            changed = await_only(self.secure(parameters))
            parameters.clear()
            parameters.update(changed)

    async def secure(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The driver's `parameters` with what TLS needs.

        A name that leads inside the nets is replaced by the very addresses that were judged, so that a second look-up
        has nothing to change. Raises OSError when `ca_file` holds no certificates.
        """
        mode = named_mode(parameters)
        changed = {name: value for name, value in parameters.items() if name != "sslmode"}
        if mode in VERIFYING_MODES and self.ca_file is not None:
            return changed | {"ssl": trust(self.ca_file, is_named=mode == "verify-full")}
        if mode is not None:
            return changed | {"ssl": mode}
        ends, judged = _ends(parameters), []
        for host, port in ends:
            found = [host] if _is_local(host) else await addresses_of(host)
            if not found or not self._may_be_plain(found):
                return changed | {"ssl": trust(self.ca_file, is_named=True)}
            judged += [(one, port) for one in found]
        if judged == ends:
            return changed
        ports = {"port": [port for _, port in judged]} if any(port for _, port in judged) else {}
        return changed | {"host": [host for host, _ in judged]} | ports

    async def refusals(self, name: str, url: str) -> list[str]:
        """What speaks against using `url` in production; `name` is the variable's. Resolves its hosts."""
        given = make_url(url)
        _, parameters = given.get_dialect()().create_connect_args(given)
        mode = named_mode(parameters)
        if mode is None or mode in VERIFYING_MODES:
            return []
        found = [one for host, _ in _ends(parameters) if not _is_local(host) for one in await addresses_of(host)]
        if self._may_be_plain(found):
            return []
        return [f"{name} leads outside PLAINTEXT_NETS with ssl={mode}, which believes anybody: leave it out"]

    def authority_refusals(self) -> list[str]:
        """One line when `ca_file` cannot be used."""
        try:
            trust(self.ca_file, is_named=True)
        except OSError:  # what is no certificate is one, too
            return ["DATABASE_CA_FILE cannot be read, or holds no certificates"]
        return []

    def _may_be_plain(self, addresses: Sequence[str]) -> bool:
        return may_be_plain([one for one in addresses if not _is_local(one)], self.plaintext_nets)


LOOPBACK_ONLY = DatabaseTls()


def named_mode(parameters: Mapping[str, Any]) -> str | None:
    """The mode the URL names, as `ssl` or `sslmode`, or libpq's variable; None when TLS is left to us."""
    mode = parameters.get("ssl") or parameters.get("sslmode") or os.environ.get("PGSSLMODE")
    return str(mode).replace("_", "-") if mode else None


@lru_cache(maxsize=8)
def trust(ca_file: Path | None, *, is_named: bool) -> ssl.SSLContext:
    """A client's context that verifies the certificate and, when `is_named`, that it is this host's."""
    context = ssl.create_default_context(cafile=ca_file)
    context.check_hostname = is_named
    return context


def _ends(parameters: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Hosts and ports as the driver would take them; none when it looks on this machine."""
    host, port = parameters.get("host") or os.environ.get("PGHOST") or [], parameters.get("port")
    hosts = host.split(",") if isinstance(host, str) else list(host)
    return list(zip(hosts, port if isinstance(port, list | tuple) else [port] * len(hosts), strict=True))


def _is_local(host: str) -> bool:
    """Whether it is the folder of a socket."""
    return host.startswith("/")
