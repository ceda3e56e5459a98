-- P1's yardstick: the rows of one assignment, written by the server itself. The requisite is picked by arithmetic.
create sequence bench_amount;
create sequence bench_due;
create function bench_assign(which bigint) returns bigint language plpgsql as $$
declare
  asked incoming_orders;
  taken record;
  fiat_day date;
  made bigint;
  gross numeric;
  of_store numeric;
  of_trader numeric;
  account bigint;
begin
  perform set_config('jivapay.actor_kind', 'system', true), set_config('jivapay.actor_id', '', true),
          set_config('jivapay.reason', 'requisite reserved', true);
  select * into asked from incoming_orders where id = which and status = 'new' for no key update;
  select r.id, r.trader_id into taken
    from requisites r where r.id = 1 + (which * 7919) % (select max(id) from requisites);
  gross := round(asked.amount_fiat / 92.50, 6);
  of_store := round(gross * 3 / 100, 6);
  of_trader := round(gross * 1 / 100, 6);
  update requisites
     set day_used = day_used + asked.amount_fiat, day = (app_now() at time zone 'utc')::date,
         total_used = total_used + asked.amount_fiat, open_count = open_count + 1, last_used_at = clock_timestamp()
   where id = taken.id returning day into fiat_day;
  insert into orders (
    incoming_order_id, store_id, trader_id, requisite_id, direction, test, status, fiat_currency, crypto_currency,
    amount_agreed, amount_fiat, amount_slot, rate, base_rate, rate_source, rate_at, amount_crypto,
    trader_amount_crypto, store_percent, trader_percent, store_commission, trader_commission, platform_profit,
    limit_lower, limit_upper, limit_open_max, counted_day, counted_amount, expires_at
  ) values (
    asked.id, asked.store_id, taken.trader_id, taken.id, 'pay_in', false, 'pending', 'RUB', 'USDT',
    asked.amount_fiat, asked.amount_fiat, asked.amount_fiat, 92.50, 92.50, 'manual', app_now(), gross,
    gross, 3, 1, of_store, of_trader, of_store - of_trader,
    100, 1000000, 1000000, fiat_day, asked.amount_fiat, app_now() + interval '15 minutes'
  ) returning id into made;
  update accounts set held = held + gross - of_trader
   where owner_type = 'trader' and owner_id = taken.trader_id and kind = 'crypto' and currency = 'USDT' and not test
     and balance - held >= gross - of_trader
  returning id into strict account;
  insert into holds (account_id, amount, ref_type, ref_id) values (account, gross - of_trader, 'order', made);
  update incoming_orders
     set status = 'assigned', version = version + 1, assigned_order_id = made, amount_crypto = gross, next_attempt_at = null
   where id = asked.id;
  insert into audit_log (action, entity, entity_id, version, actor_kind, details) values
    ('order.assigned', 'incoming_order', asked.id, asked.version + 1, 'system',
     jsonb_build_object('by', 'system:worker', 'requisite', taken.id, 'trader', taken.trader_id)),
    ('order.reserved', 'order', made, 0, 'system',
     jsonb_build_object('by', 'system:worker', 'requisite', taken.id, 'trader', taken.trader_id));
  insert into callback_deliveries (
    event_id, store_id, order_type, order_id, public_order_id, event_type, order_status, status_version, url, payload,
    test, state, next_attempt_at
  ) values (
    'evt_' || replace(gen_random_uuid()::text, '-', ''), asked.store_id, 'order', made, asked.public_id, 'order.assigned',
    'pending', 3, 'https://shop.example/hook',
    jsonb_build_object(
      'type', 'order.assigned', 'order_id', asked.public_id, 'external_order_id', asked.external_id, 'direction', 'pay_in',
      'status', 'assigned', 'order_history_status', 'pending', 'amount', asked.amount_fiat::text, 'currency', 'RUB',
      'amount_crypto', gross::text, 'crypto_currency', 'USDT', 'rate', '92.50', 'commission', of_store::text,
      'metadata', asked.metadata, 'version', 3, 'test', false, 'paid', false, 'final', false
    ),
    false, 'pending', app_now()
  );
  return made;
end
$$;
