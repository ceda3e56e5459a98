"""What a hand could do to the tables of pay-outs, by the invariant that must say so; in the form of `plants.py`."""
# ruff: noqa: E501 - a statement is easier to read on one line

MONEY = [
    (
        "I14c",
        "a pay-out's hold posted and not settled",
        "update holds set status = 'posted', resolved_at = app_now() where status = 'active' and ref_type = 'incoming_order'",
    ),
    (
        "I14e",
        "a pay-out without a hold",
        "delete from holds where status = 'active' and ref_type = 'incoming_order'",
    ),
    (
        "I14e",
        "an offered pay-out held too much",
        (
            "update holds set amount = amount + 0.000001 where status = 'active' and ref_type = 'incoming_order'"
            " and ref_id in (select incoming_order_id from orders where status = 'pending' and direction = 'pay_out')"
        ),
    ),
    (
        "I14e",
        "a waiting pay-out held too little",
        (
            "update holds set amount = amount / 2 where status = 'active' and ref_type = 'incoming_order'"
            " and ref_id in (select id from incoming_orders where status in ('new', 'retrying') and direction = 'pay_out')"
        ),
    ),
    (
        "I14f",
        "a credit free before it has cleared",
        "delete from holds where status = 'active' and ref_type = 'clearing'",
    ),
    (
        "I14f",
        "cleared and still held",
        "update orders set cleared_at = app_now() where clearing_until is not null and cleared_at is null",
    ),
    (
        "I28o",
        "two living orders of one request",
        (
            "drop index uq_incoming_orders_payout_alive;"
            "update incoming_orders set payout_id = (select max(payout_id) from incoming_orders where status = 'new')"
            " where direction = 'pay_out' and payout_id is null and status in ('new', 'retrying')"
        ),
    ),
    (
        "I28p",
        "processed and its order is not",
        (
            "update payouts set status = 'processed', processed_at = app_now()"
            " where status = 'pending' and executor = 'jivapay'"
        ),
    ),
    (
        "I28p",
        "processed without any order",
        "update incoming_orders set payout_id = null where payout_id is not null and status = 'processed'",
    ),
    (
        "I28p",
        "cancelled while its order may still pay",
        "update payouts set status = 'cancelled' where status = 'pending' and executor = 'jivapay'",
    ),
    (
        "I28p",
        "deleted while its order may still pay",
        "update payouts set deleted_at = app_now() where status = 'pending' and executor = 'jivapay'",
    ),
    (
        "I28p",
        "another amount than its order",
        "update payouts set amount = amount + 1 where status = 'pending' and executor = 'jivapay'",
    ),
]

ALARMS = [
    (
        "I26q",
        "never looked after",
        "update payouts set due_at = app_now() - interval '11 minutes' where status = 'pending'",
    ),
    (
        "I26q",
        "its order has ended and it does not know",
        (
            "update payouts set status = 'processing', processed_at = null where status = 'processed' and executor = 'jivapay';"
            "update payout_attempts set ended_at = null where outcome = 'processed';"
            "update status_history set at = app_now() - interval '6 minutes' where entity = 'incoming_order'"
            " and to_status = 'processed'"
        ),
    ),
    (
        "I26k",
        "never cleared",
        "update orders set clearing_until = app_now() - interval '6 minutes' where clearing_until is not null and cleared_at is null",
    ),
]
