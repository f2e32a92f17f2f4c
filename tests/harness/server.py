# SPDX-License-Identifier: Apache-2.0
"""posternd: the real binary with a fresh data directory, and its first administrator."""
import os
import pwd
import socket

from .host import Host, free_port
from .rest import Rest
from .run import binary, sanitized, wait_for

ADMIN = {"email": "admin@example.org", "name": "Admin", "password": "correct horse battery"}


class Posternd:
    """host=None: on the machine's loopback with ports from the kernel. settings: more POSTERN_* variables."""

    def __init__(self, run, host=None, address="127.0.0.1", settings=None, name="posternd"):
        self.run, self.name = run, name
        self.host = host or Host(run, name, net=False)
        self.address = address
        self.inside = host  # where clients must be to reach it; None = the machine itself
        self.port, self.agents_port = (8443, 8444) if host else (free_port(), free_port())
        self.dir = run.dir / name
        self.dir.mkdir(mode=0o755)
        self.data, self.rundir = self.dir / "data", self.dir / "run"
        self.env = {
            "POSTERN_DATA_DIR": str(self.data), "POSTERN_RUN_DIR": str(self.rundir),
            "POSTERN_LISTEN": self._listen(self.port), "POSTERN_LISTEN_AGENTS": self._listen(self.agents_port),
            "POSTERN_PUBLIC_URL": f"https://{address}:{self.port}",
            "POSTERN_AGENTS_URL": f"https://{address}:{self.agents_port}",
            "NOTIFY_SOCKET": str(self.dir / "notify"), **(settings or {})}
        self.process = None

    def _listen(self, port):
        return f"{self.address}:{port}" if self.inside is None else f"[::]:{port}"

    def start(self, timeout=60):
        """Returns when posternd has said that it is ready and answers: a front connects to core by itself, and says
        503 until it has, whatever the supervisor tells meanwhile."""
        notify = self._notify_socket()
        self.process = self.host.start(self.name, [binary("posternd"), "serve"], env=self.env)
        rest = Rest((self.address, self.port), host=self.inside, timeout=5)

        told = []

        def ready():
            if not self.process.alive():
                raise RuntimeError(f"{self.name} ended ({self.process.popen.returncode}):\n{self.process.text()[-4000:]}")
            if not told and self._notified(notify):
                told.append(True)
            return told and self._answers(rest)
        with notify:
            wait_for(lambda: f"{self.name} is ready:\n{self.process.text()[-4000:]}", ready,
                     timeout * (3 if sanitized() else 1))
        return self

    def _notify_socket(self):
        path = self.dir / "notify"
        path.unlink(missing_ok=True)
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(str(path))
        os.chmod(path, 0o666)
        s.settimeout(0.1)
        return s

    @staticmethod
    def _notified(notify):
        try:
            return "READY=1" in notify.recv(4096).decode().split("\n")
        except TimeoutError:
            return False

    @staticmethod
    def _answers(rest):
        try:
            return rest.get("/readyz").status == 200
        except OSError:
            return False

    def stop(self):
        return self.process.stop()

    def restart(self):
        self.stop()
        return self.start()

    @property
    def setup_token(self):
        return (self.data / "setup-token").read_text().strip()

    def rest(self, token=None):
        """A client of the people's listener that speaks from the server's own network."""
        client = Rest((self.address, self.port), token=token, host=self.inside)
        client.learn_pin()
        return client

    @property
    def url(self):
        """The address that people are given, with the pin."""
        return f"https://{self.address}:{self.port}#pin={self.rest().pin}"

    def set_up(self, **admin):
        """Redeems the one-time set-up token; a Rest client of the first administrator."""
        client = self.rest()
        signed_in = client.post("/api/v1/setup", {"token": self.setup_token, **ADMIN, **admin}).expect(200, 201).json
        client.token = signed_in["token"]
        return client

    def sign_in(self, email=ADMIN["email"], password=ADMIN["password"]):
        client = self.rest()
        client.token = client.post("/api/v1/sign-in", {"email": email, "password": password}).expect(200, 201).json["token"]
        return client


def users_exist():
    """Whether the system users of posternd exist (./dev makes them)."""
    try:
        return bool(pwd.getpwnam("postern") and pwd.getpwnam("postern-front"))
    except KeyError:
        return False
