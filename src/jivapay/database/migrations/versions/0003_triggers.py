"""Rules the database itself holds: status steps, append-only records, transfers that sum to zero.

Our own conditions are raised with SQLSTATEs of class JP, so that no code has to read a message.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

STATUS_STEP = """
create function enforce_status_step() returns trigger language plpgsql as $$
declare
  entity constant text := tg_argv[0];
  previous text := '';
  actor_kind constant text := nullif(current_setting('jivapay.actor_kind', true), '');
  reason constant text := nullif(current_setting('jivapay.reason', true), '');
begin
  if tg_op = 'UPDATE' then
    if new.version = old.version then
      if new.status is distinct from old.status then
        raise exception '% % changed its status without a step', entity, new.id using errcode = 'JP001';
      end if;
      return null;
    end if;
    previous := old.status;
  end if;
  if new.version <> (case when tg_op = 'UPDATE' then old.version + 1 else 0 end) then
    raise exception '% % skipped a version', entity, new.id using errcode = 'JP001';
  end if;
  if actor_kind is null or reason is null then
    raise exception 'a step of % % comes without actor or reason', entity, new.id using errcode = 'JP003';
  end if;
  perform 1 from status_transitions t
   where t.entity = tg_argv[0] and t.from_status = previous and t.to_status = new.status;
  if not found then
    raise exception '% % cannot go from % to %', entity, new.id, previous, new.status using errcode = 'JP002';
  end if;
  insert into status_history (entity, entity_id, version, from_status, to_status, actor_kind, actor_id, reason)
  values (entity, new.id, new.version, nullif(previous, ''), new.status, actor_kind,
          nullif(current_setting('jivapay.actor_id', true), '')::bigint, reason);
  return null;
end
$$
"""

DELIVERY_STEP = """
create function enforce_delivery_step() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.state = old.state and new.attempts = old.attempts then
    return null;
  end if;
  perform 1 from status_transitions t
   where t.entity = 'callback_delivery' and t.to_status = new.state
     and t.from_status = case when tg_op = 'UPDATE' then old.state else '' end;
  if not found then
    raise exception 'callback_delivery % cannot become %', new.id, new.state using errcode = 'JP002';
  end if;
  return null;
end
$$
"""

REFUSE_CHANGE = """
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'JP004';
end
$$
"""

HOLD_CHANGE = """
create function enforce_hold_change() returns trigger language plpgsql as $$
begin
  if old.status <> 'active' or new.status = 'active'
     or (new.id, new.account_id, new.amount, new.ref_type, new.ref_id, new.created_at)
        is distinct from (old.id, old.account_id, old.amount, old.ref_type, old.ref_id, old.created_at) then
    raise exception 'hold % ends once and is never edited', old.id using errcode = 'JP004';
  end if;
  return new;
end
$$
"""

TRANSFER_BALANCED = """
create function enforce_transfer_balanced() returns trigger language plpgsql as $$
declare
  legs integer;
begin
  select count(*) into legs from postings where transfer_id = new.id;
  if legs < 2 then
    raise exception 'transfer % has % postings', new.id, legs using errcode = 'JP005';
  end if;
  if exists (
    select 1 from postings p join accounts a on a.id = p.account_id
     where p.transfer_id = new.id group by a.currency having sum(p.amount) <> 0
  ) then
    raise exception 'transfer % does not sum to zero', new.id using errcode = 'JP005';
  end if;
  if exists (
    select 1 from postings p join accounts a on a.id = p.account_id join currencies c on c.code = a.currency
     where p.transfer_id = new.id and (a.test <> new.test or p.amount <> round(p.amount, c.scale))
  ) then
    raise exception 'transfer % crosses worlds or breaks a scale', new.id using errcode = 'JP005';
  end if;
  return null;
end
$$
"""

POSTING_OF_THIS_TRANSACTION = """
create function enforce_posting_transaction() returns trigger language plpgsql as $$
begin
  perform 1 from transfers t where t.id = new.transfer_id and t.xid = pg_current_xact_id();
  if not found then
    raise exception 'transfer % is closed', new.transfer_id using errcode = 'JP005';
  end if;
  return new;
end
$$
"""

APPEND_ONLY = (
    "postings",
    "transfers",
    "status_history",
    "audit_log",
    "audit_chain",
    "callback_attempts",
    "configuration_setting_history",
)
STEPPED = {
    "incoming_orders": "incoming_order",
    "orders": "order",
    "payment_sessions": "payment_session",
    "deposits": "deposit",
}

OFTEN_VACUUMED = "fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500"
"""Small tables of which every order changes a row: the round-robin index is walked from its oldest entries, so what
an order has moved to its end must not be left dead at its front."""


def upgrade() -> None:
    for table in ("requisites", "accounts"):
        op.execute(f"alter table {table} set ({OFTEN_VACUUMED})")
    for function in (
        STATUS_STEP,
        DELIVERY_STEP,
        REFUSE_CHANGE,
        HOLD_CHANGE,
        TRANSFER_BALANCED,
        POSTING_OF_THIS_TRANSACTION,
    ):
        op.execute(function)
    for table, entity in STEPPED.items():
        op.execute(
            f"create trigger {table}_step after insert or update of status, version on {table} "
            f"for each row execute function enforce_status_step('{entity}')"
        )
        op.execute(
            f"create trigger {table}_kept before delete on {table} for each row execute function refuse_change()"
        )
    op.execute(
        "create trigger callback_deliveries_step after insert or update of state, attempts on callback_deliveries "
        "for each row execute function enforce_delivery_step()"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_append_only before update or delete on {table} "
            "for each row execute function refuse_change()"
        )
        op.execute(
            f"create trigger {table}_not_truncated before truncate on {table} "
            "for each statement execute function refuse_change()"
        )
    op.execute("create trigger holds_change before update on holds for each row execute function enforce_hold_change()")
    op.execute("create trigger holds_kept before delete on holds for each row execute function refuse_change()")
    op.execute("create trigger accounts_kept before delete on accounts for each row execute function refuse_change()")
    op.execute(
        "create constraint trigger transfers_balanced after insert on transfers deferrable initially deferred "
        "for each row execute function enforce_transfer_balanced()"
    )
    op.execute(
        "create trigger postings_transaction before insert on postings "
        "for each row execute function enforce_posting_transaction()"
    )
