# SPDX-License-Identifier: Apache-2.0
"""Whoever may not any more, in the middle of a session: the running flow ends within two seconds, the command line
says what to do and exits with the status for that, and what is taken back afterwards works again."""
import contextlib
import time

import pytest
from harness.proofs import Download, Forced
from harness.run import binary, wait_for
from harness.world import PERSON
from whole import SLOWER

DENIED, NOT_SIGNED_IN = 4, 5


def device(whole):
    return whole.laptop_status()["device"]


def block(whole):
    """(what takes access away, what gives it back, status of `login` meanwhile, what that says)"""
    path = f"/api/v1/devices/{device(whole)}"
    return (lambda: whole.admin.post(f"{path}/block").expect(200), lambda: whole.admin.post(f"{path}/unblock").expect(200),
            DENIED, "ask your administrator")


def disable(whole):
    person = next(p for p in whole.admin.items("/api/v1/people") if p["email"] == PERSON)
    path = f"/api/v1/people/{person['id']}"
    return (lambda: whole.admin.patch(path, {"enabled": False}).expect(200),
            lambda: whole.admin.patch(path, {"enabled": True}).expect(200), NOT_SIGNED_IN, "sign")


def leave(whole):
    """The person signs out: nobody has to give anything back."""
    return lambda: whole.laptop_does(0, "signed out", "logout"), lambda: None, None, None


@pytest.mark.slow
@pytest.mark.parametrize("how", [block, disable, leave])
def test_A2_ends_in_mid_session(whole, how):
    take, give_back, status, says = how(whole)
    download = Download(whole, silence=2.5 * SLOWER)
    answer = take()
    took = whole.cut_within(download, getattr(answer, "at_ms", time.monotonic() * 1000))
    try:
        whole.shut(5)
        wait_for(lambda: f"nothing is open: {whole.kernel_grants()}", lambda: not whole.kernel_grants(), 10)
        wait_for(lambda: f"the client knows\n{whole.laptop.state()}", lambda: not whole.laptop_status()["signed_in"], 30)
        assert not whole.laptop.host.call("ip", "-4", "route", "show", "dev", "pst0", check=False).stdout
        for verb in ("up", "why"):
            whole.laptop_does(NOT_SIGNED_IN, "use postern login", verb, *["wiki"] * (verb == "why"))
        if status:
            whole.laptop_does(status, says, *whole.login)
    finally:
        give_back()
    whole.sign_in_again()
    print(f"{how.__name__}: cut after {took:.0f} ms")


@contextlib.contextmanager
def expired(whole, where):
    """As if a year had passed for one certificate."""
    def set_to(when):
        whole.sql(f"UPDATE postern.certificates SET expires_at = now() + interval '{when}' WHERE {where}")
    set_to("-1 second")
    try:
        yield
    finally:
        set_to("1 year")


@pytest.mark.slow
def test_A2_expired_certificate_of_the_client(whole):
    """Seen at the next request: `why` here, the next stream at the latest."""
    download = Download(whole, silence=2.5 * SLOWER)
    with expired(whole, f"device_id = '{device(whole)}'"):
        whole.laptop_does(DENIED, "enrol again", "why", "wiki")
        began = time.monotonic() * 1000
        whole.kill("front agents")  # which makes every agent connect anew
        whole.shut(20)
        whole.cut_within(download, began, 20000 * SLOWER)
        assert "enrol again" in whole.laptop_status()["problem"]
        assert "enrol again" in whole.laptop.postern("status", check=False).stdout
    whole.sign_in_again()


@pytest.mark.slow
def test_A2_expired_certificate_of_the_gateway(whole):
    """A gateway that is refused closes; it tries again and needs no hands once it is let in."""
    download = Download(whole, silence=2.5 * SLOWER)
    with expired(whole, f"gateway_id = '{whole.gateway['id']}'"):
        began = time.monotonic() * 1000
        whole.kill("front agents")
        whole.cut_within(download, began, 20000 * SLOWER)
        assert not whole.kernel_grants()
        assert "enrol again" in whole.gateway_process.text()
    whole.access_returns(60)


def test_A2_used_enrolment_string(whole):
    """On another host, with the string that the gateway was enrolled with."""
    other = whole.ground.sitenat.call(binary("postern-gateway"), "enroll", "--token-file", whole.run.dir / "enrolment",
                                      "--state-dir", whole.run.dir / "other-gateway", check=False)
    assert other.returncode == DENIED and "make a new one" in other.stderr, f"{other.returncode} {other.stderr}"


def settled_arrivals(ground):
    """Packets that reached wiki and payroll, once the last of earlier flows are through: fifty equal readings in a row."""
    seen = []

    def still():
        seen.append((ground.arrivals(ground.wiki), ground.arrivals(ground.payroll)))
        return len(seen) >= 50 and len(set(seen[-50:])) == 1 and seen[-1]
    return list(wait_for("earlier flows end", still, 30 * SLOWER))


@pytest.mark.slow
def test_A1_source_address_of_somebody_else(whole):
    """Packets with another person's inner address come out of the tunnel of nobody: WireGuard binds it to the key."""
    from harness.world import Laptop
    bob = Laptop(whole, whole.ground.laptop2, "bob@example.org", whole.add_person("bob@example.org", "Bob"))
    wait_for(lambda: f"bob reads the wiki\n{bob.state()}", bob.fetch, 30 * SLOWER)
    interface, stolen, ground = whole.laptop.interface, bob.inner, whole.ground
    force = Forced(whole.laptop, "10.50.0.0/24")
    arrived = settled_arrivals(ground)
    refused = whole.refused()
    whole.laptop.host.call("ip", "addr", "add", f"{stolen}/32", "dev", interface)
    try:
        for url in ("http://10.50.0.2/", "http://10.50.0.3:5432/"):
            out = whole.laptop.host.call("curl", "-sS", "-m2", "--interface", stolen, "-o", "/dev/null", url, check=False)
            assert out.returncode == 28, f"{url} with a stolen address: {out.returncode} {out.stderr}"  # not even refused
        assert [ground.arrivals(ground.wiki), ground.arrivals(ground.payroll)] == arrived
        assert whole.refused() == refused, "it came as far as the rules"
    finally:
        whole.laptop.host.call("ip", "addr", "del", f"{stolen}/32", "dev", interface)
        force.undo()
        bob.postern("logout", check=False)
        bob.process.stop()
