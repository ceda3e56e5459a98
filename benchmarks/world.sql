-- 500 traders in work with deposits, 5 000 approved requisites, 50 stores: what the services would have made, by sets.

create temporary table made_users as
  select n, gen_random_uuid() as public_id, case when n <= {traders} then 'trader' else 'merchant' end as role
    from generate_series(1, {traders} + {stores}) n;

insert into users (public_id, email, role, password_hash)
  select public_id, 'bench-' || n || '@example.com', role, 'x' from made_users;

insert into traders (user_id, in_work, fiat_currency, crypto_currency)
  select u.id, true, 'RUB', 'USDT' from made_users m join users u using (public_id) where m.role = 'trader' order by m.n;

insert into trader_commissions (trader_id, commission_payin, commission_payout) select id, 1, 1 from traders;

insert into accounts (owner_type, owner_id, kind, currency, balance) select 'trader', id, 'crypto', 'USDT', 1e9 from traders;

insert into owners_of_requisites (public_id, trader_id, full_name) select gen_random_uuid(), id, 'x' from traders;

insert into requisites (public_id, trader_id, owner_id, fiat_currency, payment_method, bank, number, number_index, last_four, status)
  select gen_random_uuid(), o.trader_id, o.id, 'RUB', case n % 2 when 0 then 'card' else 'sbp' end,
         (array['sberbank', 'tbank', 'alfabank'])[1 + n % 3], 'x', decode(md5(o.id || '-' || n), 'hex'), '1234', 'approve'
    from generate_series(1, {requisites} / {traders}) n cross join owners_of_requisites o;

insert into requisite_settings (requisite_id, lower_limit, upper_limit, turnover_day_max, total_limit, max_open_orders)
  select id, 100, 1000000, 1e12, 1e12, 1000000 from requisites;

insert into merchants (user_id) select u.id from made_users m join users u using (public_id) where m.role = 'merchant' order by m.n;

insert into merchant_stores (public_id, merchant_id, name, fiat_currency, crypto_currency, upper_limit, callback_url, callback_secret)
  select gen_random_uuid(), id, 'Shop ' || id, 'RUB', 'USDT', 1000000, 'https://shop-' || id || '.example/hook', 'x' from merchants;

insert into store_commissions (store_id, commission_payin, commission_payout) select id, 3, 3 from merchant_stores;

insert into exchange_rates (fiat, crypto, buy_rate, sell_rate, source) values ('RUB', 'USDT', 92.50, 92.50, 'manual');

-- A run may take longer than a rate stays fresh, and its customers are not counted.
update configuration_settings set value = case key when 'RATE_MAX_AGE_SECONDS' then '86400' else '100000/minute' end
 where key in ('RATE_MAX_AGE_SECONDS', 'RATE_LIMIT_GATEWAY');
