"""Limits, amount slots, running counters, and the wall between live and test (I15 to I17, I37, I38)."""

from jivapay.database.invariants.model import Invariant

LIMITS = (
    Invariant(
        "I15",
        "A requisite's turnover in any window stayed within the limit it was compared with; revived orders apart",
        """
select o.requisite_id, o.id as order_id, w.total, o.limit_window_sum
  from orders o
 cross join lateral (
   select sum(x.amount_agreed) as total from orders x
    where x.requisite_id = o.requisite_id and x.counted_day is not null and x.revived_at is null
      and x.created_at <= o.created_at
      and x.created_at > o.created_at - make_interval(mins => o.limit_window_minutes)
 ) w
 where o.limit_window_sum is not null and o.counted_day is not null and o.revived_at is null
   and o.created_at >= :since and w.total > o.limit_window_sum
""",
    ),
    Invariant(
        "I16",
        "An order's agreed amount is within its requisite's limits, and the requisite is its trader's",
        """
select o.id as order_id, o.amount_agreed, o.limit_lower, o.limit_upper, o.trader_id, r.trader_id as requisite_of
  from orders o join requisites r on r.id = o.requisite_id
 where o.created_at >= :since
   and (o.amount_agreed < o.limit_lower or o.amount_agreed > o.limit_upper or o.trader_id <> r.trader_id)
""",
    ),
    Invariant(
        "I17",
        "No two pay-ins hold the same amount at one trader",
        """
select trader_id, fiat_currency, amount_slot, count(*) as orders
  from orders where amount_slot is not null
 group by trader_id, fiat_currency, amount_slot having count(*) > 1
""",
    ),
    Invariant(
        "I17s",
        "A pay-in that may be paid holds its amount at its trader",
        """
select id as order_id, status, amount_agreed, amount_slot, slot_free_at
  from orders
 where direction = 'pay_in' and status in ('pending', 'pending_trader_confirmation')
   and (amount_slot is distinct from amount_agreed or slot_free_at is not null)
""",
    ),
    Invariant(
        "I37",
        "The running counters of a requisite are the sums over its orders",
        """
select r.id as requisite_id, r.day_used, r.total_used, s.day as orders_day, s.total as orders_total
  from requisites r
 cross join lateral (
   select coalesce(sum(o.counted_amount), 0) as total,
          coalesce(sum(o.counted_amount) filter (where o.counted_day = r.day), 0) as day
     from orders o where o.requisite_id = r.id and o.counted_day is not null
 ) s
 where (r.day_used, r.total_used) is distinct from (s.day, s.total)
""",
        complete_only=True,
    ),
    Invariant(
        "I37o",
        "The open orders a requisite counts are those it has",
        """
select r.id as requisite_id, r.open_count, coalesce(o.open, 0) as orders
  from requisites r
  left join (
    select requisite_id, count(*) as open from orders
     where status in ('pending', 'pending_trader_confirmation', 'in_progress') group by requisite_id
  ) o on o.requisite_id = r.id
 where r.open_count <> coalesce(o.open, 0)
""",
    ),
    Invariant(
        "I38",
        "Nothing crosses between the live and the test world",
        """
select 'order' as kind, o.id
  from orders o
  join incoming_orders i on i.id = o.incoming_order_id
  join merchant_stores s on s.id = o.store_id
  join traders t on t.id = o.trader_id
  join requisites r on r.id = o.requisite_id
 where o.created_at >= :since
   and (o.test, o.test, o.test, o.test) is distinct from (i.test, s.test, t.test, r.test)
 union all
select 'posting', p.id
  from postings p join transfers t on t.id = p.transfer_id join accounts a on a.id = p.account_id
 where p.created_at >= :since and t.test <> a.test
 union all
select 'transfer', t.id
  from transfers t left join disputes d on t.ref_type = 'dispute' and d.id = t.ref_id
  join orders o on o.id = case t.ref_type when 'order' then t.ref_id else d.order_id end
 where t.created_at >= :since and t.test <> o.test
 union all
select 'hold', h.id
  from holds h join accounts a on a.id = h.account_id
  left join disputes d on h.ref_type = 'dispute' and d.id = h.ref_id
  left join orders o on o.id = case when h.ref_type in ('order', 'clearing') then h.ref_id else d.order_id end
  left join incoming_orders i on h.ref_type = 'incoming_order' and i.id = h.ref_id
 where h.created_at >= :since and a.test <> coalesce(o.test, i.test)
 union all
select 'account', a.id
  from accounts a
  left join merchant_stores s on a.owner_type = 'store' and s.id = a.owner_id
  left join traders t on a.owner_type = 'trader' and t.id = a.owner_id
 where a.owner_type in ('store', 'trader') and a.test is distinct from coalesce(s.test, t.test)
 union all
select 'deposit', t.id
  from transfers t where t.created_at >= :since and t.kind in ('deposit', 'withdrawal') and t.test
 union all
select 'api_key', k.id
  from store_api_keys k join merchant_stores s on s.id = k.store_id where k.test <> s.test
""",
    ),
)
