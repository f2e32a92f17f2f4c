# SPDX-License-Identifier: Apache-2.0
"""The front on its own: the real process with a stand-in for core (tests/attack/front_echo.c), and certificates."""
import datetime
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .h2raw import H2
from .run import binary, sanitized, wait_for


def driver(name="front_echo"):
    return binary("x").parent.parent / "tests" / name


def pem(folder, name, key, certificate):
    """Writes certificate and key; returns their paths."""
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    return paths


class Authority:
    """A certificate authority of a test."""

    def __init__(self, name="ca"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key.public_key(), ca=True)

    def _sign(self, subject, public, ca=False, since=-1, until=30):
        now = datetime.datetime.utcnow()
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public)
                .serial_number(x509.random_serial_number())
                .not_valid_before(now + datetime.timedelta(days=since))
                .not_valid_after(now + datetime.timedelta(days=until))
                .add_extension(x509.BasicConstraints(ca, None), True)
                .sign(self.key, hashes.SHA256()))

    def issue(self, folder, name, since=-1, until=30):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        return pem(folder, name, key, self._sign(subject, key.public_key(), since=since, until=until))

    def write(self, path):
        """Replaces the file at once, as core does."""
        new = path.with_suffix(".new")
        new.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        new.rename(path)


class Core:
    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.socket = folder / "core.sock"
        self.log = folder / "core.log"

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([driver(), "core", self.socket], stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout.readline() == b"core\n"
        return self

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Front:
    """people or agents; limits are members of struct front_limits."""

    def __init__(self, folder, listener="people", program="front_echo", sndbuf=None, ca="-", core=True, **limits):
        self.folder, self.limits = folder, limits
        self.core = Core(folder)
        if core:
            self.core.start()
        self.certificate = Authority("server").issue(folder, "server")
        self.log = folder / "front.log"
        env = dict(os.environ, POSTERN_LOG_LEVEL="info")
        if sndbuf:
            env["FRONT_ECHO_SNDBUF"] = str(sndbuf)
        argv = [driver(program), listener, self.core.socket, *self.certificate, ca]
        argv += [f"{name}={value}" for name, value in limits.items()]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, env=env)
        self.port = int(self.process.stdout.readline().split()[1])
        wait_for(lambda: f"front serves:\n{self.text()}", lambda: self._serving(core), 20)

    def _serving(self, core):
        assert self.alive(), self.text()
        return "serving " in self.text() and (not core or "connected to core" in self.text())

    def text(self):
        return self.log.read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def rss_mb(self):
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1e6

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def h2(self, **more):
        return H2(self.port, **more)

    def stats(self):
        """Counters of the stand-in for core."""
        c = self.h2()
        body = c.get("/api/v1/stats").body.decode()
        c.close()
        return {k: int(v) for k, v in re.findall(r"^(\w+) (\d+)$", body, re.M)}

    def answer_time(self):
        """Seconds that a new victim waits for a connection and an answer."""
        start = time.monotonic()
        c = self.h2()
        answer = c.get("/api/v1/small")
        c.close()
        assert answer.body == b"hello", (answer.headers, self.text()[-2000:])
        return time.monotonic() - start

    def terminate(self, timeout=20):
        """SIGTERM; returns (exit status, seconds)."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout), time.monotonic() - start

    def close(self):
        if self.alive():
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.core.kill()

    def check(self):
        """What must hold after every test: core never had to refuse a frame, no sanitizer complained."""
        core = self.core.log.read_text() if self.core.log.exists() else ""
        assert "from the front" not in core, core
        for log in (core, self.text()):
            assert not re.search(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:", log), log[-6000:]


SLACK = 4 if sanitized() else 1
