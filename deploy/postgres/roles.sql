-- The application's role, beside the owner that the server was made with. Repeatable; run before each migration, so
-- that a changed password is taken over. psql -v application_password=... -f roles.sql
\set ON_ERROR_STOP on
select format('create role jivapay_app login')
  where not exists (select from pg_roles where rolname = 'jivapay_app') \gexec
select format('alter role jivapay_app with login nosuperuser nocreatedb nocreaterole nobypassrls password %L', :'application_password') \gexec
select format('revoke all on database %I from public', current_database()) \gexec
select format('grant connect on database %I to jivapay_app', current_database()) \gexec
revoke create on schema public from public;
