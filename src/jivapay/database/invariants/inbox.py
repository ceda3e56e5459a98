"""The inbox of unmatched money: what traders were credited with outside orders is attached, returned or in it."""

from jivapay.database.invariants.model import Invariant

INBOX = (
    Invariant(
        "I40",
        "Unmatched money is held and credited for exactly what it is while it is open, and no longer",
        """
select u.id as unmatched_payment_id, u.status, u.amount_crypto, h.held, u.amount_fiat, c.credited
  from unmatched_payments u
 cross join lateral (
   select sum(h.amount) as held from holds h join accounts a on a.id = h.account_id
    where h.status = 'active' and h.ref_type = 'unmatched_payment' and h.ref_id = u.id and a.owner_type = 'trader'
      and a.owner_id = u.trader_id and a.kind = 'crypto' and a.currency = u.crypto_currency and a.test = u.test
 ) h
 cross join lateral (
   select coalesce(sum(p.amount), 0) as credited, count(*) as legs
     from transfers t join postings p on p.transfer_id = t.id join accounts a on a.id = p.account_id
    where t.ref_type = 'unmatched_payment' and t.ref_id = u.id and a.owner_type = 'trader'
      and a.owner_id = u.trader_id and a.kind = 'fiat' and a.currency = u.fiat_currency and a.test = u.test
 ) c
 where (u.created_at >= :since or u.updated_at >= :since or u.status = 'open')
   and (h.held is distinct from (case when u.status = 'open' then u.amount_crypto end)
        or c.credited <> (case when u.status = 'open' then u.amount_fiat else 0 end)
        or c.legs <> (case when u.status = 'open' then 1 else 2 end))
""",
        freezes=True,
    ),
    Invariant(
        "I40a",
        "An attached payment is what its order was settled at, and what was left over",
        """
select u.id as unmatched_payment_id, u.amount_fiat, u.attached_order_id, s.settled, r.rest
  from unmatched_payments u
  left join orders o on o.id = u.attached_order_id
 cross join lateral (
   select sum(p.amount) as settled
     from transfers t join postings p on p.transfer_id = t.id join accounts a on a.id = p.account_id
    where t.kind = 'settlement' and t.ref_type = 'order' and t.ref_id = o.id and a.owner_type = 'trader'
      and a.owner_id = u.trader_id and a.kind = 'fiat' and a.currency = u.fiat_currency
 ) s
 cross join lateral (
   select coalesce(sum(x.amount_fiat), 0) as rest
     from unmatched_payments x where x.source = 'overpayment' and x.from_order_id = o.id
 ) r
 where u.status = 'attached' and u.updated_at >= :since and u.amount_fiat is distinct from s.settled + r.rest
""",
        freezes=True,
    ),
    Invariant(
        "I40c",
        "What a trader's fiat account was credited with outside orders is what lies in the inbox",
        """
with credited as (
  select a.owner_id as trader_id, a.currency, a.test, sum(p.amount) as amount
    from transfers t join postings p on p.transfer_id = t.id join accounts a on a.id = p.account_id
   where t.ref_type = 'unmatched_payment' and a.owner_type = 'trader' and a.kind = 'fiat'
   group by a.owner_id, a.currency, a.test
), inbox as (
  select trader_id, fiat_currency as currency, test, sum(amount_fiat) as amount
    from unmatched_payments where status = 'open' group by trader_id, fiat_currency, test
)
select trader_id, currency, test, c.amount as credited, i.amount as inbox
  from credited c full join inbox i using (trader_id, currency, test)
 where coalesce(c.amount, 0) <> coalesce(i.amount, 0)
""",
        freezes=True,
        complete_only=True,
    ),
)
