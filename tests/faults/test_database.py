# SPDX-License-Identifier: Apache-2.0
"""The database dies under load: requests are refused in an orderly way, nothing answered is lost, all recovers."""
import os
import signal
import threading
import time
import uuid

from harness.run import wait_for


def kill_database(posternd):
    """kill -9 of all its processes, found by their directory: posternd may have a pid namespace of its own."""
    killed = 0
    for proc in os.listdir("/proc"):
        if not proc.isdigit():
            continue
        try:
            if os.readlink(f"/proc/{proc}/cwd").startswith(str(posternd.data / "postgres")):
                os.kill(int(proc), signal.SIGKILL)
                killed += 1
        except OSError:
            continue
    assert killed, "no process of the database found"


def test_database_dies_and_comes_back(posternd, admin):
    made, refused, odd, stop = [], [], [], threading.Event()

    def write():
        while not stop.is_set():
            try:
                answer = admin.post("/api/v1/sites", {"name": f"site {uuid.uuid4().hex}"})
            except OSError as e:
                odd.append(repr(e))
                continue
            if answer.status == 201:
                made.append(answer.json["id"])
            elif answer.status == 503:
                refused.append(answer)
                time.sleep(0.01)
            else:
                odd.append(answer)
    writers = [threading.Thread(target=write) for _ in range(4)]
    for w in writers:
        w.start()
    try:
        for _ in range(3):
            before, noticed = len(made), len(refused)
            wait_for("writes succeed", lambda n=before: len(made) > n + 20)
            kill_database(posternd)
            assert posternd.rest().get("/livez").status == 200
            wait_for("the loss is noticed", lambda n=noticed: len(refused) > n)
            before = len(made)
            wait_for(lambda: f"recovery; last: {refused[-1:] or odd[-1:]}", lambda n=before: len(made) > n + 20)
    finally:
        stop.set()
        for w in writers:
            w.join()
    assert not odd, odd[:3]
    for answer in refused:
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["content-type"] == "application/problem+json" and answer.code == "unavailable"
        assert answer.json["type"] == "/api/v1/problems/unavailable"
    there = {site["id"] for site in admin.items("/api/v1/sites?limit=500")}
    assert set(made) <= there, "an answered write was lost"
    assert posternd.rest().get("/readyz").status == 200
