"""What the audit chain hashes, computed by the database for the chainer and for the proof alike (hard case 23).

A row's digest is SHA-256 over all of its columns in the order below, each as text with its length in bytes before
it (`4:INFO`), a missing one as `-`; times in UTC with microseconds. A link's hash is SHA-256 over the hash of the
link before it and the row's digest. Anybody can compute both without this program.
"""

COLUMNS = {
    "id": "a.id::text",
    "at": "to_char(a.at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')",
    "level": "a.level",
    "action": "a.action",
    "entity": "a.entity",
    "entity_id": "a.entity_id::text",
    "version": "a.version::text",
    "actor_kind": "a.actor_kind",
    "actor_id": "a.actor_id::text",
    "actor_role": "a.actor_role",
    "ip": "a.ip",
    "request_id": "a.request_id",
    "details": "a.details::text",
    "xid": "a.xid::text",
}
"""Every column of `audit_log` (alias `a`), as text."""

_FIELDS = " || ".join(f"coalesce(octet_length({column})::text || ':' || {column}, '-')" for column in COLUMNS.values())

ROW_DIGEST = f"sha256(convert_to({_FIELDS}, 'UTF8'))"

BROKEN_LINKS = f"""
select c.seq, c.audit_id
  from audit_chain c
  left join audit_log a on a.id = c.audit_id
  left join audit_chain p on p.seq = c.seq - 1
 where (a.id is null or a.at >= :since)
   and (c.prev_hash is distinct from case when c.seq = 1 then decode(repeat('00', 32), 'hex') else p.hash end
        or c.hash is distinct from sha256(c.prev_hash || {ROW_DIGEST}))
"""  # noqa: S608 - built from our own constants
"""Links whose row is gone or was altered, that do not continue the one before, or that have none before them."""
