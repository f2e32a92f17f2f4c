# SPDX-License-Identifier: Apache-2.0
"""The five remote attacks on libh2o 2.2.5, and floods: the front lives, stays small and goes on serving others.
The same attack on the library without the guard shows for each that it is an attack."""
import signal
import struct
import subprocess
import time

import pytest

from harness.front import SLACK, driver
from harness.h2raw import (CONT, DATA, END_HEADERS, END_STREAM, HEADERS, MAX_WINDOW, RST, WINDOW, block, frame, text,
                           u32)
from harness.run import sanitized, wait_for

unguarded_only = pytest.mark.skipif(sanitized(), reason="shows the bare library; sanitizers would only get in the way")
GETS = END_HEADERS | END_STREAM


# --- the slow reader: an assertion of the library that ends the process ---

def slow_reader(front, rounds):
    """Small answers whose length is the stream's whole window, behind a large one that fills the socket; then
    WINDOW_UPDATEs for streams that are done but not flushed."""
    c = front.h2(window=5, rcvbuf=4096)
    big = c.request("/api/v1/big?1500000")
    c.send(frame(WINDOW, 0, big, u32(1 << 30)))
    c.pump(0.3 * SLACK, read=False)
    for _ in range(rounds):
        sids = [c.request("/api/v1/small") for _ in range(10)]
        c.pump(0.3, lambda: not c.out, limit=90000)
        c.pump(0.1, limit=90000)
        for sid in sids:
            c.send(frame(WINDOW, 0, sid, u32(1)))
        c.pump(0.3, lambda: not c.out, limit=30000)
        if c.closed:
            break
    c.close()


def test_slow_reader(start):
    front = start(sndbuf=16384)
    for _ in range(2):
        slow_reader(front, 12)
    assert front.alive(), front.text()
    assert front.answer_time() < 5 * SLACK


@unguarded_only
def test_slow_reader_kills_the_unguarded_library(start):
    front = start(program="front_echo_unguarded", sndbuf=16384)
    for _ in range(5):
        try:
            slow_reader(front, 12)
            front.process.wait(1)
            break
        except (OSError, subprocess.TimeoutExpired):
            continue
    assert front.process.wait(5) == -signal.SIGABRT
    assert "h2o_linklist_is_linked" in front.text()


# --- HPACK: one byte on the wire, a hundred in memory ---

def header_bomb(front, streams):
    c = front.h2()
    for i in range(streams):
        sid = 1 + 2 * i
        body = block("/api/v1/echo", "POST")
        if i == 0:
            body += b"\x40" + text(b"x") + text(b"y")  # into the dynamic table
        body += b"\xbe" * (400000 - len(body))
        for at in range(0, len(body), 16384):
            last = at + 16384 >= len(body)
            c.send(frame(HEADERS if at == 0 else CONT, END_HEADERS if last else 0, sid, body[at:at + 16384]))
    c.pump(10 * SLACK, lambda: not c.out)
    c.pump(1)
    return c


def test_header_bomb(front):
    before = front.rss_mb()
    c = header_bomb(front, 8)
    assert c.closed
    assert front.rss_mb() - before < 20 * SLACK
    assert front.answer_time() < 5 * SLACK
    wait_for("the log", lambda: "header block bomb" in front.text(), 10)


@unguarded_only
def test_header_bomb_bloats_the_unguarded_library(start):
    front = start(program="front_echo_unguarded")
    before = front.rss_mb()
    c = header_bomb(front, 4)
    assert front.rss_mb() - before > 100
    c.close()


# --- resets: by the client, and by the server on the client's provocation ---

def reset_flood(front, provoke, path="/api/v1/hang", n=4000):
    """Opens and resets streams as fast as possible; returns the connection and the number of streams sent."""
    c = front.h2()
    c.pump(5, lambda: c.received)
    sent, sid = 0, 1
    while sent < n and not c.closed:
        for _ in range(100):
            c.send(frame(HEADERS, GETS, sid, block(path)) + provoke(sid))
            sid += 2
            sent += 1
        c.pump(5, lambda: not c.out)
    c.pump(2, lambda: c.closed)
    return c, sent


PROVOCATIONS = {
    "rapid_reset": lambda sid: frame(RST, 0, sid, u32(8)),
    "made_you_reset_by_empty_update": lambda sid: frame(WINDOW, 0, sid, u32(0)),
    "made_you_reset_by_overflow": lambda sid: frame(WINDOW, 0, sid, u32(MAX_WINDOW)),
    "made_you_reset_by_late_data": lambda sid: frame(DATA, 0, sid, b"x"),
}


@pytest.mark.parametrize("name", PROVOCATIONS)
def test_resets(front, name):
    c, sent = reset_flood(front, PROVOCATIONS[name])
    assert c.closed, f"{sent} streams and the connection still lives"
    stats = front.stats()
    # The budget of the connection, the counting request itself, and what one read may hold before the socket is closed.
    assert stats["requests"] < 600
    assert stats["most_open"] <= 33
    assert front.answer_time() < 5 * SLACK
    assert front.rss_mb() < 60 * SLACK


@unguarded_only
def test_resets_pass_the_unguarded_library(start):
    front = start(program="front_echo_unguarded")
    c, sent = reset_flood(front, PROVOCATIONS["rapid_reset"])
    assert not c.closed and sent == 4000
    c.close()


def test_victims_during_a_reset_flood(front):
    c = front.h2()
    c.pump(5, lambda: c.received)
    worst, sid = 0, 1
    for _ in range(10):
        if c.closed:
            c = front.h2()
            sid = 1
        for _ in range(300):
            c.send(frame(HEADERS, GETS, sid, block("/api/v1/hang")) + frame(RST, 0, sid, u32(8)))
            sid += 2
        c.pump(0.05)
        worst = max(worst, front.answer_time())
    assert worst < 3 * SLACK


# --- CONTINUATION while draining: the loop thread spins for ever ---

def continuation_spin(front):
    """Returns exit status and CPU seconds that the process used for its end."""
    c = front.h2(window=0)
    c.request("/api/v1/stream?100")
    c.pump(10, lambda: c.answer(1).headers)
    c.send(frame(HEADERS, END_STREAM, 3, block("/api/v1/small")[:3]))
    c.pump(1, lambda: not c.out)
    before = front.cpu_s()
    front.process.send_signal(signal.SIGTERM)
    c.pump(1.5)  # the library refuses new streams a second after it began to drain
    c.send(frame(CONT, 0, 3))
    c.pump(0.5, lambda: not c.out)
    used = 0
    while front.alive() and used < 30:
        try:
            used = front.cpu_s() - before
        except (OSError, IndexError):
            break
        time.sleep(0.05)
    return front.process.wait(30), used


def test_continuation_spin(start):
    front = start(drain_ms=4000)
    status, used = continuation_spin(front)
    assert status == 0, front.text()
    assert used < 1 * SLACK


@unguarded_only
def test_continuation_spins_the_unguarded_library(start):
    front = start(program="front_echo_unguarded", drain_ms=4000)
    status, used = continuation_spin(front)
    assert status == -signal.SIGALRM and used > 0.3  # it gets only its share of a busy machine


def test_continuation_flood(front):
    c = front.h2()
    c.get("/livez")
    c.send(frame(HEADERS, END_STREAM, 3, block("/api/v1/small")[:3]) + frame(CONT, 0, 3) * 5000)
    c.pump(10, lambda: c.closed)
    assert c.closed
    assert front.answer_time() < 5 * SLACK
    wait_for("the log", lambda: "CONTINUATION frames" in front.text(), 10)


# --- floods of bodies and of connections ---

def test_body_flood(front):
    before = front.rss_mb()
    c = front.h2()
    c.pump(5, lambda: c.received)
    for i in range(100):
        c.send(frame(HEADERS, END_HEADERS, 1 + 2 * i, block("/api/v1/echo", "POST")))
    chunk, peak = b"x" * 16384, 0
    for _ in range(63):
        for i in range(100):
            c.send(frame(DATA, 0, 1 + 2 * i, chunk))
        c.pump(10, lambda: not c.out)
        peak = max(peak, front.rss_mb())
        if c.closed:
            break
    assert c.closed
    assert peak - before < 60 * SLACK
    assert front.answer_time() < 5 * SLACK


def test_body_flood_over_many_connections(start):
    front = start(buffered_max=8 << 20)
    before = front.rss_mb()
    connections = [front.h2() for _ in range(12)]
    for c in connections:
        c.request("/api/v1/echo", "POST", body=b"x" * 900000, end=False)
        c.pump(5, lambda: not c.out)
    wait_for("the largest is closed", lambda: "on all connections" in front.text(), 10)
    for c in connections:
        c.pump(0.1, lambda: c.closed)
    assert 0 < sum(c.closed for c in connections) < 12
    assert front.rss_mb() - before < 40 * SLACK
    assert front.answer_time() < 5 * SLACK


def test_many_connections_of_one_address(start):
    front = start(connections_per_origin=20)
    connections = [front.h2() for _ in range(20)]
    for c in connections:
        assert c.get("/api/v1/small").body == b"hello"
    try:
        extra = front.h2()
        extra.pump(10, lambda: extra.closed)
        assert extra.closed
    except OSError:
        pass
    connections.pop().close()
    deadline = time.monotonic() + 10
    while True:
        try:
            assert front.answer_time() < 5 * SLACK
            break
        except (OSError, AssertionError):
            assert time.monotonic() < deadline
    for c in connections:
        c.close()


def test_requests_in_flight_are_bounded(front):
    c = front.h2()
    sids = [c.request("/api/v1/hang") for _ in range(40)]
    c.pump(10, lambda: sum(c.answer(s).ended for s in sids) == 8)
    refused = [c.answer(s) for s in sids if c.answer(s).ended]
    assert len(refused) == 8 and all(a.status == 429 and a["retry-after"] for a in refused)
    assert front.stats()["most_open"] == 33
    c.close()


# --- slow lorises ---

LIMITS = {"handshake_ms": 1500, "request_ms": 1500, "idle_ms": 3000}


def closes(c, drip, seconds):
    """Sends drip() every 100 ms until the server closes; seconds it took."""
    start = time.monotonic()
    while not c.closed and time.monotonic() - start < seconds:
        c.send(drip())
        c.pump(0.1)
    assert c.closed, "still open"
    return time.monotonic() - start


def test_slow_handshake(start):
    import socket
    front = start(**LIMITS)
    s = socket.create_connection(("127.0.0.1", front.port), 20)
    s.sendall(b"\x16\x03\x01")
    begin = time.monotonic()
    assert s.recv(10) == b""
    assert 0.5 < time.monotonic() - begin < 10 * SLACK


def test_slow_body(start):
    front = start(**LIMITS)
    c = front.h2()
    sid = c.request("/api/v1/echo", "POST", end=False)
    assert 1 < closes(c, lambda: frame(DATA, 0, sid, b"x"), 20 * SLACK) < 10 * SLACK


def test_slow_header_block(start):
    front = start(**LIMITS)
    c = front.h2()
    c.get("/livez")  # the SETTINGS of both sides are done
    c.send(frame(HEADERS, END_STREAM, 3, block("/api/v1/small")[:3]))
    assert 1 < closes(c, lambda: frame(CONT, 0, 3, b""), 20 * SLACK) < 10 * SLACK


def test_idle_connection(start):
    front = start(**LIMITS)
    c = front.h2()
    c.pump(20 * SLACK)
    assert c.closed


def test_slow_http1_head_and_body(start):
    from harness.h2raw import context
    import socket
    front = start(**LIMITS)
    for head in (b"GET /api/v1/small HTTP/1.1\r\nX: ", b"POST /api/v1/echo HTTP/1.1\r\nContent-Length: 1000\r\n\r\n"):
        s = context(("http/1.1",)).wrap_socket(socket.create_connection(("127.0.0.1", front.port), 20))
        s.sendall(head)
        s.settimeout(0.1)
        begin = time.monotonic()
        while time.monotonic() - begin < 20 * SLACK:
            try:
                s.sendall(b"x")
                if s.recv(100) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert 1 < time.monotonic() - begin < 10 * SLACK
        s.close()


# --- anything at all ---

def test_settings_and_ping_floods(front):
    for junk in (frame(4, 0, 0), frame(6, 0, 0, b"12345678"), frame(2, 0, 3, struct.pack(">IB", 0, 1))):
        c = front.h2(rcvbuf=4096)
        for _ in range(30):
            c.send(junk * 2000)
            c.pump(0.1, read=False)
        assert front.answer_time() < 5 * SLACK
        c.close()
    assert front.rss_mb() < 60 * SLACK


def test_driver_is_there():
    assert driver().exists() and driver("front_echo_unguarded").exists()
