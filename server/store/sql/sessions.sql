-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Sessions of people on devices, and their inner addresses.

-- All live sessions, or those that are named whatever their state.
-- name: sessions_read -> session_row
SELECT s.id, s.device_id, s.person_id, coalesce(p.email, '') AS email, s.inner_v4, s.inner_v6, s.expires_at,
    s.ended_at IS NOT NULL AS ended, s.end_reason
FROM postern.sessions AS s LEFT JOIN postern.people AS p ON p.id = s.person_id
WHERE :every::boolean AND s.ended_at IS NULL OR s.id = ANY (:ids::text[]);

-- name: session_of_device -> id_row
SELECT id FROM postern.sessions WHERE device_id = :device_id AND ended_at IS NULL FOR UPDATE;

-- Holds the session for the transaction; no row when it is over.
-- name: session_hold -> id_row
SELECT id FROM postern.sessions
WHERE id = :id AND ended_at IS NULL AND expires_at > now() FOR SHARE;

-- name: session_lock -> id_row
SELECT id FROM postern.sessions WHERE id = :id FOR UPDATE;

-- name: session_add
INSERT INTO postern.sessions (id, device_id, person_id, inner_v4, inner_v6, expires_at)
VALUES (:id, :device_id, :person_id, :inner_v4, :inner_v6, :expires_at);

-- name: session_end
UPDATE postern.sessions SET ended_at = now(), end_reason = :reason WHERE id = :id AND ended_at IS NULL;

-- name: sessions_over -> id_row
SELECT id FROM postern.sessions WHERE ended_at IS NULL AND expires_at <= now() ORDER BY id LIMIT 500;

-- name: slots_taken -> slot_row
SELECT slot FROM postern.inner_slots
WHERE slot >= :from_slot AND (free_at IS NULL OR free_at > now()) ORDER BY slot LIMIT :window::bigint;

-- Takes a slot that nobody has or that has rested; no row changes when somebody was faster.
-- name: slot_take
INSERT INTO postern.inner_slots (slot, session_id) VALUES (:slot, :session_id)
ON CONFLICT (slot) DO UPDATE SET session_id = excluded.session_id, free_at = NULL
WHERE inner_slots.free_at <= now();

-- name: slot_rest
UPDATE postern.inner_slots SET free_at = now() + interval '15 minutes'
WHERE session_id = :session_id AND free_at IS NULL;

-- name: sessions_prune
DELETE FROM postern.sessions WHERE ended_at < now() - interval '30 days';
