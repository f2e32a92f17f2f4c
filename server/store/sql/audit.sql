-- SPDX-License-Identifier: AGPL-3.0-or-later

-- name: audit_event_get -> audit_event
select * from postern.audit_event where id = :id;

-- name: audit_event_list -> audit_event
select * from postern.audit_event
where (:after::text is null or id < :after)
    and (:object_id::text is null or object_id = :object_id)
    and (:actor::text is null or actor = :actor)
order by id desc limit :limit;

-- name: audit_insert
insert into postern.audit_events
    (id, action, kind, object_id, object_name, actor, actor_name, token_id, address, request_id, changes)
values (:id, :action, :kind, :object_id, :object_name, :actor, :actor_name, :token_id, :address, :request_id,
    :changes::jsonb);
