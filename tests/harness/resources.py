# SPDX-License-Identifier: Apache-2.0
"""The two resources of the testing ground, which really serve: a web page "wiki" with an endless download, and a
PostgreSQL "payroll"."""
import os
import pwd
import secrets
from pathlib import Path

from .ground import PAYROLL, WIKI

WIKI_PORT, PAYROLL_PORT = 80, 5432
POSTGRES = Path("/usr/lib/postgresql/15/bin")


class Wiki:
    """GET / answers a page, GET /download streams for ever at `rate` bytes a second."""

    url = f"http://{WIKI}"

    def __init__(self, host, address=WIKI, port=WIKI_PORT, rate=8_000_000):
        script = Path(__file__).with_name("wiki.py")
        self.process = host.start("wiki", ["/usr/bin/python3", script, address, port, rate])
        self.process.wait_line("^serving")


class Payroll:
    """A cluster of its own below the run's directory; user `clerk`, database `payroll`, a table `salary`."""

    def __init__(self, run, host):
        self.host, self.password = host, secrets.token_urlsafe(12)
        self.dir = run.dir / "payroll"
        self.dir.mkdir()
        owner = pwd.getpwnam("postgres")
        for name in ("data", "socket"):
            (self.dir / name).mkdir(mode=0o700)
            os.chown(self.dir / name, owner.pw_uid, owner.pw_gid)
        host.call(POSTGRES / "initdb", "--pgdata", self.dir / "data", "--no-sync", "--no-instructions", "--locale=C.UTF-8",
                  "--username=postgres", "--auth-local=peer", "--auth-host=scram-sha-256", user="postgres")
        with open(self.dir / "data" / "pg_hba.conf", "a") as hba:
            hba.write("host payroll clerk all scram-sha-256\n")
        self.process = host.start("postgres", [
            POSTGRES / "postgres", "-D", self.dir / "data", "-k", self.dir / "socket", "-c", "listen_addresses=*",
            "-c", f"port={PAYROLL_PORT}", "-c", "shared_buffers=16MB", "-c", "max_connections=20", "-c", "fsync=off"],
            user="postgres")
        self.process.wait_line("database system is ready to accept connections")
        self._sql("postgres", f"create role clerk login password '{self.password}'; ")
        self._sql("postgres", "create database payroll owner clerk")
        self._sql("payroll", "create table salary (person text, euro int); insert into salary values ('ana', 4200);"
                             "grant select on salary to clerk")

    def _sql(self, database, text):
        self.host.call("psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.dir / "socket", "-p", PAYROLL_PORT,
                       "-U", "postgres", database, "-c", text, user="postgres")

    def read(self, host, timeout=5):
        """What an ordinary client on `host` gets; raises RuntimeError when it gets nothing."""
        return host.call("psql", "-Atq", "-c", "select euro from salary where person = 'ana'",
                         f"host={PAYROLL} port={PAYROLL_PORT} user=clerk dbname=payroll connect_timeout={timeout}",
                         env={"PGPASSWORD": self.password}).stdout.strip()
