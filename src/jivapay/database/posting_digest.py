"""What the chain of postings hashes, computed by the database for chainer and proof alike (`docs/proofs.md`).

A posting's leaf is SHA-256 over a zero byte, its own 16 random bytes (the salt) and its fields in the order below, each
as text with its length in bytes before it (`4:RUB…`), a missing one as `-`. Without the salt nobody can guess a leaf.
A link is SHA-256 over a byte two, the hash of the link before it and the leaf. The bytes in front keep leaves, nodes,
links and accounts apart: none of them can be passed off as another.
"""

ACCOUNT = """
concat_ws(':', a.owner_type, coalesce(case a.owner_type
    when 'store' then (select s.public_id from merchant_stores s where s.id = a.owner_id)
    when 'trader' then (select u.public_id from traders r join users u on u.id = r.user_id where r.id = a.owner_id)
  end::text, '-'), a.kind, a.currency, case when a.test then 'test' else 'live' end)
"""
"""`store:0199…:crypto:USDT:live`: an account by names its owner knows. Tables: accounts `a`."""

FIELDS = {
    "account": ACCOUNT,
    "transfer": "t.public_id::text",
    "kind": "t.kind",
    "amount": "trim_scale(p.amount)::text",
    "balance_after": "trim_scale(p.balance_after)::text",
    "at": "to_char(p.created_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')",
}
"""What a leaf commits to, as text. Tables: postings `p`, transfers `t`, accounts `a`."""

_TEXT = " || ".join(f"coalesce(octet_length({field})::text || ':' || {field}, '-')" for field in FIELDS.values())


def leaf(salt: str) -> str:
    """SQL for a posting's leaf, from SQL for its salt."""
    return f"sha256('\\x00'::bytea || {salt} || convert_to({_TEXT}, 'UTF8'))"


OF_POSTING = "join transfers t on t.id = p.transfer_id join accounts a on a.id = p.account_id"

BROKEN_LINKS = f"""
select c.seq, c.posting_id
  from posting_chain c
  left join (postings p {OF_POSTING}) on p.id = c.posting_id
  left join posting_chain before on before.seq = c.seq - 1
 where (p.id is null or p.created_at >= :since)
   and (c.prev_hash is distinct from case when c.seq = 1 then decode(repeat('00', 32), 'hex') else before.hash end
        or p.id is null or c.leaf is distinct from {leaf("c.salt")}
        or c.hash is distinct from sha256('\\x02'::bytea || c.prev_hash || c.leaf))
"""  # noqa: S608 - built from our own constants
"""Links whose posting is gone or was altered, that do not continue the one before, or that have none before them."""
