# SPDX-License-Identifier: Apache-2.0
"""What is seen on the internet between laptop and gateway."""
import struct

import pytest
from harness.ground import LAPTOP_WAN, SITE_WAN
from harness.run import wait_for

# WireGuard's message types and the sizes that they have (data: at least a header and a tag).
SIZES = {1: 148, 2: 92, 3: 64}


class Capture:
    """tcpdump on the internet side of the laptop's NAT."""

    def __init__(self, world):
        self.path = world.run.dir / "wire.pcap"
        self.path.unlink(missing_ok=True)
        self.process = world.ground.internet.start(
            "tcpdump", ["tcpdump", "-i", "side1", "-s0", "-U", "-w", self.path, "--immediate-mode", "-Z", "root", "ip"])
        self.process.wait_line("listening on")

    def packets(self):
        """(source, destination, protocol, payload) of each IPv4 packet; payload without UDP's header."""
        self.process.stop()
        data, at = self.path.read_bytes(), 24
        while at < len(data):
            length = struct.unpack_from("<I", data, at + 8)[0]
            ip = data[at + 16 + 14:at + 16 + length]
            at += 16 + length
            header = (ip[0] & 15) * 4
            source, destination = (".".join(map(str, ip[o:o + 4])) for o in (12, 16))
            yield source, destination, ip[9], ip[header + 8:] if ip[9] == 17 else ip[header:]


def is_wireguard(payload):
    kind = payload[0] if len(payload) >= 32 and payload[1:4] == b"\0\0\0" else 0
    return len(payload) == SIZES[kind] if kind in SIZES else kind == 4 and len(payload) % 16 == 0


def test_D1_only_wireguard_on_the_wire(world):
    capture = Capture(world)
    for _ in range(3):
        assert world.laptop.fetch() == (200, 87)
    between = [p for p in capture.packets() if {p[0], p[1]} == {LAPTOP_WAN, SITE_WAN}]
    assert len(between) >= 10
    for source, destination, protocol, payload in between:
        assert protocol == 17, f"{source} > {destination}: IP protocol {protocol}"
        assert is_wireguard(payload), payload[:32]
        assert b"Wiki" not in payload and b"HTTP" not in payload


def test_D1_pairs_have_a_preshared_key(world):
    for host in (world.laptop.host, world.ground.gateway):
        dump = [line.split("\t") for line in host.call("wg", "show", "all", "dump").stdout.splitlines()]
        peers = [line for line in dump if len(line) == 9]
        assert peers
        assert all(line[2] != "(none)" for line in peers), "a peer without a preshared key"


def public_key(world):
    return world.laptop.host.call("wg", "show", world.laptop.interface, "public-key").stdout.strip()


@pytest.mark.slow
def test_D1_a_new_session_has_a_new_key(world):
    before = public_key(world)
    world.laptop.postern("down")
    world.laptop.postern("up")
    wait_for(lambda: f"access is back\n{world.laptop.state()}", world.laptop.fetch)
    assert public_key(world) != before
