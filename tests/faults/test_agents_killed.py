# SPDX-License-Identifier: Apache-2.0
"""kill -9 of core and of the database while agents ask for access: no grant without its record, all converges."""
import random
import threading
import time
from http.client import HTTPException

from harness.access import Access
from harness.run import wait_for
from test_database import kill_database
from test_kill import child, kill

KILLS = 3


class Asker(threading.Thread):
    """A client that asks for connections and closes the one before, until it is told to stop."""

    def __init__(self, access):
        super().__init__(daemon=True)
        self.access, self.client, self.answered = access, access.client(), 0
        self.client.sign_in()
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            try:
                answer = self.client.connect(self.access.site, [self.access.wiki])
                if answer.status == 201:
                    self.answered += 1
                    self.client.call("POST", f"/connections/{answer.json['id']}/fail", {"reason": "enough"})
            except (OSError, HTTPException):
                time.sleep(0.01)


class Follower(threading.Thread):
    """A gateway that keeps its stream and accepts what it is shown; every grant that it ever saw."""

    def __init__(self, access):
        super().__init__(daemon=True)
        self.access, self.gateway, self.grants, self.streams = access, access.gateway, {}, 0
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            try:
                with self.gateway.watch() as watch:
                    self.streams += watch.status == 200
                    self.follow(watch)
            except (OSError, HTTPException, AssertionError):
                time.sleep(0.05)

    def follow(self, watch):
        seen = 0
        while not self.done.is_set() and not watch.ended:
            for event in watch.events[seen:]:
                seen += 1
                if event["type"] == "added" and event["kind"] == "grant":
                    self.grants[event["id"]] = event["item"]["decision"]
                if event["type"] == "added" and event["kind"] == "connection" and event["item"].get("r"):
                    self.gateway.accept(event["item"])
            time.sleep(0.005)


def final_grants(access):
    """Grants of a fresh listing."""
    with access.gateway.watch() as watch:
        watch.listed()
        return {i["id"] for i in watch.kind("grant")}


def test_I5_core_killed_under_load_leaves_no_grant_without_a_record(posternd, admin):
    access = Access(posternd, admin)
    askers, follower = [Asker(access) for _ in range(2)], Follower(access)
    for thread in [follower, *askers]:
        thread.start()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    try:
        for _ in range(KILLS):
            before, streams = len(follower.grants), follower.streams
            wait_for("grants are seen", lambda n=before: len(follower.grants) > n + 5, 60)
            time.sleep(rng.random() * 0.2)
            kill(child(posternd, "core"))
            wait_for("the gateway has a stream again", lambda n=streams: follower.streams > n, 60)
    finally:
        for thread in [*askers, follower]:
            thread.done.set()
        for thread in [*askers, follower]:
            thread.join(30)
    wait_for("core is back", lambda: posternd.rest().get("/readyz").status == 200, 60)
    allowed = {d["id"]: d["lease_id"] for d in access.decisions(kind="grant")}
    for lease, decision in follower.grants.items():
        assert allowed.get(decision) == lease, f"grant {lease} has no record"
    # What a gateway should have now is what the records say: given and not taken.
    wait_for("grants and records agree", lambda: final_grants(access) == set(allowed.values()) - {
        d["lease_id"] for d in access.decisions(kind="revoke")}, 90)


def test_a_lost_database_takes_nothing_away_and_revocations_follow(posternd, admin):
    access = Access(posternd, admin)
    client = access.client()
    client.sign_in()
    with access.gateway.watch() as at_gateway, client.watch() as at_client:
        at_gateway.listed()
        at_client.one("resource", id=access.wiki)
        connection = client.connect(access.site, [access.wiki]).expect(201).json["id"]
        grant = at_gateway.one("grant", connection=connection)
        access.gateway.accept(at_gateway.one("connection", id=connection)).expect(204)
        kill_database(posternd)
        wait_for("the database is back", lambda: client.call("POST", "/why", {"resource": "x"}).status == 200, 60)
        assert not at_gateway.ended and ("grant", grant["id"]) in at_gateway.state
        wait_for("the policy is off", lambda: admin.patch(
            f"/api/v1/policies/{access.policy}", {"enabled": False}).status == 200, 60)
        assert at_gateway.gone("grant", grant["id"])["reason"] == "no_permit"
