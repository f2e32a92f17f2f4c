# SPDX-License-Identifier: Apache-2.0
"""A device that does by hand what postern does: its own half of the PSK exchange in Python, and wireguard-go with wg(8)
for the tunnel. A second implementation of the key derivation, and a client that can be made to misbehave."""
import base64
import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from .agent import Client, b64, fields
from .run import wait_for


def private_bytes(key):
    return key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def public_bytes(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def hkdf(salt, ikm, info, length):
    prk = hmac.new(salt, ikm, hashlib.sha256).digest()
    out, block = b"", b""
    for i in range(1, -(-length // 32) + 1):
        block = hmac.new(prk, block + info + bytes([i]), hashlib.sha256).digest()
        out += block
    return out[:length]


def parse_fields(data, domain):
    """The fields of canonical bytes."""
    assert data.startswith(domain.encode())
    at, out = len(domain), []
    while at < len(data):
        (n,) = struct.unpack_from(">I", data, at)
        out.append(data[at + 4:at + 4 + n])
        at += 4 + n
    return out


class Half:
    """The client's half of one connection."""

    def __init__(self, client):
        self.wireguard, self.ephemeral = X25519PrivateKey.generate(), X25519PrivateKey.generate()
        self.hello = fields("postern/hello-client/1", client.answer["organisation"], client.session["id"], client.id,
                            public_bytes(self.wireguard), public_bytes(self.ephemeral), os.urandom(32))

    def psk(self, item):
        """(the gateway's WireGuard key, PSK) from the `ready` item."""
        hello = base64.b64decode(item["hello"])
        client_hash, _, _, wireguard, ephemeral = parse_fields(hello, "postern/hello-gateway/1")
        assert client_hash == hashlib.sha256(self.hello).digest()
        z = self.ephemeral.exchange(X25519PublicKey.from_public_bytes(ephemeral))
        info = b"postern/psk/1" + hashlib.sha256(self.hello + hello).digest()
        return wireguard, hkdf(base64.b64decode(item["r"]), z, info, 96)[:32]


class Device(Client):
    """A signed-in client on a host of the ground."""

    def start(self, host, name="wg-device"):
        """The tunnel's interface; its name is unique in the host's own network namespace and socket folder."""
        self.host, self.interface = host, name
        self.engine = host.start("wireguard-go", ["wireguard-go", "-f", name])
        wait_for("wireguard-go answers", lambda: host.call("wg", "show", name, check=False).returncode == 0)
        self.sign_in()
        v4, v6 = self.session["inner_v4"], self.session["inner_v6"]
        host.sh(f"ip addr add {v4}/32 dev {name}; ip -6 addr add {v6}/128 dev {name} nodad; ip link set {name} mtu 1420 up")
        self.stream = self.watch().listed()
        return self

    def connect_to(self, site, resources, **more):
        """Asks for a connection and waits until the gateway has accepted: (its half, the item)."""
        half = Half(self)
        answer = self.call("POST", "/connections", {"site": site, "resources": resources, "hello": b64(half.hello),
                                                    "signature": b64(self.sign(half.hello)), **more}).expect(201).json
        return half, self.stream.one("connection", id=answer["id"], phase="ready")

    def use(self, half, item, routes, keepalive=0):
        """Installs the peer with this session key, in place of any other."""
        gateway, psk = half.psk(item)
        run = self.host.run.dir
        files = {"private": run / f"{self.id}.wg", "psk": run / f"{self.id}.psk"}
        for path, data in ((files["private"], private_bytes(half.wireguard)), (files["psk"], psk)):
            path.touch(mode=0o600)
            path.write_text(b64(data) + "\n")
        for peer in self.host.call("wg", "show", self.interface, "peers").stdout.split():
            self.host.call("wg", "set", self.interface, "peer", peer, "remove")
        self.host.call("wg", "set", self.interface, "private-key", files["private"], "peer", b64(gateway),
                       "preshared-key", files["psk"], "endpoint", item["endpoint"], "allowed-ips", ",".join(routes),
                       "persistent-keepalive", str(keepalive))
        for route in routes:
            self.host.call("ip", "route", "replace", route, "dev", self.interface)

    def get(self, url, timeout=5):
        """HTTP status, or None when nothing came back."""
        out = self.host.call("curl", "-sS", "-o", "/dev/null", "-m", timeout, "-w", "%{http_code}", url, check=False,
                             timeout=timeout + 20)
        return int(out.stdout) if out.returncode == 0 else None

    def stop(self):
        self.stream.close()
        self.host.call("ip", "link", "del", self.interface, check=False)
