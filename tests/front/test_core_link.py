# SPDX-License-Identifier: Apache-2.0
"""Core comes and goes; the front stays, says so, and is itself replaced without a wait."""
import json
import os
import signal
import subprocess

from harness.front import SLACK, Authority, driver
from harness.run import sanitized, wait_for


def test_without_core_503_then_recovery(start):
    front = start(core=False)
    c = front.h2()
    answer = c.get("/api/v1/small")
    assert answer.status == 503 and int(answer["retry-after"]) >= 1
    assert json.loads(answer.body)["code"] == "unavailable"
    assert c.get("/readyz").status == 503
    assert c.get("/livez").status == 200
    front.core.start()
    wait_for("the front finds core", lambda: c.get("/api/v1/small").body == b"hello", 2 * SLACK)


def test_killed_core_ends_streams_and_fails_requests(front):
    c = front.h2()
    stream, hang = c.request("/api/v1/stream?50"), c.request("/api/v1/hang")
    c.pump(20, lambda: c.answer(stream).body)
    front.core.kill()
    assert c.wait(stream).ended
    answer = c.wait(hang)
    assert answer.status == 503 and answer["retry-after"]
    front.core.start()
    wait_for("recovery", lambda: c.get("/api/v1/small").body == b"hello", 2 * SLACK)
    assert front.text().count("connected to core") == 2


def test_core_that_breaks_the_rules_is_cut_off(front):
    c = front.h2()
    answer = c.get("/api/v1/violate")
    assert answer.status == 503
    assert "frame out of order" in front.text()
    wait_for("recovery", lambda: c.get("/api/v1/small").body == b"hello", 5)


def test_terminate_ends_streams_and_exits(front):
    c = front.h2()
    stream = c.request("/api/v1/stream?50")
    c.pump(20, lambda: c.answer(stream).body)
    front.process.send_signal(signal.SIGTERM)
    assert c.wait(stream).ended
    assert c.goaway or not c.pump(5, lambda: c.goaway)
    c.close()
    assert front.process.wait(20) == 0


def test_terminate_does_not_wait_for_ever(front):
    c = front.h2(window=0)
    c.request("/api/v1/hang")
    c.request("/api/v1/stream?50")
    c.pump(20, lambda: c.answer(3).headers)
    status, seconds = front.terminate()
    assert status == 0 and seconds < 5.5 * SLACK


def test_terminate_idle_is_quick(front):
    c = front.h2()
    c.get("/api/v1/small")
    status, seconds = front.terminate()
    assert status == 0 and seconds < 3 * SLACK


def test_reload_of_the_certificate(front):
    def serial():
        c = front.h2()
        der = c.sock.getpeercert(True)
        c.close()
        return der
    first = serial()
    old = front.h2()
    old.get("/api/v1/small")
    Authority("new").issue(front.folder, "server")
    front.process.send_signal(signal.SIGHUP)
    wait_for("the new certificate", lambda: serial() != first, 10)
    assert old.get("/api/v1/small").body == b"hello"
    (front.folder / "server.crt").write_text("not a certificate")
    second = serial()
    front.process.send_signal(signal.SIGHUP)
    wait_for("the complaint", lambda: "the old certificate stays" in front.text(), 10)
    assert serial() == second


def test_sandbox(front):
    status = open(f"/proc/{front.process.pid}/status").read()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    if not sanitized():
        assert fields["Seccomp"].strip() == "2"
        assert fields["NoNewPrivs"].strip() == "1"
    assert front.answer_time() < 20


def test_front_whose_guard_is_not_in_place_does_not_serve(tmp_path):
    argv = [driver("front_echo_hidden"), "people", tmp_path / "core.sock", *Authority().issue(tmp_path, "x"), "-"]
    end = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert end.returncode == 1
    assert "the guard of libh2o does not hold" in end.stderr and "serving" not in end.stderr.replace("not serving", "")


def test_core_that_hangs(start):
    """Core takes nothing from its socket for a while: requests are answered for it, little is kept."""
    front = start(answer_ms=1500)
    c = front.h2()
    c.get("/api/v1/small")
    before = front.rss_mb()
    os.kill(front.core.process.pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            sids = [c.request("/api/v1/echo", "POST", body=b"x" * 1000000) for _ in range(12)]
            c.pump(30 * SLACK, lambda: all(c.answer(s).ended for s in sids))
            assert all(c.answer(s).status == 503 and c.answer(s)["retry-after"] for s in sids)
        assert front.rss_mb() - before < 80 * SLACK
    finally:
        os.kill(front.core.process.pid, signal.SIGCONT)
    wait_for("core again", lambda: c.get("/api/v1/small").body == b"hello", 20)
