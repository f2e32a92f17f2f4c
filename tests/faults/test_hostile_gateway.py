# SPDX-License-Identifier: Apache-2.0
"""A gateway that is enrolled and means ill: what is not its own it cannot touch, and what it says of others is not
believed. Each attempt has a precise answer, and nothing has changed afterwards."""
import contextlib
import os

import pytest
from harness.access import Access
from harness.agent import b64

BATCH_MAX = 1024


class Siege:
    """A client connects to the gateway of one site; the hostile one serves another."""

    def __init__(self, posternd, admin):
        self.access, self.hostile = Access(posternd, admin), Access(posternd, admin).gateway
        self.client = self.access.client()
        self.client.sign_in()
        self.seq = 0

    def ask(self, at_gateway):
        """A connection that waits for its gateway, as that is shown it."""
        asked = self.client.connect(self.access.site, [self.access.wiki]).expect(201).json["id"]
        return at_gateway.one("connection", id=asked)

    def report(self, gateway, *items, boot="0", **more):
        self.seq += 1
        return gateway.call("POST", "/reports", {"boot": boot, "seq": self.seq, "items": list(items), **more})

    def flow(self, **other):
        return {"inner": self.client.session["inner_v4"], "destination": "10.1.0.9", "protocol": 6, "port": 22, "packets": 3,
                **other}

    def recorded(self, **like):
        """Reported packets that are in the decisions."""
        return [d for d in self.access.admin.items("/api/v1/decisions?limit=500")
                if d["kind"] == "packets" and all(d.get(k) == v for k, v in like.items())]


@pytest.fixture(scope="module")
def siege(posternd, admin):
    return Siege(posternd, admin)


def test_L3_connections_of_another_gateway_do_not_exist_for_it(siege):
    with siege.access.gateway.watch() as at_gateway, siege.hostile.watch() as at_hostile:
        at_gateway.listed(), at_hostile.listed()
        item = siege.ask(at_gateway)
        assert siege.hostile.accept(item).status == 404
        assert siege.hostile.call("POST", f"/connections/{item['id']}/fail", {"reason": "mine now"}).status == 404
        unknown = siege.hostile.call("POST", "/connections/con_00000000000000000000000000/fail", {"reason": "x"})
        assert unknown.status == 404, "what it may not touch and what is not there look the same"
        assert not at_hostile.kind("connection") and not at_hostile.kind("grant")
        siege.access.gateway.accept(item).expect(204)
        assert siege.hostile.call("POST", f"/connections/{item['id']}/fail", {"reason": "mine now"}).status == 404
        at_gateway.one("grant", connection=item["id"])


def test_L3_answers_that_are_not_signed_or_made_for_this_are_refused(siege):
    gateway = siege.access.gateway
    with gateway.watch() as at_gateway:
        at_gateway.listed()
        item = siege.ask(at_gateway)
        path, good = f"/connections/{item['id']}/accept", gateway.hello(b"something else")
        for hello, signature, code, pointer in [
                (good, siege.hostile.sign(good), "signature_wrong", None),
                (good, gateway.sign(good + b"x"), "signature_wrong", None),
                (good, os.urandom(70), "signature_wrong", None),
                (good, gateway.sign(good), "invalid", "/hello"),
                (siege.hostile.hello(b"x"), None, "invalid", "/hello"),
                (b"", None, "invalid", "/hello"),
                (os.urandom(100), None, "invalid", "/hello")]:
            answer = gateway.call("POST", path, {"hello": b64(hello), "signature": b64(signature or gateway.sign(hello))})
            assert (answer.status, answer.code) == (422, code), answer
            assert pointer is None or answer.json["errors"][0]["pointer"] == pointer, answer
        gateway.accept(item).expect(204)


def test_I5_reports_blame_nobody_who_does_not_use_the_gateway(siege):
    siege.report(siege.hostile, siege.flow(port=2222)).expect(204)
    with siege.access.gateway.watch() as at_gateway:
        at_gateway.listed()
        siege.access.gateway.accept(siege.ask(at_gateway)).expect(204)
    siege.report(siege.access.gateway, siege.flow(port=2223)).expect(204)
    lie, truth = siege.recorded(port=2222), siege.recorded(port=2223)
    assert len(lie) == len(truth) == 1
    person = siege.access.person["id"]
    assert truth[0]["person_id"] == person and truth[0]["gateway_id"] == siege.access.gateway_id
    assert not lie[0].get("person_id") and not lie[0].get("device_id"), f"somebody was blamed: {lie[0]}"


@pytest.mark.parametrize("wrong", [
    {"inner": "nonsense"}, {"destination": "nonsense"}, {"destination": "10.1.0.9/24"}, {"inner": ""},
    {"protocol": 256}, {"port": -1}, {"port": 65536}, {"packets": -1}], ids=str)
def test_I5_reports_that_make_no_sense_are_refused(siege, wrong):
    before = len(siege.recorded())
    answer = siege.report(siege.hostile, siege.flow(), siege.flow(**wrong))
    field = next(iter(wrong))
    assert answer.status == 422 and answer.json["errors"][0]["pointer"] == f"/items/1/{field}", answer
    assert len(siege.recorded()) == before


def test_I5_huge_reports_are_refused(siege):
    before = len(siege.recorded())
    answer = siege.report(siege.hostile, *[siege.flow()] * (BATCH_MAX + 1))
    assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/items", answer
    assert siege.report(siege.hostile, siege.flow(), boot="x" * 65).status == 422
    with contextlib.suppress(OSError):  # the answer comes before all was sent, and may be lost with the rest
        assert siege.hostile.call("POST", "/reports", b'{"boot":"' + b"x" * (2 << 20) + b'"}').status == 413
    assert len(siege.recorded()) == before
    siege.report(siege.hostile, *[siege.flow(port=n) for n in range(BATCH_MAX)]).expect(204)
    assert len(siege.recorded()) == before + BATCH_MAX


def test_L1_it_cannot_speak_as_another_kind_or_for_another(siege):
    for method, path, body in [
            ("POST", "/sign-in", {"email": "a@example.org", "password": "x" * 12}), ("POST", "/sign-out", None),
            ("POST", "/why", {"resource": "wiki"}),
            ("POST", "/connections", {"site": siege.access.site, "resources": [siege.access.wiki], "hello": "AA==",
                                      "signature": "AA=="})]:
        answer = siege.hostile.call(method, path, body)
        assert answer.status == 403, answer
    status = siege.hostile.call("PUT", "/status", {"version": "1", "boot": "b", "wireguard_key": b64(os.urandom(31)),
                                                   "listen_port": 51820})
    assert status.status == 422 and status.json["errors"][0]["pointer"] == "/wireguard_key"
    assert siege.hostile.call("PUT", "/status", {"version": "1", "boot": "b", "listen_port": 70000}).status == 422
