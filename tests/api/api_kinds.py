# SPDX-License-Identifier: Apache-2.0
"""What the API tests share: one object of every kind, people, and the operations that the server describes."""
import itertools
import uuid
from datetime import datetime, timedelta, timezone

PASSWORD = "a long enough password"


def in_days(n):
    return (datetime.now(timezone.utc) + timedelta(days=n)).strftime("%Y-%m-%dT%H:%M:%SZ")


def unique(prefix):
    return f"{prefix} {uuid.uuid4().hex[:12]}"


def new_person(admin, role="member", **fields):
    """A person with a password; the object."""
    email = fields.pop("email", f"{uuid.uuid4().hex[:12]}@example.org")
    person = admin.create("/api/v1/people", email=email, name=fields.pop("name", "Some One"), role=role, **fields)
    admin.post(f"/api/v1/people/{person['id']}/password", {"password": PASSWORD}).expect(204)
    return person


class Kinds:
    """How to make one object of each kind: make(path) gives the object, body(path) what to POST for another."""

    def __init__(self, admin):
        self.admin = admin
        self.site = admin.create("/api/v1/sites", name=unique("site"))
        self.group = admin.create("/api/v1/groups", name=unique("group"))
        self.resource = admin.create("/api/v1/resources", **self.body("/api/v1/resources"))

    def body(self, path):
        kind = path.removeprefix("/api/v1/")
        if kind in ("sites", "groups"):
            return {"name": unique(kind)}
        if kind == "gateways":
            return {"name": unique("gateway"), "site_id": self.site["id"], "endpoint": "192.0.2.1:51820"}
        if kind == "resources":
            return {"name": unique("resource"), "site_id": self.site["id"], "addresses": ["10.0.0.0/24", "2001:db8::1"],
                    "ports": [{"protocol": "tcp", "first": 80, "last": 90}, {"protocol": "icmp"}]}
        if kind == "people":
            return {"email": f"{uuid.uuid4().hex[:12]}@example.org", "name": "Somebody"}
        if kind == "memberships":
            person = self.admin.create("/api/v1/people", **self.body("/api/v1/people"))
            return {"group_id": self.group["id"], "person_id": person["id"]}
        if kind == "policies":
            return {"name": unique("policy"), "effect": "permit", "group_id": self.group["id"],
                    "resource_id": self.resource["id"]}
        if kind == "tokens":
            return {"name": unique("token"), "role": "auditor", "expires_at": in_days(30)}
        raise KeyError(path)

    def make(self, path):
        return self.admin.create(path, **self.body(path))

    PATHS = [f"/api/v1/{kind}" for kind in
             ("sites", "gateways", "resources", "people", "groups", "memberships", "policies", "tokens")]
    CHANGEABLE = [path for path in PATHS if not path.endswith("memberships")]


def operations(description):
    """(method, path, operation) of everything described."""
    return list(itertools.chain.from_iterable(
        ((method.upper(), path, operation) for method, operation in methods.items())
        for path, methods in description["paths"].items()))
