-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Change hub: see server/core/hub.h.

-- name: change_add
INSERT INTO postern.changes (kind, object, op) VALUES (:kind, :object, :op);

-- name: meta_get -> meta
SELECT epoch, origin, revision, floor FROM postern.meta;

-- What tells this database from a copy of it.
-- name: meta_origin -> meta_origin
SELECT s.system_identifier::text || '.' || c.timeline_id::text AS origin
FROM pg_control_system() AS s, pg_control_checkpoint() AS c;

-- name: meta_set_origin
UPDATE postern.meta SET origin = :origin;

-- name: meta_new_epoch
UPDATE postern.meta
SET epoch = substr(replace(gen_random_uuid()::text, '-', ''), 1, 16),
    origin = :origin, floor = revision;

-- name: changes_pending -> flag
SELECT EXISTS (SELECT 1 FROM postern.changes WHERE revision IS NULL) AS value;

-- Numbering takes milliseconds; a transaction that took long itself may look like a stall for as long.
-- name: changes_stalled -> flag
SELECT EXISTS (SELECT 1 FROM postern.changes WHERE revision IS NULL AND at < now() - interval '10 seconds') AS value;

-- Only rows that are committed are visible here, so no number is ever given to a change that may vanish or that
-- somebody who read further could have missed. The row of meta is locked first: one numbering at a time.
-- name: changes_number -> sequenced
WITH counter AS MATERIALIZED (
    SELECT m.revision FROM postern.meta AS m FOR UPDATE
), fresh AS MATERIALIZED (
    SELECT c.id, row_number() OVER (ORDER BY c.id) AS k
    FROM (SELECT id FROM postern.changes WHERE revision IS NULL ORDER BY id LIMIT 5000) AS c
), numbered AS (
    UPDATE postern.changes AS c
    SET revision = counter.revision + fresh.k
    FROM fresh, counter
    WHERE c.id = fresh.id AND c.revision IS NULL
    RETURNING c.revision
), stored AS (
    UPDATE postern.meta
    SET revision = (SELECT max(revision) FROM numbered)
    WHERE EXISTS (SELECT 1 FROM numbered)
)
SELECT count(*) AS n FROM numbered;

-- name: changes_after -> change_row
SELECT revision, kind, object, op FROM postern.changes
WHERE revision > :after ORDER BY revision LIMIT 5000;

-- name: changes_prune
WITH gone AS (
    DELETE FROM postern.changes
    WHERE revision <= (SELECT m.revision FROM postern.meta AS m) - :keep::bigint
      AND at < now() - make_interval(secs => :keep_seconds::double precision)
    RETURNING revision
)
UPDATE postern.meta
SET floor = greatest(floor, coalesce((SELECT max(revision) FROM gone), 0))
WHERE EXISTS (SELECT 1 FROM gone);

-- name: sequencer_lock -> flag
SELECT pg_try_advisory_lock(7307199, 2) AS value;

-- name: changes_listen
LISTEN postern_changes;

-- name: changes_notify
NOTIFY postern_changes;
