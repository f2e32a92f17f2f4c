-- SPDX-License-Identifier: AGPL-3.0-or-later

-- name: person_get -> person
select * from postern.person where id = :id;

-- name: person_lock -> person
select * from postern.person where id = :id for update;

-- name: person_list -> person
select * from postern.person
where id > coalesce(:after, '')
    and (:email::text is null or email = :email)
    and (:name::text is null or name = :name)
order by id limit :limit;

-- name: person_insert
insert into postern.people (id, email, name, role, enabled)
values (:id, :email, :name, :role, :enabled);

-- name: person_update
update postern.people
set email = :email, name = :name, role = :role, enabled = :enabled, revision = nextval('postern.object_revision'), updated_at = now()
where id = :id;

-- name: person_delete
delete from postern.people where id = :id;
