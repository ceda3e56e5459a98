"""Orders and their money: links, settlements, numbers, holds (I09 to I14)."""

from jivapay.database.invariants.model import Invariant

CHANGED_ORDERS = """
select entity_id from status_history where entity = 'order' and at >= :since
 union select ref_id from transfers where ref_type = 'order' and created_at >= :since
 union select d.order_id from transfers t join disputes d on t.ref_type = 'dispute' and d.id = t.ref_id
        where t.created_at >= :since
"""
OF_ORDERS = """
select t.id, t.kind, coalesce(d.order_id, t.ref_id) as order_id, t.created_at,
       exists (select 1 from transfers r where r.reverses_id = t.id) as undone
  from transfers t left join disputes d on t.ref_type = 'dispute' and d.id = t.ref_id
 where (t.kind = 'settlement' and t.ref_type = 'order') or (t.kind = 'adjustment' and t.ref_type = 'dispute')
"""
"""What orders have moved: their settlements, and the adjustments of their disputes."""
IN_FORCE = "not exists (select 1 from transfers r where r.reverses_id = t.id)"

DEALS = (
    Invariant(
        "I09",
        "An incoming order has at most one order that was not declined",
        """
select incoming_order_id, count(*) as orders
  from orders
 where status <> 'declined' and incoming_order_id in (select incoming_order_id from orders where created_at >= :since)
 group by incoming_order_id having count(*) > 1
""",
        freezes=True,
    ),
    Invariant(
        "I10",
        "An incoming order that needs an order has one, one that waits has none, and the links agree both ways",
        """
select i.id as incoming_order_id, i.status, i.assigned_order_id, o.id as order_id
  from incoming_orders i full join (select * from orders where status <> 'declined') o on o.incoming_order_id = i.id
 where (i.id is null or i.assigned_order_id is distinct from o.id
        or (o.id is null and i.status in
            ('assigned', 'client_payment_confirmed', 'failed_processing_receipt', 'processed'))
        or (o.id is not null and i.status in ('new', 'retrying', 'manual_review')))
   and (i.id is null or o.created_at >= :since
        or i.id in (select entity_id from status_history where entity = 'incoming_order' and at >= :since))
""",
        freezes=True,
    ),
    Invariant(
        "I10p",
        "`processed` is written with `completed` and nowhere else: a shop that ships on it ships paid goods",
        """
select i.id as incoming_order_id, i.status, o.id as order_id, o.status as order_status
  from incoming_orders i join orders o on o.incoming_order_id = i.id and o.status <> 'declined'
 where (i.status = 'processed') <> (o.status in ('completed', 'reversed'))
   and (o.created_at >= :since
        or o.id in (select entity_id from status_history where entity = 'order' and at >= :since))
""",
        freezes=True,
    ),
    Invariant(
        "I11",
        "A completed order has one settlement in force; any other has nothing in force, settlement or adjustment",
        f"""
select o.id as order_id, o.status, s.settlements, a.adjustments
  from orders o
 cross join lateral (
   select count(*) as settlements from transfers t
    where t.kind = 'settlement' and t.ref_type = 'order' and t.ref_id = o.id and {IN_FORCE}
 ) s
 cross join lateral (
   select count(*) as adjustments from disputes d
     join transfers t on t.kind = 'adjustment' and t.ref_type = 'dispute' and t.ref_id = d.id
    where d.order_id = o.id and {IN_FORCE}
 ) a
 where o.id in ({CHANGED_ORDERS})
   and (s.settlements <> (case when o.status = 'completed' then 1 else 0 end)
        or (o.status <> 'completed' and a.adjustments > 0))
""",  # noqa: S608 - our own constants
        freezes=True,
    ),
    Invariant(
        "I11a",
        "Each adjustment is a step of its order, with its event: the store is told of every amount that moved",
        f"""
select o.id as order_id, h.steps, a.adjustments
  from orders o
 cross join lateral (
   select count(*) as steps from status_history h
    where h.entity = 'order' and h.entity_id = o.id and h.from_status = 'completed' and h.to_status = 'completed'
 ) h
 cross join lateral (
   select count(*) as adjustments from disputes d
     join transfers t on t.kind = 'adjustment' and t.ref_type = 'dispute' and t.ref_id = d.id
    where d.order_id = o.id
 ) a
 where h.steps <> a.adjustments and o.id in ({CHANGED_ORDERS})
""",  # noqa: S608 - our own constants
        freezes=True,
    ),
    Invariant(
        "I11r",
        "A reversal is the exact opposite of one transfer of the same object",
        """
select r.id as transfer_id, r.reverses_id
  from transfers r join transfers s on s.id = r.reverses_id
 where r.created_at >= :since
   and ((r.ref_type, r.ref_id, r.test, r.kind) is distinct from (s.ref_type, s.ref_id, s.test, s.kind || '_reversal')
        or exists (select 1 from postings p where p.transfer_id in (r.id, s.id)
                    group by p.account_id having sum(p.amount) <> 0))
""",
        freezes=True,
    ),
    Invariant(
        "I12",
        "The numbers frozen on an order follow from its amount, rates and percentages, to the last digit",
        """
select o.id as order_id, o.direction, o.amount_fiat, o.rate, o.base_rate, o.amount_crypto, o.trader_amount_crypto,
       o.store_commission, o.trader_commission, o.platform_profit
  from orders o join currencies c on c.code = o.crypto_currency
 cross join lateral (select case o.direction when 'pay_in' then 1 else -1 end as sign) d
 where (o.created_at >= :since
        or o.id in (select entity_id from status_history where entity = 'order' and at >= :since))
   and not (
         o.amount_fiat > 0 and o.rate > 0 and o.base_rate > 0 and d.sign * (o.rate - o.base_rate) >= 0
         and o.store_percent between 0 and 100 and o.trader_percent between 0 and 100
         and o.amount_crypto = money_round(o.amount_fiat::numeric(80, 40) / o.rate, c.scale)
         and o.trader_amount_crypto = money_round(o.amount_fiat::numeric(80, 40) / o.base_rate, c.scale)
         and o.store_commission = money_round(o.amount_crypto * o.store_percent / 100, c.scale)
         and o.trader_commission = money_round(o.trader_amount_crypto * o.trader_percent / 100, c.scale)
         and o.platform_profit = d.sign * (o.trader_amount_crypto - o.amount_crypto)
                                 + o.store_commission - o.trader_commission
         and o.platform_profit >= 0 and o.store_commission >= 0 and o.trader_commission >= 0
         and o.amount_crypto > o.store_commission and o.trader_amount_crypto > o.trader_commission)
""",
        freezes=True,
    ),
    Invariant(
        "I12s",
        "A settlement and its adjustments move exactly what their order says, between exactly its parties",
        f"""
with settled as (
  select o.*, case o.direction when 'pay_in' then 1 else -1 end as sign
    from orders o
   where o.id in ({CHANGED_ORDERS})
     and exists (select 1 from transfers t where t.kind = 'settlement' and t.ref_type = 'order' and t.ref_id = o.id)
), wanted as (
  select s.id as order_id, leg.*
    from settled s
   cross join lateral (values
     ('trader', s.trader_id, 'crypto', s.crypto_currency, s.trader_commission - s.sign * s.trader_amount_crypto),
     ('store', s.store_id, 'crypto', s.crypto_currency, s.sign * s.amount_crypto - s.store_commission),
     ('platform', null, 'crypto', s.crypto_currency, s.platform_profit),
     ('trader', s.trader_id, 'fiat', s.fiat_currency, s.sign * s.amount_fiat),
     ('world', null, 'fiat', s.fiat_currency, -s.sign * s.amount_fiat)
   ) leg (owner_type, owner_id, kind, currency, amount)
   where leg.amount <> 0
), moved as (
  select s.id as order_id, a.owner_type, a.owner_id, a.kind, a.currency, sum(p.amount) as amount
    from settled s join ({OF_ORDERS}) t on t.order_id = s.id
    join postings p on p.transfer_id = t.id join accounts a on a.id = p.account_id
   group by 1, 2, 3, 4, 5
)
select coalesce(w.order_id, m.order_id) as order_id, coalesce(w.owner_type, m.owner_type) as owner_type,
       coalesce(w.owner_id, m.owner_id) as owner_id, coalesce(w.kind, m.kind) as kind,
       w.amount as wanted, m.amount as moved
  from wanted w
  full join moved m on m.order_id = w.order_id and m.owner_type = w.owner_type
       and coalesce(m.owner_id, 0) = coalesce(w.owner_id, 0) and m.kind = w.kind and m.currency = w.currency
 where coalesce(w.amount, 0) <> coalesce(m.amount, 0)
""",  # noqa: S608 - our own constants
        freezes=True,
    ),
    Invariant(
        "I14",
        "An active hold belongs to something open; an ended one says when",
        """
select h.id as hold_id, h.ref_type, h.ref_id, h.status
  from holds h
  left join orders o on h.ref_type in ('order', 'clearing') and o.id = h.ref_id
  left join incoming_orders i on h.ref_type = 'incoming_order' and i.id = h.ref_id
  left join disputes d on h.ref_type = 'dispute' and d.id = h.ref_id
  left join unmatched_payments u on h.ref_type = 'unmatched_payment' and u.id = h.ref_id
  left join withdrawals w on h.ref_type = 'withdrawal' and w.id = h.ref_id
 where (h.status = 'active' and not coalesce(case h.ref_type
          when 'order' then o.status in
               ('pending', 'pending_trader_confirmation', 'in_progress', 'requires_attention', 'dispute')
          when 'clearing' then o.direction = 'pay_out' and o.status = 'completed'
          when 'withdrawal' then w.status in ('requested', 'approved', 'sending')
          when 'incoming_order' then i.direction = 'pay_out'
               and i.status not in ('processed', 'failed', 'cancelled', 'expired')
          when 'dispute' then d.status not like 'resolved%'
          when 'unmatched_payment' then u.status = 'open' end, false))
    or (h.status = 'active') <> (h.resolved_at is null)
""",
        freezes=True,
    ),
    Invariant(
        "I14b",
        "An open pay-in is held for exactly what it will cost its trader; a late claim may wait for a person unheld",
        """
select o.id as order_id, o.status, o.trader_amount_crypto - o.trader_commission as cost, h.total as held
  from orders o
  left join lateral (
    select sum(h.amount) as total from holds h join accounts a on a.id = h.account_id
     where h.status = 'active' and h.ref_type = 'order' and h.ref_id = o.id and a.owner_type = 'trader'
       and a.owner_id = o.trader_id and a.kind = 'crypto' and a.currency = o.crypto_currency and a.test = o.test
  ) h on true
 where o.direction = 'pay_in'
   and o.status in ('pending', 'pending_trader_confirmation', 'requires_attention', 'dispute')
   and h.total is distinct from o.trader_amount_crypto - o.trader_commission
   and not (o.status in ('requires_attention', 'dispute') and o.revived_at is not null and h.total is null)
""",
        freezes=True,
    ),
    Invariant(
        "I14c",
        "What a hold of an order was posted for was settled",
        """
select h.id as hold_id, h.ref_type, h.ref_id
  from holds h
 where h.ref_type in ('order', 'incoming_order') and h.status = 'posted'
   and (h.resolved_at is null or h.resolved_at >= :since)
   and not exists (select 1 from transfers t join orders o on o.id = t.ref_id
                    where t.kind = 'settlement' and t.ref_type = 'order'
                      and h.ref_id = case h.ref_type when 'order' then o.id else o.incoming_order_id end)
""",
        freezes=True,
    ),
    Invariant(
        "I14e",
        "An open pay-out is held on its store for what it will cost, and while a trader is looked for for no less",
        """
select i.id as incoming_order_id, i.status, o.status as order_status, o.amount_crypto + o.store_commission as cost,
       h.total as held
  from incoming_orders i
  left join orders o on o.id = i.assigned_order_id
  left join lateral (
    select sum(h.amount) as total from holds h join accounts a on a.id = h.account_id
     where h.status = 'active' and h.ref_type = 'incoming_order' and h.ref_id = i.id and a.owner_type = 'store'
       and a.owner_id = i.store_id and a.kind = 'crypto' and a.currency = i.crypto_currency and a.test = i.test
  ) h on true
 where i.direction = 'pay_out'
   and case when o.id is null then i.status in ('new', 'retrying', 'manual_review')
            else o.status in ('pending', 'in_progress', 'requires_attention', 'dispute') end
   and (h.total is null or h.total <> coalesce(o.amount_crypto + o.store_commission, h.total)
        or h.total < i.amount_crypto)
""",
        freezes=True,
    ),
    Invariant(
        "I14f",
        "What a pay-out has credited to its trader is held until it has cleared, all of it",
        """
select o.id as order_id, o.status, o.cleared_at, o.trader_amount_crypto + o.trader_commission as credit,
       h.total as held
  from orders o
  left join lateral (
    select sum(h.amount) as total from holds h join accounts a on a.id = h.account_id
     where h.status = 'active' and h.ref_type = 'clearing' and h.ref_id = o.id and a.owner_type = 'trader'
       and a.owner_id = o.trader_id and a.kind = 'crypto' and a.currency = o.crypto_currency and a.test = o.test
  ) h on true
 where o.direction = 'pay_out' and o.status = 'completed'
   and h.total is distinct from (case when o.clearing_until is not null and o.cleared_at is null
                                      then o.trader_amount_crypto + o.trader_commission end)
""",
        freezes=True,
    ),
    Invariant(
        "I14d",
        "What a dispute's hold was posted for was corrected",
        """
select h.id as hold_id, h.ref_id as dispute_id, h.status
  from holds h left join disputes d on d.id = h.ref_id
 where h.ref_type = 'dispute' and h.status = 'posted' and (h.resolved_at is null or h.resolved_at >= :since)
   and not exists (select 1 from transfers t where t.kind = 'adjustment' and t.ref_type = 'dispute'
                    and t.ref_id = d.id)
   and not exists (select 1 from transfers t where t.kind = 'settlement_reversal' and t.ref_type = 'order'
                    and t.ref_id = d.order_id)
""",
        freezes=True,
    ),
)
