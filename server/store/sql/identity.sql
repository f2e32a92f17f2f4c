-- SPDX-License-Identifier: AGPL-3.0-or-later

-- name: credential_get -> credential
select t.id, t.person_id, p.email, p.enabled, t.role, p.role as person_role, t.scopes,
    t.expires_at <= now() as expired,
    coalesce(t.last_used_at < now() - interval '1 minute', true) as unmarked
from postern.tokens t join postern.people p on p.id = t.person_id
where t.hash = :hash;

-- The condition is repeated because another request may have marked it meanwhile.
-- name: credential_mark
update postern.tokens set last_used_at = now()
where id = :id and coalesce(last_used_at < now() - interval '1 minute', true);

-- name: credential_delete
delete from postern.tokens where id = :id;

-- name: account_get -> account
select p.id, p.email, p.name, p.role, p.enabled, w.argon2id as hash
from postern.people p left join postern.passwords w on w.person_id = p.id
where p.email = lower(:email);

-- name: account_signed_in
update postern.people set last_sign_in_at = now() where id = :id;

-- name: password_put
insert into postern.passwords (person_id, argon2id) values (:person_id, :hash)
on conflict (person_id) do update set argon2id = excluded.argon2id, updated_at = now();

-- Sign-ins on devices: the broker ends within a second what is over.
-- name: device_sessions_expire
update postern.sessions set expires_at = now() where person_id = :person_id and ended_at is null;

-- name: sessions_delete
delete from postern.tokens where person_id = :person_id and kind = 'session';

-- name: sessions_delete_expired
delete from postern.tokens where person_id = :person_id and kind = 'session' and expires_at <= now();

-- Whoever may take away the last administrator waits here for whoever does the same.
-- name: admins_lock
select pg_advisory_xact_lock(7380021);

-- name: admin_besides -> flag
select exists (select from postern.people where role = 'admin' and enabled and id <> coalesce(:id, '')) as value;
