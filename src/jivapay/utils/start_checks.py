"""What makes production refuse to start and only the running parts can tell: the database's roles, durability and
schema, the broker's policy, connections in the clear (decision 21). The settings' own part: `config/start_checks.py`.
"""

from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from jivapay.config.clock import Clock
from jivapay.config.plaintext import addresses_of, may_be_plain
from jivapay.config.settings import Settings
from jivapay.config.start_checks import refusals
from jivapay.database.engine import make_engine
from jivapay.database.migrate import current_revision, head_revision
from jivapay.database.privileges import INSERT_ONLY, READ_ONLY
from jivapay.database.tls import DatabaseTls
from jivapay.utils.resources import open_redis

SERVER_VERSION_MIN = 160_000
CLOCK_SKEW_SECONDS_MAX = 2.0

_REQUIRED_TRIGGERS = frozenset({"transfers_balanced", "postings_transaction", "holds_change"}) | {
    f"{table}_{kind}"
    for table in ("postings", "transfers", "audit_log", "status_history")
    for kind in ("append_only", "not_truncated")
}

_ROLE = text("select rolsuper, rolcreaterole, rolbypassrls from pg_roles where rolname = current_user")
_OWNED = text(
    "select exists (select from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
    " and pg_has_role(current_user, relowner, 'member'))"
)
_CREATES = text("select has_schema_privilege(current_user, 'public', 'create')")
_CHANGES = text(
    "select relname from pg_class where relnamespace = 'public'::regnamespace and relname = any(:tables)"
    " and has_table_privilege(current_user, oid, 'update, delete, truncate') order by relname"
)
_DURABILITY = text(
    "select name from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')"
    " and setting = 'off' order by name"
)
_SERVER = text(
    "select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding,"
    " host(inet_server_addr()) as address, extract(epoch from clock_timestamp())::float8 as seconds,"
    " coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as encrypted"
)
_TRIGGERS = text(
    "select tgname from pg_trigger join pg_class on pg_class.oid = tgrelid"
    " where relnamespace = 'public'::regnamespace and not tgisinternal and tgenabled in ('O', 'A')"
)
_INVALID_INDEXES = text(
    "select indexrelid::regclass::text as name from pg_index join pg_class on pg_class.oid = indrelid"
    " where relnamespace = 'public'::regnamespace and not indisvalid order by 1"
)


async def all_refusals(settings: Settings, *, clock: Clock) -> list[str]:
    """Everything that speaks against starting in production, one line each.

    The database and the broker are asked only when the settings name them. Raises what the driver raises when
    the database cannot be reached: that is a reason to try again, not one to refuse.
    """
    found = refusals(settings)
    found += await plaintext_refusals(settings)
    unverified = await database_tls_refusals(settings)
    found += unverified
    if settings.database_url is not None and not unverified:  # whoever answers there would be told a password
        tls = DatabaseTls.of(settings)
        engine = make_engine(settings.async_database_url, pool_size=1, application_name="jivapay-start", tls=tls)
        try:
            async with engine.connect() as connection:
                found += await database_refusals(connection, settings, clock=clock)
        finally:
            await engine.dispose()
    if settings.redis_url is not None:
        redis = open_redis(settings)
        try:
            found += await broker_refusals(redis)
        finally:
            await redis.aclose()
    return found


async def database_refusals(connection: AsyncConnection, settings: Settings, *, clock: Clock) -> list[str]:
    """What the application's own connection says about the database. Changes nothing."""
    return [
        *await _role_refusals(connection),
        *await _server_refusals(connection, settings, clock),
        *await _schema_refusals(connection),
    ]


async def broker_refusals(redis: Redis) -> list[str]:
    """Tasks must never be evicted. A server that will not tell, or is away, is not refused for it."""
    try:
        policy = (await redis.config_get("maxmemory-policy")).get("maxmemory-policy")
    except RedisError:
        return []
    if policy in {None, "noeviction", b"noeviction"}:
        return []
    return ["REDIS_URL: the server's maxmemory-policy must be noeviction, or it drops tasks when memory is short"]


async def plaintext_refusals(settings: Settings) -> list[str]:
    """Broker and bucket reached without TLS, outside `PLAINTEXT_NETS`. Resolves their names."""
    urls = {
        "REDIS_URL": settings.redis_url.get_secret_value() if settings.redis_url else "",
        "CELERY_BROKER_URL": settings.celery_broker_url.get_secret_value() if settings.celery_broker_url else "",
        "S3_ENDPOINT_URL": settings.s3_endpoint_url or "",
    }
    found = []
    for name, url in urls.items():
        parts = urlsplit(url)
        if parts.scheme not in {"redis", "valkey", "http"} or not parts.hostname:
            continue
        if not may_be_plain(await addresses_of(parts.hostname), settings.plaintext_nets):
            found.append(f"{name} leads outside PLAINTEXT_NETS without TLS")
    return found


async def database_tls_refusals(settings: Settings) -> list[str]:
    """Databases that anybody could pretend to be: the server cannot tell, for whoever stands between is encrypted, too.
    Resolves their names.
    """
    tls = DatabaseTls.of(settings)
    found = tls.authority_refusals()
    if settings.database_url is not None:
        found += await tls.refusals("DATABASE_URL", settings.async_database_url)
    if settings.database_owner_url is not None:
        found += await tls.refusals("DATABASE_OWNER_URL", settings.async_database_owner_url)
    return found


async def _role_refusals(connection: AsyncConnection) -> list[str]:
    found = []
    role = (await connection.execute(_ROLE)).one()
    if any(role):
        found.append("DATABASE_URL: the application's role is a superuser, or may make roles or pass row security")
    elif await connection.scalar(_OWNED):
        found.append("DATABASE_URL: the application's role owns tables; let DATABASE_OWNER_URL's role own them")
    if await connection.scalar(_CREATES):
        found.append("DATABASE_URL: the application's role may create tables")
    changeable = await _names(connection, _CHANGES, tables=sorted(INSERT_ONLY | READ_ONLY))
    if changeable:
        found.append(f"DATABASE_URL: the application's role may change or delete in {', '.join(changeable)}")
    return found


async def _server_refusals(connection: AsyncConnection, settings: Settings, clock: Clock) -> list[str]:
    found = [f"the database runs with {name} = off" for name in await _names(connection, _DURABILITY)]
    server = (await connection.execute(_SERVER)).one()
    if server.version < SERVER_VERSION_MIN:
        found.append(f"the database is PostgreSQL {server.version // 10_000}; 16 or newer is needed")
    if server.encoding != "UTF8":
        found.append(f"the database is encoded in {server.encoding}, not UTF8")
    if abs(server.seconds - clock.now().timestamp()) > CLOCK_SKEW_SECONDS_MAX:
        found.append("the clocks of this machine and of the database differ by more than two seconds")
    if not server.encrypted and server.address and not may_be_plain([server.address], settings.plaintext_nets):
        found.append("DATABASE_URL leads outside PLAINTEXT_NETS without TLS: add ?ssl=verify-full")
    return found


async def _schema_refusals(connection: AsyncConnection) -> list[str]:
    at, wanted = await connection.run_sync(current_revision), head_revision()
    if at != wanted:
        return [f"the database's schema is {at or 'empty'}, this code's is {wanted}: run `jivapay db upgrade`"]
    found = []
    missing = sorted(_REQUIRED_TRIGGERS - set(await _names(connection, _TRIGGERS)))
    if missing:
        found.append(f"triggers are missing or switched off: {', '.join(missing)}")
    invalid = await _names(connection, _INVALID_INDEXES)
    if invalid:
        found.append(f"indexes are not valid: {', '.join(invalid)}")
    return found


async def _names(connection: AsyncConnection, statement: TextClause, **parameters: list[str]) -> list[str]:
    return list((await connection.scalars(statement, parameters)).all())
