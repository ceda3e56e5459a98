"""What a hand could do to the tables, by the invariant that must say so. Each is put into a platform full of orders.

Run by the owner with triggers and foreign keys off: the application's role can do none of it.
"""
# ruff: noqa: E501 - a statement is easier to read on one line

COMPLETED = "(select min(id) from orders where status = 'completed' and direction = 'pay_in' and not test and revived_at is null)"
PENDING = "(select min(id) from orders where status = 'pending' and direction = 'pay_in' and not test)"
CANCELLED = "(select min(id) from orders where status = 'cancelled' and direction = 'pay_in')"
EXPIRED = "(select min(id) from orders where status = 'expired')"
SETTLEMENT = f"(select id from transfers where kind = 'settlement' and ref_id = {COMPLETED})"
STORE_LEG = (
    "(select p.id from postings p join accounts a on a.id = p.account_id"
    f" where p.transfer_id = {SETTLEMENT} and a.owner_type = 'store')"
)
TRADER_CRYPTO = "(select min(id) from accounts where owner_type = 'trader' and kind = 'crypto' and not test)"
PLATFORM = "(select id from accounts where owner_type = 'platform' and not test)"
TEST_PLATFORM = "(select id from accounts where owner_type = 'platform' and test)"
DEPOSIT = "(select min(id) from deposits where status = 'posted')"
REVERSAL = (
    "with r as (insert into transfers (public_id, kind, ref_type, ref_id, reverses_id)"
    f" values (gen_random_uuid(), 'settlement_reversal', 'order', {COMPLETED}, {SETTLEMENT}) returning id)"
    " insert into postings (transfer_id, account_id, amount)"
    f" select r.id, p.account_id, {{amount}} from r, postings p where p.transfer_id = {SETTLEMENT}"
)
INBOX = "(select min(id) from unmatched_payments where status = 'open')"
ATTACHED = "(select id from unmatched_payments where status = 'attached')"
DEAD_CALLBACK = "(select min(id) from callback_deliveries where state = 'delivered')"
AUDITED = "(select min(audit_id) from audit_chain where seq > 5)"


MONEY = [
    ("I01", "a posting altered", f"update postings set amount = amount + 1 where id = {STORE_LEG}"),
    ("I01", "a posting removed", f"delete from postings where id = {STORE_LEG}"),
    ("I02", "one leg left", f"delete from postings where transfer_id = {SETTLEMENT} and id <> {STORE_LEG}"),
    ("I02", "a transfer without legs", f"delete from postings where transfer_id = {SETTLEMENT}"),
    (
        "I02",
        "no number",
        (
            "alter table postings drop constraint ck_postings_amount;"
            f"update postings set amount = 'NaN' where id = {STORE_LEG}"
        ),
    ),
    ("I03", "a balance altered", f"update accounts set balance = balance + 1 where id = {TRADER_CRYPTO}"),
    ("I03", "a rolled-up balance altered", f"update accounts set balance = balance + 1 where id = {PLATFORM}"),
    ("I03", "a horizon put back", f"update accounts set rolled_xid = '5' where id = {PLATFORM}"),
    (
        "I03c",
        "a balance altered",
        "update accounts set balance = balance - 1 where owner_type = 'store' and balance > held + 1",
    ),
    ("I04", "held without a hold", f"update accounts set held = held + 0.000001 where id = {TRADER_CRYPTO}"),
    ("I04", "a hold removed", "delete from holds where status = 'active'"),
    (
        "I05",
        "overdrawn",
        (
            "alter table accounts drop constraint ck_accounts_available;"
            f"update accounts set held = balance + 1 where id = {TRADER_CRYPTO}"
        ),
    ),
    (
        "I05",
        "no number",
        (
            "alter table accounts drop constraint ck_accounts_finite, drop constraint ck_accounts_available;"
            f"update accounts set balance = 'NaN' where id = {TRADER_CRYPTO}"
        ),
    ),
    ("I05", "leave to overdraw", "update accounts set may_go_negative = true where owner_type = 'store' and not test"),
    ("I06", "money out of nothing", f"update postings set amount = amount + 1 where id = {STORE_LEG}"),
    (
        "I06",
        "live money in a test account",
        f"update postings set account_id = {TEST_PLATFORM} where account_id = {PLATFORM}",
    ),
    ("I07", "a digit too many", f"update postings set amount = amount + 0.0000001 where id = {STORE_LEG}"),
    ("I07", "a hold with a digit too many", "update holds set amount = amount + 0.0000001 where status = 'active'"),
    ("I08", "a running balance altered", f"update postings set balance_after = 0 where id = {STORE_LEG}"),
    (
        "I08",
        "a running balance where there is none",
        f"update postings set balance_after = 0 where account_id = {PLATFORM}",
    ),
    (
        "I09",
        "two orders for one request",
        (
            "drop index uq_orders_incoming_order;"
            f"update orders set incoming_order_id = (select incoming_order_id from orders where id = {COMPLETED})"
            f" where id = {PENDING}"
        ),
    ),
    ("I10", "a link cut", f"update incoming_orders set assigned_order_id = null where assigned_order_id = {PENDING}"),
    (
        "I10",
        "waiting with an order",
        f"update incoming_orders set status = 'retrying' where assigned_order_id = {PENDING}",
    ),
    ("I10", "assigned without an order", "update incoming_orders set status = 'assigned' where status = 'retrying'"),
    (
        "I10p",
        "processed and not paid",
        f"update incoming_orders set status = 'processed' where assigned_order_id = {PENDING}",
    ),
    (
        "I10p",
        "paid and not processed",
        f"update incoming_orders set status = 'cancelled' where assigned_order_id = {COMPLETED}",
    ),
    ("I11", "completed and not settled", f"update orders set status = 'completed' where id = {PENDING}"),
    ("I11", "settled and not completed", f"update orders set status = 'cancelled' where id = {COMPLETED}"),
    ("I11", "reversed and nothing returned", f"update orders set status = 'reversed' where id = {COMPLETED}"),
    ("I11", "everything returned and still completed", REVERSAL.format(amount="-p.amount")),
    (
        "I11",
        "settled twice",
        (
            "alter table transfers drop constraint uq_transfers_kind_ref_type_ref_id;"
            "insert into transfers (public_id, kind, ref_type, ref_id)"
            f" values (gen_random_uuid(), 'settlement', 'order', {COMPLETED})"
        ),
    ),
    ("I11r", "a reversal of a tenth", REVERSAL.format(amount="-p.amount / 10")),
    ("I12", "a commission altered", f"update orders set store_commission = 0 where id = {PENDING}"),
    ("I12", "an amount altered", f"update orders set amount_fiat = amount_fiat + 1 where id = {PENDING}"),
    ("I12", "a rate altered", f"update orders set rate = rate - 0.00001 where id = {PENDING}"),
    ("I12", "half away from zero", f"update orders set amount_crypto = amount_crypto + 0.000001 where id = {PENDING}"),
    ("I12s", "ten times the amount", f"update postings set amount = amount * 10 where transfer_id = {SETTLEMENT}"),
    (
        "I12s",
        "to another merchant",
        (
            "update postings set account_id = (select min(a.id) from accounts a where a.owner_type = 'store'"
            f" and a.id <> (select account_id from postings where id = {STORE_LEG})) where id = {STORE_LEG}"
        ),
    ),
    ("I13", "a profit altered", f"update orders set platform_profit = platform_profit + 1 where id = {COMPLETED}"),
    (
        "I14",
        "a hold of a lapsed order",
        (
            "update holds set status = 'active', resolved_at = null"
            f" where ref_type = 'order' and ref_id = {CANCELLED} and status = 'voided'"
        ),
    ),
    ("I14", "a hold of a completed order", f"update orders set status = 'failed' where id = {PENDING}"),
    ("I14", "a hold of nothing", "update holds set ref_type = 'whim', ref_id = id where status = 'active'"),
    (
        "I14",
        "ended without a time",
        (
            "alter table holds drop constraint ck_holds_resolved;"
            "update holds set resolved_at = null where status = 'posted'"
        ),
    ),
    ("I14b", "an open order without a hold", f"delete from holds where ref_type = 'order' and ref_id = {PENDING}"),
    (
        "I14b",
        "held too little",
        f"update holds set amount = amount / 2 where status = 'active' and ref_id = {PENDING}",
    ),
    ("I14c", "posted and not settled", "update holds set status = 'posted' where status = 'voided'"),
    ("I28", "posted and not moved", f"delete from transfers where ref_type = 'deposit' and ref_id = {DEPOSIT}"),
    ("I28", "more than was brought", f"update deposits set amount = amount - 1 where id = {DEPOSIT}"),
    ("I28", "rejected and moved", f"update deposits set status = 'rejected' where id = {DEPOSIT}"),
    (
        "I28",
        "to somebody else",
        f"update deposits set owner_id = owner_id + 1000 where id = {DEPOSIT}",
    ),
    ("I40", "held for less", f"update unmatched_payments set amount_crypto = amount_crypto + 1 where id = {INBOX}"),
    ("I40", "credited with more", f"update unmatched_payments set amount_fiat = amount_fiat - 1 where id = {INBOX}"),
    (
        "I40",
        "closed and still held",
        f"update unmatched_payments set status = 'returned', decided_at = now() where id = {INBOX}",
    ),
    ("I40", "no hold", f"delete from holds where ref_type = 'unmatched_payment' and ref_id = {INBOX}"),
    (
        "I40a",
        "more than was settled",
        f"update unmatched_payments set amount_fiat = amount_fiat + 1 where id = {ATTACHED}",
    ),
    (
        "I40a",
        "the rest is gone",
        "delete from unmatched_payments where source = 'overpayment' and from_order_id = (select attached_order_id from unmatched_payments where status = 'attached')",
    ),
    ("I40c", "forgotten", f"delete from unmatched_payments where id = {INBOX}"),
    ("I40c", "never credited", "delete from transfers where kind = 'unmatched'"),
    ("I29", "about nothing", f"update transfers set ref_id = 999999 where id = {SETTLEMENT}"),
    ("I29", "about something unknown", f"update transfers set ref_type = 'whim' where id = {SETTLEMENT}"),
]

ALARMS = [
    (
        "I15",
        "over the window's limit",
        f"update orders set limit_window_minutes = 60, limit_window_sum = amount_agreed - 1 where id = {COMPLETED}",
    ),
    ("I16", "below the limit", f"update orders set limit_lower = amount_agreed + 1 where id = {PENDING}"),
    (
        "I16",
        "another trader's requisite",
        f"update requisites set trader_id = 0 where id = (select requisite_id from orders where id = {PENDING})",
    ),
    (
        "I17",
        "one amount twice",
        (
            "drop index uq_orders_amount_slot;"
            f"update orders set amount_slot = (select amount_slot from orders where id = {PENDING})"
            " where status = 'pending_trader_confirmation'"
        ),
    ),
    ("I17s", "a slot lost", f"update orders set amount_slot = null where id = {PENDING}"),
    ("I18", "a status altered", f"update orders set status = 'failed' where id = {CANCELLED}"),
    ("I18", "a page's status altered", "update payment_sessions set status = 'failed' where status = 'completed'"),
    ("I18v", "a version altered", f"update orders set version = version - 1 where id = {COMPLETED}"),
    (
        "I18v",
        "a step removed",
        f"delete from status_history where entity = 'order' and entity_id = {COMPLETED} and version = 1",
    ),
    (
        "I19",
        "a step removed",
        f"delete from status_history where entity = 'order' and entity_id = {COMPLETED} and version = 1",
    ),
    (
        "I19",
        "the first step removed",
        f"delete from status_history where entity = 'order' and entity_id = {COMPLETED} and version = 0",
    ),
    (
        "I19",
        "a step that is in no table",
        f"update status_history set to_status = 'in_progress' where entity = 'order' and entity_id = {COMPLETED} and version = 1",
    ),
    (
        "I20",
        "out of failed",
        (
            "insert into status_history (entity, entity_id, version, from_status, to_status, actor_kind, reason)"
            " select entity, entity_id, version + 1, 'failed', 'new', 'system', 'x' from status_history"
            " where entity = 'incoming_order' and to_status = 'failed'"
        ),
    ),
    (
        "I20",
        "completed again after a reversal",
        (
            "insert into status_history (entity, entity_id, version, from_status, to_status, actor_kind, reason)"
            f" values ('order', {COMPLETED}, 3, 'completed', 'reversed', 'user', 'x'),"
            f" ('order', {COMPLETED}, 4, 'reversed', 'completed', 'user', 'x')"
        ),
    ),
    (
        "I20",
        "revived twice",
        (
            "insert into status_history (entity, entity_id, version, from_status, to_status, actor_kind, reason)"
            f" values ('order', {EXPIRED}, 2, 'expired', 'pending_trader_confirmation', 'customer', 'x'),"
            f" ('order', {EXPIRED}, 3, 'pending_trader_confirmation', 'cancelled', 'user', 'x'),"
            f" ('order', {EXPIRED}, 4, 'cancelled', 'pending_trader_confirmation', 'customer', 'x')"
        ),
    ),
    (
        "I21",
        "a step nobody answers for",
        f"delete from audit_log where entity = 'order' and entity_id = {COMPLETED} and version = 1",
    ),
    (
        "I21",
        "a step somebody else answers for",
        f"update audit_log set actor_id = 0 where entity = 'order' and entity_id = {COMPLETED}",
    ),
    (
        "I23",
        "the store was not told",
        (
            f"delete from callback_deliveries where order_type = 'order' and order_id = {COMPLETED}"
            " and order_status = 'completed'"
        ),
    ),
    (
        "I23",
        "the store was told twice",
        (
            "insert into callback_deliveries (event_id, store_id, order_type, order_id, public_order_id, event_type,"
            " order_status, status_version, payload, test, state) select 'evt_x', store_id, order_type, order_id,"
            " public_order_id, event_type, order_status, 99, payload, test, 'skipped' from callback_deliveries"
            f" where order_type = 'order' and order_id = {COMPLETED} and order_status = 'completed'"
        ),
    ),
    ("I23i", "the store was not told", "delete from callback_deliveries where order_status = 'failed'"),
    (
        "I24",
        "retrying for a month",
        f"update callback_deliveries set state = 'retrying', delivered_at = null, next_attempt_at = app_now() - interval '1 month' where id = {DEAD_CALLBACK}",
    ),
    (
        "I24",
        "never due",
        f"update callback_deliveries set state = 'pending', delivered_at = null where id = {DEAD_CALLBACK}",
    ),
    (
        "I24",
        "given up early",
        f"update callback_deliveries set state = 'exhausted', delivered_at = null where id = {DEAD_CALLBACK}",
    ),
    ("I24", "delivered at no time", f"update callback_deliveries set delivered_at = null where id = {DEAD_CALLBACK}"),
    (
        "I24",
        "never numbered",
        f"update callback_deliveries set store_seq = null, created_at = app_now() - interval '6 minutes' where id = {DEAD_CALLBACK}",
    ),
    (
        "I25",
        "an intention forgotten",
        "update outbox set dispatched_at = null, created_at = app_now() - interval '6 minutes'",
    ),
    (
        "I26",
        "forgotten",
        "update incoming_orders set next_attempt_at = app_now() - interval '11 minutes' where status = 'retrying'",
    ),
    ("I26", "never due", "update incoming_orders set next_attempt_at = null where status = 'retrying'"),
    ("I26", "never due though chosen", "update incoming_orders set next_attempt_at = null where status = 'new'"),
    (
        "I26",
        "outlived its page",
        "update incoming_orders set expires_at = app_now() - interval '3 minutes' where status = 'new'",
    ),
    (
        "I26o",
        "outlived its deadline",
        f"update orders set expires_at = app_now() - interval '3 minutes' where id = {PENDING}",
    ),
    ("I26o", "no deadline", f"update orders set expires_at = null where id = {PENDING}"),
    (
        "I26p",
        "a year before a person",
        (
            "update status_history h set at = app_now() - interval '1 year' from orders o"
            " where h.entity = 'order' and h.entity_id = o.id and o.status = 'requires_attention'"
        ),
    ),
    ("I27", "another store's key", "update idempotency_keys set scope = 'store:0'"),
    ("I27", "a key of nothing", "update idempotency_keys set resource_id = 0"),
    (
        "I27r",
        "made twice",
        (
            "insert into idempotency_keys (scope, key, request_hash, status, resource_type, resource_id)"
            " select scope, 'another', request_hash, status, resource_type, resource_id from idempotency_keys"
        ),
    ),
    ("I30", "another order's receipt", "update uploaded_documents set order_id = order_id + 1"),
    ("I36", "a deposit nobody decided", f"delete from approvals where entity = 'deposit' and entity_id = {DEPOSIT}"),
    ("I37", "a turnover altered", "update requisites set total_used = total_used + 1"),
    ("I37", "a day's turnover altered", "update requisites set day_used = day_used - 1"),
    ("I37", "an order not counted", f"update orders set counted_day = null where id = {COMPLETED}"),
    ("I37o", "an open order forgotten", "update requisites set open_count = open_count - 1"),
    ("I38", "a test order of a live store", f"update orders set test = true where id = {PENDING}"),
    (
        "I38",
        "a live account of a test store",
        "update accounts set test = not test where owner_type = 'store' and test",
    ),
    ("I38", "a test transfer in live accounts", f"update transfers set test = true where id = {SETTLEMENT}"),
    ("I38", "a test deposit", "update transfers set test = true where kind = 'deposit'"),
    ("I38", "a hold in the other world", f"update accounts set test = true where id = {TRADER_CRYPTO}"),
    (
        "I39",
        "a gap in a stream",
        f"update callback_deliveries set store_seq = store_seq + 1000 where id = {DEAD_CALLBACK}",
    ),
]
