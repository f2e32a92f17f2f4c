-- SPDX-License-Identifier: AGPL-3.0-or-later

-- name: device_get -> device
select * from postern.device where id = :id;

-- name: device_lock -> device
select * from postern.device where id = :id for update;

-- name: device_list -> device
select * from postern.device
where id > coalesce(:after, '')
    and (:name::text is null or name = :name)
    and (:person_id::text is null or person_id = :person_id)
order by id limit :limit;

-- name: device_update
update postern.devices
set name = :name, revision = nextval('postern.object_revision'), updated_at = now()
where id = :id;

-- name: device_delete
delete from postern.devices where id = :id;

-- name: device_block
update postern.devices
set blocked = :blocked, revision = nextval('postern.object_revision'), updated_at = now()
where id = :id;
