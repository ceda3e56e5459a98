"""As in `plants`: withdrawals, adjustments and approvals."""
# ruff: noqa: E501 - a statement is easier to read on one line

from invariants.plants import PLATFORM

SENDING = "(select min(id) from withdrawals where status = 'sending')"
SENT = "(select min(id) from withdrawals where status = 'sent')"
ADJUSTED = "(select min(id) from balance_adjustments where status = 'posted' and corrects_id is null)"
CORRECTION = "(select min(id) from balance_adjustments where status = 'posted' and corrects_id is not null)"

MONEY = [
    ("I14", "a hold of what was sent", f"update withdrawals set status = 'sent', tx_hash = 'x' where id = {SENDING}"),
    ("I14w", "not held", f"delete from holds where ref_type = 'withdrawal' and ref_id = {SENDING}"),
    ("I14w", "held without the fee", f"update withdrawals set network_fee = network_fee + 1 where id = {SENDING}"),
    (
        "I14w",
        "held on somebody else's account",
        f"update holds set account_id = {PLATFORM} where ref_type = 'withdrawal' and ref_id = {SENDING}",
    ),
    ("I28w", "sent and not moved", f"delete from transfers where ref_type = 'withdrawal' and ref_id = {SENT}"),
    ("I28w", "more than was asked for", f"update withdrawals set amount = amount - 1 where id = {SENT}"),
    (
        "I28w",
        "rejected and moved",
        (
            "alter table withdrawals drop constraint ck_withdrawals_sent;"
            "alter table withdrawals drop constraint ck_withdrawals_claimed;"
            f"update withdrawals set status = 'rejected' where id = {SENT}"
        ),
    ),
    ("I28w", "somebody else's", f"update withdrawals set owner_id = owner_id + 1000 where id = {SENT}"),
    (
        "I28b",
        "posted and not moved",
        f"delete from transfers where ref_type = 'balance_adjustment' and ref_id = {ADJUSTED} and reverses_id is null",
    ),
    ("I28b", "another amount", f"update balance_adjustments set amount = amount - 1 where id = {ADJUSTED}"),
    ("I28b", "another amount undone", f"update balance_adjustments set amount = amount - 1 where id = {CORRECTION}"),
    ("I28b", "rejected and moved", f"update balance_adjustments set status = 'rejected' where id = {ADJUSTED}"),
    ("I28u", "undone by nobody", f"update balance_adjustments set corrects_id = 0 where id = {CORRECTION}"),
]

ALARMS = [
    (
        "I36",
        "decided by nobody else",
        (
            "alter table approvals drop constraint ck_approvals_two_persons;"
            "update approvals set decided_by = requested_by where needs_second_person and status = 'executed'"
        ),
    ),
    (
        "I36",
        "decided by one with a part in the case",
        (
            "alter table approvals drop constraint ck_approvals_two_persons;"
            "update approvals set involved = array[decided_by] where needs_second_person and status = 'executed'"
        ),
    ),
    (
        "I36",
        "a withdrawal nobody approved",
        f"delete from approvals where entity = 'withdrawal' and entity_id = {SENDING}",
    ),
    (
        "I36",
        "an adjustment by one",
        f"update approvals set needs_second_person = false where entity = 'balance_adjustment' and entity_id = {ADJUSTED}",
    ),
    (
        "I26t",
        "in hand for a day",
        f"update withdrawals set updated_at = app_now() - interval '25 hours' where id = {SENDING}",
    ),
    (
        "I26t",
        "asked for and forgotten",
        "update withdrawals set updated_at = app_now() - interval '73 hours' where status = 'requested'",
    ),
    (
        "I26a",
        "waits for a second person",
        "update approvals set created_at = app_now() - interval '73 hours' where status = 'requested'",
    ),
]
