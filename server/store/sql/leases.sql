-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Leases: one person's access to one resource through one connection.

-- All live leases, or those that are named whatever their state.
-- name: leases_read -> lease_row
SELECT id, connection_id, session_id, resource_id, decision_id, state, valid_until, end_reason FROM postern.leases
WHERE :every::boolean AND state IN ('pending', 'ready') OR id = ANY (:ids::text[]);

-- name: leases_of_connection -> lease_head
SELECT l.id, l.resource_id, l.session_id, s.person_id, s.device_id, c.gateway_id
FROM postern.leases AS l
JOIN postern.sessions AS s ON s.id = l.session_id
JOIN postern.connections AS c ON c.id = l.connection_id
WHERE l.connection_id = :connection_id AND l.state IN ('pending', 'ready') ORDER BY l.id FOR UPDATE OF l;

-- name: lease_add
INSERT INTO postern.leases (id, connection_id, session_id, resource_id, decision_id, valid_until)
VALUES (:id, :connection_id, :session_id, :resource_id, :decision_id, :valid_until);

-- name: leases_ready
UPDATE postern.leases SET state = 'ready' WHERE connection_id = :connection_id AND state = 'pending';

-- name: lease_close
UPDATE postern.leases
SET state = :state, ended_at = now(), end_reason = :reason, end_decision_id = :decision_id
WHERE id = :id AND state IN ('pending', 'ready');

-- Its decision was made anew and holds until another time.
-- name: lease_extend
UPDATE postern.leases SET valid_until = :valid_until, decision_id = :decision_id
WHERE id = :id AND state IN ('pending', 'ready');

-- name: leases_prune
DELETE FROM postern.leases WHERE ended_at < now() - interval '30 days';
