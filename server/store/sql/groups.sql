-- SPDX-License-Identifier: AGPL-3.0-or-later

-- name: people_group_get -> people_group
select * from postern.people_group where id = :id;

-- name: people_group_lock -> people_group
select * from postern.people_group where id = :id for update;

-- name: people_group_list -> people_group
select * from postern.people_group
where id > coalesce(:after, '')
    and (:name::text is null or name = :name)
order by id limit :limit;

-- name: people_group_insert
insert into postern.groups (id, name, description)
values (:id, :name, :description);

-- name: people_group_update
update postern.groups
set name = :name, description = :description, revision = nextval('postern.object_revision'), updated_at = now()
where id = :id;

-- name: people_group_delete
delete from postern.groups where id = :id;

-- name: people_group_referrers -> referrer
select 'policy' as kind, id, name from postern.policies where group_id = :id order by id limit 20;
