-- SPDX-License-Identifier: AGPL-3.0-or-later

-- name: token_get -> token
select * from postern.token where id = :id;

-- name: token_lock -> token
select * from postern.token where id = :id for update;

-- name: token_list -> token
select * from postern.token
where id > coalesce(:after, '')
    and (:name::text is null or name = :name)
    and (:person_id::text is null or person_id = :person_id)
order by id limit :limit;

-- name: token_update
update postern.tokens
set name = :name, revision = nextval('postern.object_revision'), updated_at = now()
where id = :id;

-- name: token_delete
delete from postern.tokens where id = :id;

-- name: token_insert
insert into postern.tokens (id, kind, name, person_id, role, scopes, hash, expires_at)
values (:id, :kind, :name, :person_id, :role, :scopes, :hash, :expires_at);
