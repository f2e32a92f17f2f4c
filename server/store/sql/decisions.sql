-- SPDX-License-Identifier: AGPL-3.0-or-later

-- name: decision_get -> decision
select * from postern.decision where id = :id;

-- name: decision_list -> decision
select * from postern.decision
where (:after::text is null or id < :after)
    and (:person_id::text is null or person_id = :person_id)
    and (:device_id::text is null or device_id = :device_id)
    and (:resource_id::text is null or resource_id = :resource_id)
    and (:gateway_id::text is null or gateway_id = :gateway_id)
order by id desc limit :limit;
