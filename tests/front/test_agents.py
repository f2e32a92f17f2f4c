# SPDX-License-Identifier: Apache-2.0
"""The agents listener: nobody without a certificate of the device CA gets as far as HTTP."""
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from harness.front import Authority, pem
from harness.h2raw import PREFACE, context
from harness.run import wait_for


@pytest.fixture
def ca(tmp_path):
    authority = Authority("devices")
    authority.path = tmp_path / "device-ca.pem"
    authority.write(authority.path)
    return authority


@pytest.fixture
def agents(start, ca):
    return start(listener="agents", ca=ca.path)


def is_refused(front, certificate=None, high=ssl.TLSVersion.TLSv1_3):
    """True when the handshake fails; TLS 1.3 says so with the first read."""
    c = context(certificate=certificate)
    c.maximum_version = high
    try:
        with c.wrap_socket(socket.create_connection(("127.0.0.1", front.port), 20)) as s:
            s.sendall(PREFACE)
            return s.recv(100) == b""
    except (ssl.SSLError, OSError):
        return True


def echo(front, certificate):
    c = front.h2(tls=context(certificate=certificate))
    answer = c.get("/agent/v1/echo")
    c.close()
    return answer


def der_len(paths):
    certificate = x509.load_pem_x509_certificate(paths[0].read_bytes())
    return len(certificate.public_bytes(serialization.Encoding.DER))


def test_agent_with_certificate_is_known_to_core(agents, ca, tmp_path):
    for name in ("gwy_1", "dev_2"):
        mine = ca.issue(tmp_path, name)
        answer = echo(agents, mine)
        assert answer.status == 200
        assert f"certificate {der_len(mine)}\n" in answer.body.decode()


def test_strangers_never_reach_http(agents, ca, tmp_path):
    foreign = Authority("devices")  # the same name, another key
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert is_refused(agents, high=version)
        assert is_refused(agents, foreign.issue(tmp_path, "foreign"), version)
        assert is_refused(agents, ca.issue(tmp_path, "expired", since=-3, until=-1), version)
        assert is_refused(agents, ca.issue(tmp_path, "future", since=1), version)
        key_of_ca = pem(tmp_path, "self", foreign.key, foreign.certificate)
        assert is_refused(agents, key_of_ca, version)
    body = echo(agents, ca.issue(tmp_path, "good")).body.decode()
    assert "certificate" in body
    c = agents.h2(tls=context(certificate=ca.issue(tmp_path, "good2")))
    assert c.get("/agent/v1/nothing").status == 404
    assert agents.text().count("connection to core lost") == 0


def test_agents_listener_serves_agents_only(agents, ca, tmp_path):
    c = agents.h2(tls=context(certificate=ca.issue(tmp_path, "x")))
    assert c.get("/api/v1/small").status == 404
    assert c.get("/.well-known/x").status == 404
    assert c.get("/livez").status == 200


def test_each_connection_has_its_own_certificate(agents, ca, tmp_path):
    papers = [ca.issue(tmp_path, "a"), ca.issue(tmp_path, "a-much-longer-common-name-than-that")]
    connections = [agents.h2(tls=context(certificate=p)) for p in papers]
    for _ in range(3):
        for c, p in zip(connections, papers):
            assert f"certificate {der_len(p)}\n" in c.get("/agent/v1/echo").body.decode()


def test_no_resumption_without_a_certificate(agents, ca, tmp_path):
    mine = ca.issue(tmp_path, "resume")
    c = context(certificate=mine)
    c.maximum_version = ssl.TLSVersion.TLSv1_2
    with c.wrap_socket(socket.create_connection(("127.0.0.1", agents.port), 20)) as s:
        session = s.session
    with c.wrap_socket(socket.create_connection(("127.0.0.1", agents.port), 20), session=session) as s:
        assert not s.session_reused


def test_device_ca_appears_and_changes(start, tmp_path):
    path = tmp_path / "late-ca.pem"
    first, second = Authority("first"), Authority("second")
    front = start(listener="agents", ca=path)
    mine, other = first.issue(tmp_path, "mine"), second.issue(tmp_path, "other")
    assert is_refused(front, mine)
    first.write(path)
    wait_for("the CA is read", lambda: not is_refused(front, mine), 10)
    assert is_refused(front, other)
    second.write(path)
    wait_for("the new CA is read", lambda: not is_refused(front, other), 10)
    assert is_refused(front, mine)


def test_agents_behind_one_address_have_budgets_of_their_own(start, ca, tmp_path):
    front = start(listener="agents", ca=ca.path, connections_per_origin=2)
    papers = [ca.issue(tmp_path, f"dev_{i}") for i in range(4)]
    connections = []
    for mine in papers:
        for _ in range(2):
            connections.append(front.h2(tls=context(certificate=mine)))
            assert connections[-1].get("/agent/v1/echo").status == 200
    assert is_refused(front, papers[0])
    assert connections[0].get("/agent/v1/echo").status == 200
    connections[0].close()
    wait_for("the place is free", lambda: not is_refused(front, papers[0]), 10)
