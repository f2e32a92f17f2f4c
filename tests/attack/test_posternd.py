# SPDX-License-Identifier: Apache-2.0
"""The same attacks on a whole posternd: nothing of it ends or restarts, and its REST API goes on answering."""
import re

import pytest

from harness.front import SLACK
from harness.h2raw import CONT, END_HEADERS, END_STREAM, HEADERS, H2, RST, WINDOW, block, frame, text, u32

FRONT_PROBLEMS = ("bad_request", "body_too_large", "not_found", "overloaded", "timeout", "too_many_requests",
                  "unavailable")
GETS = END_HEADERS | END_STREAM


@pytest.fixture
def unhurt(posternd, admin):
    """After the attack: no process of posternd has ended, and the administrator is served."""
    before = posternd.process.text()
    yield posternd
    said = posternd.process.text()[len(before):]
    assert not re.search(r"ended|killed|signal|restart", said), said[-3000:]
    assert admin.get("/api/v1/sites").expect(200)


def test_stranger_resets_streams(unhurt):
    c, sid = H2(unhurt.port), 1
    while not c.closed and sid < 20000:
        for _ in range(100):
            c.send(frame(HEADERS, GETS, sid, block("/api/v1/sites")) + frame(RST, 0, sid, u32(8)))
            sid += 2
        c.pump(5, lambda: not c.out)
    c.pump(2)
    assert c.closed


def test_stranger_sends_a_header_bomb(unhurt):
    c = H2(unhurt.port)
    bomb = block("/api/v1/sites") + b"\x40" + text(b"x") + text(b"y") + b"\xbe" * 16000
    c.send(frame(HEADERS, GETS, 1, bomb))
    c.pump(10)
    assert c.closed


def test_stranger_reads_slowly(unhurt):
    for window in (2, 3, 15, 100):
        c = H2(unhurt.port, window=window, rcvbuf=4096)
        for _ in range(10):
            sids = [c.request("/livez") for _ in range(10)]
            c.pump(0.1, read=False)
            for sid in sids:
                c.send(frame(WINDOW, 0, sid, u32(1)))
            c.pump(0.1, limit=2000)
        c.close()


def test_stranger_never_ends_a_header_block(unhurt):
    c = H2(unhurt.port)
    c.get("/livez")
    c.send(frame(HEADERS, END_STREAM, 3, block("/livez")[:3]) + frame(CONT, 0, 3) * 1000)
    c.pump(10)
    assert c.closed


def test_stranger_floods_bodies(unhurt):
    c = H2(unhurt.port)
    for i in range(100):
        c.send(frame(HEADERS, END_HEADERS, 1 + 2 * i, block("/api/v1/sign-in", "POST")))
    for _ in range(63):
        for i in range(100):
            c.send(frame(0, 0, 1 + 2 * i, b"x" * 16384))
        c.pump(10 * SLACK, lambda: not c.out)
        if c.closed:
            break
    assert c.closed


def test_stranger_at_the_agents_door(unhurt):
    try:
        c = H2(unhurt.agents_port)
        c.pump(10)
        assert c.closed and not c.received
    except OSError:
        pass


def test_problems_of_the_front_are_explained(posternd, admin):
    for code in FRONT_PROBLEMS:
        assert admin.get(f"/api/v1/problems/{code}").expect(200)
    answer = H2(posternd.port).get("/nowhere")
    assert answer.status == 404 and b"/api/v1/problems/not_found" in answer.body
