-- $1 incoming orders that are due; every amount once, so that no two meet at one trader. Gives the first id.
with announced as materialized (
  select set_config('jivapay.actor_kind', 'system', true), set_config('jivapay.reason', 'benchmark', true)
), made as (
  insert into incoming_orders (
    public_id, store_id, direction, external_id, request_hash, amount_fiat, fiat_currency, crypto_currency, amount_crypto,
    quoted_rate, quoted_base_rate, quoted_source, quoted_at, payment_method, customer_id, customer_ip, metadata, hosted, next_attempt_at, expires_at
  )
  select gen_random_uuid(), s.id, 'pay_in', gen_random_uuid(), '\x00', 1000 + nextval('bench_amount') * 0.01, 'RUB', 'USDT', 10,
         92.50, 92.50, 'manual', app_now(), case n % 2 when 0 then 'card' else 'sbp' end, 'customer-' || n, '203.0.113.' || n % 256,
         '{"cart": "9"}', false, app_now(), app_now() + interval '1 hour'
    from announced, generate_series(1, $1::integer) n
    join (select id, row_number() over (order by id) as place from merchant_stores) s
      on s.place = 1 + n % (select count(*) from merchant_stores)
  returning id
)
select min(id) from made
