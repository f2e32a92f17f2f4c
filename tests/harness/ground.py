# SPDX-License-Identifier: Apache-2.0
"""The testing ground, all routed veth, no bridge:

    laptop2 192.168.3.2 --.
    laptop 192.168.1.2 -- nat -- internet -- site NAT -- gateway 192.168.2.2
                                    |                       |-- wiki    10.50.0.2
                       server 198.18.1.2                    `-- payroll 10.50.0.3

NAT kinds: pub (none), cone (endpoint-independent filtering), easy (endpoint-independent mapping), hard (a random
port per destination). The site's NAT forwards one UDP port to the gateway."""
import re
import subprocess

from .host import Host

SERVER, GATEWAY, LAPTOP = "198.18.1.2", "192.168.2.2", "192.168.1.2"
LAPTOP_WAN, SITE_WAN = "198.18.11.2", "198.18.12.2"
WIKI, PAYROLL, RESOURCES = "10.50.0.2", "10.50.0.3", "10.50.0.0/24"
WIREGUARD_PORT = 51820

SYSCTLS = """
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \\
  net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \\
  net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \\
  net.ipv6.conf.all.router_solicitations=0 net.ipv6.conf.default.router_solicitations=0
"""

SOURCE_NAT = {
    "easy": 'oifname "wan" masquerade persistent',
    "cone": 'oifname "wan" masquerade persistent',
    "hard": 'oifname "wan" masquerade fully-random',
}

CONE = """
    map cone {
        type inet_service : ipv4_addr . inet_service
        flags dynamic,timeout
        timeout 5m
    }
    chain learn {
        type filter hook postrouting priority 90
        oifname "wan" meta l4proto udp ct direction original update @cone { udp sport : ip saddr . udp sport }
    }
"""

NAT = """
table ip nat {
    %(cone)s
    chain before {
        type nat hook prerouting priority -100
        %(forward)s
    }
    chain after {
        type nat hook postrouting priority 100
        %(source)s
    }
    chain input {
        type filter hook input priority 0
        iifname "wan" ct state new,invalid drop
    }
    chain pass {
        type filter hook forward priority 0
        ct state established,related accept
        iifname "wan" ct status & dnat != dnat drop
    }
}
table ip6 firewall {
    chain pass {
        type filter hook forward priority 0
        ct state established,related accept
        iifname "lan" accept
        drop
    }
}
"""


class Ground:
    """laptop_nat, site_nat: one of the kinds above."""

    def __init__(self, run, laptop_nat="easy", site_nat="easy"):
        self.run = run
        names = ("internet", "server", "laptopnat", "laptop", "laptop2", "sitenat", "gateway", "wiki", "payroll")
        self.hosts = {n: Host(run, n) for n in names}
        for name, host in self.hosts.items():
            setattr(self, name, host)
        for host in (self.internet, self.laptopnat, self.sitenat, self.gateway):
            host.sh(SYSCTLS)
        self._public_side()
        self._private_side(self.laptop, self.laptopnat, 1, laptop_nat, None)
        self._private_side(self.gateway, self.sitenat, 2, site_nat, GATEWAY)
        self._second_laptop()
        self._resources()

    @staticmethod
    def _cable(a, a_if, b, b_if):
        """A cable between two hosts, made inside one of them, so that no name of it is ever seen outside."""
        subprocess.run(["nsenter", f"--net=/proc/{a.init}/ns/net", "ip", "link", "add", a_if, "type", "veth", "peer",
                        "name", b_if, "netns", str(b.init)], check=True)
        a.sh(f"ip link set {a_if} up")
        b.sh(f"ip link set {b_if} up")

    def _public_side(self):
        self._cable(self.internet, "srv", self.server, "eth0")
        self.internet.sh("ip addr add 198.18.1.1/24 dev srv; ip -6 addr add fd00:5::1/64 dev srv nodad")
        self.server.sh(f"ip addr add {SERVER}/24 dev eth0; ip -6 addr add fd00:5::2/64 dev eth0 nodad;"
                       "ip route add default via 198.18.1.1; ip -6 route add default via fd00:5::1")

    def _private_side(self, host, nat, n, kind, forward_to):
        self._cable(self.internet, f"side{n}", nat, "wan")
        self._cable(nat, "lan", host, "eth0")
        self.internet.sh(f"ip addr add 198.18.1{n}.1/24 dev side{n}; ip -6 addr add fd00:{n}1::1/64 dev side{n} nodad;"
                         f"ip -6 route add fd00:{n}::/64 via fd00:{n}1::2")
        nat.sh(f"ip addr add 198.18.1{n}.2/24 dev wan; ip addr add 192.168.{n}.1/24 dev lan;"
               f"ip -6 addr add fd00:{n}1::2/64 dev wan nodad; ip -6 addr add fd00:{n}::1/64 dev lan nodad;"
               f"ip route add default via 198.18.1{n}.1; ip -6 route add default via fd00:{n}1::1")
        host.sh(f"ip addr add 192.168.{n}.2/24 dev eth0; ip -6 addr add fd00:{n}::2/64 dev eth0 nodad;"
                f"ip route add default via 192.168.{n}.1; ip -6 route add default via fd00:{n}::1")
        if kind == "pub":
            self.internet.sh(f"ip route add 192.168.{n}.0/24 via 198.18.1{n}.2")
        else:
            nat.call("nft", "-f", "-", input=self._nat_rules(kind, forward_to))

    def _second_laptop(self):
        """Another network behind the same NAT."""
        self._cable(self.laptopnat, "lan2", self.laptop2, "eth0")
        self.laptopnat.sh("ip addr add 192.168.3.1/24 dev lan2")
        self.laptop2.sh("ip addr add 192.168.3.2/24 dev eth0; ip route add default via 192.168.3.1")

    @staticmethod
    def _nat_rules(kind, forward_to):
        forward = []
        if forward_to:
            forward.append(f'iifname "wan" udp dport {WIREGUARD_PORT} dnat to {forward_to}')
        if kind == "cone":
            forward.append('iifname "wan" meta l4proto udp dnat ip to udp dport map @cone')
        return NAT % {"cone": CONE if kind == "cone" else "", "forward": "\n        ".join(forward),
                      "source": SOURCE_NAT[kind]}

    def _resources(self):
        for n, host in ((2, self.wiki), (3, self.payroll)):
            self._cable(self.gateway, f"res{n}", host, "eth0")
            self.gateway.sh(f"ip addr add 10.50.0.1/32 dev res{n}; ip route add 10.50.0.{n}/32 dev res{n};"
                            f"ip -6 addr add fd00:50::1/128 dev res{n} nodad; ip -6 route add fd00:50::{n}/128 dev res{n}")
            host.sh(f"ip addr add 10.50.0.{n}/24 dev eth0; ip route add default via 10.50.0.1;"
                    f"ip -6 addr add fd00:50::{n}/64 dev eth0 nodad; ip -6 route add default via fd00:50::1")
            # Hosts of one subnet reach each other through the gateway's link: there is no bridge.
            self.gateway.sh(f"sysctl -qw net.ipv4.conf.res{n}.proxy_arp=1 net.ipv4.neigh.res{n}.proxy_delay=0")
            host.call("nft", "-f", "-", input=ARRIVALS)

    def arrivals(self, host):
        """Packets that reached a resource host since the ground was made, of any protocol but neighbour discovery."""
        return int(re.search(r"packets (\d+)", host.call("nft", "list", "counter", "inet", "proof", "arrived").stdout)[1])


ARRIVALS = """
table inet proof {
    counter arrived { }
    chain early {
        type filter hook prerouting priority -300
        iifname "lo" return
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert, mld-listener-query, mld-listener-report, mld2-listener-report } return
        counter name arrived
    }
}
"""
