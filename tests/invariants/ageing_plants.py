"""What a hand could leave lying about, by the invariant that must say so: see `plants`.

`THINGS` says of each plant which thing of `database/ageing.py` it leaves waiting.
"""

OLD = "app_now() - interval '40 days'"

MONEY: list[tuple[str, str, str]] = []

ALARMS = [
    (
        "I26w",
        "a page of a deal that is over",
        (
            "update payment_sessions set status = 'active' where id = (select min(s.id) from payment_sessions s"
            " join incoming_orders i on i.id = s.incoming_order_id where i.status = 'processed')"
            f";update incoming_orders set updated_at = {OLD} where status = 'processed'"
        ),
    ),
    (
        "I26w",
        "a deposit nobody decides",
        (
            "update deposits set status = 'requested' where id = (select min(id) from deposits)"
            f";update status_history set at = {OLD} where entity = 'deposit'"
        ),
    ),
    (
        "I26w",
        "a return that nobody's money covers",
        f"update status_history set at = {OLD} where entity = 'dispute' and to_status = 'waiting_funds'",
    ),
    (
        "I26w",
        "a payout request nobody pays",
        f"update status_history set at = {OLD} where entity = 'payout'",
    ),
    (
        "I26w",
        "a payout request nobody pays when its day has come",
        (
            f"update status_history set at = {OLD} where entity = 'payout'"
            ";update payouts set execute_at = app_now() - interval '73 hours' where status in ('pending', 'processing')"
        ),
    ),
    (
        "I26w",
        "money that belongs to nobody",
        f"update status_history set at = {OLD} where entity = 'unmatched_payment'",
    ),
    (
        "I26w",
        "a receipt in quarantine",
        f"update uploaded_documents set state = 'quarantined', created_at = {OLD}",
    ),
    ("I26w", "a key never forgotten", f"update idempotency_keys set created_at = {OLD}"),
    (
        "I26w",
        "days that are not sealed",
        "update chain_heads set day = day - 30",
    ),
    (
        "I26w",
        "a head that is not exported",
        f"delete from chain_head_exports;update chain_heads set sealed_at = {OLD}",
    ),
    (
        "I26w",
        "a task nobody looks at",
        (
            "insert into failed_tasks (task_id, name, args, error, traceback, failed_at)"
            f" values ('t', 'jivapay.update_balance', '[1]', 'ValueError', '', {OLD})"
        ),
    ),
    (
        "I26w",
        "a reconciliation never made",
        f"insert into reconciliations (public_id, requested_at) values (gen_random_uuid(), {OLD})",
    ),
    ("I26w", "a freeze nobody lifts", f"insert into money_freezes (reason, frozen_at) values ('x', {OLD})"),
]

THINGS = {
    "a page of a deal that is over": "payment_session",
    "a deposit nobody decides": "deposit",
    "a return that nobody's money covers": "dispute",
    "a payout request nobody pays": "payout",
    "a payout request nobody pays when its day has come": "payout",
    "money that belongs to nobody": "unmatched_payment",
    "a receipt in quarantine": "document in quarantine",
    "a key never forgotten": "idempotency key",
    "days that are not sealed": "ended day",
    "a head that is not exported": "ended day",
    "a task nobody looks at": "failed task",
    "a reconciliation never made": "reconciliation",
    "a freeze nobody lifts": "money freeze",
}
