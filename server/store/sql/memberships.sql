-- SPDX-License-Identifier: AGPL-3.0-or-later

-- name: membership_get -> membership
select * from postern.membership where id = :id;

-- name: membership_lock -> membership
select * from postern.membership where id = :id for update;

-- name: membership_list -> membership
select * from postern.membership
where id > coalesce(:after, '')
    and (:group_id::text is null or group_id = :group_id)
    and (:person_id::text is null or person_id = :person_id)
order by id limit :limit;

-- name: membership_insert
insert into postern.memberships (id, group_id, person_id)
values (:id, :group_id, :person_id);

-- name: membership_delete
delete from postern.memberships where id = :id;
