-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Enrolment, certificates and reports of gateways and clients.

-- Who an agent is, by its certificate. A session counts only while its person and device may have one.
-- name: agent_by_fingerprint -> agent_row
SELECT c.gateway_id, c.device_id, coalesce(g.name, d.name) AS name, d.person_id,
    coalesce(d.blocked, false) AS blocked, c.expires_at <= now() AS expired, s.id AS session_id, p.email
FROM postern.certificates AS c
LEFT JOIN postern.gateways AS g ON g.id = c.gateway_id
LEFT JOIN postern.devices AS d ON d.id = c.device_id
LEFT JOIN postern.people AS p ON p.id = d.person_id
LEFT JOIN postern.sessions AS s
    ON s.device_id = d.id AND s.ended_at IS NULL AND s.expires_at > now() AND p.enabled
WHERE c.fingerprint = :fingerprint;

-- name: certificate_add
INSERT INTO postern.certificates (fingerprint, gateway_id, device_id, pem, expires_at)
VALUES (:fingerprint, :gateway_id, :device_id, :pem, :expires_at);

-- Enrolling again shuts the agent out that had the place before.
-- name: certificates_drop
DELETE FROM postern.certificates WHERE gateway_id = :gateway_id;

-- name: certificates_of_gateway -> certificate_row
SELECT pem FROM postern.certificates WHERE gateway_id = :gateway_id ORDER BY created_at DESC;

-- name: enrolment_take -> enrolment_row
SELECT e.gateway_id, g.name AS gateway_name, e.used_at IS NOT NULL AS used, e.expires_at <= now() AS expired
FROM postern.enrolments AS e JOIN postern.gateways AS g ON g.id = e.gateway_id
WHERE e.token_hash = :token_hash FOR UPDATE OF e;

-- name: enrolment_used
UPDATE postern.enrolments SET used_at = now() WHERE token_hash = :token_hash;

-- name: gateway_enrolled
UPDATE postern.gateways SET enrolled_at = now(), version = :version WHERE id = :id;

-- name: devices_of_person -> counter_row
SELECT count(*) AS n FROM postern.devices WHERE person_id = :person_id;

-- name: device_enrolled
INSERT INTO postern.devices (id, name, person_id, os, version) VALUES (:id, :name, :person_id, :os, :version);

-- Changes a row only when something is new that others see; `seen` is told apart, it is no change.
-- name: gateway_report
UPDATE postern.gateways
SET version = :version, boot = :boot, public_key = :public_key, listen_port = :listen_port
WHERE id = :id AND (version, boot, public_key, listen_port)
    IS DISTINCT FROM (:version, :boot, :public_key, :listen_port);

-- name: gateway_seen
UPDATE postern.gateways
SET last_seen_at = now(), applied_revision = coalesce(:applied_revision, applied_revision),
    denied_packets = greatest(denied_packets, :denied_packets)
WHERE id = :id;

-- name: gateway_address
UPDATE postern.gateways SET address = :address WHERE id = :id AND address IS DISTINCT FROM :address;

-- name: device_seen
UPDATE postern.devices SET last_seen_at = now(), version = coalesce(:version, version) WHERE id = :id;

-- name: renewals_reserve -> counter_row
UPDATE postern.renewals SET reserved = reserved + :n::bigint RETURNING reserved AS n;
