# SPDX-License-Identifier: Apache-2.0
"""A device that is enrolled, with a person who is signed in, and that means ill towards others."""
import pytest
from harness.access import Access
from harness.agent import b64


@pytest.fixture(scope="module")
def two(posternd, admin):
    """Two organisational worlds that share nothing but the server; each with a connected client."""
    found = []
    for _ in range(2):
        access = Access(posternd, admin)
        client = access.client()
        client.sign_in()
        found.append((access, client))
    return found


def connect(access, client):
    with access.gateway.watch() as at_gateway:
        at_gateway.listed()
        asked = client.connect(access.site, [access.wiki]).expect(201).json["id"]
        access.gateway.accept(at_gateway.one("connection", id=asked)).expect(204)
    return asked


def granted(access):
    with access.gateway.watch() as at_gateway:
        at_gateway.listed()
        return {(g["person"], g["resource"]) for g in at_gateway.kind("grant")}


def test_A1_resources_of_other_sites_and_people_look_as_if_not_there(two):
    (mine, evil), (theirs, _) = two
    before = granted(theirs)
    for site, wanted in ((mine.site, theirs.wiki), (theirs.site, theirs.wiki), (theirs.site, mine.wiki),
                         (mine.site, mine.payroll), (mine.site, "res_00000000000000000000000000"),
                         ("sit_00000000000000000000000000", mine.wiki)):
        answer = evil.connect(site, [wanted])
        assert answer.status == 200 and not answer.json.get("id") and not answer.json["granted"], answer
        reason = answer.json["refused"][0]["reason"]
        assert reason == "There is no such resource, or you have no access to it.", reason
    assert granted(theirs) == before and (mine.person["id"], mine.payroll) not in granted(mine)


def test_A1_connections_of_others_do_not_exist_for_it(two):
    (mine, evil), (theirs, victim) = two
    connection = connect(theirs, victim)
    assert evil.call("POST", f"/connections/{connection}/fail", {"reason": "x"}).status == 404
    with theirs.gateway.watch() as at_gateway, mine.gateway.watch() as at_mine:
        at_gateway.listed(), at_mine.listed()
        asked = evil.connect(mine.site, [mine.wiki], replaces=connection)
        if asked.status == 201:  # then it replaces nothing
            mine.gateway.accept(at_mine.one("connection", id=asked.json["id"])).expect(204)
        assert ("connection", connection) in at_gateway.state
        at_gateway.one("grant", connection=connection)
    assert (theirs.person["id"], theirs.wiki) in granted(theirs)


def test_A1_it_cannot_speak_as_a_gateway(two):
    (_, evil), (theirs, victim) = two
    connection = connect(theirs, victim)
    for method, path, body in [
            ("POST", f"/connections/{connection}/accept", {"hello": b64(b"x"), "signature": b64(b"x")}),
            ("POST", "/reports", {"boot": "b", "seq": 1, "items": []})]:
        assert evil.call(method, path, body).status == 403


def test_I5_huge_requests_are_refused(two):
    (mine, evil), _ = two
    answer = evil.connect(mine.site, [mine.wiki] * 257)
    assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/resources", answer
    assert evil.connect(mine.site, []).json["errors"][0]["pointer"] == "/resources"
    answer = evil.call("POST", "/why", {"resource": "x" * 4096})
    assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/resource", answer
