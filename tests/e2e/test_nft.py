# SPDX-License-Identifier: Apache-2.0
"""The gateway's rules in the kernel, without WireGuard: a cable stands for the tunnel. Clients 100.64.0.2 and .3 sit at
its far end, resources 10.50.0.0/24 behind the gateway; the same in IPv6."""
import ipaddress
import random
import re
import socket
import threading
import time

import pytest

from harness.ground import SYSCTLS, Ground
from harness.host import Host
from harness.nft import Driver
from harness.run import wait_for

TCP, UDP, ICMP = 6, 17, 1
C1, C2, WIKI, OTHER = "100.64.0.2", "100.64.0.3", "10.50.0.2", "10.50.0.3"
C1_6, C2_6, WIKI_6 = "fd00:64::2", "fd00:64::3", "fd00:50::2"
WEB = [(f"{WIKI}", TCP, 80), (WIKI_6, TCP, 80)]


class Site:
    def __init__(self, run):
        self.client, self.gateway, self.resource = (Host(run, n) for n in ("client", "gateway", "resource"))
        for host in (self.client, self.gateway, self.resource):
            host.sh(SYSCTLS + "sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0")
        Ground._cable(self.client, "eth0", self.gateway, "pstun")
        Ground._cable(self.gateway, "lan", self.resource, "eth0")
        self.gateway.sh("""
            ip addr add 100.64.0.1/24 dev pstun; ip -6 addr add fd00:64::1/64 dev pstun nodad
            ip addr add 10.50.0.254/24 dev lan; ip -6 addr add fd00:50::1/64 dev lan nodad""")
        self.client.sh(f"""
            for a in {C1} {C2}; do ip addr add $a/24 dev eth0; done
            for a in {C1_6} {C2_6}; do ip -6 addr add $a/64 dev eth0 nodad; done
            ip route add default via 100.64.0.1; ip -6 route add default via fd00:64::1""")
        # A tunnel has no neighbours to discover; a cable does, and the gateway's host hears nothing from it.
        self.client.sh("ip link set eth0 address 02:00:00:00:00:01;"
                       "ip -6 neigh add fd00:64::1 lladdr 02:00:00:00:00:02 dev eth0 nud permanent")
        self.gateway.sh("ip link set pstun address 02:00:00:00:00:02; for a in 2 3; do"
                        " ip -6 neigh add fd00:64::$a lladdr 02:00:00:00:00:01 dev pstun nud permanent; done")
        # Every address of the site answers, so that only the gateway decides.
        self.resource.sh("""
            ip addr add 10.50.0.2/24 dev eth0; ip -6 addr add fd00:50::2/64 dev eth0 nodad
            ip route add local 10.50.0.0/25 dev lo
            sysctl -qw net.ipv4.conf.eth0.proxy_arp=1 net.ipv4.neigh.eth0.proxy_delay=0""")
        self.gateway.sh("ip route replace 10.50.0.0/24 via 10.50.0.2 dev lan onlink")
        self.sockets = []
        for family, any_ in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            for port in (80, 81):
                with self.resource.network():
                    s = socket.create_server((any_, port), family=family)
                threading.Thread(target=self._serve, args=(s,), daemon=True).start()
                self.sockets.append(s)
            with self.resource.network():
                u = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                u.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            u.bind((any_, 53))
            threading.Thread(target=self._echo, args=(u,), daemon=True).start()
            self.sockets.append(u)

    @staticmethod
    def _serve(listener):
        """Every connection gets bytes until it ends."""
        def pour(c):
            try:
                while True:
                    c.sendall(b"x" * 4096)
            except OSError:
                c.close()
        while True:
            try:
                c, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=pour, args=(c,), daemon=True).start()

    @staticmethod
    def _echo(u):
        while True:
            try:
                data, peer = u.recvfrom(2048)
                u.sendto(data, peer)
            except OSError:
                return

    def connect(self, source, address, port, kind=socket.SOCK_STREAM, timeout=2):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.client.network():
            s = socket.socket(family, kind)
        s.settimeout(timeout)
        s.bind((source, 0))
        try:
            s.connect((address, port))
        except OSError:
            s.close()
            raise
        return s

    def reaches(self, source, address, protocol, port=0):
        """True: answered; False: refused at once; an exception when nothing was heard."""
        if protocol == ICMP:
            host = self.client.call("ping", "-n", "-c1", "-W2", "-I", source, address, check=False)
            assert host.returncode in (0, 1), host.stderr
            if host.returncode:
                assert re.search(r"filtered|prohibited", host.stdout, re.I), host.stdout
            return host.returncode == 0
        try:
            with self.connect(source, address, port, socket.SOCK_STREAM if protocol == TCP else socket.SOCK_DGRAM) as s:
                if protocol == UDP:
                    s.send(b"hello")
                return bool(s.recv(5))
        except (ConnectionRefusedError, ConnectionResetError):
            return False
        except OSError as e:
            assert not isinstance(e, TimeoutError), f"{source} -> {address}:{port}: silence"
            return False


class Flow:
    """A download that notes when its last byte came."""

    def __init__(self, site, source=C1, address=WIKI, port=80):
        self.socket = site.connect(source, address, port)
        self.last_ns, self.total, self.ended = time.monotonic_ns(), 0, threading.Event()
        self.socket.settimeout(1)
        threading.Thread(target=self._read, daemon=True).start()
        wait_for("the download flows", lambda: self.total > 100_000)

    def _read(self):
        try:
            while n := len(self.socket.recv(1 << 16)):
                self.last_ns, self.total = time.monotonic_ns(), self.total + n
        except OSError:
            pass
        self.ended.set()

    def flows(self):
        """More bytes arrive from now on."""
        before = self.total
        wait_for("more bytes", lambda: self.total > before + 100_000, timeout=5)
        return True

    def end(self, timeout=10):
        assert self.ended.wait(timeout), "the download was not cut"
        self.socket.close()
        return self.last_ns


@pytest.fixture(scope="module")
def site(run):
    s = Site(run)
    yield s
    for sock in s.sockets:
        sock.close()


@pytest.fixture
def driver(site, run):
    d = Driver(site.gateway, "postern-test", "pstun")
    yield d
    d.close()
    site.gateway.call("nft", "delete", "table", "inet", "postern-test", check=False)


def counted(site):
    return int(re.search(r"packets (\d+)", site.gateway.call("nft", "list", "counter", "inet", "postern-test",
                                                              "refused").stdout)[1])


def test_A4_without_a_grant_nothing_passes(site, driver):
    driver.change({"web": WEB, "dns": [(WIKI, UDP, 53)], "ping": [(WIKI, ICMP, None), (WIKI_6, 58, None)]})
    before = counted(site)
    for protocol, port in ((TCP, 80), (UDP, 53), (ICMP, 0)):
        assert not site.reaches(C1, WIKI, protocol, port)
        assert not site.reaches(C1_6, WIKI_6, protocol, port)
    assert counted(site) >= before + 6


def test_A2_only_the_port_and_host_of_the_grant(site, driver):
    driver.change({"web": WEB, "dns": [(WIKI, UDP, 53)], "ping": [(WIKI, ICMP, None), (WIKI_6, 58, None)]},
                  grants=[(C1, "web"), (C1_6, "web"), (C1, "ping")])
    assert site.reaches(C1, WIKI, TCP, 80) and site.reaches(C1_6, WIKI_6, TCP, 80)
    assert site.reaches(C1, WIKI, ICMP)
    assert not site.reaches(C1, WIKI, TCP, 81), "another port of the same host"
    assert not site.reaches(C1_6, WIKI_6, TCP, 81)
    assert not site.reaches(C1, WIKI, UDP, 53), "another protocol"
    assert not site.reaches(C1, OTHER, TCP, 80), "another host of the same subnet"
    assert not site.reaches(C2, WIKI, TCP, 80), "another client"
    assert not site.reaches(C2_6, WIKI_6, TCP, 80)
    assert not site.reaches(C1_6, WIKI_6, ICMP)


def test_A1_ten_thousand_random_destinations(site, driver):
    """Exactly those packets arrive that a model of the boxes lets pass."""
    rng = random.Random(seed := random.randrange(1 << 32))
    print("seed", seed)
    boxes = [("10.50.0.16/28", UDP, (1000, 1999)), ("10.50.0.64/26", UDP, (1500, 1500)), ("10.50.0.5", UDP, None)]
    driver.change({"a": boxes[:1], "b": boxes[1:]}, grants=[(C1, "a"), (C1, "b")])
    site.resource.call("nft", "-f", "-", input="""
        table inet arrived {
            counter datagrams { }
            chain early { type filter hook prerouting priority -300; policy accept; meta l4proto udp counter name datagrams drop; }
        }""")
    nets = [(ip_range(p), f) for p, _, f in boxes]
    allowed = 0
    with site.client.network():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((C1, 0))
    try:
        for _ in range(10_000):
            host, port = rng.randrange(1, 128), rng.choice((53, 999, 1000, 1500, 1999, 2000, rng.randrange(1, 65536)))
            allowed += any(lo <= host <= hi and (f is None or f[0] <= port <= f[1]) for (lo, hi), f in nets)
            s.sendto(b"x", (f"10.50.0.{host}", port))
        assert allowed > 100
        arrived = lambda: int(re.search(r"packets (\d+)", site.resource.call(  # noqa: E731
            "nft", "list", "counter", "inet", "arrived", "datagrams").stdout)[1])
        wait_for(lambda: f"{allowed} packets, {arrived()} so far", lambda: arrived() >= allowed)
        assert arrived() == allowed
    finally:
        s.close()
        site.resource.call("nft", "delete", "table", "inet", "arrived")


def ip_range(prefix):
    base, _, bits = prefix.partition("/")
    first = int(base.rsplit(".", 1)[1])
    return first, first + (1 << 32 - int(bits or 32)) - 1


@pytest.mark.parametrize("source, address", [(C1, WIKI), (C1_6, WIKI_6)])
def test_A2_revoke_cuts_a_live_flow(site, driver, source, address):
    driver.change({"web": WEB}, grants=[(source, "web")])
    took = []
    for _ in range(5):
        flow = Flow(site, source, address)
        start, _ = driver.change(drop=[(source, "web")])
        took.append((flow.end() - start) / 1000)
        driver.change(grants=[(source, "web")])
    print("last byte after the call began, in microseconds:", [round(t) for t in took])
    assert sorted(took)[2] < 2_000_000


def test_A1_grants_expire_in_the_kernel_when_the_agent_is_dead(site, driver):
    driver.change({"web": WEB}, grants=[(C1, "web", 1500)])
    granted = time.monotonic_ns()
    flow = Flow(site)
    driver.kill()
    lived = (flow.end() - granted) / 1e9
    assert 1.0 < lived < 3.5
    assert not site.reaches(C1, WIKI, TCP, 80)


def test_A1_renewal_keeps_a_flow_alive_and_replaces_the_time(site, driver):
    driver.change({"web": WEB}, grants=[(C1, "web", 1000)])
    flow, began = Flow(site), time.monotonic()
    for _ in range(6):
        time.sleep(0.3)
        driver.change(grants=[(C1, "web", 1000)])
    assert flow.flows() and time.monotonic() - began > 1.5
    renewed = time.monotonic_ns()
    driver.change(grants=[(C1, "web", 300)])
    assert flow.end() - renewed < 1e9, "a shorter time counts as well"
    driver.change(grants=[(C1, "web")], drop=[])
    assert site.reaches(C1, WIKI, TCP, 80), "given again after it expired"
    driver.change(drop=[(C1, "web")])
    driver.change(drop=[(C1, "web")])  # revoking what is gone is no error


def test_A2_a_changed_class_cuts_its_flows_and_no_others(site, driver):
    driver.change({"web": WEB, "alt": [(WIKI, TCP, 81)]}, grants=[(C1, "web"), (C1, "alt")])
    old, alt = driver.mark("web"), driver.mark("alt")
    moved, stays = Flow(site), Flow(site, port=81)
    # The new content is granted at once, yet the flow that began under the old one ends.
    driver.change({"web": [*WEB, (WIKI, TCP, 443)], "alt": [(WIKI, TCP, 81)]}, grants=[(C1, "web")])
    moved.end()
    assert driver.mark("web") > old and driver.mark("alt") == alt
    assert stays.flows()
    assert site.reaches(C1, WIKI, TCP, 80)
    assert {g[1] for g in driver.grants()} == {driver.mark("web"), alt}, "grants of the old mark are gone"
    # Back to the old content: its old mark is not used again.
    driver.change({"web": WEB, "alt": [(WIKI, TCP, 81)]})
    assert driver.mark("web") > old + 1
    driver.change({"web": WEB})
    stays.end()


def test_A1_a_new_agent_finds_what_the_old_one_left(site, driver):
    driver.change({"web": WEB, "alt": [(WIKI, TCP, 81)]}, grants=[(C1, "web"), (C1, "alt")])
    marks, flow = driver.mark("web"), Flow(site)
    driver.kill()
    driver.start()
    driver.change({"web": WEB})
    assert driver.mark("web") == marks and flow.flows()
    assert [g[:2] for g in driver.grants()] == [(C1, marks)]
    driver.change({})
    flow.end()
    driver.kill()
    driver.start()
    driver.change({"web": WEB})
    assert driver.mark("web") > marks + 1, "marks are not reused although no class remembered them"


def test_A1_marks_survive_even_the_loss_of_the_table(site, driver):
    driver.change({"other": [(WIKI, TCP, 81)]}, grants=[(C1, "other")])
    driver.change({"web": WEB}, grants=[(C1, "web")])
    flow, mark = Flow(site), driver.mark("web")
    site.gateway.call("nft", "delete", "table", "inet", "postern-test")
    driver.begin({"web": WEB})
    assert driver.commit_error() == "ENOENT"
    driver.start()
    driver.change({"alt": [(WIKI, TCP, 81)]}, grants=[(C1, "alt")])
    flow.end()
    assert driver.mark("alt") > mark


@pytest.mark.parametrize("harm", ["flush ruleset", "flush table inet postern-test", "flush chain inet postern-test ask",
                                  "insert rule inet postern-test forward accept", "delete table inet postern-test"])
def test_A1_rules_that_somebody_changed_are_noticed_and_made_again(site, driver, harm):
    driver.change({"web": WEB}, grants=[(C1, "web")])
    driver.say("check")
    site.gateway.call("nft", harm)
    assert driver.ask("check") == ["error", "ESTALE"]
    driver.say("remake")
    driver.say("check")
    assert not site.reaches(C1, WIKI, TCP, 80), "made again, it is closed"
    driver.change({"web": WEB}, grants=[(C1, "web")])
    assert site.reaches(C1, WIKI, TCP, 80) and not site.reaches(C1, WIKI, TCP, 81)


def test_H1_clients_cannot_reach_each_other_or_the_gateway(site, driver):
    everything = [("0.0.0.0/0", (0, 255), None), ("::/0", (0, 255), None)]
    driver.change({"all": everything}, grants=[(C1, "all"), (C1_6, "all")])
    assert site.reaches(C1, WIKI, TCP, 81) and site.reaches(C1_6, WIKI_6, UDP, 53)
    # Addresses that only the gateway can route back into the tunnel.
    site.gateway.sh(f"ip route add 100.64.7.0/24 via {C2} dev pstun; ip -6 route add fd00:67::/64 via {C2_6} dev pstun")
    for address in ("100.64.7.9", "fd00:67::9"):
        source = C1_6 if ":" in address else C1
        assert not site.reaches(source, address, TCP, 80), "client to client"
        assert not site.reaches(source, address, UDP, 53)
    for source, address in ((C1, "100.64.0.1"), (C1, "10.50.0.254"), (C1_6, "fd00:64::1"), (C1_6, "fd00:50::1")):
        for protocol, port in ((TCP, 22), (UDP, 53), (ICMP, 0)):
            assert not site.reaches(source, address, protocol, port), "the gateway's own host"


def test_H1_the_site_cannot_begin_flows_to_clients(site, driver):
    driver.change({"all": [("0.0.0.0/0", (0, 255), None)]}, grants=[(C1, "all")])
    with site.client.network():
        listener = socket.create_server((C1, 4444))
    site.resource.sh("ip route replace 100.64.0.0/24 via 10.50.0.254")
    with site.resource.network():
        s = socket.socket()
    s.settimeout(3)
    with listener, s, pytest.raises(ConnectionRefusedError):
        s.connect((C1, 4444))


def test_A4_refusals_are_reported_once(site, driver):
    driver.change({"web": WEB}, grants=[(C1, "web")])
    driver.denied()
    for _ in range(3):
        assert not site.reaches(C1, WIKI, TCP, 81)
    assert not site.reaches(C1_6, WIKI_6, ICMP)
    found = driver.denied()
    assert (C1, WIKI, TCP, 81, 3) in found
    assert [f for f in found if f[0] == C1_6 and f[1] == WIKI_6 and f[2] == 58 and f[3] == 0]
    assert driver.denied() == []


def test_A1_others_rules_neither_open_nor_change(site, driver):
    site.gateway.call("nft", "-f", "-", input="""
        table inet others {
            chain early { type filter hook forward priority -50; policy accept; accept; }
            chain late { type filter hook forward priority 50; policy accept; accept; }
        }""")
    before = site.gateway.call("nft", "list", "table", "inet", "others").stdout
    driver.change({"web": WEB}, grants=[(C1, "web")])
    assert not site.reaches(C1, WIKI, TCP, 81)
    assert site.gateway.call("nft", "list", "table", "inet", "others").stdout == before
    site.gateway.call("nft", "delete", "table", "inet", "others")


def tracked(site, address):
    """Flows that this address began, as the gateway tracks them."""
    full = ipaddress.ip_address(address).exploded if ":" in address else address
    lines = site.gateway.call("cat", "/proc/net/nf_conntrack").stdout.splitlines()
    return [line for line in lines if re.search(r"src=(\S+)", line)[1] == full]


def test_A1_flows_of_an_address_are_forgotten_before_its_reuse(site, driver):
    driver.change({"dns": [(WIKI, UDP, 53), (WIKI_6, UDP, 53)]}, grants=[(C1, "dns"), (C2, "dns"), (C1_6, "dns")])
    assert all(site.reaches(*a) for a in ((C1, WIKI, UDP, 53), (C2, WIKI, UDP, 53), (C1_6, WIKI_6, UDP, 53)))
    assert all(tracked(site, c) for c in (C1, C2, C1_6))
    driver.say("forget", C1)
    driver.say("forget", C1_6)
    assert not tracked(site, C1) and not tracked(site, C1_6) and tracked(site, C2)
