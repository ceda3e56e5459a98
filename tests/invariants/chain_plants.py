"""What a hand could do to the chains and to sealed days, by the invariant that must say so: see `plants`."""

from invariants.plants import AUDITED, PLATFORM, SETTLEMENT, STORE_LEG

MONEY = [
    ("I22", "a link removed", "delete from audit_chain where seq = 5"),
    ("I22", "the first link removed", "delete from audit_chain where seq = 1"),
    ("I22", "a row removed", f"delete from audit_log where id = {AUDITED}"),
    (
        "I22",
        "a row altered and its own hash made new",
        (
            f"update audit_log set action = 'x' where id = {AUDITED};"
            f"update audit_chain set hash = sha256('x') where audit_id = {AUDITED}"
        ),
    ),
    ("I22", "a link bent", "update audit_chain set prev_hash = sha256('x') where seq = 7"),
    ("I22p", "a link removed", "delete from posting_chain where seq = 5"),
    ("I22p", "the first link removed", "delete from posting_chain where seq = 1"),
    ("I22p", "a posting removed", f"delete from postings where id = {STORE_LEG}"),
    ("I22p", "an amount altered", f"update postings set amount = amount + 1 where id = {STORE_LEG}"),
    ("I22p", "a balance altered", f"update postings set balance_after = 0 where id = {STORE_LEG}"),
    ("I22p", "a time altered", f"update postings set created_at = created_at + interval '1 s' where id = {STORE_LEG}"),
    ("I22p", "a transfer renamed", f"update transfers set public_id = gen_random_uuid() where id = {SETTLEMENT}"),
    ("I22p", "a kind altered", f"update transfers set kind = 'deposit' where id = {SETTLEMENT}"),
    (
        "I22p",
        "an account in other hands",
        "update accounts set owner_id = owner_id + 1000 where owner_type = 'store' and balance <> 0",
    ),
    (
        "I22p",
        "a posting altered and its leaf made new",
        (
            f"update postings set amount = amount + 1 where id = {STORE_LEG};"
            f"update posting_chain set leaf = sha256('x') where posting_id = {STORE_LEG}"
        ),
    ),
    ("I22p", "a link bent", "update posting_chain set prev_hash = sha256('x') where seq = 7"),
    (
        "I22q",
        "a posting slipped in",
        (
            f"insert into postings (transfer_id, account_id, amount, xid) values ({SETTLEMENT}, {PLATFORM}, 1,"
            " '700'::xid8)"
        ),
    ),
    ("I22h", "a posting of a sealed day removed", "delete from postings where id = (select min(id) from postings)"),
    ("I22h", "an account of a sealed day removed", "delete from chain_head_accounts where position = 0"),
    (
        "I22c",
        "a row slipped in",
        "insert into audit_log (action, actor_kind, xid) values ('x', 'system', '700'::xid8)",
    ),
]

ALARMS = [
    (
        "I22r",
        "a posting never chained",
        (
            "insert into postings (transfer_id, account_id, amount, created_at)"
            f" values ({SETTLEMENT}, {PLATFORM}, 1, app_now() - interval '61 seconds')"
        ),
    ),
    (
        "I22b",
        "a row never chained",
        "insert into audit_log (action, actor_kind, at) values ('x', 'system', app_now() - interval '61 seconds')",
    ),
]
