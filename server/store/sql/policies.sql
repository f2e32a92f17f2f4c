-- SPDX-License-Identifier: AGPL-3.0-or-later

-- name: policy_get -> policy
select * from postern.policy where id = :id;

-- name: policy_lock -> policy
select * from postern.policy where id = :id for update;

-- name: policy_list -> policy
select * from postern.policy
where id > coalesce(:after, '')
    and (:name::text is null or name = :name)
    and (:group_id::text is null or group_id = :group_id)
    and (:resource_id::text is null or resource_id = :resource_id)
order by id limit :limit;

-- name: policy_insert
insert into postern.policies (id, name, description, effect, group_id, resource_id, enabled)
values (:id, :name, :description, :effect, :group_id, :resource_id, :enabled);

-- name: policy_update
update postern.policies
set name = :name, description = :description, effect = :effect, group_id = :group_id, resource_id = :resource_id, enabled = :enabled, revision = nextval('postern.object_revision'), updated_at = now()
where id = :id;

-- name: policy_delete
delete from postern.policies where id = :id;
