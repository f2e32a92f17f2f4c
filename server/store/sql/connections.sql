-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Connections: one session's pair of WireGuard keys with one gateway.

-- All live connections and those that failed a moment ago, or those that are named whatever their state.
-- name: connections_read -> connection_row
SELECT c.id, c.session_id, c.site_id, c.gateway_id, c.state, c.reason, c.client_hello, c.client_signature,
    dc.pem AS client_certificate, c.gateway_hello, c.gateway_signature, gc.pem AS gateway_certificate, c.replaces,
    c.ended_at
FROM postern.connections AS c
LEFT JOIN postern.certificates AS dc ON dc.fingerprint = c.client_fingerprint
LEFT JOIN postern.certificates AS gc ON gc.fingerprint = c.gateway_fingerprint
WHERE :every::boolean AND (c.state IN ('pending', 'ready')
        OR c.state = 'failed' AND c.ended_at > now() - interval '1 minute')
    OR c.id = ANY (:ids::text[]);

-- name: connection_lock -> connection_head
SELECT id, session_id, gateway_id, state, client_hello, gateway_hello, replaces
FROM postern.connections WHERE id = :id FOR UPDATE;

-- name: connections_of_session -> id_row
SELECT id FROM postern.connections
WHERE session_id = :session_id AND state IN ('pending', 'ready') ORDER BY id FOR UPDATE;

-- name: connections_of_gateway -> id_row
SELECT id FROM postern.connections
WHERE gateway_id = :gateway_id AND state IN ('pending', 'ready') ORDER BY id FOR UPDATE;

-- The inner addresses of a session belong to one peer of a gateway: a client that asks anew without saying so (it lost
-- its keys) replaces what it had there.
-- name: connection_add
INSERT INTO postern.connections (id, session_id, site_id, gateway_id, client_hello, client_signature,
    client_fingerprint, replaces, due_at)
VALUES (:id, :session_id, :site_id, :gateway_id, :client_hello, :client_signature, :client_fingerprint,
    coalesce(:replaces, (SELECT max(c.id) FROM postern.connections AS c WHERE c.session_id = :session_id
        AND c.gateway_id = :gateway_id AND c.state IN ('pending', 'ready'))),
    now() + interval '30 seconds');

-- name: connection_accept
UPDATE postern.connections
SET state = 'ready', gateway_hello = :hello, gateway_signature = :signature, gateway_fingerprint = :fingerprint,
    due_at = NULL
WHERE id = :id AND state = 'pending';

-- name: connection_close
UPDATE postern.connections SET state = :state, reason = :reason, ended_at = now(), due_at = NULL
WHERE id = :id AND state IN ('pending', 'ready');

-- The one that is replaced goes on until its successor surely carries the traffic.
-- name: connection_replaced
UPDATE postern.connections SET due_at = now() + interval '1 minute'
WHERE id = :id AND session_id = :session_id AND state IN ('pending', 'ready');

-- name: connections_due -> id_row
SELECT id FROM postern.connections
WHERE state IN ('pending', 'ready') AND due_at <= now() ORDER BY id LIMIT 500;

-- What was being set up when core stopped: `r` is gone with its memory.
-- name: connections_orphaned -> id_row
SELECT id FROM postern.connections WHERE state = 'pending' ORDER BY id;

-- A row when the session has ever used the gateway.
-- name: connection_between -> id_row
SELECT id FROM postern.connections WHERE session_id = :session_id AND gateway_id = :gateway_id LIMIT 1;

-- name: connections_prune
DELETE FROM postern.connections WHERE ended_at < now() - interval '30 days';
