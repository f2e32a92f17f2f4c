# SPDX-License-Identifier: Apache-2.0
"""Every access and refusal has a record, written before it takes effect; agents hear of changes by themselves."""
import time

from harness import proofs
from harness.ground import PAYROLL
from harness.run import wait_for
from harness.world import PERSON


def decisions(world, **want):
    found = world.admin.items("/api/v1/decisions?limit=500")
    return [d for d in found if all(d.get(k) == v for k, v in want.items())]


def test_I5_an_access_is_recorded(world):
    assert world.laptop.fetch() == (200, 87)
    grants = decisions(world, kind="grant", resource_id=world.resources["wiki"]["id"])
    assert grants and grants[0]["verdict"] == "allow" and grants[0]["policies"] == [world.policy["id"]]


def test_I5_a_refusal_is_recorded(world):
    before = len(decisions(world, kind="packets"))
    proofs.denied(world)
    wait_for(lambda: f"the refused packets are reported\n{world.gateway_process.text()[-3000:]}", lambda: len(decisions(world, kind="packets")) > before, timeout=60, step=0.3)
    seen = [d for d in decisions(world, kind="packets") if d["destination"] == PAYROLL]
    assert seen and sum(d["packets"] for d in seen) >= 1


def test_I5_a_revocation_is_recorded(world):
    before = len(decisions(world, kind="revoke"))
    world.set_policy(False)
    wait_for("the revocation is recorded", lambda: len(decisions(world, kind="revoke")) > before)


def sessions_with_grants(world):
    try:
        return {s["session"] for s in world.gateway_sessions() if s["grants"]}
    except RuntimeError:  # the gateway does not run yet
        return None


def test_I5_gateway_killed_under_load_opens_nothing_unrecorded(world):
    """After kill -9 in the middle of a download every grant in force rests on a decision on disk."""
    download = proofs.Download(world, silence=20)
    world.gateway_process.kill()
    world.gateway_process.popen.wait()
    world.restart_gateway()
    wait_for(lambda: f"access is back\n{world.laptop.state()}", world.laptop.fetch, timeout=60)
    # The kernel lets the flow through already while the new process is not up yet or has not listed its state.
    open_for = wait_for("the gateway tells its grants", lambda: sessions_with_grants(world), timeout=60)
    assert open_for <= {d["session_id"] for d in decisions(world, kind="grant", verdict="allow")}
    download.process.stop()


def test_L1_a_policy_reaches_the_gateway_at_once(world):
    world.set_policy(False)
    wait_for("the wiki is shut", lambda: world.laptop.fetch(timeout=1) is None)
    world.set_policy(True)
    began = time.monotonic()
    wait_for(lambda: f"access is back\n{world.laptop.state()}", lambda: world.laptop.fetch(timeout=2))
    assert time.monotonic() - began < 10


def test_L3_up_establishes_a_tunnel(world):
    world.laptop.postern("down")
    assert world.laptop.fetch(timeout=1) is None
    world.laptop.postern("up")
    wait_for(lambda: f"the tunnel is there\n{world.laptop.state()}", world.laptop.fetch)
    handshakes = world.laptop.host.call("wg", "show", world.laptop.interface, "latest-handshakes").stdout.split()
    assert int(handshakes[1]) > 0


def test_L5_a_new_resource_appears_without_asking(world):
    site = world.resources["wiki"]["site_id"]
    extra = world.admin.create("/api/v1/resources", name="intranet", site_id=site, addresses=["10.50.0.2"],
                               ports=[{"protocol": "tcp", "first": 8082}])
    policy = world.admin.create("/api/v1/policies", name="engineering opens the intranet", effect="permit",
                                group_id=world.group["id"], resource_id=extra["id"])
    try:
        wait_for(f"{PERSON} sees the new resource", lambda: "intranet" in world.laptop.postern("resources").stdout)
    finally:
        world.admin.delete(f"/api/v1/policies/{policy['id']}").expect(200, 204)
        wait_for("the resource is gone", lambda: "intranet" not in world.laptop.postern("resources").stdout)
        world.admin.delete(f"/api/v1/resources/{extra['id']}").expect(200, 204)
