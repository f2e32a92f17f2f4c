-- SPDX-License-Identifier: AGPL-3.0-or-later
-- The nouns of the REST API, what belongs to them, decisions and audit.
-- Conventions that server/api relies on: a unique rule on field f of table t is named t_f_key, a foreign key
-- t_f_fkey (also the default), so that a violation can be told with a pointer to the field.
-- `revision` comes from one sequence at each administrative write and is the object's ETag; what agents report
-- (last_seen_at, version, ...) does not touch it.
-- The view named after a record (site, gateway, ...) shows the rows of its table as that record.

create schema if not exists postern;

create sequence postern.object_revision;

create table postern.sites (
    id text collate "C" primary key check (id like 'sit\_%'),
    name text not null check (length(name) between 1 and 64),
    description text,
    revision bigint not null default nextval('postern.object_revision'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index sites_name_key on postern.sites (lower(name));

create table postern.gateways (
    id text collate "C" primary key check (id like 'gwy\_%'),
    name text not null check (length(name) between 1 and 64),
    site_id text collate "C" not null references postern.sites,
    endpoint text,
    version text,
    public_key bytea check (length(public_key) = 32),
    applied_revision text,
    enrolled_at timestamptz,
    last_seen_at timestamptz,
    revision bigint not null default nextval('postern.object_revision'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index gateways_name_key on postern.gateways (lower(name));
create index gateways_site_id on postern.gateways (site_id);

create table postern.resources (
    id text collate "C" primary key check (id like 'res\_%'),
    name text not null check (length(name) between 1 and 64),
    description text,
    site_id text collate "C" not null references postern.sites,
    addresses text[] not null check (cardinality(addresses) > 0),
    ports jsonb not null default '[]' check (jsonb_typeof(ports) = 'array'),
    revision bigint not null default nextval('postern.object_revision'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index resources_name_key on postern.resources (lower(name));
create index resources_site_id on postern.resources (site_id);

create table postern.people (
    id text collate "C" primary key check (id like 'per\_%'),
    email text not null check (email = lower(email)),
    name text not null check (length(name) between 1 and 64),
    role text not null default 'member' check (role in ('member', 'auditor', 'admin')),
    enabled boolean not null default true,
    last_sign_in_at timestamptz,
    revision bigint not null default nextval('postern.object_revision'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint people_email_key unique (email)
);

-- Apart from people, so that no query for people can carry a hash away by accident.
create table postern.passwords (
    person_id text collate "C" primary key references postern.people on delete cascade,
    argon2id text not null check (argon2id like '$argon2id$%'),
    updated_at timestamptz not null default now()
);

create table postern.groups (
    id text collate "C" primary key check (id like 'grp\_%'),
    name text not null check (length(name) between 1 and 64),
    description text,
    revision bigint not null default nextval('postern.object_revision'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index groups_name_key on postern.groups (lower(name));

create table postern.memberships (
    id text collate "C" primary key check (id like 'mem\_%'),
    group_id text collate "C" not null references postern.groups on delete cascade,
    person_id text collate "C" not null references postern.people on delete cascade,
    revision bigint not null default nextval('postern.object_revision'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint memberships_person_id_key unique (group_id, person_id)
);
create index memberships_person_id on postern.memberships (person_id);

-- Names of devices are for people to read; one person may enrol the same name again after reinstalling.
create table postern.devices (
    id text collate "C" primary key check (id like 'dev\_%'),
    name text not null check (length(name) between 1 and 64),
    person_id text collate "C" not null references postern.people on delete cascade,
    os text,
    version text,
    blocked boolean not null default false,
    last_seen_at timestamptz,
    revision bigint not null default nextval('postern.object_revision'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index devices_person_id on postern.devices (person_id);

-- Certificates that the device CA issued: a request of an agent is honoured only while its row is here.
create table postern.certificates (
    fingerprint bytea primary key check (length(fingerprint) = 32), -- SHA-256 of the DER
    gateway_id text collate "C" references postern.gateways on delete cascade,
    device_id text collate "C" references postern.devices on delete cascade,
    pem text not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    check (num_nonnulls(gateway_id, device_id) = 1)
);
create index certificates_gateway_id on postern.certificates (gateway_id, created_at);
create index certificates_device_id on postern.certificates (device_id, created_at);

-- One per gateway: a new enrolment string replaces the old one. used_at tells a used string from an unknown one.
create table postern.enrolments (
    id text collate "C" primary key check (id like 'enr\_%'),
    gateway_id text collate "C" not null references postern.gateways on delete cascade,
    token_hash bytea not null check (length(token_hash) = 32),
    expires_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null default now(),
    constraint enrolments_gateway_id_key unique (gateway_id),
    constraint enrolments_token_hash_key unique (token_hash)
);

create table postern.policies (
    id text collate "C" primary key check (id like 'pol\_%'),
    name text not null check (length(name) between 1 and 64),
    description text,
    effect text not null check (effect in ('permit', 'forbid')),
    group_id text collate "C" not null references postern.groups,
    resource_id text collate "C" not null references postern.resources,
    enabled boolean not null default true,
    revision bigint not null default nextval('postern.object_revision'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index policies_name_key on postern.policies (lower(name));
create index policies_group_id on postern.policies (group_id);
create index policies_resource_id on postern.policies (resource_id);

-- Bearer tokens: made by a person for automation (pat) or by signing in (session). Only hashes are kept.
create table postern.tokens (
    id text collate "C" primary key check (id like 'tok\_%'),
    kind text not null check (kind in ('pat', 'session')),
    name text not null check (length(name) between 1 and 64),
    person_id text collate "C" not null references postern.people on delete cascade,
    role text not null check (role in ('member', 'auditor', 'admin')),
    scopes text[] not null default '{}',
    hash bytea not null check (length(hash) = 32),
    expires_at timestamptz not null,
    last_used_at timestamptz,
    revision bigint not null default nextval('postern.object_revision'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint tokens_hash_key unique (hash)
);
create unique index tokens_name_key on postern.tokens (lower(name)) where kind = 'pat';
create index tokens_person_id on postern.tokens (person_id);
create index tokens_expires_at on postern.tokens (expires_at);

-- No foreign keys below: a record outlives what it tells about.
create table postern.decisions (
    id text collate "C" primary key check (id like 'dec\_%'),
    at timestamptz not null default now(),
    kind text not null check (kind in ('grant', 'deny', 'revoke', 'packets')),
    verdict text not null check (verdict in ('deny', 'allow')),
    reason text,
    person_id text collate "C",
    device_id text collate "C",
    resource_id text collate "C",
    gateway_id text collate "C",
    lease_id text collate "C",
    policies text[] not null default '{}',
    valid_until timestamptz,
    protocol text not null default 'any' check (protocol in ('any', 'tcp', 'udp', 'icmp')),
    destination text,
    port bigint not null default 0 check (port between 0 and 65535),
    packets bigint not null default 0 check (packets >= 0)
);

create table postern.audit_events (
    id text collate "C" primary key check (id like 'aud\_%'),
    at timestamptz not null default now(),
    action text not null,
    kind text,
    object_id text collate "C",
    object_name text,
    actor text collate "C",
    actor_name text,
    token_id text collate "C",
    address text,
    request_id text,
    changes jsonb
);
create index audit_events_object_id on postern.audit_events (object_id, id);

create view postern.site as
    select id, name, description, revision, created_at, updated_at from postern.sites;

create view postern.gateway as
    select id, name, site_id, endpoint, enrolled_at is not null as enrolled,
        coalesce(last_seen_at > now() - interval '45 seconds', false) as online,
        version, public_key,
        (select encode(c.fingerprint, 'hex') from postern.certificates c where c.gateway_id = g.id
            order by c.created_at desc limit 1) as fingerprint,
        applied_revision, enrolled_at, last_seen_at, revision, created_at, updated_at
    from postern.gateways g;

create view postern.resource as
    select id, name, description, site_id, addresses, ports, revision, created_at, updated_at
    from postern.resources;

create view postern.person as
    select id, email, name, role, enabled,
        exists (select from postern.passwords w where w.person_id = p.id) as has_password,
        last_sign_in_at, revision, created_at, updated_at
    from postern.people p;

create view postern.people_group as
    select id, name, description, revision, created_at, updated_at from postern.groups;

create view postern.membership as
    select id, group_id, person_id, revision, created_at, updated_at from postern.memberships;

create view postern.device as
    select id, name, person_id, os, version,
        (select encode(c.fingerprint, 'hex') from postern.certificates c where c.device_id = d.id
            order by c.created_at desc limit 1) as fingerprint,
        blocked, last_seen_at, revision, created_at, updated_at
    from postern.devices d;

create view postern.policy as
    select id, name, description, effect, group_id, resource_id, enabled, revision, created_at, updated_at
    from postern.policies;

-- Without what signing in made; the secret is shown only when a token is created.
create view postern.token as
    select id, name, person_id, role, scopes, expires_at, last_used_at, null::text as secret, revision,
        created_at, updated_at
    from postern.tokens where kind = 'pat';

create view postern.decision as
    select id, at, kind, verdict, reason, person_id, device_id, resource_id, gateway_id, lease_id, policies,
        valid_until, protocol, destination, port, packets
    from postern.decisions;

create view postern.audit_event as
    select id, at, action, kind, object_id, object_name, actor, actor_name, token_id, address, request_id,
        coalesce((select jsonb_agg(jsonb_build_object('field', key, 'before', value ->> 'before',
            'after', value ->> 'after') order by key) from jsonb_each(changes)), '[]') as changes
    from postern.audit_events;
