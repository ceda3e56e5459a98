from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from jivapay.cli.environment import refuse_unsafe_migration
from jivapay.cli.failures import CommandFailure
from jivapay.config.clock import Clock, ShiftedClock
from jivapay.config.settings import Environment, Settings, asyncpg_url
from jivapay.database.engine import make_engine
from jivapay.utils.resources import Resources
from jivapay.utils.start_checks import (
    all_refusals,
    broker_refusals,
    database_refusals,
    database_tls_refusals,
    plaintext_refusals,
)


@pytest.fixture
async def application(database_url: str) -> AsyncIterator[AsyncConnection]:
    engine = make_engine(asyncpg_url(database_url), pool_size=1)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


@pytest.fixture
async def owner(owner_url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(asyncpg_url(owner_url), pool_size=1)
    yield engine
    await engine.dispose()


async def plant(owner: AsyncEngine, *statements: str) -> None:
    async with owner.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


def without_test_durability(lines: list[str]) -> list[str]:
    """The throw-away server of the tests runs without fsync, and is rightly blamed for it."""
    unsafe = {f"the database runs with {name} = off" for name in ("fsync", "full_page_writes", "synchronous_commit")}
    assert unsafe <= set(lines)
    return [line for line in lines if line not in unsafe]


async def check(application: AsyncConnection, settings: Settings, clock: Clock | None = None) -> list[str]:
    return without_test_durability(await database_refusals(application, settings, clock=clock or Clock()))


async def test_the_applications_role_on_a_migrated_database(application: AsyncConnection, settings: Settings) -> None:
    assert await check(application, settings) == []


async def test_the_owner_as_application(owner: AsyncEngine, settings: Settings) -> None:
    async with owner.connect() as connection:
        lines = await check(connection, settings)
    assert lines[0].startswith(
        ("DATABASE_URL: the application's role is a superuser", "DATABASE_URL: the application's role owns")
    )
    assert "DATABASE_URL: the application's role may create tables" in lines
    assert any("may change or delete in" in line and "postings" in line for line in lines)


async def test_a_right_too_many_is_named(owner: AsyncEngine, application: AsyncConnection, settings: Settings) -> None:
    role = await application.scalar(text("select current_user"))
    await plant(owner, f'grant delete on postings to "{role}"')
    assert await check(application, settings) == [
        "DATABASE_URL: the application's role may change or delete in postings"
    ]
    await plant(owner, f'revoke delete on postings from "{role}"')


async def test_triggers_switched_off_or_gone_are_named(
    owner: AsyncEngine, application: AsyncConnection, settings: Settings
) -> None:
    await plant(
        owner,
        "alter table postings disable trigger postings_append_only",
        "alter trigger transfers_balanced on transfers rename to forgotten",
    )
    assert await check(application, settings) == [
        "triggers are missing or switched off: postings_append_only, transfers_balanced"
    ]
    await application.rollback()
    await plant(
        owner,
        "alter table postings enable trigger postings_append_only",
        "alter trigger forgotten on transfers rename to transfers_balanced",
    )


async def test_another_schema_than_the_codes(
    owner: AsyncEngine, application: AsyncConnection, settings: Settings
) -> None:
    before = await application.scalar(text("select version_num from alembic_version"))
    await application.rollback()
    await plant(owner, "update alembic_version set version_num = '9999'")
    assert await check(application, settings) == [
        f"the database's schema is 9999, this code's is {before}: run `jivapay db upgrade`"
    ]
    await application.rollback()
    await plant(owner, f"update alembic_version set version_num = '{before}'")


async def test_a_clock_apart(application: AsyncConnection, settings: Settings) -> None:
    assert await check(application, settings, ShiftedClock(timedelta(seconds=3))) == [
        "the clocks of this machine and of the database differ by more than two seconds"
    ]


async def test_a_plain_connection_outside_the_allowed_nets(application: AsyncConnection, settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"plaintext_nets": "10.9.0.0/16"})
    assert await check(application, elsewhere) == [
        "DATABASE_URL leads outside PLAINTEXT_NETS without TLS: add ?ssl=verify-full"
    ]


async def test_plain_addresses_of_broker_and_bucket() -> None:
    def given(**values: str) -> Settings:
        return Settings.model_validate(values)

    assert await plaintext_refusals(given(redis_url="redis://127.0.0.1/0", s3_endpoint_url="http://[::1]:9000")) == []
    assert await plaintext_refusals(given(redis_url="rediss://10.0.0.6/0", s3_endpoint_url="https://s3.test")) == []
    assert await plaintext_refusals(given(redis_url="redis://localhost/0")) == []
    assert await plaintext_refusals(given(redis_url="redis://10.0.0.6/0", plaintext_nets="10.0.0.0/24")) == []
    assert await plaintext_refusals(
        given(redis_url="redis://10.0.0.6/0", celery_broker_url="redis://10.0.0.7", s3_endpoint_url="http://10.0.0.8")
    ) == [
        "REDIS_URL leads outside PLAINTEXT_NETS without TLS",
        "CELERY_BROKER_URL leads outside PLAINTEXT_NETS without TLS",
        "S3_ENDPOINT_URL leads outside PLAINTEXT_NETS without TLS",
    ]


async def test_a_broker_that_evicts(resources: Resources) -> None:
    assert await broker_refusals(resources.redis) == []
    await resources.redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert await broker_refusals(resources.redis) == [
            "REDIS_URL: the server's maxmemory-policy must be noeviction, or it drops tasks when memory is short"
        ]
    finally:
        await resources.redis.config_set("maxmemory-policy", "noeviction")


async def test_a_broker_that_is_away_is_no_reason() -> None:
    redis = Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    assert await broker_refusals(redis) == []
    await redis.aclose()


async def test_databases_that_anybody_could_pretend_to_be(settings: Settings) -> None:
    far = Settings.model_validate(
        {
            "database_url": "postgresql://app:a@192.0.2.1/jp?ssl=require",
            "database_owner_url": "postgresql://owner:b@192.0.2.1/jp?sslmode=prefer",
            "database_ca_file": "/nowhere",
        }
    )
    expected = [
        "DATABASE_CA_FILE cannot be read, or holds no certificates",
        "DATABASE_URL leads outside PLAINTEXT_NETS with ssl=require, which believes anybody: leave it out",
        "DATABASE_OWNER_URL leads outside PLAINTEXT_NETS with ssl=prefer, which believes anybody: leave it out",
    ]
    assert await database_tls_refusals(far) == expected
    lines = await all_refusals(far, clock=Clock())  # and nobody is told a password
    assert [line for line in lines if line in expected] == expected
    with pytest.raises(CommandFailure) as refused:
        await refuse_unsafe_migration(far.model_copy(update={"env": Environment.PRODUCTION}))
    assert all(f"not migrated in production: {line}" in str(refused.value) for line in expected)
    await refuse_unsafe_migration(far)
    assert await database_tls_refusals(settings) == []


async def test_everything_together(settings: Settings) -> None:
    lines = without_test_durability(await all_refusals(settings, clock=Clock()))
    assert lines == ["PUBLIC_BASE_URL must begin with https:// and name a host"]
