# SPDX-License-Identifier: Apache-2.0
"""A raw HTTP/2 client: sends any bytes as frames, reads what comes. For tests that break the rules on purpose."""
import select
import socket
import ssl
import struct
import time

import hpack

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONT = range(10)
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MAX_WINDOW = (1 << 31) - 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def u32(value):
    return struct.pack(">I", value)


def text(s):
    return bytes([len(s)]) + s


def block(path, method="GET", extra=()):
    """A header block without the dynamic table."""
    out = b"\x02" + text(method.encode()) + b"\x87\x04" + text(path.encode()) + b"\x01" + text(b"localhost")
    for name, value in extra:
        out += b"\x00" + text(name.encode()) + text(value.encode())
    return out


def context(alpn=("h2",), certificate=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    if alpn:
        c.set_alpn_protocols(list(alpn))
    if certificate:
        c.load_cert_chain(*certificate)
    return c


class Answer:
    def __init__(self):
        self.headers, self.body, self.ended, self.reset = [], b"", False, None

    def __getitem__(self, name):
        return dict(self.headers).get(name)

    @property
    def status(self):
        return int(self[":status"] or 0)


class H2:
    """One connection. Nothing moves outside pump() and what calls it."""

    def __init__(self, port, window=None, rcvbuf=None, tls=None, settings=b"", connection_window=True):
        raw = socket.socket()
        if rcvbuf:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        raw.settimeout(20)
        raw.connect(("127.0.0.1", port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = (tls or context()).wrap_socket(raw)
        self.sock.setblocking(False)
        self.out, self.inbox, self.closed, self.goaway = b"", b"", False, False
        self.answers, self.next_id, self.received = {}, 1, 0
        self.decoder = hpack.Decoder()
        if window is not None:
            settings += struct.pack(">HI", 4, window)
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings))
        if connection_window:
            self.send(frame(WINDOW, 0, 0, u32(1 << 30)))

    def send(self, data):
        self.out += data

    def close(self):
        self.sock.close()
        self.closed = True

    def request(self, path, method="GET", body=None, extra=(), end=True):
        sid, self.next_id = self.next_id, self.next_id + 2
        flags = END_HEADERS | (END_STREAM if body is None and end else 0)
        self.send(frame(HEADERS, flags, sid, block(path, method, extra)))
        for at in range(0, len(body or b""), 16384):
            last = at + 16384 >= len(body) and end
            self.send(frame(DATA, END_STREAM if last else 0, sid, body[at:at + 16384]))
        return sid

    def get(self, path, timeout=20, **more):
        """Request and whole answer."""
        return self.wait(self.request(path, **more), timeout)

    def wait(self, sid, timeout=20):
        self.pump(timeout, lambda: self.answer(sid).ended or self.answer(sid).reset is not None)
        return self.answer(sid)

    def answer(self, sid):
        return self.answers.setdefault(sid, Answer())

    def pump(self, seconds, until=lambda: False, read=True, limit=None):
        """Moves bytes until the condition holds, the time is over or the connection is closed."""
        end = time.monotonic() + seconds
        start = self.received
        while not self.closed and not until() and time.monotonic() < end:
            if limit is not None and self.received - start >= limit:
                return
            wrote = self._write()
            got = self._read() if read else False
            if not wrote and not got:
                left = max(0, min(0.05, end - time.monotonic()))
                select.select([self.sock] if read else [], [self.sock] if self.out else [], [], left)

    def _write(self):
        if not self.out:
            return False
        try:
            n = self.sock.send(self.out[:1 << 18])
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return False
        except OSError:
            self.closed = True
            return False
        self.out = self.out[n:]
        return n > 0

    def _read(self):
        try:
            data = self.sock.recv(1 << 16)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return False
        self.received += len(data)
        self.inbox += data
        self._parse()
        return True

    def _parse(self):
        at = 0
        while len(self.inbox) - at >= 9:
            n = int.from_bytes(self.inbox[at:at + 3], "big")
            if len(self.inbox) - at < 9 + n:
                break
            kind, flags, sid = struct.unpack(">BBI", self.inbox[at + 3:at + 9])
            self._frame(kind, flags, sid & MAX_WINDOW, self.inbox[at + 9:at + 9 + n])
            at += 9 + n
        self.inbox = self.inbox[at:]

    def _frame(self, kind, flags, sid, payload):
        if kind == HEADERS:
            self.answer(sid).headers += self.decoder.decode(payload)
        elif kind == DATA:
            self.answer(sid).body += payload
        elif kind == RST:
            self.answer(sid).reset = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.goaway = True
        elif kind == SETTINGS and not flags & 1:
            self.send(frame(SETTINGS, 1, 0))
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.answer(sid).ended = True
