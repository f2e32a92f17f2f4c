# SPDX-License-Identifier: Apache-2.0
"""posternd in other surroundings: without root, and two nodes on one database."""
import shutil

import pytest
from harness.run import binary, wait_for
from harness.server import ADMIN, Posternd, users_exist
from harness.support import need


@pytest.fixture
def run_of_users(fresh_run):
    need("posternd")
    if not users_exist():
        pytest.skip("the system users postern and postern-front do not exist (./dev test makes them)")
    return fresh_run


def test_serves_without_root(run_of_users):
    """Everything runs as the caller; the database is the caller's too."""
    p = Posternd(run_of_users, name="plain")
    for path in (p.data, p.rundir):
        path.mkdir(mode=0o700)
        shutil.chown(path, "postern", "postern")
    p.process = p.host.start(p.name, [binary("posternd"), "serve"], env=p.env, user="postern")
    p.process.wait_line(r" ready$", timeout=120)
    admin = p.set_up()
    site = admin.create("/api/v1/sites", name="hq")
    assert admin.get(f"/api/v1/sites/{site['id']}").json["name"] == "hq"
    assert p.stop() == 0


def test_admin_create_without_a_running_server(run_of_users):
    """The command starts the private database for as long as it needs it."""
    p = Posternd(run_of_users, name="offline")
    password = run_of_users.dir / "password"
    password.write_text("a long enough password\n")
    said = p.host.call(binary("posternd"), "admin", "create", "--email", "first@example.org", "--password-file", password,
                       env=p.env)
    assert "first@example.org is an administrator" in said.stdout
    assert "migrations in order" in p.host.call(binary("posternd"), "check", env=p.env).stdout
    p.start()
    assert not (p.data / "setup-token").exists()
    p.sign_in("first@example.org", "a long enough password").get("/api/v1/people").expect(200)


def test_two_nodes_share_a_database(run_of_users):
    """What one node commits, the other one tells; the numbering moves on when its holder dies."""
    one = Posternd(run_of_users, name="one").start()
    two = Posternd(run_of_users, name="two", settings={
        "POSTERN_DATABASE_URL": f"host={one.rundir}/pg user=postern dbname=postern"}).start()
    numbers = r"this process numbers the changes"
    one.process.wait_line(numbers)
    admin = one.set_up()
    there = two.sign_in(ADMIN["email"], ADMIN["password"])
    site = there.create("/api/v1/sites", name="made on two")

    def published(client):
        checks = client.get("/readyz?verbose").json.get("checks", [])
        return next((c["detail"] for c in checks if c["name"] == "changes"), None)
    wait_for("both nodes know the same revision", lambda: published(admin) == published(there) is not None)
    assert admin.get(f"/api/v1/sites/{site['id']}").json["name"] == "made on two"
    before = published(there)
    assert numbers not in two.process.text()
    core = next(pid for pid in one.host.pids() if "internal-core" in open(f"/proc/{pid}/cmdline").read())
    one.process.kill(19)  # SIGSTOP: its supervisor starts no other core
    try:
        one.host.call("kill", "-9", inside(core))
        two.process.wait_line(numbers, timeout=30)
        there.create("/api/v1/sites", name="made alone")
        wait_for("the lonely node numbers", lambda: published(there) != before)
    finally:
        one.process.kill(18)
    wait_for("both know the same again", lambda: published(admin) == published(there) is not None)


def inside(pid):
    """A pid as its own namespace numbers it."""
    with open(f"/proc/{pid}/status") as status:
        return next(line.split()[-1] for line in status if line.startswith("NSpid"))
