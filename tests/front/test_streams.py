# SPDX-License-Identifier: Apache-2.0
"""Streams and cancelled requests between a client and core."""
from harness.front import SLACK
from harness.h2raw import RST, WINDOW, frame, u32
from harness.run import wait_for

PAD = 20000


def counts(body):
    return [int(line.split()[0]) for line in body.splitlines() if line.endswith(b".") or b" " in line]


def test_stream_ends_in_order(front):
    answer = front.h2().get("/api/v1/short")
    assert answer.status == 200 and answer["content-type"] == "application/x-ndjson"
    assert len(counts(answer.body)) == 3 and counts(answer.body) == sorted(counts(answer.body))


def test_slow_reader_gets_the_newest_state_only(start):
    front = start(sndbuf=16384)
    c = front.h2(window=1 << 20, rcvbuf=8192)
    sid = c.request(f"/api/v1/stream?{PAD}")
    c.pump(20, lambda: len(c.answer(sid).body) > 2 * PAD)
    before = front.rss_mb()
    last = counts(c.answer(sid).body)[-1]
    c.pump(3, read=False)  # core's count goes on rising: some 300 states of 20 kB
    seen = len(c.answer(sid).body)
    c.send(frame(WINDOW, 0, sid, u32(1 << 28)))
    c.pump(30, lambda: len(c.answer(sid).body) > seen + 30 * PAD)
    numbers = counts(c.answer(sid).body)
    assert numbers == sorted(numbers)
    gaps = [b - a for a, b in zip(numbers, numbers[1:])]
    # What was under way comes first, then one leap over all that happened meanwhile.
    assert max(gaps) > 100, (last, gaps)
    assert front.rss_mb() - before < 8 * SLACK
    c.close()


def test_window_closed_stream_holds_nothing(front):
    c = front.h2(window=0)
    sids = [c.request(f"/api/v1/stream?{PAD}") for _ in range(20)]
    c.pump(20, lambda: all(c.answer(s).headers for s in sids))
    before = front.rss_mb()
    c.pump(2)
    assert front.rss_mb() - before < 4 * SLACK
    assert all(not c.answer(s).body for s in sids)
    c.close()


def test_reset_cancels_in_core(front):
    c = front.h2()
    sids = [c.request("/api/v1/hang") for _ in range(3)] + [c.request("/api/v1/stream?50")]
    c.pump(20, lambda: c.answer(sids[3]).body)
    assert front.stats()["open"] == 5
    for sid in sids:
        c.send(frame(RST, 0, sid, u32(8)))
    c.pump(0.2)
    stats = wait_for("core sees the cancels", lambda: (s := front.stats())["open"] == 1 and s)
    assert stats["cancels"] == 4
    assert c.get("/api/v1/small").body == b"hello"


def test_closed_connection_cancels_in_core(front):
    c = front.h2()
    for _ in range(5):
        c.request("/api/v1/hang")
    c.pump(20, lambda: not c.out)
    wait_for("core has them", lambda: front.stats()["open"] == 6)
    c.close()
    wait_for("core sees the cancels", lambda: front.stats()["open"] == 1)


def test_core_that_is_slow_is_answered_for(start):
    front = start(answer_ms=1000)
    answer = front.h2().get("/api/v1/hang")
    assert answer.status == 503 and b'"timeout"' in answer.body and answer["retry-after"]
    wait_for("core is told", lambda: front.stats()["cancels"] == 1)


def test_client_that_does_not_take_its_answer_is_closed(start):
    front = start(send_ms=1500)
    c = front.h2(window=10)
    c.request("/api/v1/big?1000000")
    c.pump(20 * SLACK)
    assert c.closed
    assert "does not read" in front.text()
    assert front.answer_time() < 20
