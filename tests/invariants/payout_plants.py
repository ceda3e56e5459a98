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
]

ALARMS = [
    (
        "I26k",
        "never cleared",
        "update orders set clearing_until = app_now() - interval '6 minutes' where clearing_until is not null and cleared_at is null",
    ),
]
