-- SPDX-License-Identifier: AGPL-3.0-or-later

-- name: site_get -> site
select * from postern.site where id = :id;

-- name: site_lock -> site
select * from postern.site where id = :id for update;

-- name: site_list -> site
select * from postern.site
where id > coalesce(:after, '')
    and (:name::text is null or name = :name)
order by id limit :limit;

-- name: site_insert
insert into postern.sites (id, name, description)
values (:id, :name, :description);

-- name: site_update
update postern.sites
set name = :name, description = :description, revision = nextval('postern.object_revision'), updated_at = now()
where id = :id;

-- name: site_delete
delete from postern.sites where id = :id;

-- name: site_referrers -> referrer
select 'gateway' as kind, id, name from postern.gateways where site_id = :id
union all select 'resource', id, name from postern.resources where site_id = :id
order by id limit 20;
