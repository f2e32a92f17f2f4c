# SPDX-License-Identifier: Apache-2.0
"""Signing in, tokens, roles, set-up, and the administrator who must remain."""
import concurrent.futures
import os
import stat
import statistics
import subprocess
import time

import pytest
from api_kinds import PASSWORD, in_days, new_person, unique
from harness.run import binary
from harness.server import ADMIN, Posternd


def sign_in(client, email, password):
    return client.post("/api/v1/sign-in", {"email": email, "password": password})


@pytest.fixture
def server(fresh_run, posternd):
    """A posternd of its own: rate limits are kept for the process. (posternd: only so that what it needs is there.)"""
    return Posternd(fresh_run).start()


def test_setup_token_is_single_use(server):
    path = server.data / "setup-token"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    token, stranger = server.setup_token, server.rest()
    for wrong in ("x", token[:-1], token + "x", token[:-1] + ("a" if token[-1] != "a" else "b")):
        answer = stranger.post("/api/v1/setup", {**ADMIN, "token": wrong})
        assert (answer.status, answer.code) == (403, "setup_refused")
    assert stranger.post("/api/v1/setup", {**ADMIN, "token": token, "password": "short"}).status == 422
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda i: stranger.post("/api/v1/setup", {**ADMIN, "email": f"a{i}@example.org", "token": token}),
                                range(4)))
    assert sorted(a.status for a in answers) == [201, 403, 403, 403]
    assert not path.exists()
    signed_in = next(a.json for a in answers if a.status == 201)
    client = stranger.as_(signed_in["token"])
    assert client.get("/api/v1/me").expect(200).json["role"] == "admin"
    assert [p["email"] for p in client.items("/api/v1/people")] == [signed_in["email"]]
    server.restart()
    assert not path.exists()
    assert client.get("/api/v1/me").status == 200  # sign-ins outlive a restart


def test_sign_in_and_out(posternd, admin):
    person = new_person(admin)
    answer = sign_in(posternd.rest(), person["email"].upper(), PASSWORD).expect(200).json
    assert answer["token"].startswith("pst_ses_") and answer["role"] == "member" and answer["person_id"] == person["id"]
    client = posternd.rest().as_(answer["token"])
    me = client.get("/api/v1/me").expect(200).json
    assert me["id"] == person["id"] and me["last_sign_in_at"]
    client.post("/api/v1/sign-out").expect(204)
    assert client.get("/api/v1/me").status == 401


@pytest.mark.parametrize("how", ["unknown", "wrong", "disabled", "without password"])
def test_refusals_are_the_same(posternd, admin, how):
    person = new_person(admin) if how != "without password" else \
        admin.create("/api/v1/people", email=f"{unique('p').replace(' ', '')}@example.org", name="No Password")
    if how == "disabled":
        admin.patch(f"/api/v1/people/{person['id']}", {"enabled": False}).expect(200)
    email = "nobody@example.org" if how == "unknown" else person["email"]
    answer = sign_in(posternd.rest(), email, "not the password" if how == "wrong" else PASSWORD)
    assert answer.status == 401
    told = answer.json
    told.pop("instance")
    assert told == {"type": "/api/v1/problems/sign_in_failed", "title": "The address or the password is wrong",
                    "status": 401, "code": "sign_in_failed", "detail": None}


def test_failed_sign_ins_are_audited(posternd, admin):
    person = new_person(admin)
    sign_in(posternd.rest(), person["email"], "not the password").expect(401)
    events = admin.items(f"/api/v1/audit-events?filter=object_id={person['id']}")
    assert events[0]["action"] == "sign-in-failed" and events[0]["address"] == "127.0.0.1"


def test_timing_does_not_tell_who_exists(server):
    admin = server.set_up()
    people = [new_person(admin)["email"] for _ in range(9)]
    client, times = server.rest(), {True: [], False: []}
    for i in range(9):  # each account and the source stay below their limits
        for known in (True, False):
            email = people[i] if known else f"unknown{i}@example.org"
            start = time.monotonic()
            sign_in(client, email, "not the password").expect(401)
            times[known].append(time.monotonic() - start)
    known, unknown = statistics.median(times[True]), statistics.median(times[False])
    assert min(known, unknown) > 0.005, "no password hash was computed"
    assert max(known, unknown) / min(known, unknown) < 1.6, (known, unknown)


def test_guessing_is_limited(server):
    admin = server.set_up()
    person = new_person(admin)
    client = server.rest()
    answers = [sign_in(client, person["email"], "wrong") for _ in range(30)]
    limited = [a for a in answers if a.status == 429]
    assert [a.status for a in answers[:15]] == [401] * 15 and limited
    assert 1 <= int(limited[0].headers["retry-after"]) <= 60 and limited[0].code == "too_many_attempts"
    assert sign_in(client, person["email"], PASSWORD).status == 429
    assert admin.get("/api/v1/me").status == 200  # who is signed in is not disturbed


def test_good_sign_ins_are_not_limited(server):
    server.set_up()
    for _ in range(30):
        server.sign_in()


def test_sign_ins_at_once_leave_workers_for_others(server):
    admin = server.set_up()
    client = server.rest()
    with concurrent.futures.ThreadPoolExecutor(19) as pool:
        signing_in = [pool.submit(sign_in, client, f"x{i}@example.org", "wrong") for i in range(16)]
        slowest = 0
        while not all(f.done() for f in signing_in):
            start = time.monotonic()
            admin.get("/api/v1/me").expect(200)
            slowest = max(slowest, time.monotonic() - start)
    statuses = {f.result().status for f in signing_in}
    assert statuses == {401, 429} or statuses == {401}
    assert slowest < 2, "reading had to wait for password checks"
    assert all(f.result().headers["retry-after"] == "1" for f in signing_in if f.result().status == 429)


def test_disabled_people_lose_their_tokens_at_once(posternd, admin):
    person = new_person(admin, "auditor")
    client = posternd.sign_in(person["email"], PASSWORD)
    token = client.create("/api/v1/tokens", name=unique("t"), role="auditor", expires_at=in_days(1))
    pat = client.as_(token["secret"])
    assert pat.get("/api/v1/sites").status == 200
    admin.patch(f"/api/v1/people/{person['id']}", {"enabled": False}).expect(200)
    assert client.get("/api/v1/me").status == pat.get("/api/v1/sites").status == 401
    admin.patch(f"/api/v1/people/{person['id']}", {"enabled": True}).expect(200)
    assert pat.get("/api/v1/sites").status == 200


def test_new_password_ends_sign_ins(posternd, admin):
    person = new_person(admin)
    client = posternd.sign_in(person["email"], PASSWORD)
    admin.post(f"/api/v1/people/{person['id']}/password", {"password": "quite another one"}).expect(204)
    assert client.get("/api/v1/me").status == 401
    assert sign_in(client, person["email"], PASSWORD).status == 401
    assert sign_in(client, person["email"], "quite another one").status == 200
    assert "quite another one" not in admin.get("/api/v1/audit-events?limit=500").body.decode()
    short = admin.post(f"/api/v1/people/{person['id']}/password", {"password": "short"})
    assert short.status == 422 and short.json["errors"][0]["pointer"] == "/password"


def test_tokens_stay_within_their_owner(posternd, admin):
    person = new_person(admin, "auditor")
    client = posternd.sign_in(person["email"], PASSWORD)
    body = {"name": unique("t"), "expires_at": in_days(1)}
    above = client.post("/api/v1/tokens", {**body, "role": "admin"})
    assert above.status == 422 and above.json["errors"][0]["pointer"] == "/role"
    token = client.as_(client.create("/api/v1/tokens", **body, role="auditor")["secret"])
    assert token.get("/api/v1/sites").status == 200
    assert token.post("/api/v1/sites", {"name": unique("s")}).status == 403
    admin.patch(f"/api/v1/people/{person['id']}", {"role": "admin"}).expect(200)
    assert token.post("/api/v1/sites", {"name": unique("s")}).status == 403  # the token's own role is the lower one
    assert client.post("/api/v1/sites", {"name": unique("s")}).status == 201  # a sign-in follows the person
    admin.patch(f"/api/v1/people/{person['id']}", {"role": "member"}).expect(200)
    assert token.get("/api/v1/sites").status == client.get("/api/v1/sites").status == 403


def test_scopes_narrow_a_token(admin):
    def token(*scopes):
        made = admin.create("/api/v1/tokens", name=unique("t"), role="admin", expires_at=in_days(1), scopes=list(scopes))
        return admin.as_(made["secret"])
    reader, writer = token("*:read"), token("sites:write", "groups:read")
    assert reader.get("/api/v1/policies").status == 200
    assert reader.post("/api/v1/sites", {"name": unique("s")}).code == "scope_missing"
    assert writer.post("/api/v1/sites", {"name": unique("s")}).status == 201
    assert writer.get("/api/v1/groups").status == 200
    assert writer.get("/api/v1/sites").code == writer.post("/api/v1/groups", {"name": unique("g")}).code == "scope_missing"
    assert writer.get("/api/v1/me").status == 200
    wrong = admin.post("/api/v1/tokens", {"name": unique("t"), "expires_at": in_days(1), "scopes": ["sites:rm"]})
    assert wrong.status == 422 and wrong.json["errors"][0]["pointer"] == "/scopes/0"


def test_tokens_do_not_make_tokens(admin):
    made = admin.create("/api/v1/tokens", name=unique("t"), role="admin", expires_at=in_days(1))
    answer = admin.as_(made["secret"]).post("/api/v1/tokens", {"name": unique("t"), "expires_at": in_days(1)})
    assert answer.status == 403


def test_tokens_end(admin):
    for when in (in_days(-1), in_days(400), None):
        answer = admin.post("/api/v1/tokens", {"name": unique("t"), "expires_at": when})
        assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/expires_at", when
    made = admin.create("/api/v1/tokens", name=unique("t"), role="admin", expires_at=in_days(1))
    token = admin.as_(made["secret"])
    assert token.get("/api/v1/me").status == 200
    assert admin.get(f"/api/v1/tokens/{made['id']}").json["last_used_at"]
    admin.delete(f"/api/v1/tokens/{made['id']}").expect(204)
    assert token.get("/api/v1/me").status == 401


def test_others_tokens_are_left_alone(posternd, admin):
    made = admin.create("/api/v1/tokens", name=unique("t"), role="admin", expires_at=in_days(1))
    auditor = posternd.sign_in(new_person(admin, "auditor")["email"], PASSWORD)
    path, tag = f"/api/v1/tokens/{made['id']}", f'"{made["revision"]}"'
    assert auditor.request("DELETE", path, etag=tag).status == 403
    assert auditor.request("PATCH", path, {"name": unique("mine")}, etag=tag).status == 403
    own = auditor.create("/api/v1/tokens", name=unique("t"), role="auditor", expires_at=in_days(1))
    auditor.delete(f"/api/v1/tokens/{own['id']}").expect(204)


def test_posternd_makes_an_admin(server):
    password = server.dir / "password"
    password.write_text("typed by the operator\n")

    def create(email, text=None):
        if text:
            password.write_text(text)
        return subprocess.run([binary("posternd"), "admin", "create", "--email", email, "--password-file", password],
                              env={**os.environ, **server.env}, capture_output=True, text=True, timeout=60)
    assert create("Ops@example.org").returncode == 0
    client = server.sign_in("ops@example.org", "typed by the operator")
    me = client.get("/api/v1/me").expect(200).json
    assert me["role"] == "admin" and me["email"] == "ops@example.org"
    assert server.rest().post("/api/v1/setup", {**ADMIN, "token": server.setup_token}).code == "setup_refused"
    for email, text in (("not an address", "long enough, this one"), ("x@example.org", "short")):
        refused = create(email, text)
        assert refused.returncode == 1 and refused.stderr
    # The way back in for a locked-out administrator: the same command again.
    assert create("ops@example.org", "another good password").returncode == 0
    assert client.get("/api/v1/me").status == 401
    server.sign_in("ops@example.org", "another good password")
    events = server.sign_in("ops@example.org", "another good password").items("/api/v1/audit-events")
    assert [e["actor_name"] for e in events if e["action"] == "create-admin"] == ["posternd admin create"] * 2


def test_last_admin_stays(server):
    admin = server.set_up()
    me = admin.get("/api/v1/me").json
    path = f"/api/v1/people/{me['id']}"
    for change in ({"role": "auditor"}, {"role": "member"}, {"enabled": False}):
        answer = admin.patch(path, change)
        assert (answer.status, answer.code) == (409, "last_admin"), change
    assert admin.delete(path).code == "last_admin"
    other = new_person(admin, "admin")
    disabled = new_person(admin, "admin", enabled=False)
    # Two administrators who remove each other at the same time: one remains.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda p: admin.request("PATCH", f"/api/v1/people/{p['id']}", {"role": "auditor"},
                                                        etag=f'"{p["revision"]}"'), (me, other)))
    assert sum(a.status == 200 for a in answers) <= 1
    left = server.sign_in(other["email"], PASSWORD) if answers[0].status == 200 else admin
    people = left.items("/api/v1/people")
    assert any(p["role"] == "admin" and p["enabled"] for p in people)
    assert disabled["id"] in [p["id"] for p in people]


def test_database_holds_no_token_or_password_in_clear(server):
    import re
    admin = server.set_up()
    person = new_person(admin)
    secrets = [ADMIN["password"], PASSWORD, admin.token,
               server.sign_in(person["email"], PASSWORD).token,
               admin.create("/api/v1/tokens", name=unique("t"), role="admin", expires_at=in_days(1))["secret"]]
    site = admin.create("/api/v1/sites", name=unique("s"))
    gateway = admin.create("/api/v1/gateways", name=unique("g"), site_id=site["id"])
    secrets.append(admin.post(f"/api/v1/gateways/{gateway['id']}/enrolment").json["enrolment"])
    server.stop()
    needles = re.compile(b"|".join(re.escape(s.encode()) for s in secrets))
    for root, _, files in os.walk(server.data / "postgres"):
        for name in files:
            with open(os.path.join(root, name), "rb") as f:
                assert not needles.search(f.read()), os.path.join(root, name)
