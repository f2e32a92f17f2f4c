# SPDX-License-Identifier: Apache-2.0
"""Somebody says nothing for long: the server to its agents, the network, the database. Access goes on for as long as
it should and no longer, and all is well again without hands."""
import contextlib
import os
import signal
import time

import pytest
from harness.ground import SITE_WAN
from harness.proofs import Download
from harness.run import wait_for
from whole import CUT_MS, RENEWAL_SPAN_S, SILENCE_S, SLOWER


def now_ms():
    return time.monotonic() * 1000


@contextlib.contextmanager
def held(pid):
    """A process that exists and does nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def cut(host, rule):
    """A network that loses what the rule matches, in the middle: both ends still think that they are connected."""
    host.call("nft", "-f", "-", input=f"""
table inet cut {{
    chain either_way {{
        type filter hook forward priority -300
        {rule}
    }}
}}""")
    try:
        yield
    finally:
        host.call("nft", "delete", "table", "inet", "cut")


def silence(whole, process, began_at):
    """Waits until an agent has noticed, and says after how long."""
    began = time.monotonic()
    wait_for(lambda: f"the agent notices\n{process.text()[-3000:]}",
             lambda: "state stream ended" in process.text()[began_at:], 60 * SLOWER)
    return time.monotonic() - began


def online_again(whole, within):
    began = time.monotonic()
    wait_for(lambda: f"the gateway is connected again\n{whole.state()}",
             lambda: whole.gateway_status()["connected"], within * SLOWER)
    return time.monotonic() - began


def connected(whole):
    """Connections of the site to the agents' listener, as the server's kernel knows them."""
    port = whole.server.agents_port
    return SITE_WAN in whole.ground.server.call("ss", "-Htn", "state", "established", "sport", "=", f":{port}").stdout


@pytest.mark.slow
def test_L5_nobody_renews_and_the_kernel_closes(whole):
    """Server silent, gateway's agent dead: what is left is the timeout of the kernel's elements."""
    download = Download(whole, silence=3 * SLOWER)
    with held(whole.victim("core")):
        whole.kill("gateway")
        died = now_ms()
        download.goes_on()
        assert {mark for _, mark, _ in whole.kernel_grants()}
        took = whole.cut_within(download, died, RENEWAL_SPAN_S * 1000 + CUT_MS)
        assert not whole.kernel_grants() and whole.laptop.fetch(timeout=1) is None
    print(f"cut {took / 1000:.1f} s after the last renewal could have come; it opens {RENEWAL_SPAN_S:.0f} s")
    whole.restart("gateway")
    whole.access_returns(20)


@pytest.mark.slow
def test_L5_a_gateway_that_hears_nothing_closes_and_comes_back(whole):
    """The way between gateway and server loses everything, WireGuard goes on: first nothing happens, three heartbeats
    later the gateway tries to connect anew, then the last renewal is used up."""
    download = Download(whole, silence=3 * SLOWER)
    gateway, said = whole.gateway_process, len(whole.gateway_process.text())
    with cut(whole.ground.sitenat, f"ip daddr {whole.server.address} drop\n ip saddr {whole.server.address} drop"):
        began = now_ms()
        noticed = silence(whole, gateway, said)
        assert noticed >= SILENCE_S - 1.5, "it gave up too early"
        download.goes_on()
        took = whole.cut_within(download, began, RENEWAL_SPAN_S * 1000 + CUT_MS)
        assert not whole.kernel_grants()
        wait_for("the server has given the old connection up", lambda: not connected(whole), 60 * SLOWER)
    back = online_again(whole, 40)
    returned = whole.access_returns(20)
    print(f"noticed after {noticed:.1f} s, cut after {took / 1000:.1f} s, connected {back:.1f} s and open "
          f"{back + returned:.1f} s after the way was there again")
    assert whole.gateway_process.pid == gateway.pid and gateway.alive()


@pytest.mark.slow
@pytest.mark.parametrize("side", ["site", "laptop"])
def test_D1_network_gone_and_back(whole, side):
    """Shorter than what a renewal opens, at the site for longer than three heartbeats: flows go on afterwards."""
    download = Download(whole, silence=60 * SLOWER)
    link = {"site": "side2", "laptop": "side1"}[side]
    with cut(whole.ground.internet, f"iifname {link} drop\n oifname {link} drop"):
        time.sleep(3 * SILENCE_S if side == "site" else SILENCE_S)
        assert whole.laptop.fetch(timeout=1) is None
    took = whole.access_returns(30)
    download.goes_on(60 * SLOWER)
    download.stop()
    connected = online_again(whole, 30)
    print(f"{side}: a new connection {took:.1f} s, the gateway connected {took + connected:.1f} s after the network was back")
    cut_ms = whole.revocation_cuts()
    print(f"a revocation cut after {cut_ms:.0f} ms")


@pytest.mark.slow
def test_I5_database_gone_for_a_while(whole):
    """Nothing can be changed and nobody asks anew, but what runs goes on until its last renewal is used up; afterwards
    a revocation cuts at once."""
    download = Download(whole, silence=3 * SLOWER)
    policy = f"/api/v1/policies/{whole.policy['id']}"
    with held(whole.server.process.pid):  # nobody starts another one
        began = time.monotonic()
        whole.kill("postgres")
        answer = wait_for("503", lambda: (a := whole.admin.get(policy)).status == 503 and a, 20 * SLOWER)
        assert int(answer.headers["retry-after"]) >= 1 and answer.code == "unavailable"
        answer = whole.admin.request("PATCH", policy, {"enabled": False}, etag='"1"')
        assert answer.status == 503 and int(answer.headers["retry-after"]) >= 1
        why = whole.laptop.postern("why", "payroll", check=False)
        assert why.returncode == 7 and "database" in why.stderr, f"{why.returncode} {why.stdout}{why.stderr}"
        while time.monotonic() - began < RENEWAL_SPAN_S / 2:
            download.goes_on()
        assert whole.kernel_grants()
    since = whole.change_policy(False).at_ms
    print(f"a revocation after the outage cut after {whole.cut_within(download, since):.0f} ms")
