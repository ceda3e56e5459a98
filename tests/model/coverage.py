"""Which transitions of the printed tables have been taken on a platform (domain/order_states.py).

The database keeps the steps of everything but callback deliveries, whose states have attempts for a history: for a
test that counts them, too, the database's owner has them noted.
"""

from sqlalchemy import text

from jivapay.database.session import Database
from jivapay.domain.order_states import MACHINES
from support.owner import as_owner

Taken = set[tuple[str, str, str]]
"""Entity, from, to; born from the empty status."""

PRINTED: Taken = {(entity, step.from_status, step.to_status) for entity, steps in MACHINES.items() for step in steps}
NOTE_DELIVERIES = """
create table noted_deliveries (from_state text, to_state text);
create function note_delivery() returns trigger language plpgsql security definer as $$
begin
  if tg_op = 'INSERT' then
    insert into noted_deliveries values ('', new.state);
  elsif new.state <> old.state or new.attempts <> old.attempts then
    insert into noted_deliveries values (old.state, new.state);
  end if;
  return null;
end
$$;
create trigger note_delivery after insert or update on callback_deliveries
  for each row execute function note_delivery();
grant select on noted_deliveries to public
"""
TAKEN = text("""
select entity, coalesce(from_status, ''), to_status from status_history
union
select 'callback_delivery', from_state, to_state from noted_deliveries
""")


async def begin_to_count(owner_url: str) -> None:
    """From now on every step is kept."""
    await as_owner(owner_url, NOTE_DELIVERIES)


async def taken_on(database: Database) -> Taken:
    async with database.read() as session:
        return {(row[0], row[1], row[2]) for row in await session.execute(TAKEN)}


def assert_complete(taken: Taken) -> None:
    """Every printed transition was taken, so every status reached, and no other."""
    missing = sorted(f"{entity}: {old or '(born)'} -> {new}" for entity, old, new in PRINTED - taken)
    assert not missing, "\n".join(missing)
    assert taken <= PRINTED
