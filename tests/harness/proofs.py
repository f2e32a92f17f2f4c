# SPDX-License-Identifier: Apache-2.0
"""The three proofs of ./dev up on a World: an access that is allowed, one that is refused, one that is revoked while it
runs. Each returns its line; each raises AssertionError with the reason when it does not hold."""
import socket
import time
from pathlib import Path

from .ground import PAYROLL, WIKI
from .resources import PAYROLL_PORT, WIKI_PORT
from .run import wait_for
from .world import PERSON

DOWNLOAD = Path(__file__).with_name("download.py")


class Forced:
    """The laptop's owner as attacker: a route into the tunnel, and the destination in the peer's allowed addresses.
    They know their own keys, so the peer comes back should the client have removed it. apply() again whenever the
    client may have put its own state back."""

    def __init__(self, laptop, prefix=f"{PAYROLL}/32"):
        self.host, self.prefix = laptop.host, prefix
        self.psk = laptop.world.run.dir / f"stolen-{laptop.host.name}"
        self.interface, self.peer = laptop.interface, None
        self.apply()

    def _peer(self):
        """(public key, preshared key, endpoint, allowed addresses) of the tunnel, or None."""
        lines = [line.split("\t") for line in self.host.call("wg", "show", self.interface, "dump", check=False).stdout.splitlines()]
        return next(((p[0], p[1], p[2], p[3]) for p in lines if len(p) == 8), None)

    def apply(self):
        self.peer = self._peer() or self.peer
        if self.peer is None:
            raise AssertionError("the laptop has no tunnel")
        key, psk, endpoint, allowed = self.peer
        self.psk.touch(mode=0o600)
        self.psk.write_text(psk)
        addresses = {a for a in allowed.split(",") if a != "(none)"} | {self.prefix}
        self.host.call("wg", "set", self.interface, "peer", key, "preshared-key", self.psk, "endpoint", endpoint,
                       "allowed-ips", ",".join(addresses))
        self.host.call("ip", "route", "replace", self.prefix, "dev", self.interface)
        # Before any rule that the client made for its person; that it is there already is fine.
        self.host.call("ip", "rule", "add", "pref", "1", "to", self.prefix, "lookup", "main", check=False)

    def undo(self):
        peer = self._peer()
        if peer:
            left = ",".join(a for a in peer[3].split(",") if a not in (self.prefix, "(none)"))
            self.host.call("wg", "set", self.interface, "peer", peer[0], "allowed-ips", left, check=False)
        self.host.call("ip", "rule", "del", "pref", "1", check=False)
        self.host.call("ip", "route", "del", self.prefix, "dev", self.interface, check=False)


def allowed(world):
    """An unmodified client on the laptop reads the wiki."""
    began = time.monotonic()
    got = wait_for(lambda: f"wiki answers the laptop\n{world.laptop.state()}", world.laptop.fetch, timeout=30)
    assert got == (200, 87), f"the wiki answered {got}"
    took = (time.monotonic() - began) * 1000
    return f"allowed  {PERSON} -> wiki: {got[0]}, {got[1]} bytes through WireGuard ({took:.0f} ms)"


def send_to_payroll(world):
    """Real packets of three kinds through the tunnel."""
    with world.laptop.host.network():
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with tcp, udp:
        udp.sendto(b"postern", (PAYROLL, PAYROLL_PORT))
        tcp.settimeout(1)
        try:
            tcp.connect((PAYROLL, PAYROLL_PORT))
        except OSError:
            pass
        else:
            raise AssertionError("payroll accepted a connection that no policy permits")
    world.laptop.host.call("ping", "-c1", "-W1", PAYROLL, check=False)


def denied(world):
    """With route and allowed addresses forced on the laptop nothing reaches payroll, and the gateway counts it."""
    began = time.monotonic()
    ground = world.ground
    arrived, refused = ground.arrivals(ground.payroll), world.refused()
    force = Forced(world.laptop)
    try:
        def refused_some():
            force.apply()
            send_to_payroll(world)
            return world.refused() - refused >= 3
        wait_for("the gateway counts refused packets", refused_some, timeout=20)
    finally:
        force.undo()
    assert ground.arrivals(ground.payroll) == arrived, "packets of a refused access reached payroll"
    reason = why(world, "payroll")
    took = (time.monotonic() - began) * 1000
    return f"denied   {PERSON} -> payroll: {reason} ({took:.0f} ms)"


def why(world, resource):
    """REASON as `postern why` tells its user; the exit status must say that policy denies."""
    out = world.laptop.postern("why", resource, check=False)
    assert out.returncode == 4, f"postern why {resource}: exit {out.returncode}\n{out.stdout}{out.stderr}"
    return out.stdout.strip()


class Download:
    """A live download from the wiki on the laptop."""

    count = 0

    def __init__(self, world, silence=3):
        Download.count += 1
        self.process = world.laptop.host.start(
            f"download-{Download.count}", ["/usr/bin/python3", DOWNLOAD, WIKI, WIKI_PORT, silence])
        self.process.wait_line("^flowing")

    def goes_on(self, timeout=30):
        """Bytes still come: of those that come from now on some are seen."""
        before = self.process.text().count("more")
        wait_for(lambda: f"the download goes on: {self.process.text()[-300:]}",
                 lambda: self.process.text().count("more") >= before + 2, timeout)
        assert "end" not in self.process.text()

    def stop(self):
        self.process.stop()

    def end(self, timeout=15):
        """(milliseconds of CLOCK_MONOTONIC of the last byte, bytes, how it ended)"""
        at, total, how = self.process.wait_line(r"^end (\d+) (\d+) (\w+)$", timeout).groups()
        return int(at) / 1e6, int(total), how


def revoked(world):
    """The policy is switched off while a download runs; N from the API's answer to the last byte."""
    n = cut_ms(world)
    assert n <= 2000, f"the download went on for {n:.0f} ms"
    return f"revoked  {PERSON} -> wiki: live download cut after {n:.0f} ms"


def cut_ms(world):
    download = Download(world)
    answered = world.set_policy(False).at_ms
    last, _, _ = download.end()
    assert world.laptop.fetch(timeout=2) is None, "a new connection was opened after the revocation"
    return max(0.0, last - answered)


def all_three(world, say=lambda line: print(line, flush=True)):
    for proof in (allowed, denied, revoked):
        say(proof(world))
