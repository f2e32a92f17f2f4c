# SPDX-License-Identifier: Apache-2.0
"""gateway/nft without a gateway: drives tests/e2e/nft_driver.c on a host."""
import subprocess

from .run import binary

LONG_MS = 3_600_000


class Driver:
    def __init__(self, host, table, tunnel):
        self.host, self.table, self.tunnel = host, table, tunnel
        self.classes = {}
        self.start()

    def start(self):
        """A new process, as after a crash of the agent: all that it knows is in the kernel."""
        self.close()
        self.process = subprocess.Popen(["nsenter", f"--net=/proc/{self.host.init}/ns/net", binary("nft_driver")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.host.run.undo(self.close)
        self.say("open", self.table, self.tunnel)

    def close(self):
        if process := getattr(self, "process", None):
            process.stdin.close()
            process.wait(10)
            process.stdout.close()
            self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        return self.process.stdout.readline().split()

    def say(self, *words):
        answer = self.ask(*words)
        assert answer[:1] == ["ok"], f"{words}: {answer}"
        return [int(n) for n in answer[1:]]

    def list(self, *words):
        rows, row = [], self.ask(*words)
        while row != ["end"]:
            rows.append(tuple(int(n) if n.isdigit() else n for n in row))
            row = self.process.stdout.readline().split()
        return rows

    @staticmethod
    def box(prefix, protocol, ports):
        """protocol: number or (first, last); ports: number, (first, last) or None for all."""
        first, last = protocol if isinstance(protocol, tuple) else (protocol, protocol)
        low, high = (0, 65535) if ports is None else ports if isinstance(ports, tuple) else (ports, ports)
        return f"{prefix},{first}-{last},{low}-{high}"

    def begin(self, classes=None, grants=(), drop=()):
        self.say("change" if classes is None else "begin")
        if classes is not None:
            for name, boxes in classes.items():
                self.say("class", name, *(self.box(*b) for b in boxes))
            self.say("classes")
        for address, name, *ms in grants:
            self.say("grant", address, name, *(ms or [LONG_MS]))
        for address, name in drop:
            self.say("drop", address, name)

    def change(self, classes=None, grants=(), drop=()):
        """classes: all that shall exist, by name, or None to leave them. Returns (start, duration) of the call in ns."""
        self.begin(classes, grants, drop)
        return self.say("commit")

    def commit_error(self):
        answer = self.ask("commit")
        assert answer[0] == "error", answer
        return answer[1]

    def mark(self, name):
        return self.say("mark", name)[0]

    def grants(self):
        return self.list("grants")

    def denied(self):
        return self.list("denied")
