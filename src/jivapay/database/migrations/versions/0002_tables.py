"""tables of the pay-in"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from jivapay.database.models.base import Xid8

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("level", sa.Text(), server_default=sa.text("'INFO'"), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=True),
        sa.Column("entity_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_role", sa.Text(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column(
            "details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_actor", "audit_log", ["actor_kind", "actor_id", "id"], unique=False)
    op.create_index("ix_audit_log_entity", "audit_log", ["entity", "entity_id"], unique=False)
    op.create_index(
        "ix_audit_log_level",
        "audit_log",
        ["level", "id"],
        unique=False,
        postgresql_where=sa.text("level in ('ERROR', 'CRITICAL')"),
    )
    op.create_index("ix_audit_log_xid", "audit_log", ["xid"], unique=False)
    op.create_index(
        "uq_audit_log_step",
        "audit_log",
        ["entity", "entity_id", "version"],
        unique=True,
        postgresql_where=sa.text("version is not null"),
    )
    op.create_table(
        "currencies",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scale", sa.SmallInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("kind in ('fiat', 'crypto')", name=op.f("ck_currencies_kind")),
        sa.CheckConstraint("scale between 0 and 8", name=op.f("ck_currencies_scale")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_currencies")),
    )
    op.create_table(
        "failed_tasks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("traceback", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_tasks")),
        sa.UniqueConstraint("task_id", name=op.f("uq_failed_tasks_task_id")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "horizons",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("xid", Xid8(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_horizons")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.BigInteger(), nullable=False),
        sa.Column("replayable", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "invariant_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column(
            "violations", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invariant_runs")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("ref_type", sa.Text(), nullable=False),
        sa.Column("ref_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "payload", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_undispatched", "outbox", ["id"], unique=False, postgresql_where=sa.text("dispatched_at is null")
    )
    op.create_table(
        "payment_methods",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("number_kind", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("position", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_payment_methods")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failures")),
    )
    op.create_index("ix_sign_in_failures_account", "sign_in_failures", ["account", "at"], unique=False)
    op.create_table(
        "status_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_history")),
        sa.UniqueConstraint("entity", "entity_id", "version", name=op.f("uq_status_history_entity_entity_id_version")),
    )
    op.create_table(
        "status_transitions",
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entity", "from_status", "to_status", name=op.f("pk_status_transitions")),
    )
    op.create_table(
        "transfers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref_type", sa.Text(), nullable=False),
        sa.Column("ref_id", sa.BigInteger(), nullable=False),
        sa.Column("test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "(kind like '%\\_reversal') = (reverses_id is not null)", name=op.f("ck_transfers_reversal_names")
        ),
        sa.ForeignKeyConstraint(["reverses_id"], ["transfers.id"], name=op.f("fk_transfers_reverses_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("kind", "ref_type", "ref_id", name=op.f("uq_transfers_kind_ref_type_ref_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_transfers_public_id")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_transfers_reverses_id")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_enabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.Text(), server_default=sa.text("'ru'"), nullable=False),
        sa.Column("time_zone", sa.Text(), server_default=sa.text("'Europe/Moscow'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "role in ('admin', 'support', 'teamlead', 'trader', 'merchant')", name=op.f("ck_users_role")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("public_id", name=op.f("uq_users_public_id")),
    )
    op.create_index("uq_users_email", "users", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner_type", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("balance", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("held", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("may_go_negative", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rolled_up", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rolled_xid", Xid8(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "balance <> 'NaN' and abs(balance) < 'Infinity' and held <> 'NaN' and held >= 0 and held < 'Infinity'",
            name=op.f("ck_accounts_finite"),
        ),
        sa.CheckConstraint("kind in ('crypto', 'fiat')", name=op.f("ck_accounts_kind")),
        sa.CheckConstraint(
            "owner_type in ('store', 'trader', 'platform', 'world')", name=op.f("ck_accounts_owner_type")
        ),
        sa.CheckConstraint("may_go_negative or balance - held >= 0", name=op.f("ck_accounts_available")),
        sa.ForeignKeyConstraint(["currency"], ["currencies.code"], name=op.f("fk_accounts_currency")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint(
            "owner_type",
            "owner_id",
            "kind",
            "currency",
            "test",
            name=op.f("uq_accounts_owner_type_owner_id_kind_currency_test"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "admins",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "granted_permissions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_admins_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admins")),
        sa.UniqueConstraint("user_id", name=op.f("uq_admins_user_id")),
    )
    op.create_table(
        "audit_chain",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audit_id", sa.BigInteger(), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["audit_id"], ["audit_log.id"], name=op.f("fk_audit_chain_audit_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_chain_audit_id")),
    )
    op.create_table(
        "banks",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("public_name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("position", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["currency"], ["currencies.code"], name=op.f("fk_banks_currency")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_banks")),
    )
    op.create_table(
        "configuration_setting_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("old_value", sa.Text(), nullable=True),
        sa.Column("new_value", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["changed_by"], ["users.id"], name=op.f("fk_configuration_setting_history_changed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configuration_setting_history")),
    )
    op.create_index(
        op.f("ix_configuration_setting_history_key"), "configuration_setting_history", ["key"], unique=False
    )
    op.create_table(
        "configuration_settings",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("updated_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["updated_by"], ["users.id"], name=op.f("fk_configuration_settings_updated_by")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_configuration_settings")),
    )
    op.create_table(
        "deposits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("owner_type", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=False),
        sa.Column("tx_output", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'requested'"), nullable=False),
        sa.Column("needs_second_person", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint("amount > 0 and amount < 'Infinity'", name=op.f("ck_deposits_amount")),
        sa.CheckConstraint("network = lower(network)", name=op.f("ck_deposits_network")),
        sa.CheckConstraint("tx_output ~ '^(0|[1-9][0-9]{0,9})?$'", name=op.f("ck_deposits_tx_output")),
        sa.CheckConstraint(
            "decided_by is null or status <> 'posted' or not needs_second_person or decided_by <> requested_by",
            name=op.f("ck_deposits_two_persons"),
        ),
        sa.ForeignKeyConstraint(["currency"], ["currencies.code"], name=op.f("fk_deposits_currency")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_deposits_decided_by")),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], name=op.f("fk_deposits_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposits")),
        sa.UniqueConstraint("public_id", name=op.f("uq_deposits_public_id")),
    )
    op.create_index("ix_deposits_created", "deposits", ["created_at"], unique=False)
    op.create_index(
        "uq_deposits_transaction",
        "deposits",
        ["network", sa.literal_column("lower(tx_hash)"), "tx_output"],
        unique=True,
        postgresql_where=sa.text("status <> 'rejected'"),
    )
    op.create_table(
        "exchange_rates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("fiat", sa.Text(), nullable=False),
        sa.Column("crypto", sa.Text(), nullable=False),
        sa.Column("buy_rate", sa.Numeric(), nullable=False),
        sa.Column("sell_rate", sa.Numeric(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("stamped_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "buy_rate > 0 and sell_rate > 0 and buy_rate < 'Infinity' and sell_rate < 'Infinity'",
            name=op.f("ck_exchange_rates_positive"),
        ),
        sa.ForeignKeyConstraint(["crypto"], ["currencies.code"], name=op.f("fk_exchange_rates_crypto")),
        sa.ForeignKeyConstraint(["fiat"], ["currencies.code"], name=op.f("fk_exchange_rates_fiat")),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_exchange_rates_set_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_rates")),
    )
    op.create_index("ix_exchange_rates_pair", "exchange_rates", ["fiat", "crypto", "id"], unique=False)
    op.create_table(
        "fraud_list_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("list_type", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_fraud_list_entries_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fraud_list_entries")),
    )
    op.create_index("uq_fraud_list_entries", "fraud_list_entries", ["list_type", "kind", "value"], unique=True)
    op.create_table(
        "merchants",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_merchants_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchants")),
        sa.UniqueConstraint("user_id", name=op.f("uq_merchants_user_id")),
    )
    op.create_table(
        "money_freezes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("invariant", sa.Text(), nullable=True),
        sa.Column("frozen_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.Column("lifted_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(lifted_at is null) = (lift_reason is null)", name=op.f("ck_money_freezes_lifted")),
        sa.ForeignKeyConstraint(["lifted_by"], ["users.id"], name=op.f("fk_money_freezes_lifted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_freezes")),
    )
    op.create_index(
        "uq_money_freezes_open",
        "money_freezes",
        [sa.literal_column("(lifted_at is null)")],
        unique=True,
        postgresql_where=sa.text("lifted_at is null"),
    )
    op.create_table(
        "supports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "granted_permissions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("role_description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_supports_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supports")),
        sa.UniqueConstraint("user_id", name=op.f("uq_supports_user_id")),
    )
    op.create_table(
        "team_leads",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "granted_permissions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_team_leads_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_leads")),
        sa.UniqueConstraint("user_id", name=op.f("uq_team_leads_user_id")),
    )
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("refresh_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_refresh_hash", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("stepped_up_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_user_sessions_public_id")),
        sa.UniqueConstraint("refresh_hash", name=op.f("uq_user_sessions_refresh_hash")),
    )
    op.create_index(
        op.f("ix_user_sessions_previous_refresh_hash"), "user_sessions", ["previous_refresh_hash"], unique=False
    )
    op.create_index(op.f("ix_user_sessions_user_id"), "user_sessions", ["user_id"], unique=False)
    op.create_table(
        "bank_methods",
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("payment_method", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(["bank"], ["banks.code"], name=op.f("fk_bank_methods_bank")),
        sa.ForeignKeyConstraint(
            ["payment_method"], ["payment_methods.code"], name=op.f("fk_bank_methods_payment_method")
        ),
        sa.PrimaryKeyConstraint("bank", "payment_method", name=op.f("pk_bank_methods")),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("ref_type", sa.Text(), nullable=False),
        sa.Column("ref_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'active'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'active') = (resolved_at is null)", name=op.f("ck_holds_resolved")),
        sa.CheckConstraint("amount > 0 and amount <> 'NaN' and amount < 'Infinity'", name=op.f("ck_holds_amount")),
        sa.CheckConstraint("status in ('active', 'posted', 'voided', 'replaced')", name=op.f("ck_holds_status")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_holds_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(
        "ix_holds_account_active", "holds", ["account_id"], unique=False, postgresql_where=sa.text("status = 'active'")
    )
    op.create_index("ix_holds_ref", "holds", ["ref_type", "ref_id"], unique=False)
    op.create_index(
        "uq_holds_active",
        "holds",
        ["ref_type", "ref_id", "account_id"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_table(
        "merchant_stores",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fiat_currency", sa.Text(), nullable=False),
        sa.Column("crypto_currency", sa.Text(), nullable=False),
        sa.Column("lower_limit", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("upper_limit", sa.Numeric(), nullable=False),
        sa.Column("pay_in_enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("pay_out_enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("access", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("traffic_access", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("callback_url", sa.Text(), nullable=True),
        sa.Column("callback_secret", sa.LargeBinary(), nullable=False),
        sa.Column("callback_secret_previous", sa.LargeBinary(), nullable=True),
        sa.Column("gateway_require_customer_id_param", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("gateway_require_amount_param", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("require_signed_requests", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("receipt_required", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("return_hosts", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("processing_ttl_seconds", sa.Integer(), nullable=True),
        sa.Column("rate_margin_percent", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("support_url", sa.Text(), nullable=True),
        sa.Column("test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "lower_limit >= 0 and upper_limit >= lower_limit and upper_limit < 'Infinity'",
            name=op.f("ck_merchant_stores_limits"),
        ),
        sa.CheckConstraint("processing_ttl_seconds between 5 and 3600", name=op.f("ck_merchant_stores_processing_ttl")),
        sa.CheckConstraint(
            "rate_margin_percent >= 0 and rate_margin_percent < 100", name=op.f("ck_merchant_stores_rate_margin")
        ),
        sa.ForeignKeyConstraint(
            ["crypto_currency"], ["currencies.code"], name=op.f("fk_merchant_stores_crypto_currency")
        ),
        sa.ForeignKeyConstraint(["fiat_currency"], ["currencies.code"], name=op.f("fk_merchant_stores_fiat_currency")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_merchant_stores_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant_stores")),
        sa.UniqueConstraint("id", "test", name=op.f("uq_merchant_stores_id_test")),
        sa.UniqueConstraint("public_id", name=op.f("uq_merchant_stores_public_id")),
    )
    op.create_index(op.f("ix_merchant_stores_merchant_id"), "merchant_stores", ["merchant_id"], unique=False)
    op.create_table(
        "postings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("balance_after", sa.Numeric(), nullable=True),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "amount <> 0 and amount <> 'NaN' and abs(amount) < 'Infinity'", name=op.f("ck_postings_amount")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_postings_account_id")),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"], name=op.f("fk_postings_transfer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postings")),
    )
    op.create_index("ix_postings_account", "postings", ["account_id", "id"], unique=False)
    op.create_index("ix_postings_account_xid", "postings", ["account_id", "xid"], unique=False)
    op.create_index(op.f("ix_postings_transfer_id"), "postings", ["transfer_id"], unique=False)
    op.create_table(
        "traders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("team_lead_id", sa.BigInteger(), nullable=True),
        sa.Column("in_work", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_traffic_enabled_by_teamlead", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("traffic_priority", sa.Integer(), server_default=sa.text("100"), nullable=False),
        sa.Column("fiat_currency", sa.Text(), nullable=False),
        sa.Column("crypto_currency", sa.Text(), nullable=False),
        sa.Column("test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.ForeignKeyConstraint(["crypto_currency"], ["currencies.code"], name=op.f("fk_traders_crypto_currency")),
        sa.ForeignKeyConstraint(["fiat_currency"], ["currencies.code"], name=op.f("fk_traders_fiat_currency")),
        sa.ForeignKeyConstraint(["team_lead_id"], ["team_leads.id"], name=op.f("fk_traders_team_lead_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_traders_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traders")),
        sa.UniqueConstraint("id", "test", name=op.f("uq_traders_id_test")),
        sa.UniqueConstraint("user_id", name=op.f("uq_traders_user_id")),
    )
    op.create_index(op.f("ix_traders_team_lead_id"), "traders", ["team_lead_id"], unique=False)
    op.create_table(
        "callback_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("order_type", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("public_order_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("order_status", sa.Text(), nullable=False),
        sa.Column("status_version", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.Uuid(), nullable=True),
        sa.Column("store_seq", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["merchant_stores.id"], name=op.f("fk_callback_deliveries_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback_deliveries")),
        sa.UniqueConstraint("event_id", name=op.f("uq_callback_deliveries_event_id")),
        sa.UniqueConstraint(
            "order_type",
            "order_id",
            "status_version",
            name=op.f("uq_callback_deliveries_order_type_order_id_status_version"),
        ),
        sa.UniqueConstraint("store_id", "store_seq", name=op.f("uq_callback_deliveries_store_id_store_seq")),
    )
    op.create_index(
        "ix_callback_deliveries_due",
        "callback_deliveries",
        ["store_id", "next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("state in ('pending', 'retrying') and store_seq is not null"),
    )
    op.create_index(
        "ix_callback_deliveries_leased",
        "callback_deliveries",
        ["store_id"],
        unique=False,
        postgresql_where=sa.text("leased_until is not null"),
    )
    op.create_index("ix_callback_deliveries_public_order", "callback_deliveries", ["public_order_id"], unique=False)
    op.create_index(
        "ix_callback_deliveries_unsequenced",
        "callback_deliveries",
        ["id"],
        unique=False,
        postgresql_where=sa.text("store_seq is null"),
    )
    op.create_table(
        "incoming_orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("amount_fiat", sa.Numeric(), nullable=True),
        sa.Column("fiat_currency", sa.Text(), nullable=False),
        sa.Column("crypto_currency", sa.Text(), nullable=False),
        sa.Column("amount_crypto", sa.Numeric(), nullable=True),
        sa.Column("quoted_rate", sa.Numeric(), nullable=True),
        sa.Column("quoted_base_rate", sa.Numeric(), nullable=True),
        sa.Column("quoted_source", sa.Text(), nullable=True),
        sa.Column("quoted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payment_method", sa.Text(), nullable=True),
        sa.Column("bank", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("customer_ip", sa.Text(), nullable=True),
        sa.Column("return_url", sa.Text(), nullable=True),
        sa.Column("callback_url", sa.Text(), nullable=True),
        sa.Column(
            "metadata", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("hosted", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'new'"), nullable=False),
        sa.Column("retry_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("failure_details", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("assigned_order_id", sa.BigInteger(), nullable=True),
        sa.Column("review_approved_by", sa.BigInteger(), nullable=True),
        sa.Column("review_approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint("amount_fiat > 0 and amount_fiat < 'Infinity'", name=op.f("ck_incoming_orders_amount_fiat")),
        sa.CheckConstraint("direction in ('pay_in', 'pay_out')", name=op.f("ck_incoming_orders_direction")),
        sa.ForeignKeyConstraint(["bank"], ["banks.code"], name=op.f("fk_incoming_orders_bank")),
        sa.ForeignKeyConstraint(
            ["crypto_currency"], ["currencies.code"], name=op.f("fk_incoming_orders_crypto_currency")
        ),
        sa.ForeignKeyConstraint(["fiat_currency"], ["currencies.code"], name=op.f("fk_incoming_orders_fiat_currency")),
        sa.ForeignKeyConstraint(
            ["payment_method"], ["payment_methods.code"], name=op.f("fk_incoming_orders_payment_method")
        ),
        sa.ForeignKeyConstraint(
            ["review_approved_by"], ["users.id"], name=op.f("fk_incoming_orders_review_approved_by")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "test"], ["merchant_stores.id", "merchant_stores.test"], name="fk_incoming_orders_store_test"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incoming_orders")),
        sa.UniqueConstraint(
            "id", "store_id", "direction", "test", name=op.f("uq_incoming_orders_id_store_id_direction_test")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_incoming_orders_public_id")),
        sa.UniqueConstraint(
            "store_id", "direction", "external_id", name=op.f("uq_incoming_orders_store_id_direction_external_id")
        ),
    )
    op.create_index(
        "ix_incoming_orders_customer",
        "incoming_orders",
        ["store_id", "customer_id"],
        unique=False,
        postgresql_where=sa.text("status in ('new', 'retrying', 'assigned')"),
    )
    op.create_index(
        "ix_incoming_orders_customer_ip",
        "incoming_orders",
        ["customer_ip"],
        unique=False,
        postgresql_where=sa.text("customer_ip is not null and status in ('new', 'retrying', 'assigned')"),
    )
    op.create_index(
        "ix_incoming_orders_due",
        "incoming_orders",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("status in ('new', 'retrying')"),
    )
    op.create_index("ix_incoming_orders_store_created", "incoming_orders", ["store_id", "created_at"], unique=False)
    op.create_index(
        "ix_incoming_orders_waiting",
        "incoming_orders",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status in ('new', 'retrying', 'manual_review')"),
    )
    op.create_table(
        "owners_of_requisites",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("trader_id", sa.BigInteger(), nullable=False),
        sa.Column("full_name", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.ForeignKeyConstraint(["trader_id"], ["traders.id"], name=op.f("fk_owners_of_requisites_trader_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owners_of_requisites")),
        sa.UniqueConstraint("public_id", name=op.f("uq_owners_of_requisites_public_id")),
    )
    op.create_index(op.f("ix_owners_of_requisites_trader_id"), "owners_of_requisites", ["trader_id"], unique=False)
    op.create_table(
        "store_api_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("signing_secret", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("networks", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "test"], ["merchant_stores.id", "merchant_stores.test"], name="fk_store_api_keys_store_test"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_api_keys")),
        sa.UniqueConstraint("key_id", name=op.f("uq_store_api_keys_key_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_store_api_keys_public_id")),
    )
    op.create_index(op.f("ix_store_api_keys_store_id"), "store_api_keys", ["store_id"], unique=False)
    op.create_table(
        "store_commissions",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("commission_payin", sa.Numeric(), nullable=False),
        sa.Column("commission_payout", sa.Numeric(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "commission_payin >= 0 and commission_payin < 100 and commission_payout >= 0 and commission_payout < 100",
            name=op.f("ck_store_commissions_percent"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["merchant_stores.id"], name=op.f("fk_store_commissions_store_id")),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_store_commissions")),
    )
    op.create_table(
        "store_sequences",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["merchant_stores.id"], name=op.f("fk_store_sequences_store_id")),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_store_sequences")),
    )
    op.create_table(
        "trader_commissions",
        sa.Column("trader_id", sa.BigInteger(), nullable=False),
        sa.Column("commission_payin", sa.Numeric(), nullable=False),
        sa.Column("commission_payout", sa.Numeric(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "commission_payin >= 0 and commission_payin < 100 and commission_payout >= 0 and commission_payout < 100",
            name=op.f("ck_trader_commissions_percent"),
        ),
        sa.ForeignKeyConstraint(["trader_id"], ["traders.id"], name=op.f("fk_trader_commissions_trader_id")),
        sa.PrimaryKeyConstraint("trader_id", name=op.f("pk_trader_commissions")),
    )
    op.create_table(
        "callback_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("response_status", sa.SmallInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("request_headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("response_excerpt", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["callback_deliveries.id"], name=op.f("fk_callback_attempts_delivery_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback_attempts")),
    )
    op.create_index(op.f("ix_callback_attempts_delivery_id"), "callback_attempts", ["delivery_id"], unique=False)
    op.create_table(
        "payment_sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("incoming_order_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'active'"), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("first_opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["incoming_order_id"], ["incoming_orders.id"], name=op.f("fk_payment_sessions_incoming_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_sessions")),
        sa.UniqueConstraint("incoming_order_id", name=op.f("uq_payment_sessions_incoming_order_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payment_sessions_public_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_payment_sessions_token_hash")),
    )
    op.create_table(
        "requisites",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("trader_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("fiat_currency", sa.Text(), nullable=False),
        sa.Column("payment_method", sa.Text(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'check'"), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("traffic_priority", sa.Integer(), server_default=sa.text("100"), nullable=False),
        sa.Column("is_excluded_from_distribution", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("day_used", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("total_used", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("open_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "status in ('check', 'approve', 'reject', 'blocked', 'archived')", name=op.f("ck_requisites_status")
        ),
        sa.ForeignKeyConstraint(["bank"], ["banks.code"], name=op.f("fk_requisites_bank")),
        sa.ForeignKeyConstraint(["fiat_currency"], ["currencies.code"], name=op.f("fk_requisites_fiat_currency")),
        sa.ForeignKeyConstraint(["owner_id"], ["owners_of_requisites.id"], name=op.f("fk_requisites_owner_id")),
        sa.ForeignKeyConstraint(
            ["payment_method"], ["payment_methods.code"], name=op.f("fk_requisites_payment_method")
        ),
        sa.ForeignKeyConstraint(
            ["trader_id", "test"], ["traders.id", "traders.test"], name="fk_requisites_trader_test"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requisites")),
        sa.UniqueConstraint("id", "trader_id", "test", name=op.f("uq_requisites_id_trader_id_test")),
        sa.UniqueConstraint("public_id", name=op.f("uq_requisites_public_id")),
    )
    op.create_index("ix_requisites_number", "requisites", ["number_index"], unique=False)
    op.create_index(
        "ix_requisites_round_robin",
        "requisites",
        [
            "fiat_currency",
            "test",
            "payment_method",
            "traffic_priority",
            sa.literal_column("last_used_at nulls first"),
            "id",
        ],
        unique=False,
        postgresql_where=sa.text("status = 'approve' and not is_excluded_from_distribution"),
    )
    op.create_index(op.f("ix_requisites_trader_id"), "requisites", ["trader_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("incoming_order_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("trader_id", sa.BigInteger(), nullable=False),
        sa.Column("requisite_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("fiat_currency", sa.Text(), nullable=False),
        sa.Column("crypto_currency", sa.Text(), nullable=False),
        sa.Column("amount_agreed", sa.Numeric(), nullable=False),
        sa.Column("amount_fiat", sa.Numeric(), nullable=False),
        sa.Column("amount_exceptions", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("amount_slot", sa.Numeric(), nullable=True),
        sa.Column("slot_free_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("base_rate", sa.Numeric(), nullable=False),
        sa.Column("rate_source", sa.Text(), nullable=False),
        sa.Column("rate_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount_crypto", sa.Numeric(), nullable=False),
        sa.Column("trader_amount_crypto", sa.Numeric(), nullable=False),
        sa.Column("store_percent", sa.Numeric(), nullable=False),
        sa.Column("trader_percent", sa.Numeric(), nullable=False),
        sa.Column("store_commission", sa.Numeric(), nullable=False),
        sa.Column("trader_commission", sa.Numeric(), nullable=False),
        sa.Column("platform_profit", sa.Numeric(), nullable=False),
        sa.Column("limit_lower", sa.Numeric(), nullable=False),
        sa.Column("limit_upper", sa.Numeric(), nullable=False),
        sa.Column("limit_window_minutes", sa.Integer(), nullable=True),
        sa.Column("limit_window_sum", sa.Numeric(), nullable=True),
        sa.Column("limit_open_max", sa.Integer(), nullable=False),
        sa.Column("counted_day", sa.Date(), nullable=True),
        sa.Column("counted_amount", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_unpaid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmation_source", sa.Text(), nullable=True),
        sa.Column("client_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancellation_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "amount_fiat > 0 and amount_agreed > 0 and amount_fiat < 'Infinity'", name=op.f("ck_orders_amount_fiat")
        ),
        sa.CheckConstraint("amount_slot is null or direction = 'pay_in'", name=op.f("ck_orders_amount_slot")),
        sa.CheckConstraint("rate > 0 and base_rate > 0 and rate < 'Infinity'", name=op.f("ck_orders_rate")),
        sa.CheckConstraint(
            "store_commission >= 0 and trader_commission >= 0 and platform_profit >= 0 and amount_crypto > 0 and amount_crypto <> 'NaN' and amount_crypto < 'Infinity'",
            name=op.f("ck_orders_legs"),
        ),
        sa.ForeignKeyConstraint(["crypto_currency"], ["currencies.code"], name=op.f("fk_orders_crypto_currency")),
        sa.ForeignKeyConstraint(["fiat_currency"], ["currencies.code"], name=op.f("fk_orders_fiat_currency")),
        sa.ForeignKeyConstraint(
            ["incoming_order_id", "store_id", "direction", "test"],
            ["incoming_orders.id", "incoming_orders.store_id", "incoming_orders.direction", "incoming_orders.test"],
            name="fk_orders_incoming_order",
        ),
        sa.ForeignKeyConstraint(
            ["requisite_id", "trader_id", "test"],
            ["requisites.id", "requisites.trader_id", "requisites.test"],
            name="fk_orders_requisite",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
    )
    op.create_index(
        "ix_orders_expires",
        "orders",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status in ('pending', 'pending_trader_confirmation', 'in_progress')"),
    )
    op.create_index("ix_orders_requisite_created", "orders", ["requisite_id", "created_at"], unique=False)
    op.create_index("ix_orders_store_created", "orders", ["store_id", "created_at"], unique=False)
    op.create_index("ix_orders_trader_created", "orders", ["trader_id", "created_at"], unique=False)
    op.create_index(
        "uq_orders_amount_slot",
        "orders",
        ["trader_id", "fiat_currency", "amount_slot"],
        unique=True,
        postgresql_where=sa.text("amount_slot is not null"),
    )
    op.create_index(
        "uq_orders_incoming_order",
        "orders",
        ["incoming_order_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'declined'"),
    )
    op.create_table(
        "requisite_settings",
        sa.Column("requisite_id", sa.BigInteger(), nullable=False),
        sa.Column("pay_in", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("pay_out", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("lower_limit", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("upper_limit", sa.Numeric(), nullable=False),
        sa.Column("total_limit", sa.Numeric(), nullable=True),
        sa.Column("turnover_day_max", sa.Numeric(), nullable=True),
        sa.Column("turnover_limit_minutes", sa.Integer(), nullable=True),
        sa.Column("turnover_limit_sum", sa.Numeric(), nullable=True),
        sa.Column("max_open_orders", sa.Integer(), server_default=sa.text("10"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "lower_limit >= 0 and upper_limit >= lower_limit and upper_limit < 'Infinity'",
            name=op.f("ck_requisite_settings_limits"),
        ),
        sa.CheckConstraint(
            "(turnover_limit_minutes is null) = (turnover_limit_sum is null)", name=op.f("ck_requisite_settings_window")
        ),
        sa.CheckConstraint("max_open_orders > 0", name=op.f("ck_requisite_settings_max_open_orders")),
        sa.ForeignKeyConstraint(["requisite_id"], ["requisites.id"], name=op.f("fk_requisite_settings_requisite_id")),
        sa.PrimaryKeyConstraint("requisite_id", name=op.f("pk_requisite_settings")),
    )
    op.create_table(
        "uploaded_documents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("incoming_order_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("uploader_kind", sa.Text(), nullable=False),
        sa.Column("uploader_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'stored'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "state in ('stored', 'quarantined', 'rejected', 'erased')", name=op.f("ck_uploaded_documents_state")
        ),
        sa.ForeignKeyConstraint(
            ["incoming_order_id"], ["incoming_orders.id"], name=op.f("fk_uploaded_documents_incoming_order_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_uploaded_documents_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploaded_documents")),
        sa.UniqueConstraint("object_key", name=op.f("uq_uploaded_documents_object_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_uploaded_documents_public_id")),
    )
    op.create_index(
        op.f("ix_uploaded_documents_incoming_order_id"), "uploaded_documents", ["incoming_order_id"], unique=False
    )
    op.create_index(op.f("ix_uploaded_documents_order_id"), "uploaded_documents", ["order_id"], unique=False)
    op.create_index("ix_uploaded_documents_sha256", "uploaded_documents", ["sha256"], unique=False)
    op.create_foreign_key(
        "fk_incoming_orders_assigned_order_id", "incoming_orders", "orders", ["assigned_order_id"], ["id"]
    )
