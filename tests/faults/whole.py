# SPDX-License-Identifier: Apache-2.0
"""A World whose protocol intervals are divided by HASTE, with the questions that these tests ask about it."""
import json
import os
import signal
import time

from harness.ground import WIKI
from harness.proofs import Download
from harness.resources import WIKI_PORT
from harness.run import binary, sanitized, wait_for
from harness.world import World
from test_kill import child

HASTE = 20
RENEWAL_SPAN_S = 300 / HASTE  # what one renewal opens
SILENCE_S = 45 / HASTE        # three heartbeats of a gateway
SLOWER = 3 if sanitized() else 1
CUT_MS = 2000 * SLOWER
PAGE = (200, 87)


class Whole(World):
    def __init__(self, run):
        haste = {"POSTERN_TEST_HASTE": str(HASTE)}
        super().__init__(run, settings=haste, agents=haste)

    # What is running.

    def engine(self, host, interface):
        """Pid of the WireGuard engine on a host."""
        for pid in host.pids():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    command = f.read().split(b"\0")
            except OSError:
                continue
            if command[:1] == [b"wireguard-go"] and interface.encode() in command:
                return pid
        return None

    def victim(self, name):
        """Pid of one of the processes, None while there is none."""
        if name == "gateway engine":
            return self.engine(self.ground.gateway, "pst-gw0")
        if name == "client engine":
            return self.engine(self.laptop.host, "pst0")
        process = {"supervisor": self.server.process, "gateway": self.gateway_process, "client": self.laptop.process}.get(name)
        return process.pid if process and process.alive() else None if process else child(self.server, name)

    def kill(self, name, timeout=30):
        pid = wait_for(f"{name} runs", lambda: self.victim(name), timeout)
        os.kill(pid, signal.SIGKILL)
        process = {"supervisor": self.server.process, "gateway": self.gateway_process, "client": self.laptop.process}.get(name)
        if process:
            process.popen.wait(30)
        else:
            wait_for(f"{name} is gone", lambda: self.victim(name) != pid)

    def restart(self, name):
        """What systemd does with our three services; the others are restarted by these."""
        if name == "supervisor":
            self.server.start()
        elif name == "gateway":
            self.restart_gateway()
        elif name == "client":
            self.laptop.start()

    def restart_dead(self):
        for name in ("supervisor", "gateway", "client"):
            if not self.victim(name):
                self.restart(name)

    def revive(self):
        self.restart_dead()
        self.change_policy(True)
        self.access_returns(90)

    # What policy says.

    def change_policy(self, enabled, timeout=60):
        """Insists: after a fault the first answers may be 503, or a stale ETag because the last one did count."""
        return wait_for("the policy can be changed", lambda: self.try_policy(enabled), timeout * SLOWER)

    def try_policy(self, enabled):
        path = f"/api/v1/policies/{self.policy['id']}"
        try:
            now = self.admin.get(path)
            if now.status != 200:
                assert now.status == 503 and now.headers["retry-after"], now
                return None
            answer = self.admin.patch(path, {"enabled": enabled}, etag=now.etag)
        except OSError:
            return None
        assert answer.status in (200, 412, 503), answer
        return answer if answer.status == 200 else None

    # What people do.

    def laptop_status(self):
        return json.loads(self.laptop.postern("status", "-o", "json", check=False).stdout)

    @property
    def login(self):
        return "login", "--email", self.laptop.email, "--password-file", self.run.dir / "password-laptop"

    def laptop_does(self, status, says, *args):
        """`postern ARGS` exits with this status and says that."""
        out = self.laptop.postern(*args, check=False)
        text = out.stdout + out.stderr
        assert out.returncode == status and says in text.lower(), f"postern {args}: exit {out.returncode}, {text}"

    def sign_in_again(self):
        """As soon as that is possible; agents try again with back-off."""
        wait_for(lambda: f"signs in again\n{self.laptop.state()}",
                 lambda: self.laptop.postern(*self.login, check=False).returncode == 0, 60 * SLOWER, step=0.5)
        self.laptop.postern("up", timeout=90)

    def sql(self, text):
        """As the owner of the private database."""
        self.server.host.call("psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.server.rundir / "pg", "-U", "postern",
                              "-d", "postern", "-c", text, user="postern")

    # What comes of it.

    def state(self):
        return f"{self.laptop.state()}\n--- gateway\n{self.gateway_process.text()[-2500:]}"

    def access_returns(self, within, what="access is back"):
        """Seconds until a new connection to the wiki works."""
        began = time.monotonic()
        wait_for(lambda: f"{what}\n{self.state()}", lambda: self.laptop.fetch(timeout=3) == PAGE, within * SLOWER)
        return time.monotonic() - began

    def shut(self, within):
        wait_for(lambda: f"access is shut\n{self.state()}", lambda: self.laptop.fetch(timeout=1) is None, within * SLOWER)

    def cut_within(self, download, since_ms, limit_ms=CUT_MS):
        """The download has ended at most that long after; returns how long."""
        last, _, _ = download.end(timeout=limit_ms / 1000 + 20 * SLOWER)
        took = last - since_ms
        assert took <= limit_ms, f"the download went on for {took:.0f} ms\n{self.state()}"
        return took

    def revocation_cuts(self):
        """The policy's end cuts a download, as ever. What the gateway does while it cannot hear of it is another test's."""
        wait_for("the gateway hears posternd again", lambda: self.gateway_status()["connected"], 60)
        download = Download(self, silence=2.5 * SLOWER)
        took = self.cut_within(download, self.change_policy(False).at_ms)
        self.shut(10)
        self.change_policy(True)
        self.access_returns(60)
        return took

    def kernel_grants(self):
        """Elements of the grants' sets in the gateway's kernel: (address, mark, seconds left)."""
        found = []
        for family in ("4", "6"):
            out = self.ground.gateway.call("nft", "-j", "list", "set", "inet", "postern-pst-gw0", f"grants{family}", check=False)
            for item in json.loads(out.stdout or '{"nftables": []}')["nftables"]:
                for element in item.get("set", {}).get("elem", []):
                    address, mark = element["elem"]["val"]["concat"]
                    found.append((address, mark, element["elem"]["expires"]))
        return found

    def gateway_status(self):
        return json.loads(self.ground.gateway.call(binary("postern-gateway"), "status", "-o", "json").stdout)

    def marks(self, address, port):
        """Marks of the classes that hold this destination."""
        out = self.ground.gateway.call("nft", "-j", "list", "map", "inet", "postern-pst-gw0", "res4").stdout
        return [mark for item in json.loads(out)["nftables"] for key, mark in item.get("map", {}).get("elem", [])
                if key["concat"] == [address, "tcp", port]]

    def only_wiki(self):
        """Nothing is open in the kernel, and nothing was ever granted, but what the policy gives."""
        inner, wiki = self.laptop.inner, self.marks(WIKI, WIKI_PORT)
        for address, mark, _ in self.kernel_grants():
            assert address == inner and mark in wiki, f"{address} {mark:#x} is open; {inner} on {wiki} should be"
        wait_for("the server answers", lambda: self.admin.get("/readyz").status == 200, 60 * SLOWER)
        granted = [d for d in self.admin.items("/api/v1/decisions?limit=500") if d["kind"] == "grant"]
        assert granted
        assert {d["resource_id"] for d in granted} == {self.resources["wiki"]["id"]}
        assert self.gateway_status()["applied"]
