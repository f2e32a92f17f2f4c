# SPDX-License-Identifier: Apache-2.0
"""What objects do: fields, references, revisions, deletion rules, audit."""
import concurrent.futures
import json
import secrets
import subprocess
from urllib.parse import quote

import pytest
from api_kinds import Kinds, in_days, new_person, unique


def pointers(answer):
    return [e["pointer"] for e in answer.json["errors"]]


def revision(made):
    return f'"{made["revision"]}"'


def test_merge_patch_changes_what_it_names(admin, kinds):
    made = kinds.make("/api/v1/resources")
    path = f"/api/v1/resources/{made['id']}"
    changed = admin.patch(path, {"description": "the wiki", "ports": [{"protocol": "udp", "first": 53}]}).expect(200).json
    assert changed["description"] == "the wiki"
    assert changed["ports"] == [{"protocol": "udp", "first": 53, "last": 53}]
    assert {k: changed[k] for k in ("name", "addresses", "site_id", "created_at")} == \
        {k: made[k] for k in ("name", "addresses", "site_id", "created_at")}
    assert changed["revision"] > made["revision"]
    assert admin.patch(path, {"description": None}).expect(200).json["description"] is None
    assert admin.patch(path, {"name": None}).status == 422
    assert admin.get(path).json["name"] == made["name"]


def test_patch_that_changes_nothing_keeps_the_revision(admin, kinds):
    made = kinds.make("/api/v1/policies")
    path = f"/api/v1/policies/{made['id']}"
    events = len(admin.items(f"/api/v1/audit-events?filter=object_id={made['id']}"))
    assert admin.patch(path, {"name": made["name"], "enabled": True}).expect(200).json == made
    assert len(admin.items(f"/api/v1/audit-events?filter=object_id={made['id']}")) == events


def test_two_patches_at_once_one_wins(admin, kinds):
    made = kinds.make("/api/v1/sites")
    path = f"/api/v1/sites/{made['id']}"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: admin.request("PATCH", path, {"description": f"by {i}"}, etag=revision(made)),
                                range(8)))
    assert sorted(a.status for a in answers) == [200] + [412] * 7
    winner = next(a.json for a in answers if a.status == 200)
    assert admin.get(path).json == winner


@pytest.mark.parametrize("field", ["id", "revision", "created_at", "updated_at"])
def test_read_only_fields_are_refused(admin, kinds, field):
    answer = admin.post("/api/v1/sites", {"name": unique("site"), field: "x"})
    assert answer.status == 422 and pointers(answer) == [f"/{field}"]


def test_immutable_fields_are_refused(admin, kinds):
    made = kinds.make("/api/v1/gateways")
    other = kinds.make("/api/v1/sites")
    answer = admin.patch(f"/api/v1/gateways/{made['id']}", {"site_id": other["id"]})
    assert answer.status == 422 and pointers(answer) == ["/site_id"]


def test_names_are_unique_without_regard_to_case(admin, kinds):
    for path in ("/api/v1/sites", "/api/v1/gateways", "/api/v1/resources", "/api/v1/groups", "/api/v1/policies",
                 "/api/v1/tokens"):
        made = kinds.make(path)
        answer = admin.post(path, {**kinds.body(path), "name": made["name"].upper()})
        assert (answer.status, answer.code) == (409, "conflict"), path
        assert pointers(answer) == ["/name"], path
    person = kinds.make("/api/v1/people")
    answer = admin.post("/api/v1/people", {"name": "Twin", "email": person["email"].upper()})
    assert answer.status == 409 and pointers(answer) == ["/email"]
    member = kinds.make("/api/v1/memberships")
    answer = admin.post("/api/v1/memberships", {k: member[k] for k in ("group_id", "person_id")})
    assert answer.status == 409


def test_references_must_exist(admin, kinds):
    for path, field in (("/api/v1/gateways", "site_id"), ("/api/v1/resources", "site_id"),
                        ("/api/v1/memberships", "group_id"), ("/api/v1/memberships", "person_id"),
                        ("/api/v1/policies", "group_id"), ("/api/v1/policies", "resource_id")):
        answer = admin.post(path, {**kinds.body(path), field: "sit_01JD2Q8W6Z6T3V9XK4M5N7P8QR"})
        assert answer.status == 422 and pointers(answer) == [f"/{field}"], (path, field, answer)
    made = kinds.make("/api/v1/policies")
    answer = admin.patch(f"/api/v1/policies/{made['id']}", {"group_id": "grp_01JD2Q8W6Z6T3V9XK4M5N7P8QR"})
    assert answer.status == 422 and pointers(answer) == ["/group_id"]
    assert admin.get(f"/api/v1/policies/{made['id']}").json == made


def test_deleting_what_is_referred_to_names_the_referrers(admin, kinds):
    site, group = kinds.make("/api/v1/sites"), kinds.make("/api/v1/groups")
    resource = admin.create("/api/v1/resources", name=unique("r"), site_id=site["id"], addresses=["10.1.0.0/16"])
    gateway = admin.create("/api/v1/gateways", name=unique("g"), site_id=site["id"])
    policy = admin.create("/api/v1/policies", name=unique("p"), effect="forbid", group_id=group["id"],
                          resource_id=resource["id"])
    person = kinds.make("/api/v1/people")
    member = admin.create("/api/v1/memberships", group_id=group["id"], person_id=person["id"])

    def refused(path, *names):
        answer = admin.delete(path)
        assert (answer.status, answer.code) == (409, "referenced"), (path, answer)
        told = " ".join(e["detail"] for e in answer.json["errors"])
        assert all(name in told for name in names), told
    refused(f"/api/v1/sites/{site['id']}", resource["id"], resource["name"], gateway["id"])
    refused(f"/api/v1/groups/{group['id']}", policy["id"])
    refused(f"/api/v1/resources/{resource['id']}", policy["name"])
    admin.delete(f"/api/v1/policies/{policy['id']}").expect(204)
    admin.delete(f"/api/v1/groups/{group['id']}").expect(204)
    assert admin.get(f"/api/v1/memberships/{member['id']}").status == 404  # memberships go with their group
    admin.delete(f"/api/v1/resources/{resource['id']}").expect(204)
    admin.delete(f"/api/v1/gateways/{gateway['id']}").expect(204)
    admin.delete(f"/api/v1/sites/{site['id']}").expect(204)
    assert admin.get(f"/api/v1/sites/{site['id']}").status == 404


@pytest.mark.parametrize("fields, pointer", [
    ({"addresses": []}, "/addresses"), ({"addresses": ["10.0.0.1/8"]}, "/addresses/0"),
    ({"addresses": ["10.0.0.1", "wiki.example"]}, "/addresses/1"), ({"addresses": "10.0.0.1"}, "/addresses"),
    ({"addresses": ["::ffff:10.0.0.1"]}, "/addresses/0"), ({"addresses": None}, "/addresses"),
    ({"ports": [{"protocol": "tcp", "first": 90, "last": 80}]}, "/ports/0"),
    ({"ports": [{"protocol": "icmp", "first": 1}]}, "/ports/0"), ({"ports": [{"first": 1}]}, "/ports/0"),
    ({"ports": [{"protocol": "tcp", "last": 80}]}, "/ports/0"),
    ({"ports": [{"protocol": "sctp"}]}, "/ports/0/protocol"),
    ({"ports": [{"protocol": "tcp", "first": 65536}]}, "/ports/0/first"),
    ({"ports": [{"protocol": "tcp", "port": 1}]}, "/ports/0/port"),
    ({"name": ""}, "/name"), ({"name": " x"}, "/name"), ({"name": "x" * 65}, "/name"), ({"name": 7}, "/name"),
    ({"name": "a\u0000b"}, None), ({"description": "a\u0007b"}, "/description"),
])
def test_resource_fields(admin, kinds, fields, pointer):
    before = len(admin.items("/api/v1/resources"))
    answer = admin.post("/api/v1/resources", {**kinds.body("/api/v1/resources"), **fields})
    assert answer.status in (400, 422)
    if pointer:
        assert answer.status == 422 and pointer in pointers(answer), answer
    assert len(admin.items("/api/v1/resources")) == before


@pytest.mark.parametrize("field", ["name", "site_id", "addresses"])
def test_missing_fields_are_named(admin, kinds, field):
    body = kinds.body("/api/v1/resources")
    del body[field]
    answer = admin.post("/api/v1/resources", body)
    assert answer.status == 422 and f"/{field}" in pointers(answer)


def test_every_write_leaves_one_audit_event(posternd, admin, kinds):
    me = admin.get("/api/v1/me").json
    for path in Kinds.CHANGEABLE:
        made = kinds.make(path)
        target = f"{path}/{made['id']}"
        changed = admin.patch(target, {"name": unique("renamed")}, headers={"x-request-id": "from-the-test"}).expect(200)
        admin.delete(target).expect(204)
        events = admin.items(f"/api/v1/audit-events?filter=object_id={made['id']}")
        assert [e["action"] for e in events] == ["delete", "update", "create"], path
        update = events[1]
        assert update["actor"] == me["id"] and update["actor_name"] == me["email"]
        assert update["token_id"].startswith("tok_") and update["address"] == "127.0.0.1"
        assert update["request_id"] == "from-the-test"
        names = [c for c in update["changes"] if c["field"] == "name"]
        assert names == [{"field": "name", "before": made["name"], "after": changed.json["name"]}]


def test_refused_writes_leave_no_trace(admin, kinds):
    def newest():
        return admin.get("/api/v1/audit-events?limit=1").json["items"][0]["id"]
    made = kinds.make("/api/v1/sites")
    last = newest()
    admin.request("PATCH", f"/api/v1/sites/{made['id']}", {"name": "x"}, etag='"1"').expect(412)
    admin.post("/api/v1/sites", {"name": made["name"]}).expect(409)
    admin.post("/api/v1/sites", {"name": ""}).expect(422)
    assert newest() == last


def test_secrets_are_shown_once_and_never_audited(posternd, admin, kinds):
    made = admin.post("/api/v1/tokens", kinds.body("/api/v1/tokens")).expect(201).json
    assert made["secret"].startswith("pst_pat_")
    assert "secret" not in admin.get(f"/api/v1/tokens/{made['id']}").json
    assert made["secret"] not in admin.get("/api/v1/tokens?limit=500").body.decode()
    gateway = kinds.make("/api/v1/gateways")
    enrolment = admin.post(f"/api/v1/gateways/{gateway['id']}/enrolment").expect(201).json
    events = admin.get("/api/v1/audit-events?limit=500").body.decode()
    assert made["secret"] not in events and enrolment["enrolment"] not in events
    assert "make-enrolment" in events


def test_enrolment_string(posternd, admin, kinds):
    import base64
    import json
    gateway = kinds.make("/api/v1/gateways")
    path = f"/api/v1/gateways/{gateway['id']}/enrolment"
    one, two = admin.post(path).expect(201).json, admin.post(path).expect(201).json
    assert one["enrolment"] != two["enrolment"] and two["gateway_id"] == gateway["id"]
    text = two["enrolment"].removeprefix("pstenr_")
    inside = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    assert inside["v"] == 1 and inside["pin"] == posternd.rest().pin
    assert inside["url"] == posternd.env["POSTERN_PUBLIC_URL"]
    assert inside["agents_url"] == posternd.env["POSTERN_AGENTS_URL"]
    assert len(inside["ca"]) == 64 and len(base64.b64decode(inside["key"])) == 32
    assert admin.get(f"/api/v1/gateways/{gateway['id']}").json["enrolled"] is False


def test_people_go_with_what_is_theirs(posternd, admin, kinds):
    person = new_person(admin, "auditor")
    client = posternd.sign_in(person["email"], "a long enough password")
    token = client.create("/api/v1/tokens", name=unique("t"), role="auditor", expires_at=in_days(1))
    member = admin.create("/api/v1/memberships", group_id=kinds.group["id"], person_id=person["id"])
    admin.delete(f"/api/v1/people/{person['id']}").expect(204)
    assert client.get("/api/v1/me").status == 401
    assert client.as_(token["secret"]).get("/api/v1/sites").status == 401
    assert admin.get(f"/api/v1/memberships/{member['id']}").status == 404
    assert admin.get(f"/api/v1/tokens/{token['id']}").status == 404


def enrolled_device(posternd, person):
    """A device as enrolment leaves it; written to the database, because enrolling takes an agent."""
    device = "dev_" + "".join(secrets.choice("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(26))
    subprocess.run(["runuser", "-u", "postern", "--", "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-h", posternd.rundir / "pg",
                    "-d", "postern", "-c", "insert into postern.devices (id, name, person_id) values "
                    f"('{device}', 'laptop', '{person['id']}')"], check=True, timeout=60, cwd="/")
    return device


def test_devices_are_blocked_and_unblocked(posternd, admin, kinds):
    device = enrolled_device(posternd, kinds.make("/api/v1/people"))
    path = f"/api/v1/devices/{device}"
    before = admin.get(path).expect(200).json
    assert before["blocked"] is False and before["name"] == "laptop"
    blocked = admin.post(f"{path}/block").expect(200).json
    assert blocked["blocked"] is True and blocked["revision"] > before["revision"]
    assert admin.post(f"{path}/block").expect(200).json == blocked
    assert admin.post(f"{path}/unblock", {}).expect(200).json["blocked"] is False
    assert admin.patch(path, {"name": "desk"}).expect(200).json["name"] == "desk"
    assert admin.patch(path, {"blocked": True}).status == 422
    actions = [e["action"] for e in admin.items(f"/api/v1/audit-events?filter=object_id={device}")]
    assert actions == ["update", "unblock", "block"]
    admin.delete(path).expect(204)
    assert admin.post(f"{path}/block").status == 404


def test_a_change_with_parameters_is_refused(admin):
    """One that asks for a rehearsal must not be carried out."""
    name = unique("rehearsed")
    answer = admin.post("/api/v1/sites?dry_run=true", {"name": name})
    assert (answer.status, answer.code) == (400, "bad_request")
    assert admin.items(f"/api/v1/sites?filter=name={quote(json.dumps(name))}") == []
