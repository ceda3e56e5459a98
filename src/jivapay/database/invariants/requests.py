"""Payout requests and the pay-out orders that carry them out (I28o, I28p, I26q)."""

from jivapay.database.invariants.model import Invariant

CHANGED = """
p.updated_at >= :since
 or p.id in (select c.payout_id from incoming_orders c join status_history h on h.entity = 'incoming_order'
              and h.entity_id = c.id where c.payout_id is not null and h.at >= :since)
"""
MAY_PAY = "i.status not in ('failed', 'cancelled', 'expired')"

REQUESTS = (
    Invariant(
        "I28o",
        "A payout request has one order at most that may still pay or has paid",
        f"""
select p.id as payout_id, count(*) as orders
  from payouts p join incoming_orders i on i.payout_id = p.id and {MAY_PAY}
 where {CHANGED}
 group by p.id having count(*) > 1
""",  # noqa: S608 - our own constants
        freezes=True,
    ),
    Invariant(
        "I28p",
        "A payout request carried out by a pay-out order is processed with it, ends with none, and asks for as much",
        f"""
select p.id as payout_id, p.status, p.deleted_at, i.id as incoming_order_id, i.status as order_status
  from payouts p left join incoming_orders i on i.payout_id = p.id and {MAY_PAY}
 where (p.executor = 'jivapay' or i.id is not null) and ({CHANGED})
   and ((p.status = 'processed' and i.status is distinct from 'processed')
        or (i.id is not null
            and (p.executor <> 'jivapay' or p.status in ('failed', 'cancelled') or p.deleted_at is not null
                 or (i.store_id, i.amount_fiat, i.fiat_currency) is distinct from (p.store_id, p.amount, p.currency))))
""",  # noqa: S608 - our own constants
        freezes=True,
    ),
    Invariant(
        "I26q",
        "A payout request that is due is looked after within ten minutes, and follows its order within five",
        """
select p.id as payout_id, p.status, p.due_at, i.status as order_status
  from payouts p
  left join payout_attempts a on a.payout_id = p.id and a.ended_at is null
  left join incoming_orders i on i.payout_id = p.id and i.external_id = a.reference
  left join status_history h on h.entity = 'incoming_order' and h.entity_id = i.id and h.version = i.version
 where p.status in ('pending', 'processing') and p.deleted_at is null
   and (p.due_at < app_now() - interval '10 minutes'
        or (i.status in ('processed', 'failed', 'cancelled', 'expired') and h.at < app_now() - interval '5 minutes'))
""",
        live=True,
    ),
)
