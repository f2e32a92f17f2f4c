# SPDX-License-Identifier: Apache-2.0
"""Gateways and clients as posternd sees them: certificate, unary calls and the state stream over mutual TLS. Nothing of
WireGuard: what the agents do with their state is not this module's business."""
import base64
import hashlib
import http.client
import json
import os
import struct
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from .rest import Pinned, Rest


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def csr_of(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "whatever")])
    return x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256()) \
        .public_bytes(Encoding.PEM).decode()


def b64(data):
    return base64.b64encode(data).decode()


def fields(domain, *values):
    """Canonical bytes: the domain, then each field with its u32 length in front."""
    out = domain.encode()
    for value in values:
        data = value.encode() if isinstance(value, str) else value
        out += struct.pack(">I", len(data)) + data
    return out


def decode_enrolment(text):
    raw = text.removeprefix("pstenr_")
    return json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))


class Agent:
    """One enrolled gateway or device. `answer` is what enrolment said."""

    def __init__(self, posternd, directory, key, answer):
        self.posternd, self.key, self.answer, self.id = posternd, key, answer, answer["id"]
        self.files = (directory / f"{self.id}.pem", directory / f"{self.id}.key")
        self.files[0].write_text(answer["certificate"])
        self.files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.rest = self.client()

    def client(self, timeout=30):
        return Rest((self.posternd.address, self.posternd.agents_port), pin=self.posternd.rest().pin,
                    host=self.posternd.inside, cert=self.files, timeout=timeout)

    def call(self, method, path, body=None):
        return self.rest.request(method, "/agent/v1" + path, body)

    def sign(self, data):
        return self.key.sign(data, ec.ECDSA(hashes.SHA256()))

    def watch(self, since=None):
        return Watch(self, since)


class Gateway(Agent):
    """report(): what makes it usable; then it accepts whatever its stream shows, when told to."""

    def __init__(self, posternd, directory, key, answer):
        super().__init__(posternd, directory, key, answer)
        self.wireguard, self.boot = os.urandom(32), os.urandom(8).hex()

    @classmethod
    def enroll(cls, posternd, directory, enrolment):
        key = new_key()
        body = {"kind": "gateway", "token": decode_enrolment(enrolment)["token"], "csr": csr_of(key), "version": "1"}
        return cls(posternd, directory, key, posternd.rest().post("/agent/v1/enroll", body).expect(201).json)

    def report(self, **more):
        return self.call("PUT", "/status", {"version": "1", "boot": self.boot, "wireguard_key": b64(self.wireguard),
                                            "listen_port": 51820, **more}).expect(204)

    def hello(self, client_hello):
        return fields("postern/hello-gateway/1", hashlib.sha256(client_hello).digest(), self.id, self.boot,
                      self.wireguard, os.urandom(32))

    def accept(self, item):
        hello = self.hello(base64.b64decode(item["hello"]))
        return self.call("POST", f"/connections/{item['id']}/accept",
                         {"hello": b64(hello), "signature": b64(self.sign(hello))})


class Client(Agent):
    @classmethod
    def enroll(cls, posternd, directory, email, password, name="laptop"):
        key = new_key()
        body = {"kind": "device", "email": email, "password": password, "name": name, "csr": csr_of(key), "os": "test"}
        client = cls(posternd, directory, key, posternd.rest().post("/agent/v1/enroll", body).expect(201).json)
        client.email, client.password, client.session = email, password, None
        return client

    def sign_in(self):
        self.session = self.call("POST", "/sign-in", {"email": self.email, "password": self.password}).expect(201).json
        return self.session

    def hello(self, **other):
        about = {"organisation": self.answer["organisation"], "session": (self.session or {}).get("id", ""),
                 "device": self.id, **other}
        return fields("postern/hello-client/1", about["organisation"], about["session"], about["device"],
                      os.urandom(32), os.urandom(32), os.urandom(32))

    def connect(self, site, resources, **more):
        hello = self.hello()
        return self.call("POST", "/connections", {"site": site, "resources": resources, "hello": b64(hello),
                                                  "signature": b64(self.sign(hello)), **more})

    def why(self, resource):
        return self.call("POST", "/why", {"resource": resource}).expect(200).json


class Watch:
    """The state stream, read by a thread of its own. `state` maps (kind, id) to items, `events` holds all lines with
    the monotonic time (ms) of their arrival as `received`."""

    def __init__(self, agent, since=None):
        self.agent, self.state, self.events, self.revision = agent, {}, [], None
        self.status, self.problem, self.ended = None, None, False
        self._changed = threading.Condition()
        rest = agent.client(timeout=120)
        self._connection = Pinned(rest.address, rest.context, rest.pin, rest.host, rest.timeout)
        self._connection.request("GET", "/agent/v1/state" + (f"?since={since}" if since else ""))
        self._answer = self._connection.getresponse()
        self._socket = self._connection.sock or self._answer.fp.raw._sock
        self.status = self._answer.status
        if self.status != 200:
            self.problem = json.loads(self._answer.read())
            self.ended = True
            return
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for line in self._answer:
                if line.strip():
                    self._take(json.loads(line))
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def _take(self, event):
        event["received"] = time.monotonic() * 1000
        with self._changed:
            self.events.append(event)
            key = (event.get("kind"), event.get("id"))
            if event["type"] in ("added", "modified"):
                self.state[key] = event["item"]
            elif event["type"] == "deleted":
                self.state.pop(key, None)
            elif event["type"] == "bookmark":
                self.revision = event["revision"]
            self._changed.notify_all()

    def until(self, what, ready, timeout=20):
        """Waits until ready(self) gives something; that."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = ready(self)
                if found:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or self.ended:
                    raise AssertionError(f"{what}: not after {timeout} s; ended={self.ended}, "
                                         f"last events: {self.events[-8:]}")
                self._changed.wait(left)

    def listed(self):
        self.until("the listing ends", lambda w: any(e.get("initial_end") for e in w.events))
        return self

    def kind(self, kind):
        return [item for (k, _), item in list(self.state.items()) if k == kind]

    def one(self, kind, **like):
        return self.until(f"{kind} {like}", lambda w: next(
            (i for i in w.kind(kind) if all(i.get(k) == v for k, v in like.items())), None))

    def gone(self, kind, identifier):
        """The event that deleted it."""
        return self.until(f"{kind} {identifier} is deleted", lambda w: next(
            (e for e in w.events if e["type"] == "deleted" and e["kind"] == kind and e["id"] == identifier), None))

    def close(self):
        try:
            self._socket.shutdown(2)
        except OSError:
            pass
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
