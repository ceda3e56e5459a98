"""Migrations on data that was there before them: brought to an old revision, filled, then upgraded to the newest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from jivapay.config.settings import asyncpg_url
from jivapay.database import migrate
from support.databases import Cluster
from support.owner import lift_guards


@pytest.fixture
async def empty(cluster: Cluster) -> AsyncIterator[str]:
    async with cluster.clone("template0") as name:
        yield cluster.owner_url_of(name)


ORDERS = (
    "insert into orders (incoming_order_id, store_id, trader_id, requisite_id, direction, fiat_currency,"
    " crypto_currency, amount_agreed, amount_fiat, rate_source, rate_at, amount_crypto, trader_amount_crypto,"
    " store_percent, trader_percent, store_commission, trader_commission, platform_profit, limit_lower, limit_upper,"
    " limit_open_max, {more}) select row_number() over (), 1, 1, 1, {direction}, 'RUB', 'USDT', 1, 1, 'manual', now(),"
    " 1, 1, 3, 1, 0, 0, 0, 0, 1, 1, {values}"
)
"""Orders as any revision takes them; the rows they are made from follow."""
PAY_IN = "'pay_in'"
INCOMING = (
    "insert into incoming_orders (public_id, store_id, direction, external_id, request_hash, fiat_currency,"
    " crypto_currency, hosted, expires_at) values (gen_random_uuid(), 1, '{direction}', '{external}', '\\x00', 'RUB',"
    " 'USDT', false, now())"
)


@asynccontextmanager
async def at_revision(owner_url: str, revision: str) -> AsyncIterator[asyncpg.Connection]:
    """The database as that revision left it, and the owner's hand on it."""
    engine = create_async_engine(asyncpg_url(owner_url))

    def to_revision(connection: Connection) -> None:
        command.upgrade(migrate._config(connection), revision)

    async with engine.begin() as connection:
        await connection.run_sync(to_revision)
    await engine.dispose()
    hand = await asyncpg.connect(owner_url)
    try:
        yield hand
    finally:
        await hand.close()


async def test_deposits_get_their_approvals(empty: str, cluster: Cluster) -> None:
    async with at_revision(empty, "0006") as hand:
        await hand.execute("alter table deposits disable trigger user")
        await hand.execute(
            "insert into currencies (code, kind, scale) values ('USDT', 'crypto', 6), ('RUB', 'fiat', 2);"
            "insert into users (public_id, email, role, password_hash)"
            " select gen_random_uuid(), name || '@x.example', 'admin', 'x' from unnest(array['a', 'b', 't']) name;"
            "insert into traders (user_id, fiat_currency, crypto_currency) values (3, 'RUB', 'USDT');"
            "insert into deposits (public_id, owner_type, owner_id, currency, amount, network, tx_hash, reason, status,"
            " needs_second_person, requested_by, decided_by, decision_reason, decided_at, version)"
            " select gen_random_uuid(), 'trader', 1, 'USDT', amount, 'tron', amount::text, 'r', status, two, 1, who,"
            " 'd', now(), case when who is null then 0 else 1 end"
            " from (values (10, 'posted', false, 1), (2000, 'posted', true, 2), (3000, 'requested', true, null),"
            " (4000, 'rejected', true, 2)) row (amount, status, two, who)"
        )
        await hand.execute("alter table deposits enable trigger user")
    await migrate.upgrade(asyncpg_url(empty), cluster.app_role)
    async with at_revision(empty, "head") as hand:
        found = await hand.fetch(
            "select a.entity_id, a.amount::text, a.status, a.needs_second_person, a.decided_by,"
            " a.payload ->> 'owner_id' = u.public_id::text as named, h.to_status, l.action"
            " from approvals a join users u on u.id = 3"
            " join status_history h on h.entity = 'approval' and h.entity_id = a.id and h.version = a.version"
            " join audit_log l on l.entity = 'approval' and l.entity_id = a.id and l.version = a.version order by a.id"
        )
        assert [tuple(row) for row in found] == [
            (1, "10", "executed", False, None, True, "executed", "approval.executed"),
            (2, "2000", "executed", True, 2, True, "executed", "approval.executed"),
            (3, "3000", "requested", True, None, True, "requested", "approval.requested"),
        ]


async def test_commissions_get_their_history_and_orders_their_margin(empty: str, cluster: Cluster) -> None:
    async with at_revision(empty, "0005") as hand:
        await lift_guards(hand)
        await hand.execute(
            "insert into merchant_stores (public_id, merchant_id, name, fiat_currency, crypto_currency, upper_limit,"
            " callback_secret, rate_margin_percent) select gen_random_uuid(), 1, 'S', 'RUB', 'USDT', 1, '', 2;"
            "insert into store_commissions values (1, 3, 2, '2026-01-02T03:04:05Z');"
            "insert into traders (user_id, fiat_currency, crypto_currency) values (1, 'RUB', 'USDT');"
            "insert into trader_commissions values (1, 1, 0.5, '2026-01-02T03:04:05Z');"
            + ORDERS.format(more="rate, base_rate", values="rate, 92.5", direction="direction")
            + " from (values ('pay_in', 94.35), ('pay_out', 90.65), ('pay_in', 93)) row (direction, rate)"
        )
    await migrate.upgrade(asyncpg_url(empty), cluster.app_role)
    async with at_revision(empty, "head") as hand:
        changes = await hand.fetch(
            "select store_id, trader_id, direction, payment_method, percent::text, percent_before, set_by,"
            " effective_from = '2026-01-02T03:04:05Z' from commission_changes order by id"
        )
        assert [tuple(row) for row in changes] == [
            (1, None, "pay_in", None, "3", None, None, True),
            (1, None, "pay_out", None, "2", None, None, True),
            (None, 1, "pay_in", None, "1", None, None, True),
            (None, 1, "pay_out", None, "0.5", None, None, True),
        ]
        margins = await hand.fetch("select margin_percent::text from orders order by id")
        assert [row[0] for row in margins] == ["2", "2", None]


async def test_lapsed_orders_keep_their_rate_for_half_an_hour(empty: str, cluster: Cluster) -> None:
    facts = "select transfer_id, order_id, network from transfer_facts order by 1"
    async with at_revision(empty, "0012") as hand:
        await lift_guards(hand)
        lapsed = "'2026-01-02T03:04:05Z'::timestamptz"
        late = {"more": "rate, base_rate, left_unpaid_at, revived_at", "values": "92.5, 92.5, left_at, back_at"}
        await hand.execute(
            ORDERS.format(**late, direction=PAY_IN)
            + f" from (values ({lapsed}, null), ({lapsed}, {lapsed}), (null::timestamptz, null::timestamptz))"
            " row (left_at, back_at);"
            "insert into merchant_stores (public_id, merchant_id, name, fiat_currency, crypto_currency, upper_limit,"
            " callback_secret) select gen_random_uuid(), 1, 'S', 'RUB', 'USDT', 1, '';"
            "insert into uploaded_documents (public_id, incoming_order_id, uploader_kind, kind, object_key,"
            " content_type, size, sha256)"
            " values (gen_random_uuid(), 1, 'customer', 'customer_receipt', 'k', 'image/png', 1, '\\x00');"
            "insert into deposits (public_id, owner_type, owner_id, currency, amount, network, tx_hash, reason,"
            " requested_by) values (gen_random_uuid(), 'trader', 1, 'USDT', 10, 'tron', 'a', 'r', 1);"
            "insert into transfers (public_id, kind, ref_type, ref_id) values"
            " (gen_random_uuid(), 'deposit', 'deposit', 1), (gen_random_uuid(), 'settlement', 'order', 2)"
        )
        before = await hand.fetch(facts)
    await migrate.upgrade(asyncpg_url(empty), cluster.app_role)
    async with at_revision(empty, "head") as hand:
        orders = await hand.fetch(
            "select rate_until - left_unpaid_at = interval '30 minutes', from_third_party, amount_by_trader"
            " from orders order by id"
        )
        assert [tuple(row) for row in orders] == [(True, False, None), (None, False, None), (None, False, None)]
        store = await hand.fetchrow("select amount_policy, amount_percent::text from merchant_stores")
        assert store is not None
        assert tuple(store) == ("always_ask", "0")
        assert await hand.fetchval("select seen_before from uploaded_documents") is False
        assert [tuple(row) for row in before] == [(1, None, "tron"), (2, 2, None)]
        assert await hand.fetch(facts) == before


async def test_entries_of_the_fraud_list_get_a_public_name(empty: str, cluster: Cluster) -> None:
    async with at_revision(empty, "0014") as hand:
        await lift_guards(hand)
        await hand.execute(
            "insert into fraud_list_entries (kind, list_type, value, reason)"
            " select 'customer', 'block', value, 'r' from unnest(array['a', 'b', 'c']) value"
        )
    await migrate.upgrade(asyncpg_url(empty), cluster.app_role)
    async with at_revision(empty, "head") as hand:
        assert await hand.fetchval("select count(distinct public_id) from fraud_list_entries") == 3
        one = await hand.fetchval("select public_id from fraud_list_entries limit 1")
        with pytest.raises(asyncpg.UniqueViolationError):
            await hand.execute("update fraud_list_entries set public_id = $1", one)
        assert await hand.fetchval("select count(*) from pg_indexes where indexname = 'ix_orders_revived'") == 1


async def test_pay_ins_stay_as_they_are_when_pay_outs_come(empty: str, cluster: Cluster) -> None:
    async with at_revision(empty, "0015") as hand:
        await lift_guards(hand)
        settled = {"more": "rate, base_rate, status, completed_at", "values": "92.5, 92.5, 'completed', now()"}
        await hand.execute(
            f"{INCOMING.format(direction='pay_in', external='A-1')};{ORDERS.format(**settled, direction=PAY_IN)}"
        )
    await migrate.upgrade(asyncpg_url(empty), cluster.app_role)
    async with at_revision(empty, "head") as hand:
        incoming = await hand.fetchrow(
            "select recipient, store_percent, margin_percent, earlier_steps from incoming_orders"
        )
        assert incoming is not None
        assert tuple(incoming) == (None, None, None, 0)
        order = await hand.fetchrow("select clearing_until, cleared_at, accepted_at, receipt_confirmed_at from orders")
        assert order is not None
        assert tuple(order) == (None, None, None, None)
        with pytest.raises(asyncpg.CheckViolationError, match="ck_incoming_orders_recipient"):
            await hand.execute(INCOMING.format(direction="pay_out", external="P-1"))
        with pytest.raises(asyncpg.CheckViolationError, match="ck_orders_clearing"):
            await hand.execute("update orders set clearing_until = now()")
