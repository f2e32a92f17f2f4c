-- SPDX-License-Identifier: AGPL-3.0-or-later

-- name: gateway_get -> gateway
select * from postern.gateway where id = :id;

-- name: gateway_lock -> gateway
select * from postern.gateway where id = :id for update;

-- name: gateway_list -> gateway
select * from postern.gateway
where id > coalesce(:after, '')
    and (:name::text is null or name = :name)
    and (:site_id::text is null or site_id = :site_id)
order by id limit :limit;

-- name: gateway_insert
insert into postern.gateways (id, name, site_id, endpoint)
values (:id, :name, :site_id, :endpoint);

-- name: gateway_update
update postern.gateways
set name = :name, endpoint = :endpoint, revision = nextval('postern.object_revision'), updated_at = now()
where id = :id;

-- name: gateway_delete
delete from postern.gateways where id = :id;

-- name: enrolment_put
insert into postern.enrolments (id, gateway_id, token_hash, expires_at)
values (:id, :gateway_id, :token_hash, :expires_at)
on conflict (gateway_id) do update
set id = excluded.id, token_hash = excluded.token_hash, expires_at = excluded.expires_at,
    used_at = null, created_at = now();
