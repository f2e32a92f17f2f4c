# SPDX-License-Identifier: Apache-2.0
"""Enrolment, certificates, sessions and the rules of the state stream, against the real posternd."""
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from harness.access import PASSWORD, Access, unique
from harness.agent import Agent, Gateway, csr_of, decode_enrolment, new_key


@pytest.fixture
def access(posternd, admin):
    return Access(posternd, admin)


# --- enrolment ---


def test_an_enrolment_string_works_once(posternd, access):
    gateway, text = access.enrolment()
    string = decode_enrolment(text)
    assert string["pin"] == posternd.rest().pin and string["v"] == 1
    agent = Gateway.enroll(posternd, posternd.dir, text)
    assert agent.id == gateway and agent.answer["agents_url"] == string["agents_url"]
    body = {"kind": "gateway", "token": string["token"], "csr": csr_of(new_key())}
    again = posternd.rest().post("/agent/v1/enroll", body)
    assert (again.status, again.code) == (409, "enrolment_used")
    assert agent.report()  # the first one keeps its place


def test_an_enrolment_whose_answer_was_lost_is_repeated_with_the_same_key(posternd, admin, access):
    gateway, text = access.enrolment()
    key = new_key()
    body = {"kind": "gateway", "token": decode_enrolment(text)["token"], "csr": csr_of(key)}
    first = posternd.rest().post("/agent/v1/enroll", body).expect(201).json
    again = posternd.rest().post("/agent/v1/enroll", {**body, "csr": csr_of(key)}).expect(201).json
    assert again == first
    Gateway(posternd, posternd.dir, key, again).report()
    admin.delete(f"/api/v1/gateways/{gateway}").expect(204)
    assert posternd.rest().post("/agent/v1/enroll", body).code == "enrolment_refused"


def test_enrolling_again_ends_what_the_former_agent_had(posternd, admin, access):
    client = access.client()
    client.sign_in()
    with access.gateway.watch() as at_gateway, client.watch() as at_client:
        at_gateway.listed()
        answer = client.connect(access.site, [access.wiki]).expect(201).json
        access.gateway.accept(at_gateway.one("connection", id=answer["id"])).expect(204)
        at_client.one("connection", id=answer["id"], phase="ready")
        text = admin.post(f"/api/v1/gateways/{access.gateway_id}/enrolment").expect(201).json["enrolment"]
        body = {"kind": "gateway", "token": decode_enrolment(text)["token"], "csr": csr_of(new_key())}
        posternd.rest().post("/agent/v1/enroll", body).expect(201)
        at_client.one("connection", id=answer["id"], phase="failed")
        with at_gateway._changed:
            assert at_gateway._changed.wait_for(lambda: at_gateway.ended, 10)
        assert access.decisions(kind="revoke", code="gateway_enrolled")
        assert client.connect(access.site, [access.wiki]).expect(200).json["granted"] == []


def test_a_replaced_or_invented_enrolment_string_is_refused(posternd, admin, access):
    gateway, old = access.enrolment()
    admin.post(f"/api/v1/gateways/{gateway}/enrolment").expect(201)
    body = {"kind": "gateway", "token": decode_enrolment(old)["token"], "csr": csr_of(new_key())}
    assert posternd.rest().post("/agent/v1/enroll", body).code == "enrolment_refused"
    broken = {**body, "token": body["token"][:-1] + ("0" if body["token"][-1] != "0" else "1")}
    answer = posternd.rest().post("/agent/v1/enroll", broken)
    assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/token"


def test_enrolling_again_shuts_the_former_agent_out(posternd, admin, access):
    text = admin.post(f"/api/v1/gateways/{access.gateway_id}/enrolment").expect(201).json["enrolment"]
    fresh = Gateway.enroll(posternd, posternd.dir / "", text)
    fresh.report()
    # The files of both have the same name: the former certificate comes from its answer.
    former = access.gateway
    fresh.files[0].rename(fresh.files[0].with_suffix(".new"))
    former.files[0].write_text(former.answer["certificate"])
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat
    former.files[1].write_bytes(former.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert former.client().request("GET", "/agent/v1/state").code == "certificate_unknown"


def test_a_signing_request_must_be_one(posternd, access):
    person = access.person
    body = {"kind": "device", "email": person["email"], "password": PASSWORD, "name": "laptop"}
    answer = posternd.rest().post("/agent/v1/enroll", {**body, "csr": "x" * 100})
    assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/csr"
    good = csr_of(new_key())
    assert posternd.rest().post("/agent/v1/enroll", {**body, "password": "wrong", "csr": good}).code == "sign_in_failed"
    missing = {k: v for k, v in body.items() if k != "name"}
    answer = posternd.rest().post("/agent/v1/enroll", {**missing, "csr": good})
    assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/name"


def test_a_certificate_is_renewed_with_the_old_one(access):
    client = access.client()
    pem = client.call("POST", "/certificate", {"csr": csr_of(client.key)}).expect(200).json["certificate"]
    cert = x509.load_pem_x509_certificate(pem.encode())
    san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.UniformResourceIdentifier) == [f"postern:device:{client.id}"]
    renewed = Agent(client.posternd, client.posternd.dir, client.key, {**client.answer, "certificate": pem})
    assert renewed.call("POST", "/why", {"resource": "x"}).status == 200
    # Asking in somebody's name is not holding their key: nobody gets a certificate for a key of their own that way.
    other = client.call("POST", "/certificate", {"csr": csr_of(new_key())})
    assert other.status == 422 and other.json["errors"][0]["pointer"] == "/csr"


def test_an_agent_that_asks_too_often_has_to_wait(access):
    client, csr = access.client(), None
    csr = csr_of(client.key)
    for _ in range(10):
        client.call("POST", "/certificate", {"csr": csr}).expect(200)
    refused = client.call("POST", "/certificate", {"csr": csr})
    assert (refused.status, refused.code) == (429, "too_many_attempts")
    assert 3000 < int(refused.headers["retry-after"]) <= 3600
    client.sign_in()  # other things go on
    access.client().call("POST", "/certificate", {"csr": csr_of(new_key())}).expect(422)  # and others are not concerned


def test_a_person_has_a_bounded_number_of_devices(posternd, access):
    import subprocess
    subprocess.run(["runuser", "-u", "postern", "--", "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-h", posternd.rundir / "pg",
                    "-d", "postern", "-c", "insert into postern.devices (id, name, person_id) select 'dev_' || "
                    f"substr(upper(md5(i::text || '{access.person['id']}')), 1, 26), 'laptop', '{access.person['id']}' "
                    "from generate_series(1, 99) as i"], check=True, timeout=60, cwd="/")
    access.client()
    body = {"kind": "device", "email": access.person["email"], "password": PASSWORD, "name": "one more",
            "csr": csr_of(new_key())}
    refused = posternd.rest().post("/agent/v1/enroll", body)
    assert (refused.status, refused.code) == (409, "conflict")


def self_made(identity, days):
    """A certificate of nobody's CA."""
    key, now = new_key(), datetime.datetime.utcnow()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, identity)])
    san = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"postern:device:{identity}")])
    cert = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()) \
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=10)) \
        .not_valid_after(now + datetime.timedelta(days=days)).add_extension(san, False).sign(key, hashes.SHA256())
    return key, cert.public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize("days", [1, -1], ids=["foreign", "expired"])
def test_a_foreign_or_expired_certificate_never_gets_an_answer(posternd, access, days):
    client = access.client()
    key, pem = self_made(client.id, days)
    (posternd.dir / "forged").mkdir(exist_ok=True)
    forged = Agent(posternd, posternd.dir / "forged", key, {**client.answer, "certificate": pem})
    with pytest.raises(OSError):
        forged.call("POST", "/why", {"resource": "x"})


def test_a_blocked_device_is_refused_and_comes_back(admin, access):
    client = access.client()
    client.sign_in()
    with client.watch() as watch:
        watch.one("session")
        admin.post(f"/api/v1/devices/{client.id}/block").expect(200)
        watch.until("the stream says so", lambda w: [e for e in w.events if e["type"] == "error"])
    answer = client.call("POST", "/why", {"resource": "x"})
    assert (answer.status, answer.code) == (403, "device_blocked")
    assert client.client().request("GET", "/agent/v1/state").code == "device_blocked"
    admin.post(f"/api/v1/devices/{client.id}/unblock").expect(200)
    client.sign_in()
    with client.watch() as watch:
        watch.one("session")


def test_a_deleted_device_is_a_stranger(admin, access):
    client = access.client()
    admin.delete(f"/api/v1/devices/{client.id}").expect(204)
    assert client.call("POST", "/why", {"resource": "x"}).code == "certificate_unknown"


# --- sessions ---


def test_sessions_belong_to_the_devices_person(admin, access):
    client = access.client()
    other = access.new_person()
    answer = client.call("POST", "/sign-in", {"email": other["email"], "password": PASSWORD})
    assert answer.status == 403
    assert client.call("POST", "/sign-in", {"email": client.email, "password": "wrong"}).code == "sign_in_failed"
    assert client.connect(access.site, [access.wiki]).code == "unauthenticated"


def test_signing_in_again_ends_the_earlier_session(access):
    client = access.client()
    first = client.sign_in()
    with client.watch() as watch:
        watch.one("session", id=first["id"])
        second = client.sign_in()
        watch.one("session", id=second["id"])
        assert watch.gone("session", first["id"])
    assert first["inner_v4"] != second["inner_v4"]  # what is given back rests
    assert first["inner_v4"].startswith("100.") and second["inner_v6"].startswith("fd")


def test_routes_belong_to_their_kind_of_agent(access):
    client = access.client()
    client.sign_in()
    assert client.call("POST", "/reports", {"boot": "b", "seq": 1, "items": []}).status == 403
    assert access.gateway.call("POST", "/why", {"resource": "x"}).status == 403
    assert client.rest.get("/api/v1/sites").status == 404  # agents have a listener of their own
    assert access.posternd.rest().get("/agent/v1/state").status == 404


# --- the stream ---


def test_L1_the_stream_lists_then_follows(admin, access):
    client = access.client()
    session = client.sign_in()
    with client.watch() as watch:
        watch.listed()
        assert watch.one("session", id=session["id"])["email"] == client.email
        resource = watch.one("resource", id=access.wiki)
        assert resource["prefixes"] == ["10.1.0.1/32"] and resource["site"] == access.site
        assert resource["ports"] == [{"protocol": "tcp", "first": 443, "last": 443}]
        access.permit(access.payroll)
        watch.one("resource", id=access.payroll)
        name = unique("renamed")
        admin.patch(f"/api/v1/resources/{access.payroll}", {"name": name}).expect(200)
        watch.one("resource", id=access.payroll, name=name)


def test_L1_a_stream_goes_on_where_it_broke(access):
    client = access.client()
    client.sign_in()
    with client.watch() as watch:
        watch.listed().one("resource", id=access.wiki)
        since = watch.until("a bookmark", lambda w: w.revision)
    access.permit(access.payroll)
    access.enable(access.policy, False)
    with client.watch(since) as again:
        again.one("resource", id=access.payroll)
        again.gone("resource", access.wiki)
        again.listed()
        assert ("session", client.session["id"]) not in again.state  # that it knows already


def test_L5_a_stale_foreign_or_future_revision_is_410(posternd, access):
    client = access.client()
    client.sign_in()
    with client.watch() as watch:
        watch.listed()
        epoch, number = watch.until("a bookmark", lambda w: w.revision).split(".")
    for since in (f"{epoch}.{int(number) + 100000}", f"{'0' * len(epoch)}.{number}", "nonsense", f"{epoch}.0"):
        with client.watch(since) as refused:
            assert refused.status == 410 and refused.problem["code"] == "revision_expired", since
    with client.watch() as watch:
        watch.listed()


def test_L5_a_restarted_core_makes_agents_list_again(fresh_run):
    from harness.server import Posternd
    posternd = Posternd(fresh_run, name="restarted").start()
    admin = posternd.set_up()
    access = Access(posternd, admin)
    client = access.client()
    client.sign_in()
    with access.gateway.watch() as at_gateway, client.watch() as watch:
        at_gateway.listed()
        watch.listed().one("resource", id=access.wiki)
        ready = client.connect(access.site, [access.wiki]).expect(201).json["id"]
        access.gateway.accept(at_gateway.one("connection", id=ready)).expect(204)
        watch.one("connection", id=ready, phase="ready")
        pending = client.connect(access.site, [access.wiki]).expect(201).json["id"]
        at_gateway.one("connection", id=pending)
        since = watch.until("a bookmark", lambda w: w.revision)
    posternd.restart()
    with client.watch(since) as refused:
        assert refused.status == 410  # what this agent was told is not remembered
    with access.gateway.watch() as at_gateway:
        at_gateway.listed()
        assert ("connection", ready) in at_gateway.state and at_gateway.one("grant", connection=ready)
        assert ("connection", pending) not in at_gateway.state  # its `r` went with the memory
        renewal = at_gateway.until("a renewal", lambda w: [e for e in w.events if e["type"] == "renewal"])
        assert renewal[0]["item"]["seq"] > 1


def test_a_newer_stream_of_the_same_agent_ends_the_older(access):
    client = access.client()
    client.sign_in()
    with client.watch() as old:
        old.listed()
        with client.watch() as new:
            new.listed()
            access.permit(access.payroll)
            new.one("resource", id=access.payroll)
            with pytest.raises(AssertionError):
                old.until("never", lambda w: ("resource", access.payroll) in w.state, timeout=5)
            assert old.ended


def test_status_shows_on_the_gateway(admin, access):
    access.gateway.report(applied_revision="abc.5", denied_packets=3)
    with access.gateway.watch() as watch:
        watch.listed()
        shown = admin.get(f"/api/v1/gateways/{access.gateway_id}").expect(200).json
        assert shown["online"] and shown["version"] == "1" and shown["applied_revision"] == "abc.5"
        assert shown["enrolled"]
