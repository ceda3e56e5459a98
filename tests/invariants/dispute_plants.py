"""What a hand could do to disputes, corrections and covers, by the invariant that must say so; as `plants.py`."""

ADJUSTED = (
    "(select min(t.id) from transfers t where t.kind = 'adjustment'"
    " and not exists (select 1 from transfers r where r.reverses_id = t.id))"
)
COVERED = "(select account_id from covers where outstanding > 0)"
LONG_AGO = "app_now() - interval '6 minutes'"

MONEY = [
    (
        "I11",
        "an adjustment left in force by a reversal",
        "delete from transfers where kind = 'adjustment_reversal'",
    ),
    (
        "I11a",
        "an adjustment nobody was told of",
        "delete from status_history where entity = 'order' and from_status = 'completed' and to_status = 'completed'",
    ),
    ("I11r", "half an adjustment taken back", "update transfers set kind = 'settlement' where kind = 'adjustment'"),
    ("I12s", "twice the difference", f"update postings set amount = amount * 2 where transfer_id = {ADJUSTED}"),
    (
        "I13",
        "an adjustment that pays the platform",
        f"update postings set amount = amount - 1 where transfer_id = {ADJUSTED} and balance_after is null",
    ),
    (
        "I14",
        "a hold of a resolved dispute",
        "update disputes set status = 'resolved_completed' where status = 'waiting_funds'",
    ),
    (
        "I14b",
        "a disputed order without a hold",
        (
            "delete from holds where ref_type = 'order' and status = 'active'"
            " and ref_id in (select id from orders where status = 'dispute')"
        ),
    ),
    (
        "I14d",
        "posted and not corrected",
        "update holds set status = 'posted', resolved_at = app_now() where ref_type = 'dispute' and status = 'active'",
    ),
    ("I28c", "lent less than it says", "update covers set amount = amount + 1"),
    ("I28c", "repaid without a repayment", "update covers set outstanding = outstanding - 1 where outstanding > 0"),
    ("I28c", "repaid and not returned", "delete from transfers where kind = 'cover_repayment'"),
    ("I29", "an adjustment about nothing", f"update transfers set ref_id = 999999 where id = {ADJUSTED}"),
    ("I29", "a cover about nothing", "delete from covers where outstanding > 0"),
]

ALARMS = [
    (
        "I20",
        "a decided order taken up again by itself",
        (
            "insert into status_history (entity, entity_id, version, from_status, to_status, actor_kind, reason)"
            " select entity, entity_id, version + 1, 'cancelled', 'requires_attention', 'customer', 'x'"
            " from status_history"
            " where entity = 'order' and from_status = 'dispute' and to_status = 'cancelled'"
        ),
    ),
    (
        "I26d",
        "a turn that outlived its clock",
        "update disputes set due_at = app_now() - interval '3 minutes' where status = 'waiting_merchant'",
    ),
    (
        "I26d",
        "forgotten by staff",
        "update disputes set due_at = app_now() - interval '1 second' where status = 'under_review'",
    ),
    ("I26d", "no clock", "update disputes set due_at = null where status = 'waiting_trader'"),
    (
        "I26c",
        "money that does not repay",
        (
            f"update accounts set held = held - 1 where id = {COVERED};"
            f"update postings set created_at = {LONG_AGO} where account_id = {COVERED};"
            f"update holds set resolved_at = {LONG_AGO} where account_id = {COVERED} and status <> 'active'"
        ),
    ),
]
