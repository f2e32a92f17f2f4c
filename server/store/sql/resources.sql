-- SPDX-License-Identifier: AGPL-3.0-or-later

-- name: resource_get -> resource
select * from postern.resource where id = :id;

-- name: resource_lock -> resource
select * from postern.resource where id = :id for update;

-- name: resource_list -> resource
select * from postern.resource
where id > coalesce(:after, '')
    and (:name::text is null or name = :name)
    and (:site_id::text is null or site_id = :site_id)
order by id limit :limit;

-- name: resource_insert
insert into postern.resources (id, name, description, site_id, addresses, ports)
values (:id, :name, :description, :site_id, :addresses, :ports);

-- name: resource_update
update postern.resources
set name = :name, description = :description, addresses = :addresses, ports = :ports, revision = nextval('postern.object_revision'), updated_at = now()
where id = :id;

-- name: resource_delete
delete from postern.resources where id = :id;

-- name: resource_referrers -> referrer
select 'policy' as kind, id, name from postern.policies where resource_id = :id order by id limit 20;
