"""Functions that tables and queries rest on: the clock of the platform, and half-even rounding."""

from alembic import op

revision = "0001"
down_revision = None

APP_NOW = """
create function app_now() returns timestamptz language sql stable parallel safe as $$
  select now() + coalesce(nullif(current_setting('jivapay.clock_offset', true), '')::interval, interval '0')
$$
"""

MONEY_ROUND = """
create function money_round(value numeric, scale integer) returns numeric language sql immutable parallel safe as $$
  select case
    when abs(value - trunc(value, scale)) = ('0.' || repeat('0', scale) || '5')::numeric
     and mod(abs(trunc(value, scale)) * (('1' || repeat('0', scale))::numeric), 2) = 0
    then trunc(value, scale)
    else round(value, scale)
  end
$$
"""


def upgrade() -> None:
    op.execute(APP_NOW)
    op.execute(MONEY_ROUND)
