"""A stack keeps what it was given, across stops, kills and second owners."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import asyncpg
import pytest
from redis import Redis

from jivapay.embedded import EmbeddedError, HomeInUse, Stack, describe_running
from jivapay.embedded.home import APPLICATION_SECRETS, default_home, read_ports
from jivapay.embedded.identity import IdentityKind, pick_identity
from jivapay.embedded.postgres import Postgres, find_binaries
from jivapay.embedded.server import LOG_BYTES_MAX
from jivapay.embedded.valkey import Valkey


def sql(url: str, statement: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


def run_script(url: str, script: str) -> None:
    """Several statements at once."""

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(script)
        finally:
            await connection.close()

    asyncio.run(run())


def write_something(env: dict[str, str]) -> None:
    run_script(env["DATABASE_OWNER_URL"], "create table kept (n int); insert into kept values (7)")
    with Redis.from_url(env["REDIS_URL"]) as valkey:
        valkey.set("kept", "7")


def is_running(pid: int) -> bool:
    """Whether it does anything still: an orphan nobody has waited for yet has an empty command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


def read_something(env: dict[str, str]) -> tuple[object, object]:
    with Redis.from_url(env["REDIS_URL"]) as valkey:
        return sql(env["DATABASE_OWNER_URL"], "select n from kept"), valkey.get("kept")


def test_a_second_start_finds_everything_as_it_was(home: Path) -> None:
    with Stack(home) as first:
        write_something(first.env)
        before = first.env
    with Stack(home) as second:
        assert second.env == before
        assert read_something(second.env) == (7, b"7")


def test_the_applications_role_may_sign_in_and_nothing_else(home: Path) -> None:
    with Stack(home, need_valkey=False) as stack:
        owner, app = stack.env["DATABASE_OWNER_URL"], stack.env["DATABASE_URL"]
        assert (
            sql(owner, "select pg_get_userbyid(datdba) from pg_database where datname = 'jivapay'") == "jivapay_owner"
        )
        assert sql(app, "select rolsuper or rolcreatedb or rolcreaterole from pg_roles where rolname = user") is False
        assert sql(owner, "select rolsuper or rolcreatedb or rolcreaterole from pg_roles where rolname = user") is False
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            sql(app, "create table mine (n int)")
        with pytest.raises(asyncpg.InvalidPasswordError):
            sql(app.replace("jivapay_app:", "jivapay_app:not-"), "select 1")


def test_only_what_is_needed_is_started(home: Path) -> None:
    with Stack(home, need_postgres=False) as stack:
        assert "DATABASE_URL" not in stack.env
        assert "REDIS_URL" in stack.env
        assert not (home / "pgdata").exists()


def test_secrets_are_made_once_and_for_us_alone(home: Path) -> None:
    with Stack(home, need_postgres=False) as stack:
        path = home / "secrets.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE((home / "ports.json").stat().st_mode) == 0o600
        assert stat.S_IMODE((home / "valkey.log").stat().st_mode) == 0o600
        kept = json.loads(path.read_text(encoding="utf-8"))
        assert {name: kept[name] for name in APPLICATION_SECRETS}.items() <= stack.env.items()
        key_id, _, key = stack.env["DATA_KEYS"].partition(":")
        assert (key_id, len(key)) == ("k1", 44)


def test_no_password_stands_on_a_command_line(home: Path) -> None:
    with Stack(home, throwaway=True):
        kept = json.loads((home / "secrets.json").read_text(encoding="utf-8")).values()
        seen = b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()).decode()
    assert not [secret for secret in kept if secret in seen]


def test_what_the_environment_says_is_not_replaced(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "given")
    monkeypatch.setenv("API_KEY_PEPPER_FILE", str(tmp_path / "pepper"))
    with Stack(home, need_postgres=False) as stack:
        assert not {"SECRET_KEY", "API_KEY_PEPPER"} & stack.env.keys()
        assert "BLIND_INDEX_KEY" in stack.env


def test_damaged_secrets_are_not_replaced_by_new_ones(home: Path) -> None:
    home.mkdir()
    (home / "secrets.json").write_text("{", encoding="utf-8")
    with pytest.raises(EmbeddedError, match="damaged; restore it"), Stack(home, need_postgres=False):
        pass
    assert (home / "secrets.json").read_text(encoding="utf-8") == "{"


def test_a_second_owner_is_told_who_the_first_is(home: Path) -> None:
    with Stack(home, need_postgres=False) as first:
        assert describe_running(home) == first.env
        with pytest.raises(HomeInUse, match=rf"already running on .* \(pid {os.getpid()}\)"), Stack(home):
            pass
    assert describe_running(home) is None


def test_a_taken_port_is_given_up(home: Path) -> None:
    home.mkdir()
    with Stack(home, need_postgres=False) as stack:
        taken = read_ports(home)["valkey"]
        other = home.parent / "other"
        other.mkdir()
        (other / "ports.json").write_text(json.dumps({"valkey": taken}), encoding="utf-8")
        with Stack(other, need_postgres=False) as second:
            assert second.env["REDIS_URL"].split("@")[1] != stack.env["REDIS_URL"].split("@")[1]


def test_a_cluster_of_another_version_is_left_alone(home: Path) -> None:
    (home / "pgdata").mkdir(parents=True)
    (home / "pgdata" / "PG_VERSION").write_text("12\n", encoding="utf-8")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 12"), Stack(home, need_valkey=False):
        pass
    assert (home / "pgdata" / "PG_VERSION").exists()


def test_an_interrupted_first_start_is_begun_anew(home: Path) -> None:
    (home / "pgdata" / "base").mkdir(parents=True)
    with Stack(home, throwaway=True, need_valkey=False) as stack:
        assert sql(stack.env["DATABASE_URL"], "select 1") == 1


def test_wrong_binaries_are_named(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIVAPAY_PG_BIN", str(tmp_path))
    with pytest.raises(EmbeddedError, match=r"JIVAPAY_PG_BIN is .* no postgres in it"), Stack(home):
        pass


def test_logs_stay_short(home: Path) -> None:
    home.mkdir()
    server = Valkey(home)
    server.log.write_bytes(b"x" * (LOG_BYTES_MAX + 1))
    server.trim_log()
    assert server.log.stat().st_size == 0
    assert (home / "valkey.log.1").stat().st_size == LOG_BYTES_MAX


def test_values_do_not_reach_the_log(home: Path) -> None:
    with Stack(home, throwaway=True, need_valkey=False) as stack:
        owner = stack.env["DATABASE_OWNER_URL"]
        run_script(
            owner, "create table unique_numbers (n text primary key); insert into unique_numbers values ('4111111111')"
        )
        with pytest.raises(asyncpg.UniqueViolationError):
            sql(owner, "insert into unique_numbers values ('4111111111')")
        assert "4111111111" not in (home / "postgres.log").read_text(encoding="utf-8")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has directories that others cannot enter")
def test_root_runs_postgresql_where_only_root_can_go(home: Path) -> None:
    home.parent.chmod(0o700)
    home.mkdir()
    identity = pick_identity(home, find_binaries() / "postgres")
    assert identity.kind is IdentityKind.USERNS
    with Stack(home, throwaway=True, need_valkey=False) as stack:
        assert sql(stack.env["DATABASE_URL"], "select 1") == 1
        status = Path(f"/proc/{stack.servers[0].pid}/status").read_text(encoding="utf-8")
        assert "CapEff:\t0000000000000000" in status
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has directories that others cannot enter")
def test_roots_home_is_where_a_server_can_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JIVAPAY_HOME", raising=False)
    monkeypatch.chdir(tmp_path)  # below a directory of root's own
    assert default_home().parent == Path("/var/lib/jivapay")
    monkeypatch.chdir("/")
    assert default_home() == Path("/var")


@pytest.mark.faults
@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_killed_server_comes_back_with_everything(home: Path, name: str) -> None:
    with Stack(home) as stack:
        write_something(stack.env)
        ports = read_ports(home)
        server = next(one for one in stack.servers if one.name == name)
        assert isinstance(server, Postgres | Valkey)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        while server.is_alive():
            pass
        assert stack.tend() == [name]
        assert stack.tend() == []
        assert read_ports(home) == ports
        assert read_something(stack.env) == (7, b"7")


@pytest.mark.faults
def test_a_killed_owner_leaves_nothing_that_hinders_the_next(home: Path) -> None:
    program = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from jivapay.embedded import Stack
        with Stack(Path(sys.argv[1])) as stack:
            print(*(server.pid for server in stack.servers), flush=True)
            time.sleep(60)
        """
    )
    owner = subprocess.Popen([sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        servers = [int(pid) for pid in owner.stdout.readline().split()]
        env = describe_running(home)
        assert env is not None
        write_something(env)
        owner.kill()
    with Stack(home) as stack:
        assert read_something(stack.env) == (7, b"7")
        assert not [pid for pid in servers if is_running(pid)]
