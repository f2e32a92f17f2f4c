# SPDX-License-Identifier: Apache-2.0
"""Random HTTP/2 sessions, half sense and half nonsense. Weak evidence, but cheap."""
import os
import random
import struct
import time

import pytest

from harness.h2raw import H2, frame, text, u32

PATHS = ["/api/v1/small", "/api/v1/echo", "/api/v1/stream?300", "/api/v1/hang", "/api/v1/big?70000", "/api/v1/short",
         "/", "/../../a", "/%", "/livez", "/agent/v1/x"]
WINDOWS = [0, 1, 5, 100, 65535, 1 << 20, 0x7fffffff]


def header_block(r):
    out = bytes([r.choice([0x82, 0x83, 0x82]), r.choice([0x86, 0x87])])
    out += b"\x04" + text(r.choice(PATHS).encode())
    if r.random() < 0.9:
        out += b"\x01" + text(b"localhost")
    if r.random() < 0.3:
        out += bytes([r.choice([0, 0x40, 0x10])]) + text(r.randbytes(r.randint(1, 20))) + text(r.randbytes(3))
    if r.random() < 0.1:
        out += r.randbytes(r.randint(1, 30))
    if r.random() < 0.1:
        out += b"\x0f\x0d\x02" + b"10"
    return out


def random_frame(r, sid, ids):
    """One frame, and whether it used up sid."""
    target, kind = r.choice(ids), r.random()
    if kind < 0.4:
        flags = r.choice([4, 5, 5, 5, 0x24, 0x25, 1, 0, 0xd])
        extra = struct.pack(">IB", r.choice(ids + [sid]) | r.getrandbits(1) << 31, r.getrandbits(8))
        return frame(1, flags, sid, (extra if flags & 0x20 else b"") + header_block(r)), True
    if kind < 0.55:
        return frame(8, 0, target, u32(r.choice(WINDOWS))), False
    if kind < 0.65:
        return frame(0, r.choice([0, 1, 8, 9]), target, r.randbytes(r.choice([0, 1, 10, 100, 5000]))), False
    if kind < 0.72:
        return frame(3, 0, target, u32(8)), False
    if kind < 0.80:
        on = r.choice(ids + [sid, sid + 2])
        return frame(2, 0, on, struct.pack(">IB", r.choice(ids + [sid, sid + 4]), r.getrandbits(8))), False
    if kind < 0.85:
        return frame(6, r.choice([0, 1]), 0, r.randbytes(8)), False
    if kind < 0.90:
        return frame(9, r.choice([0, 4]), target, header_block(r)), False
    if kind < 0.95:
        return frame(4, r.choice([0, 1]), 0, struct.pack(">HI", 4, r.choice(WINDOWS))), False
    return frame(r.randint(0, 12), r.getrandbits(8), target, r.randbytes(r.randint(0, 40))), False


def session(port, r):
    c = H2(port, window=r.choice(WINDOWS) if r.random() < 0.6 else None, connection_window=r.random() < 0.5)
    sid, ids = 1, [0]
    for _ in range(r.randint(1, 60)):
        data, used = random_frame(r, sid, ids)
        c.send(data)
        if used:
            ids.append(sid)
            sid += 2
        if r.random() < 0.1:
            c.pump(0.02, read=r.random() < 0.7)
        if c.closed:
            break
    c.pump(0.05, lambda: not c.out)
    c.close()


@pytest.mark.parametrize("sndbuf", [None, 16384])
def test_random_sessions(start, sndbuf):
    front = start(sndbuf=sndbuf)
    seed = int(os.environ.get("POSTERN_TEST_SEED") or time.time_ns())
    print("POSTERN_TEST_SEED =", seed)
    end, n = time.monotonic() + float(os.environ.get("POSTERN_RANDOM_S") or 4), 0
    while time.monotonic() < end:
        try:
            session(front.port, random.Random(seed + n))
        except OSError:
            pass
        n += 1
        assert front.alive(), f"seed {seed + n - 1}: {front.text()[-2000:]}"
    print(n, "sessions")
    assert front.answer_time() < 20
