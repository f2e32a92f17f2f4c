-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Decisions are written here by the broker and read by the API.

-- name: decision_add
INSERT INTO postern.decisions (id, kind, verdict, reason, person_id, device_id, resource_id, gateway_id, lease_id,
    policies, valid_until, protocol, destination, port, packets, session_id, pdp, code, world, eval_ns)
VALUES (:id, :kind, :verdict, :reason, :person_id, :device_id, :resource_id, :gateway_id, :lease_id,
    :policies, :valid_until, :protocol, :destination, :port, :packets, :session_id, :pdp, :code, :world, :eval_ns);

-- Changes a row unless this batch, or a later one of the same boot, was taken before.
-- name: report_mark
INSERT INTO postern.report_marks (gateway_id, boot, seq) VALUES (:gateway_id, :boot, :seq)
ON CONFLICT (gateway_id, boot) DO UPDATE SET seq = excluded.seq, at = now()
WHERE report_marks.seq < excluded.seq;
