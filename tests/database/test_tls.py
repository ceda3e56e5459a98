"""Who answers for a database outside PLAINTEXT_NETS: a listener that speaks PostgreSQL's first words and then TLS, with
a certificate of its own. What it reads after that is what a man in the middle would have read.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jivapay.cli.failures import clear_line
from jivapay.config.settings import Settings
from jivapay.database import migrate, tls
from jivapay.database.engine import make_engine
from jivapay.database.tls import DatabaseTls
from jivapay.exceptions import DatabaseError
from jivapay.utils.failures import failure_of
from support.certificates import certificate

ELSEWHERE = "10.9.0.0/16"
"""No network of this machine, so that loopback counts as far away."""
WANTS_TLS = bytes.fromhex("0000000804d2162f")


@asynccontextmanager
async def impostor(context: ssl.SSLContext | None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Its port, and what it was told. Without a context it has no TLS to offer."""
    told: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await reader.readexactly(8)
            if first == WANTS_TLS:
                writer.write(b"S" if context else b"N")
                if context:
                    await writer.start_tls(context)
                first = b""
            if more := await reader.read(1000):
                told.append(first + more)
        except OSError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], told


async def connect(port: int, rules: DatabaseTls, *, query: str = "") -> None:
    engine = make_engine(f"postgresql+asyncpg://jp:secret@127.0.0.1:{port}/jp{query}", pool_size=1, tls=rules)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("select 1"))
    finally:
        await engine.dispose()


async def migrated(port: int, rules: DatabaseTls) -> None:
    await migrate.upgrade(f"postgresql+asyncpg://jp:secret@127.0.0.1:{port}/jp", None, rules)


@pytest.mark.parametrize("ask", [connect, migrated])
async def test_a_certificate_of_nobody_is_told_nothing(
    tmp_path: Path, ask: Callable[[int, DatabaseTls], Awaitable[None]]
) -> None:
    context, _ = certificate(tmp_path, "127.0.0.1")
    async with impostor(context) as (port, told), asyncio.timeout(5):
        with pytest.raises(ssl.SSLCertVerificationError):
            await ask(port, DatabaseTls(ELSEWHERE))
        assert told == []


@pytest.mark.parametrize("query", ["", "?ssl=verify-full", "?sslmode=verify-full"])
async def test_another_s_certificate_is_told_nothing(tmp_path: Path, query: str) -> None:
    context, authority = certificate(tmp_path, "10.9.0.1")
    async with impostor(context) as (port, told):
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(port, DatabaseTls(ELSEWHERE, authority), query=query)
        assert told == []


async def test_who_offers_no_tls_is_told_nothing() -> None:
    async with impostor(None) as (port, told):
        with pytest.raises(ConnectionError):
            await connect(port, DatabaseTls(ELSEWHERE))
        assert told == []


@pytest.mark.parametrize(
    ("host", "query"), [("127.0.0.1", ""), ("127.0.0.1", "?ssl=verify-full"), ("10.9.0.1", "?ssl=verify-ca")]
)
async def test_whom_the_authority_knows_is_spoken_to(tmp_path: Path, host: str, query: str) -> None:
    context, authority = certificate(tmp_path, host)
    async with impostor(context) as (port, told):
        with pytest.raises(DBAPIError):  # it has nothing to say
            await connect(port, DatabaseTls(ELSEWHERE, authority), query=query)
        assert b"user\0jp\0" in told[0]


async def test_inside_the_nets_nothing_is_asked_for() -> None:
    async with impostor(None) as (port, told):
        with pytest.raises(DBAPIError):
            await connect(port, DatabaseTls())
        assert b"user\0jp\0" in told[0]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What each name leads to; itself when it is an address, and nowhere when it is not here."""
    found: dict[str, list[str]] = {}

    async def resolve(host: str) -> list[str]:
        return found.get(host, [host] if host[0].isdigit() else [])

    monkeypatch.setattr(tls, "addresses_of", resolve)
    return found


async def test_a_name_inside_the_nets_is_replaced_by_what_was_judged(names: dict[str, list[str]]) -> None:
    names |= {"inside": ["10.9.0.1", "10.9.0.2"], "both": ["10.9.0.1", "192.0.2.1"]}
    rules = DatabaseTls(ELSEWHERE)
    assert await rules.secure({"host": "inside", "port": 5432}) == {
        "host": ["10.9.0.1", "10.9.0.2"],
        "port": [5432, 5432],
    }
    assert await rules.secure({"host": "inside"}) == {"host": ["10.9.0.1", "10.9.0.2"]}
    given = {"host": ["inside", "10.9.0.7"], "port": [1, 2]}
    assert await rules.secure(given) == {"host": ["10.9.0.1", "10.9.0.2", "10.9.0.7"], "port": [1, 1, 2]}
    for unchanged in ({"host": "10.9.0.1", "port": 1}, {"host": "/run/postgresql"}, {"user": "jp"}):
        assert await rules.secure(unchanged) == unchanged
    for far in ({"host": "both"}, {"host": "nowhere"}, {"host": "192.0.2.1"}, {"host": ["inside", "192.0.2.1"]}):
        changed = await rules.secure(far)
        assert changed.pop("ssl").verify_mode is ssl.CERT_REQUIRED
        assert changed == far


async def test_a_mode_in_the_address_is_the_driver_s(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = DatabaseTls(ELSEWHERE)
    for given in ({"ssl": "require"}, {"sslmode": "require"}):
        assert await rules.secure({"host": "192.0.2.1"} | given) == {"host": "192.0.2.1", "ssl": "require"}
    monkeypatch.setenv("PGSSLMODE", "prefer")
    assert await rules.secure({"host": "192.0.2.1"}) == {"host": "192.0.2.1", "ssl": "prefer"}
    assert len(await rules.refusals("DATABASE_URL", "postgresql+asyncpg://jp@192.0.2.1/jp")) == 1


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
async def test_production_refuses_a_mode_that_believes_anybody(names: dict[str, list[str]], mode: str) -> None:
    names["far"] = ["192.0.2.1"]
    rules = DatabaseTls(ELSEWHERE)
    for parameter in ("ssl", "sslmode"):
        for host in ("far", "192.0.2.1", "10.9.0.1,far"):
            url = f"postgresql+asyncpg://jp:secret@/jp?host={host}&{parameter}={mode}"
            if "," in host:
                url += "&port=1,2"
            (line,) = await rules.refusals("DATABASE_OWNER_URL", url)
            assert line.startswith(f"DATABASE_OWNER_URL leads outside PLAINTEXT_NETS with ssl={mode}")
            assert "secret" not in line
        for host in ("10.9.0.1", "/run/postgresql"):
            assert await rules.refusals("X", f"postgresql+asyncpg://jp@/jp?host={host}&{parameter}={mode}") == []
    for safe in ("", "?ssl=verify-full", "?sslmode=verify-ca"):
        assert await rules.refusals("X", f"postgresql+asyncpg://jp@far/jp{safe}") == []


def test_authorities_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    _, authority = certificate(tmp_path, "127.0.0.1")
    (tmp_path / "empty").touch()
    assert DatabaseTls.of(Settings(database_ca_file=authority)).authority_refusals() == []
    assert DatabaseTls().authority_refusals() == []
    for wrong in (tmp_path / "gone", tmp_path / "empty", tmp_path / "key.pem"):
        assert DatabaseTls(ca_file=wrong).authority_refusals() == [
            "DATABASE_CA_FILE cannot be read, or holds no certificates"
        ]


async def test_a_person_is_told_in_one_line_and_a_caller_that_it_is_out_of_reach(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context, _ = certificate(tmp_path, "127.0.0.1")
    async with impostor(context) as (port, _):
        with pytest.raises(SystemExit), clear_line():
            await connect(port, DatabaseTls(ELSEWHERE))
    assert capsys.readouterr().err == (
        "jivapay: the database's certificate is not believed (self-signed certificate): see DATABASE_CA_FILE\n"
    )
    assert isinstance(failure_of(ssl.SSLCertVerificationError()), DatabaseError)
