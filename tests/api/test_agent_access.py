# SPDX-License-Identifier: Apache-2.0
"""The agent API against the real posternd: leases, decisions, revocations, the state stream."""
import base64

import pytest
from harness.access import Access, unique
from harness.agent import b64


@pytest.fixture
def access(posternd, admin):
    return Access(posternd, admin)


@pytest.fixture
def connected(access):
    """A client that is connected to the wiki: (access, client, its stream, the gateway's stream, connection id)."""
    client = access.client()
    client.sign_in()
    with access.gateway.watch() as at_gateway, client.watch() as at_client:
        at_gateway.listed()
        at_client.one("resource", id=access.wiki)
        answer = client.connect(access.site, [access.wiki]).expect(201).json
        item = at_gateway.one("connection", id=answer["id"])
        access.gateway.accept(item).expect(204)
        at_client.one("connection", id=answer["id"], phase="ready")
        yield access, client, at_client, at_gateway, answer["id"]


def test_L3_connection_brings_both_ends_what_they_need(connected):
    access, client, at_client, at_gateway, connection = connected
    mine = at_client.one("connection", id=connection, phase="ready")
    assert mine["gateway"] == access.gateway_id and mine["endpoint"] == "192.0.2.1:51820"
    assert mine["resources"] == [access.wiki] and 0 < mine["valid_for_ms"]
    assert len(base64.b64decode(mine["r"])) == 32 and mine["certificate"] == access.gateway.answer["certificate"]
    theirs = next(e["item"] for e in at_gateway.events if e["type"] == "added" and e["kind"] == "connection")
    assert theirs["r"] == mine["r"] and theirs["certificate"] == client.answer["certificate"]
    assert theirs["inner_v4"] == client.session["inner_v4"] and theirs["session"] == client.session["id"]
    grant = at_gateway.one("grant", connection=connection)
    assert grant["resource"] == access.wiki and grant["inner_v4"] == client.session["inner_v4"]
    boxes = [box for c in at_gateway.kind("class") if c["id"] in grant["classes"] for box in c["boxes"]]
    assert boxes == [{"prefix": "10.1.0.1/32", "protocol_first": 6, "protocol_last": 6, "port_first": 443,
                      "port_last": 443}]
    # Once the gateway has accepted, `r` is not shown to it again.
    at_gateway.until("r is gone", lambda w: "r" not in w.state[("connection", connection)])


def test_signing_in_on_a_device_is_a_sign_in_of_the_person(access, admin):
    client = access.client()
    client.sign_in()
    device = admin.get(f"/api/v1/devices/{client.id}").expect(200).json
    assert admin.get(f"/api/v1/people/{device['person_id']}").expect(200).json["last_sign_in_at"]


def test_L3_signature_and_session_of_the_hello_are_checked(access):
    client = access.client()
    client.sign_in()
    hello = client.hello()
    body = {"site": access.site, "resources": [access.wiki], "hello": b64(hello)}
    wrong = client.call("POST", "/connections", {**body, "signature": b64(client.sign(hello + b"x"))})
    assert (wrong.status, wrong.code) == (422, "signature_wrong")
    for other in ({"session": "ses_00000000000000000000000000"}, {"device": "dev_00000000000000000000000000"},
                  {"organisation": "org_00000000000000000000000000"}):
        forged = client.hello(**other)
        answer = client.call("POST", "/connections", {**body, "hello": b64(forged), "signature": b64(client.sign(forged))})
        assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/hello", answer
    garbage = client.call("POST", "/connections", {**body, "hello": b64(b"x"), "signature": b64(client.sign(b"x"))})
    assert garbage.status == 422


def test_L3_only_the_chosen_gateway_accepts_and_only_for_this_hello(connected):
    access, client, at_client, at_gateway, connection = connected
    _, other = access.new_gateway()
    item = at_gateway.state[("connection", connection)]
    assert other.accept(item).status == 404
    answer = client.connect(access.site, [access.wiki]).expect(201).json
    fresh = at_gateway.one("connection", id=answer["id"])
    stolen = {**fresh, "hello": item["hello"]}
    refused = access.gateway.accept(stolen)
    assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/hello"
    access.gateway.accept(fresh).expect(204)
    assert access.gateway.accept(fresh).code == "connection_over"  # another e_g: the peer is installed already


def test_L3_a_gateway_that_fails_ends_the_connection(access):
    client = access.client()
    client.sign_in()
    with access.gateway.watch() as at_gateway, client.watch() as at_client:
        at_gateway.listed()
        answer = client.connect(access.site, [access.wiki]).expect(201).json
        at_gateway.one("grant", connection=answer["id"])
        access.gateway.call("POST", f"/connections/{answer['id']}/fail", {"reason": "no such peer"}).expect(204)
        at_gateway.gone("connection", answer["id"])
        failed = at_client.one("connection", id=answer["id"], phase="failed")
        assert "gateway" in failed["reason"]
    assert access.decisions(kind="revoke", code="gateway_failed")


def test_L3_no_gateway_online_is_a_recorded_refusal(access):
    client = access.client()
    client.sign_in()
    answer = client.connect(access.site, [access.wiki]).expect(200).json
    assert answer["granted"] == [] and "gateway" in answer["refused"][0]["reason"].lower()
    assert access.decisions(kind="deny", code="no_gateway", resource_id=access.wiki)


def test_L5_policy_off_revokes_the_lease_at_once(connected):
    access, client, at_client, at_gateway, connection = connected
    grant = at_gateway.one("grant", connection=connection)
    answer = access.enable(access.policy, False)
    event = at_gateway.gone("grant", grant["id"])
    assert event["reason"] == "no_permit"
    print(f"figure grant_deleted_after_answer {event['received'] - answer.at_ms:.1f} ms")
    assert event["received"] - answer.at_ms < 2000
    assert at_client.gone("resource", access.wiki)["reason"]
    assert at_client.gone("connection", connection)
    revoked = access.decisions(kind="revoke", lease_id=grant["id"])
    assert len(revoked) == 1 and revoked[0]["code"] == "no_permit" and revoked[0]["verdict"] == "deny"
    assert client.why(access.wiki)["effect"] == "deny"
    # Switched on again it may be asked for anew.
    access.enable(access.policy, True)
    at_client.one("resource", id=access.wiki)
    client.connect(access.site, [access.wiki]).expect(201)


@pytest.mark.parametrize("how", ["forbid", "membership", "person", "device", "sign-out", "resource", "password"])
def test_L5_whatever_takes_access_away_takes_the_grant(connected, how):
    access, client, at_client, at_gateway, connection = connected
    grant = at_gateway.one("grant", connection=connection)
    admin = access.admin
    if how == "forbid":
        access.permit(access.wiki, "forbid")
    elif how == "membership":
        admin.delete(f"/api/v1/memberships/{access.membership}").expect(204)
    elif how == "person":
        admin.patch(f"/api/v1/people/{access.person['id']}", {"enabled": False}).expect(200)
    elif how == "device":
        admin.post(f"/api/v1/devices/{client.id}/block").expect(200)
    elif how == "sign-out":
        client.call("POST", "/sign-out").expect(204)
    elif how == "password":
        admin.post(f"/api/v1/people/{access.person['id']}/password", {"password": "another long password"}).expect(204)
    else:
        admin.delete(f"/api/v1/policies/{access.policy}").expect(204)
        admin.delete(f"/api/v1/resources/{access.wiki}").expect(204)
    reason = at_gateway.gone("grant", grant["id"])["reason"]
    assert reason == {"forbid": "forbidden", "membership": "no_permit", "person": "person_disabled",
                      "device": "device_blocked", "sign-out": "signed_out", "resource": "no_permit",
                      "password": "session_over"}[how]
    at_gateway.gone("connection", connection)
    assert access.decisions(kind="revoke", lease_id=grant["id"])


def test_L5_changed_addresses_give_a_new_class_and_the_grant_follows(connected):
    access, client, at_client, at_gateway, connection = connected
    grant = at_gateway.one("grant", connection=connection)
    access.admin.patch(f"/api/v1/resources/{access.wiki}", {"addresses": ["10.1.0.9"]}).expect(200)
    at_gateway.gone("class", grant["classes"][0])
    again = at_gateway.state[("grant", grant["id"])]
    assert again["classes"] != grant["classes"]
    boxes = at_gateway.state[("class", again["classes"][0])]["boxes"]
    assert [b["prefix"] for b in boxes] == ["10.1.0.9/32"]


def test_L5_a_forbidden_hole_stays_closed(access):
    net = access.admin.create("/api/v1/resources", name=unique("net"), site_id=access.site,
                              addresses=["10.9.0.0/16"])["id"]
    hole = access.admin.create("/api/v1/resources", name=unique("hole"), site_id=access.site,
                               addresses=["10.9.5.9"])["id"]
    access.permit(net)
    access.permit(hole, "forbid")
    client = access.client()
    client.sign_in()
    with access.gateway.watch() as at_gateway, client.watch() as at_client:
        at_gateway.listed()
        at_client.one("resource", id=net)
        client.connect(access.site, [net]).expect(201)
        grant = at_gateway.one("grant", resource=net)
        boxes = [b for c in grant["classes"] for b in at_gateway.state[("class", c)]["boxes"]]
        assert len(boxes) == 16 and "10.9.5.9/32" not in [b["prefix"] for b in boxes]


def test_I5_decisions_are_on_disk_before_the_grant_appears(connected):
    access, client, at_client, at_gateway, connection = connected
    grant = at_gateway.one("grant", connection=connection)
    decision = access.admin.get(f"/api/v1/decisions/{grant['decision']}").expect(200).json
    assert decision["kind"] == "grant" and decision["verdict"] == "allow" and decision["lease_id"] == grant["id"]
    assert decision["policies"] == [access.policy] and decision["person_id"] == access.person["id"]
    assert decision["device_id"] == client.id and decision["gateway_id"] == access.gateway_id
    assert decision["session_id"] == client.session["id"] and decision["pdp"] == "central"
    assert decision["valid_until"] and decision["world"] and decision["eval_ns"] > 0


def test_I5_every_refusal_is_recorded(connected):
    access, client, at_client, at_gateway, connection = connected
    unknown = "res_00000000000000000000000000"
    answer = client.connect(access.site, [access.payroll, unknown]).expect(200).json
    assert answer["granted"] == [] and "id" not in answer
    refused = {r["resource"]: r["reason"] for r in answer["refused"]}
    assert refused[access.payroll] == refused[unknown]  # what one may not know looks like what is not there
    assert access.decisions(kind="deny", resource_id=access.payroll, code="no_permit")
    assert access.decisions(kind="deny", resource_id=unknown, code="resource_unknown")


def test_I5_refused_packets_are_recorded_once_for_each_batch(connected):
    access, client, at_client, at_gateway, connection = connected
    batch = {"boot": "boot-1", "seq": 1, "items": [
        {"inner": client.session["inner_v4"], "destination": "10.1.0.2", "protocol": 6, "port": 5432, "packets": 7}]}
    for _ in range(2):
        access.gateway.call("POST", "/reports", batch).expect(204)
    found = access.decisions(kind="packets")
    assert len(found) == 1
    assert found[0]["packets"] == 7 and found[0]["destination"] == "10.1.0.2" and found[0]["pdp"] == "gateway"
    assert found[0]["session_id"] == client.session["id"] and found[0]["code"] == "no_grant"


def test_A4_without_policies_nothing_is_granted(posternd, admin, access):
    admin.delete(f"/api/v1/policies/{access.policy}").expect(204)
    client = access.client()
    client.sign_in()
    with access.gateway.watch() as at_gateway, client.watch() as at_client:
        at_gateway.listed()
        at_client.one("session")
        answer = client.connect(access.site, [access.wiki, access.payroll]).expect(200).json
        assert answer["granted"] == []
        assert at_client.kind("resource") == [] and at_gateway.kind("grant") == []
        # An event that comes after would have come after a grant too.
        access.permit(access.payroll)
        at_client.one("resource", id=access.payroll)
        assert at_gateway.kind("grant") == []


def test_why_tells_a_person_no_more_than_they_may_know(connected):
    access, client, at_client, at_gateway, connection = connected
    assert client.why(access.wiki) == {"resource": access.wiki, "effect": "permit", "code": "permitted",
                                       "reason": "You may use this."}
    hidden, missing = client.why(access.payroll), client.why("no such thing")
    assert {k: hidden[k] for k in ("effect", "code", "reason")} == {k: missing[k] for k in ("effect", "code", "reason")}
    access.permit(access.payroll, "forbid")
    at_gateway.until("the forbid is known", lambda w: True)
    assert client.why(access.payroll)["code"] == missing["code"]


def test_a_replaced_connection_goes_on_beside_the_new_one(connected):
    access, client, at_client, at_gateway, connection = connected
    answer = client.connect(access.site, [access.wiki], replaces=connection).expect(201).json
    fresh = at_gateway.one("connection", id=answer["id"])
    assert fresh["replaces"] == connection and fresh["inner_v4"] == client.session["inner_v4"]
    access.gateway.accept(fresh).expect(204)
    at_client.one("connection", id=answer["id"], phase="ready")
    assert ("connection", connection) in at_gateway.state


def test_a_client_that_lost_its_keys_replaces_what_it_had(connected):
    access, client, at_client, at_gateway, connection = connected
    answer = client.connect(access.site, [access.wiki]).expect(201).json
    assert at_gateway.one("connection", id=answer["id"])["replaces"] == connection


def test_one_session_cannot_pile_up_connections(connected):
    access, client, at_client, at_gateway, connection = connected
    answers = []
    at_gateway.until("the limit", lambda w: answers.append(client.connect(access.site, [access.wiki]))
                     or answers[-1].status == 429)
    assert answers[-1].code == "too_many_attempts" and answers[-1].headers["retry-after"]
    client.call("POST", f"/connections/{connection}/fail", {"reason": "enough"}).expect(204)
    at_client.gone("connection", connection)
    client.connect(access.site, [access.wiki]).expect(201)


def test_renewals_are_signed_and_grow(connected):
    access, client, at_client, at_gateway, connection = connected
    first = at_gateway.until("a renewal", lambda w: [e["item"] for e in w.events if e["type"] == "renewal"])[0]
    assert first["gateway"] == access.gateway_id and first["epoch"] == at_gateway.revision.split(".")[0]
    with access.gateway.watch() as again:
        second = again.until("a renewal", lambda w: [e["item"] for e in w.events if e["type"] == "renewal"])[0]
    assert second["seq"] > first["seq"]
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(access.gateway.answer["message_key"]))
    from harness.agent import fields
    from datetime import datetime
    issued = datetime.fromisoformat(second["issued"].replace("Z", "+00:00"))
    us = int(issued.timestamp()) * 1000000 + issued.microsecond
    key.verify(base64.b64decode(second["signature"]),
               fields("postern/renewal/1", second["gateway"], second["epoch"])
               + second["seq"].to_bytes(8, "big") + us.to_bytes(8, "big"))


@pytest.mark.slow
def test_L3_a_gateway_that_stays_silent_fails_the_connection(access):
    client = access.client()
    client.sign_in()
    with access.gateway.watch() as at_gateway, client.watch() as at_client:
        at_gateway.listed()
        connection = client.connect(access.site, [access.wiki]).expect(201).json["id"]
        at_client.until("the connection fails", lambda w: any(
            c["id"] == connection and c["phase"] == "failed" for c in w.kind("connection")), timeout=60)
        at_gateway.gone("connection", connection)
    assert access.decisions(kind="revoke", code="gateway_silent")
