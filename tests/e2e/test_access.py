# SPDX-License-Identifier: Apache-2.0
"""What a permitted person reaches, and that it is nothing else: random destinations, other ports and hosts, other
clients, the gateway itself, no policy at all."""
import json
import random
import socket
import time

import pytest
from harness import proofs
from harness.ground import GATEWAY, PAYROLL, SITE_WAN, WIKI, WIREGUARD_PORT
from harness.resources import WIKI_PORT
from harness.run import wait_for
from harness.world import Laptop

# What comes out of the tunnel and is on its way to somewhere, after all filters; the one permitted access apart.
SURVIVORS = """
table inet survivors {
    counter passed { }
    chain late {
        type filter hook forward priority 1000
        iifname "%s" ip daddr 10.50.0.2 tcp dport 80 accept
        iifname "%s" counter name passed
    }
    chain local {
        type filter hook input priority 1000
        iifname "%s" counter name passed
    }
}
"""


class Survivors:
    """Counts packets of the tunnel that the gateway let through to anywhere but wiki's port 80."""

    def __init__(self, world):
        self.host = world.ground.gateway
        tunnel = self.host.call("wg", "show", "interfaces").stdout.split()[0]
        self.host.call("nft", "-f", "-", input=SURVIVORS % (tunnel, tunnel, tunnel))

    def count(self):
        out = json.loads(self.host.call("nft", "-j", "list", "counter", "inet", "survivors", "passed").stdout)
        return next(r["counter"]["packets"] for r in out["nftables"] if "counter" in r)

    def remove(self):
        self.host.call("nft", "delete", "table", "inet", "survivors")


@pytest.fixture
def survivors(world):
    s = Survivors(world)
    yield s
    s.remove()


@pytest.fixture
def everywhere(world):
    """The laptop's owner sends any private destination into the tunnel."""
    force = proofs.Forced(world.laptop, "10.0.0.0/8")
    yield force
    force.undo()


def refuses_more(world, before, at_least):
    return wait_for(lambda: f"the gateway counts {at_least} refused packets, now {world.refused() - before}",
                    lambda: world.refused() - before >= at_least, timeout=30)


def random_destinations(n, rng):
    """Half of them at the two resource hosts, where something would answer."""
    for _ in range(n):
        address = rng.choice([WIKI, PAYROLL]) if rng.random() < 0.5 else f"10.50.0.{rng.randrange(1, 255)}"
        yield address, rng.randrange(1, 65536)


def spray(world, destinations):
    with world.laptop.host.network():
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sent = 0
    for n, destination in enumerate(destinations):
        try:
            udp.sendto(b"postern", destination)
            sent += 1
        except OSError:
            pass  # the refusal of an earlier one, told by ICMP
        if n % 50 == 0:
            time.sleep(0.005)  # the engine's queue is finite, and this is about the gateway
    udp.close()
    return sent


def connects(world, destination, timeout=0.5):
    with world.laptop.host.network():
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with tcp:
        tcp.settimeout(timeout)
        try:
            tcp.connect(destination)
            return True
        except OSError:
            return False


def test_A1_random_destinations_only_the_granted_passes(world, survivors, everywhere):
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    assert world.laptop.fetch() == (200, 87)
    refused, payroll = world.refused(), world.ground.arrivals(world.ground.payroll)
    sent = spray(world, random_destinations(10_000, rng))
    everywhere.apply()
    for destination in random_destinations(100, rng):
        if destination != (WIKI, WIKI_PORT):
            assert not connects(world, destination, timeout=0.3), destination
    refuses_more(world, refused, sent // 2)
    assert survivors.count() == 0
    assert world.ground.arrivals(world.ground.payroll) == payroll
    assert world.laptop.fetch() == (200, 87), "what is granted still passes"


def test_A2_other_ports_and_hosts_stay_shut(world, survivors, everywhere):
    wiki = world.ground.wiki
    other = wiki.start("other", ["/usr/bin/python3", "-m", "http.server", "8080", "--bind", WIKI])
    wait_for("the other port listens", lambda: "8080" in wiki.call("ss", "-ltn").stdout)
    assert world.ground.gateway.call("curl", "-sS", "-m5", "-o", "/dev/null", f"http://{WIKI}:8080/").returncode == 0
    refused = world.refused()
    for destination in ((WIKI, 8080), (WIKI, 443), (WIKI, 22), (PAYROLL, 80), (PAYROLL, 5432)):
        assert not connects(world, destination), destination
    refuses_more(world, refused, 5)
    assert survivors.count() == 0
    assert world.laptop.fetch() == (200, 87)
    other.stop()


def test_A4_without_a_policy_nothing_is_forwarded(world, survivors, everywhere):
    world.set_policy(False)
    wait_for("the wiki is shut", lambda: world.laptop.fetch(timeout=1) is None)
    arrived = {h: world.ground.arrivals(h) for h in (world.ground.wiki, world.ground.payroll)}
    everywhere.apply()
    for destination in ((WIKI, WIKI_PORT), (PAYROLL, 5432), (WIKI, 443)):
        assert not connects(world, destination)
    spray(world, random_destinations(500, random.Random(4)))
    world.laptop.host.call("ping", "-c2", "-W1", WIKI, check=False)  # what was sent before it has arrived, or never will
    assert survivors.count() == 0
    assert {h: world.ground.arrivals(h) for h in arrived} == arrived


def test_H1_gateway_host_is_no_resource(world, survivors, everywhere):
    """Neither by its address at the resources nor by the one on its own network, nor back out of the tunnel."""
    listening = world.ground.gateway.start("listener", ["/usr/bin/python3", "-m", "http.server", "8081"])
    wait_for("the gateway's host listens", lambda: "8081" in world.ground.gateway.call("ss", "-ltn").stdout)
    refused = world.refused()
    host_force = proofs.Forced(world.laptop, f"{GATEWAY}/32")
    for address in ("10.50.0.1", GATEWAY):
        host_force.apply() if address == GATEWAY else everywhere.apply()
        assert not connects(world, (address, 8081)), address
    host_force.undo()
    refuses_more(world, refused, 2)
    assert survivors.count() == 0
    listening.stop()


@pytest.mark.slow
def test_H1_clients_cannot_reach_each_other(world, survivors):
    password = world.add_person("bob@example.org", "Bob")
    bob = Laptop(world, world.ground.laptop2, "bob@example.org", password)
    wait_for(lambda: f"bob reads the wiki\n{bob.state()}", bob.fetch, timeout=30)
    bob.host.call("nft", "-f", "-", input=f"""
table inet proof {{
    counter arrived {{ }}
    chain early {{
        type filter hook prerouting priority -300
        iifname "{bob.interface}" ct state new counter name arrived
    }}
}}""")
    refused = world.refused()
    force = proofs.Forced(world.laptop, f"{bob.inner}/32")
    try:
        def refused_some():
            force.apply()
            connects(world, (bob.inner, 22), timeout=0.3)
            world.laptop.host.call("ping", "-c1", "-W1", bob.inner, check=False)
            return world.refused() - refused >= 2
        wait_for("the gateway refuses packets between clients", refused_some)
    finally:
        force.undo()
    assert "packets 0 " in bob.host.call("nft", "list", "counter", "inet", "proof", "arrived").stdout + " "
    assert survivors.count() == 0
    bob.postern("down")


@pytest.mark.slow
def test_H2_a_stranger_sees_nothing(world):
    """From the internet through the NAT, and from the gateway's own network, where no NAT helps."""
    for host, address in ((world.ground.internet, SITE_WAN), (world.ground.sitenat, GATEWAY)):
        tcp = host.call("nmap", "-n", "-Pn", "-sS", "--max-retries", "1", "-T5", "--top-ports", "1000", "-oG", "-", address,
                        timeout=120).stdout
        assert "/open/" not in tcp, tcp
        udp = host.call("nmap", "-n", "-Pn", "-sU", "--max-retries", "1", "-T5", "-p", f"53,123,161,500,{WIREGUARD_PORT}",
                        "-oG", "-", address, timeout=120).stdout
        assert f"{WIREGUARD_PORT}/open/" not in udp, udp
        with host.network():
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(1)
        # Also not to what looks like a handshake initiation of a stranger.
        s.sendto(b"\x01\x00\x00\x00" + random.randbytes(144), (address, WIREGUARD_PORT))
        with pytest.raises(TimeoutError):
            s.recv(100)
        s.close()


def test_H2_gateway_only_connects_outwards(world):
    gateway = world.ground.gateway
    assert gateway.call("ss", "-Hltn").stdout == "", "a TCP port listens"
    peers = {line.split()[3] for line in gateway.call("ss", "-Htn", "state", "established").stdout.splitlines()}
    assert peers == {f"{world.server.address}:{world.server.agents_port}"}
