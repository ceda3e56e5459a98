"""What the application's role may do (reliability 6.1.2): it owns nothing, and what is written for ever is
insert-only even for it. Granted after every migration, so that a new table is never forgotten.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jivapay.database.db import Base

INSERT_ONLY = frozenset(
    {
        "postings",
        "transfers",
        "cover_repayments",
        "dispute_messages",
        "audit_log",
        "audit_chain",
        "status_history",
        "callback_attempts",
        "commission_changes",
        "configuration_setting_history",
        "invariant_runs",
        "acknowledged_violations",
        "posting_chain",
        "chain_heads",
        "chain_head_accounts",
        "chain_head_exports",
        "reconciliation_checks",
    }
)
READ_ONLY = frozenset({"status_transitions"})
VIEWS = (
    "balance_stores",
    "balance_store_history",
    "balance_traders",
    "balance_trader_fiat_history",
    "balance_trader_crypto_history",
    "balance_platform",
    "balance_platform_history",
    "transfer_facts",
)
"""The documents' balance tables, and what each transfer was for. They read with their owner's rights: a role for
reports needs nothing but these.
"""
DELETABLE = frozenset(
    {
        "outbox",
        "disabled_callback_addresses",
        "idempotency_keys",
        "sign_in_failures",
        "fraud_list_entries",
        "case_assignments",
    }
)


def rights_on(table: str) -> str:
    if table in READ_ONLY:
        return "select"
    if table in INSERT_ONLY:
        return "select, insert"
    return "select, insert, update, delete" if table in DELETABLE else "select, insert, update"


async def grant_privileges(connection: AsyncConnection, role: str) -> None:
    """Give `role` exactly its rights on every table. The role must exist."""
    quoted = '"' + role.replace('"', '""') + '"'
    await connection.execute(text(f"grant usage on schema public to {quoted}"))
    await connection.execute(text(f"revoke all on all tables in schema public from {quoted}"))
    for table in Base.metadata.sorted_tables:
        await connection.execute(text(f"grant {rights_on(table.name)} on {table.name} to {quoted}"))
    for name in ("alembic_version", *VIEWS):
        await connection.execute(text(f"grant select on {name} to {quoted}"))
