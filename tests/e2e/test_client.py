# SPDX-License-Identifier: Apache-2.0
"""The client on its host: what it leaves alone, what it takes over, how its session key changes under a running flow."""
import json
import os
import shutil
import signal
import time

import pytest
from harness import proofs
from harness.ground import WIKI
from harness.run import binary, wait_for

OURS = "181"
NOBODY = 65534


def public_key(world):
    return world.laptop.host.call("wg", "show", world.laptop.interface, "public-key").stdout.strip()


def routes(world, *what):
    return json.loads(world.laptop.host.call("ip", "-j", "-N", "route", "show", "table", "main", *what).stdout)


def status(world):
    return json.loads(world.laptop.postern("status", "-o", "json").stdout)


def fetches(world):
    wait_for(lambda: f"the wiki answers\n{world.laptop.state()}", lambda: world.laptop.fetch(timeout=2), timeout=40)


@pytest.fixture
def daemon(world):
    """Ends the daemon by a signal and starts another."""
    laptop = world.laptop

    def restart(signo):
        laptop.process.kill(signo)
        laptop.process.popen.wait(20)
        laptop.process = laptop.host.start("postern", [binary("postern"), "daemon"])
        wait_for("the daemon answers", lambda: laptop.postern("status", check=False).returncode in (0, 5))
    return restart


@pytest.mark.slow
def test_D1_the_session_key_changes_under_a_running_flow(world):
    """Another permitted resource needs another connection, and so another key: no flow ends for it."""
    download, before = proofs.Download(world, silence=8), public_key(world)
    extra = world.admin.create("/api/v1/policies", name="engineering pays", effect="permit", group_id=world.group["id"],
                               resource_id=world.resources["payroll"]["id"])
    try:
        wait_for(lambda: f"another key\n{world.laptop.state()}", lambda: public_key(world) != before)
        began = time.monotonic()
        wait_for(lambda: f"payroll is reachable\n{world.laptop.state()}",
                 lambda: all(r["reachable"] for r in json.loads(world.laptop.postern("resources", "-o", "json").stdout)))
        while time.monotonic() - began < 3:  # a flow that broke would say so within its silence
            assert "end" not in download.process.text().split(), download.process.text()
            time.sleep(0.1)
        assert world.laptop.fetch() == (200, 87)
        assert len(status(world)["sites"]) == 1
    finally:
        world.admin.delete(f"/api/v1/policies/{extra['id']}").expect(200, 204)
    assert "end" not in download.process.text().split(), download.process.text()
    world.set_policy(False)
    download.end()


def test_L3_a_killed_daemon_takes_its_tunnels_over(world, daemon):
    """kill -9: packets flow on without a daemon, the next one keeps key and tunnel."""
    key, inner = public_key(world), world.laptop.inner
    download = proofs.Download(world, silence=5)
    daemon(signal.SIGKILL)
    wait_for("the daemon is connected", lambda: status(world)["connected"])
    assert public_key(world) == key and world.laptop.inner == inner
    assert "end" not in download.process.text().split()
    assert [s["state"] for s in status(world)["sites"]] == ["up"]
    download.process.stop()


def test_L3_a_stopped_daemon_leaves_nothing_and_resumes(world, daemon):
    world.laptop.process.stop()
    assert not routes(world, "proto", OURS)
    assert not world.laptop.host.call("wg", "show", "interfaces").stdout.strip()
    daemon(signal.SIGTERM)  # there is none any more: only starts
    fetches(world)
    assert status(world)["up"]


def test_L3_an_engine_that_dies_is_started_again(world):
    host = world.laptop.host
    pids = [p for p in host.pids() if b"wireguard-go" in open(f"/proc/{p}/cmdline", "rb").read()]
    assert len(pids) == 1
    os.kill(pids[0], signal.SIGKILL)
    fetches(world)


def test_A2_only_permitted_resources_have_routes_and_others_stay(world, daemon):
    host = world.laptop.host
    host.sh("ip route add 10.77.0.0/16 via 192.168.1.1 proto static; ip route add 10.50.0.77/32 via 192.168.1.1 proto 181")
    foreign = [r for r in routes(world) if r.get("protocol") != OURS]
    try:
        daemon(signal.SIGKILL)
        wait_for("ours are exactly the permitted",
                 lambda: [r["dst"] for r in routes(world, "proto", OURS)] == [WIKI])
        assert [r for r in routes(world) if r.get("protocol") != OURS] == foreign
        world.laptop.postern("down")
        assert not routes(world, "proto", OURS)
        assert [r for r in routes(world) if r.get("protocol") != OURS] == foreign
    finally:
        host.call("ip", "route", "del", "10.77.0.0/16", check=False)
        world.laptop.postern("up")


def test_A2_a_local_route_in_the_way_is_told_and_kept(world):
    host = world.laptop.host
    world.laptop.postern("down")
    host.sh(f"ip route add {WIKI}/32 via 192.168.1.1 proto static")
    try:
        world.laptop.postern("up")
        assert [r["protocol"] for r in routes(world, "exact", f"{WIKI}/32")] == ["4"]
        assert any(WIKI in c for c in status(world)["clashes"])
        assert "in the way" in world.laptop.postern("status").stdout
    finally:
        host.sh(f"ip route del {WIKI}/32 proto static")
        world.laptop.postern("down")
        world.laptop.postern("up")


def test_L1_unknown_and_unknowable_names_get_the_same_answer(world):
    answers = [world.laptop.postern("why", name, check=False) for name in ("payroll", "no-such-thing")]
    assert [a.returncode for a in answers] == [4, 4]
    assert answers[0].stdout == answers[1].stdout
    assert world.laptop.postern("why", "wiki").returncode == 0


def test_A1_other_users_of_the_machine_are_refused(world):
    """The daemon's socket is open to all; who is signed in owns the session."""
    program = world.run.dir / "postern-of-nobody"  # the checkout may be closed to others
    shutil.copy(binary("postern"), program)
    for verb in ("status", "resources", "down", "logout"):
        out = world.laptop.host.call(program, verb, check=False, user=NOBODY)
        assert out.returncode == 4, f"{verb}: {out.returncode} {out.stdout}{out.stderr}"
    assert world.laptop.fetch() == (200, 87)


def test_L3_sign_out_ends_everything(world):
    laptop = world.laptop
    laptop.postern("logout")
    try:
        assert laptop.postern("status", check=False).returncode == 5
        assert laptop.postern("up", check=False).returncode == 5
        assert not routes(world, "proto", OURS)
        wait_for("the gateway has no session", lambda: not world.gateway_sessions())
        bad = laptop.postern("login", "--email", laptop.email, "--password-file",
                             world.secret_file("wrong", "not the password"), check=False)
        assert bad.returncode == 5, bad.stderr
    finally:
        laptop.postern("login", "--email", laptop.email, "--password-file", world.run.dir / f"password-{laptop.host.name}")
        up = laptop.postern("up")
    assert "up: 1 site reached" in up.stderr, up.stderr
    assert "asking for access…" in up.stderr or "waiting for gateway…" in up.stderr, up.stderr
    fetches(world)


def test_A2_a_deleted_device_is_enrolled_again_at_sign_in(world):
    """With a key of its own; a wrong password leaves it as it was, and a device of somebody else is no way in."""
    laptop = world.laptop
    word = world.run.dir / f"password-{laptop.host.name}"

    def login(email, file):
        return laptop.postern("login", "--email", email, "--password-file", file, check=False)

    def devices():
        return {d["id"] for d in world.admin.get("/api/v1/devices").expect(200).json["items"]}

    others = world.secret_file("password-other", world.add_person("other@example.org", "Other"))
    stranger = login("other@example.org", others)
    assert stranger.returncode == 4 and "deleted it" in stranger.stderr, stranger.stderr
    before = devices()
    mine = next(d["id"] for d in world.admin.get("/api/v1/devices").expect(200).json["items"] if d["name"] == "laptop")
    world.admin.delete(f"/api/v1/devices/{mine}").expect(204)
    wait_for("the device knows", lambda: laptop.postern("status", check=False).returncode == 5)
    wrong = login(laptop.email, world.secret_file("wrong", "not the password"))
    assert wrong.returncode == 5, wrong.stderr
    again = login(laptop.email, word)
    assert again.returncode == 0 and "anew" in again.stderr, again.stderr
    assert len(devices()) == len(before) and mine not in devices()
    laptop.postern("up")
    fetches(world)
