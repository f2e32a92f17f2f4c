-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What the change hub needs. The schema itself and postern.migrations exist before the first migration runs.

-- One row: the epoch and the last revision that was given out. `origin` tells one database cluster and timeline
-- from another, so that a restored backup starts a new epoch.
CREATE TABLE postern.meta (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch    text   NOT NULL,
    origin   text   NOT NULL DEFAULT '',
    revision bigint NOT NULL DEFAULT 0,
    floor    bigint NOT NULL DEFAULT 0
);
INSERT INTO postern.meta (epoch) VALUES (substr(replace(gen_random_uuid()::text, '-', ''), 1, 16));

-- A mutation writes its rows without a revision; the sequencer numbers them once they are committed.
CREATE TABLE postern.changes (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    revision bigint UNIQUE,
    kind     text NOT NULL,
    object   text NOT NULL,
    op       text NOT NULL CHECK (op IN ('added', 'modified', 'deleted')),
    at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX changes_unnumbered ON postern.changes (id) WHERE revision IS NULL;
