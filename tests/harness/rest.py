# SPDX-License-Identifier: Apache-2.0
"""A small REST client over TLS with the server's key pinned. Standard library, HTTP/1.1, one connection per call."""
import base64
import contextlib
import hashlib
import http.client
import json
import socket
import ssl
import time
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes
    at_ms: float = 0.0  # CLOCK_MONOTONIC when the last byte of the answer had arrived
    request: str = field(default="", repr=False)

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    @property
    def etag(self):
        return self.headers.get("etag")

    @property
    def code(self):
        """The stable code of a problem+json answer."""
        return (self.json or {}).get("code")

    def expect(self, *statuses):
        assert self.status in statuses, f"{self.request}: {self.status} {self.body[:2000]!r}, wanted {statuses}"
        return self


def pin_of(certificate_der):
    """sha256//BASE64 of the public key, as libcurl writes it."""
    key = x509.load_der_x509_certificate(certificate_der).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "sha256//" + base64.b64encode(hashlib.sha256(spki).digest()).decode()


class Pinned(http.client.HTTPSConnection):
    def __init__(self, address, context, pin, host, timeout):
        super().__init__(address[0], address[1], context=context, timeout=timeout)
        self._pin, self._from = pin, host

    def connect(self):
        with (self._from.network() if self._from else contextlib.nullcontext()):
            raw = socket.create_connection((self.host, self.port), self.timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._context.wrap_socket(raw, server_hostname=self.host)
        if self._pin and pin_of(self.sock.getpeercert(True)) != self._pin:
            self.sock.close()
            raise ssl.SSLError("the server's key is not the pinned one")


class Rest:
    """address: (host, port). pin: sha256//…; None learns it from the first connection (loopback only).
    host: harness Host from which to speak. cert: (certificate file, key file) for the agents' listener."""

    def __init__(self, address, pin=None, token=None, host=None, cert=None, timeout=30):
        self.address, self.pin, self.token, self.host, self.timeout = address, pin, token, host, timeout
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE  # the pin is the check
        if cert:
            self.context.load_cert_chain(*cert)

    @property
    def url(self):
        name = f"[{self.address[0]}]" if ":" in self.address[0] else self.address[0]
        return f"https://{name}:{self.address[1]}"

    def as_(self, token):
        other = Rest(self.address, self.pin, token, self.host, timeout=self.timeout)
        other.context = self.context
        return other

    def learn_pin(self):
        connection = Pinned(self.address, self.context, None, self.host, self.timeout)
        connection.connect()
        self.pin = pin_of(connection.sock.getpeercert(True))
        connection.close()
        return self.pin

    def request(self, method, path, body=None, etag=None, headers=None):
        """body: str and bytes go as they are, anything else as JSON."""
        send = {"accept": "application/json"}
        if self.token:
            send["authorization"] = f"Bearer {self.token}"
        if etag:
            send["if-match"] = etag
        if body is not None:
            patch = method == "PATCH"
            send["content-type"] = "application/merge-patch+json" if patch else "application/json"
            if not isinstance(body, (str, bytes)):
                body = json.dumps(body)
        send.update(headers or {})
        connection = Pinned(self.address, self.context, self.pin, self.host, self.timeout)
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, send)
            answer = connection.getresponse()
            data = answer.read()
            at = time.monotonic() * 1000
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, data, at, f"{method} {path}")
        finally:
            connection.close()

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.request("POST", path, body, **kw)

    def put(self, path, body, **kw):
        return self.request("PUT", path, body, **kw)

    def patch(self, path, body, etag=None, **kw):
        """Without an ETag reads the object's current one first."""
        return self.request("PATCH", path, body, etag=etag or self.get(path).expect(200).etag, **kw)

    def delete(self, path, etag=None, **kw):
        return self.request("DELETE", path, etag=etag or self.get(path).expect(200).etag, **kw)

    def create(self, path, **fields):
        """POST that must succeed; the object."""
        return self.post(path, fields).expect(201).json

    def items(self, path):
        """All items of a list, page by page."""
        found, cursor = [], None
        while True:
            page = self.get(path + (("&" if "?" in path else "?") + f"cursor={cursor}" if cursor else "")).expect(200).json
            found += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found
