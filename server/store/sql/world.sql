-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What the broker decides from, read in one snapshot.

-- name: world_people -> world_person
SELECT id, email, enabled FROM postern.people;

-- name: world_groups -> world_id
SELECT id FROM postern.groups;

-- name: world_memberships -> world_member
SELECT group_id, person_id FROM postern.memberships;

-- name: world_devices -> world_device
SELECT id, person_id, name, blocked FROM postern.devices;

-- name: world_sites -> world_site
SELECT id, name FROM postern.sites;

-- name: world_resources -> world_resource
SELECT id, name, site_id, addresses, ports FROM postern.resources;

-- name: world_policies -> world_policy
SELECT id, effect, group_id, resource_id FROM postern.policies WHERE enabled;

-- name: world_gateways -> world_gateway
SELECT id, name, site_id, endpoint, public_key, listen_port, address FROM postern.gateways;
