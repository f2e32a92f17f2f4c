-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Who is signed in where, through which connections and with which leases. These rows record what was; they refer
-- to nouns without foreign keys, so that deleting a noun is never refused because of them: the broker ends them.

create table postern.sessions (
    id text collate "C" primary key check (id like 'ses\_%'),
    device_id text collate "C" not null,
    person_id text collate "C" not null,
    inner_v4 text not null,
    inner_v6 text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz,
    end_reason text
);
-- One session for each device at a time.
create unique index sessions_device_id_key on postern.sessions (device_id) where ended_at is null;
create index sessions_expires_at on postern.sessions (expires_at) where ended_at is null;
create index sessions_ended_at on postern.sessions (ended_at) where ended_at is not null;

-- Inner addresses in use. A slot that was given back rests until free_at: what is left of its old flows dies first.
create table postern.inner_slots (
    slot bigint primary key,
    session_id text collate "C" not null,
    free_at timestamptz
);
create index inner_slots_session_id on postern.inner_slots (session_id);

create table postern.connections (
    id text collate "C" primary key check (id like 'con\_%'),
    session_id text collate "C" not null,
    site_id text collate "C" not null,
    gateway_id text collate "C" not null,
    state text not null default 'pending' check (state in ('pending', 'ready', 'failed', 'ended')),
    reason text,
    client_hello bytea not null,
    client_signature bytea not null,
    client_fingerprint bytea not null,
    gateway_hello bytea,
    gateway_signature bytea,
    gateway_fingerprint bytea,
    replaces text collate "C",
    created_at timestamptz not null default now(),
    due_at timestamptz, -- the broker ends it then: replaced, or not accepted in time
    ended_at timestamptz
);
create index connections_session_id on postern.connections (session_id, gateway_id);
create index connections_due_at on postern.connections (due_at) where state in ('pending', 'ready');
create index connections_ended_at on postern.connections (ended_at) where ended_at is not null;

create table postern.leases (
    id text collate "C" primary key check (id like 'lea\_%'),
    connection_id text collate "C" not null,
    session_id text collate "C" not null,
    resource_id text collate "C" not null,
    decision_id text collate "C" not null, -- why it was given
    state text not null default 'pending' check (state in ('pending', 'ready', 'revoked', 'expired')),
    valid_until timestamptz not null,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    end_reason text,
    end_decision_id text collate "C" -- why it was taken
);
create index leases_connection_id on postern.leases (connection_id) where state in ('pending', 'ready');
create index leases_session_id on postern.leases (session_id) where state in ('pending', 'ready');
create index leases_ended_at on postern.leases (ended_at) where ended_at is not null;

-- Numbers of renewal messages are taken from here in blocks, so that they grow over restarts without a write each.
create table postern.renewals (
    only_row boolean primary key default true check (only_row),
    reserved bigint not null default 0
);
insert into postern.renewals default values;

-- The highest batch of reports of each boot of a gateway: a repeated batch counts once.
create table postern.report_marks (
    gateway_id text collate "C" not null,
    boot text not null,
    seq bigint not null,
    at timestamptz not null default now(),
    primary key (gateway_id, boot)
);

alter table postern.gateways
    add column boot text,
    add column listen_port bigint check (listen_port between 0 and 65535),
    add column address text, -- where its state stream came from last
    add column denied_packets bigint not null default 0;

alter table postern.decisions
    add column session_id text collate "C",
    add column pdp text not null default 'central' check (pdp in ('central', 'gateway')),
    add column code text,        -- stable reason, see common/policy/policy.h
    add column world text,       -- revision of the state that it was made from
    add column eval_ns bigint not null default 0;

create or replace view postern.decision as
    select id, at, kind, verdict, reason, person_id, device_id, resource_id, gateway_id, lease_id, policies,
        valid_until, protocol, destination, port, packets, session_id, pdp, code, world, eval_ns
    from postern.decisions;
