# SPDX-License-Identifier: Apache-2.0
"""Core serves, but what was committed cannot take effect: changes are not numbered, or revocations cannot be written
down. Then no grant may be renewed, or be listed again; and once it works again nothing has to be repaired by hand."""
import subprocess
import time

import pytest
from harness.access import Access
from harness.server import Posternd

HASTE = 40      # a renewal every half second
BEHIND_S = 15   # how long core may lag before it falls silent (server/broker/refresh.c)

REFUSE_REVOCATIONS = """create function postern.refuse() returns trigger language plpgsql as
    $$ begin raise exception 'no revocation is written down'; end $$;
create trigger refuse before insert on postern.decisions for each row when (new.kind = 'revoke')
    execute function postern.refuse();"""
TAKE_REVOCATIONS = "drop trigger refuse on postern.decisions; drop function postern.refuse();"


def psql(posternd, *statements, **more):
    commands = [part for statement in statements for part in ("-c", statement)]
    return subprocess.Popen(["runuser", "-u", "postern", "--", "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-h",
                             posternd.rundir / "pg", "-d", "postern", *commands], cwd="/", **more)


class Revocations:
    def __init__(self, posternd):
        self.posternd = posternd
        assert psql(posternd, REFUSE_REVOCATIONS).wait(30) == 0

    def end(self):
        assert psql(self.posternd, TAKE_REVOCATIONS).wait(30) == 0


class Numbers:
    """Somebody holds the row that numbering needs."""

    def __init__(self, posternd):
        self.posternd = posternd
        self.session = psql(posternd, "begin", "select from postern.meta for update", "\\echo held",
                            "select pg_sleep(300)", stdout=subprocess.PIPE)
        assert any(line.strip() == b"held" for line in self.session.stdout)

    def end(self):
        psql(self.posternd, "select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(300)'",
             stdout=subprocess.DEVNULL).wait(30)
        self.session.wait(30)


@pytest.mark.parametrize("trouble", [Revocations, Numbers])
def test_A4_nothing_is_renewed_while_revocations_cannot_take_effect(fresh_run, trouble):
    posternd = Posternd(fresh_run, settings={"POSTERN_TEST_HASTE": str(HASTE)}).start()
    access = Access(posternd, posternd.set_up())
    client = access.client()
    client.sign_in()
    with access.gateway.watch() as at_gateway, client.watch() as at_client:
        at_gateway.listed()
        at_client.one("resource", id=access.wiki)
        answer = client.connect(access.site, [access.wiki]).expect(201).json
        grant = at_gateway.one("grant", connection=answer["id"])

        def renewals(since):
            return [e for e in at_gateway.events if e["type"] == "renewal" and e["received"] > since]

        began = time.monotonic() * 1000
        at_gateway.until("renewals go on", lambda w: len(renewals(began)) > 2)
        broken = trouble(posternd)
        try:
            access.enable(access.policy, False)
            changed = time.monotonic() * 1000
            # From the time at which core must have fallen silent on, five more renewals would be due.
            time.sleep(BEHIND_S + 4)
            assert ("grant", grant["id"]) in at_gateway.state  # nothing was revoked: that is the trouble
            assert not renewals(changed + BEHIND_S * 1000 + 1500)
            with pytest.raises(OSError):  # nor is anything listed
                access.gateway.client(timeout=2).get("/agent/v1/state")
        finally:
            broken.end()
    with access.gateway.watch() as after:
        after.listed()
        after.until("the grant is gone", lambda w: ("grant", grant["id"]) not in w.state)
        after.until("renewals go on", lambda w: [e for e in w.events if e["type"] == "renewal"])
    posternd.stop()
