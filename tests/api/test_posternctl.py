# SPDX-License-Identifier: Apache-2.0
"""posternctl against the real server: what an administrator types, sees and gets as exit code."""
import json
import os
import pty
import select
import socket
import subprocess

import pytest
from harness.run import binary
from harness.server import ADMIN

OK, FAILURE, USAGE, NOT_FOUND, DENIED, NOT_SIGNED_IN, CONFLICT, UNREACHABLE, PARTLY = range(9)
PASSWORD = "a long enough password"


class Ctl:
    """posternctl with a home of its own."""

    def __init__(self, run, name):
        self.home = run.dir / name
        self.home.mkdir(mode=0o700)

    def file(self, name, text):
        path = self.home / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    def run(self, *args, exit=OK, input="", env=None):
        environment = {"PATH": os.environ["PATH"], "POSTERN_CONFIG_DIR": str(self.home), "NO_COLOR": "1", **(env or {})}
        done = subprocess.run([binary("posternctl"), *args], input=input, capture_output=True, text=True, timeout=120,
                              env=environment)
        assert done.returncode == exit, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *args, **kw):
        return json.loads(self.run(*args, "-o", "json", **kw).stdout)

    def login(self, url, email, password, *args, **kw):
        return self.run("login", url, "--email", email, "--password-file", self.file("password", password + "\n"), *args, **kw)


@pytest.fixture(scope="module")
def ctl(run, posternd):
    """The first administrator, made with the set-up token."""
    c = Ctl(run, "ctl-admin")
    done = c.login(posternd.url, ADMIN["email"], ADMIN["password"], "--setup", c.file("setup", posternd.setup_token + "\n"),
                   "--name", ADMIN["name"])
    assert done.stdout == "" and "(admin)" in done.stderr
    return c


@pytest.fixture(scope="module")
def rest(ctl, posternd):
    return posternd.sign_in()


@pytest.fixture(scope="module")
def wiki(ctl):
    """A site with a resource, made by name."""
    ctl.run("create", "site", "name=hq")
    return ctl.json("create", "resource", "name=wiki", "site=hq", "address=10.0.0.5", "ports=tcp/443,tcp/8000-8010")


def test_context_is_private_and_holds_the_token(ctl):
    path = ctl.home / "contexts" / "default.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["token"]


def test_names_stand_for_ids(ctl, rest, wiki):
    assert wiki["addresses"] == ["10.0.0.5"]
    assert wiki["ports"] == [{"protocol": "tcp", "first": 443, "last": 443},
                             {"protocol": "tcp", "first": 8000, "last": 8010}]
    assert rest.get(f"/api/v1/resources/{wiki['id']}").expect(200).json == wiki
    assert ctl.json("get", "resource", "wiki") == wiki
    assert ctl.json("get", "resources", wiki["id"]) == wiki
    person = ctl.json("create", "person", "email=ann@example.org", "name=Ann")
    group = ctl.json("create", "group", "name=eng")
    member = ctl.json("create", "membership", "group=eng", "person=ann@example.org")
    assert (member["group_id"], member["person_id"]) == (group["id"], person["id"])
    policy = ctl.json("create", "policy", "group=eng", "resource=wiki", "effect=permit")
    assert policy["name"] == "permit eng wiki" and policy["enabled"]
    table = ctl.run("get", "policies").stdout.splitlines()
    assert table[0].split() == ["NAME", "EFFECT", "GROUP", "ID", "RESOURCE", "ID", "ENABLED"]
    assert table[1].split() == ["permit", "eng", "wiki", "permit", "eng", "wiki", "yes"]


def test_output_formats(ctl, wiki):
    assert ctl.json("get", "resources")["items"][0]["id"] == wiki["id"]
    assert ctl.run("get", "resources", "-o", "name").stdout == "wiki\n"
    assert "tcp/443,tcp/8000-8010" in ctl.run("get", "resources").stdout
    wide = ctl.run("get", "resources", "-o", "wide").stdout
    assert wiki["id"] in wide and wiki["id"] not in ctl.run("get", "resources").stdout
    text = ctl.run("get", "resource", "wiki", "-o", "yaml").stdout
    assert "name: wiki\n" in text and '- "10.0.0.5"\n' in text and "first: 443\n" in text


def test_pages_are_joined(ctl):
    for i in range(12):
        ctl.run("create", "group", f"name=page-{i:02}")
    names = ctl.run("get", "groups", "-o", "name", "--limit", "1000").stdout.split()
    assert [f"page-{i:02}" for i in range(12)] == sorted(n for n in names if n.startswith("page-"))
    few = ctl.run("get", "groups", "-o", "name", "-l", "5")
    assert len(few.stdout.split()) == 5 and "there are more" in few.stderr
    assert ctl.run("get", "groups", "-o", "name", "--filter", 'name = "page-03"').stdout == "page-03\n"


def test_edit_round_trip_through_a_file(ctl, wiki):
    text = ctl.run("get", "resource", "wiki", "-o", "yaml").stdout
    path = ctl.file("wiki.yaml", text.replace("description: null", "description: the wiki: all of it".replace(": all", " - all")))
    changed = ctl.json("edit", "resource", "wiki", "-f", path)
    assert changed["description"] == "the wiki - all of it" and changed["site_id"] == wiki["site_id"]
    assert ctl.json("edit", "resource", "wiki", "description=")["description"] is None
    again = ctl.json("edit", "resource", "wiki", "-f", "-", input='{"ports": [{"protocol": "udp", "first": 53}]}')
    assert again["ports"] == [{"protocol": "udp", "first": 53, "last": 53}]


def test_create_from_files(ctl):
    listing = "- name: from-file-1\n- name: from-file-2\n  description: second\n"
    ctl.run("create", "site", "-f", ctl.file("sites.yaml", listing))
    assert ctl.json("get", "site", "from-file-2")["description"] == "second"
    done = ctl.run("create", "site", "-f", ctl.file("bad.yaml", "- name: from-file-3\n- name: from-file-1\n"), exit=PARTLY)
    assert "1 of 2 were created" in done.stderr
    resource = ctl.json("create", "resource", "-f", "-", input="name: by-file\nsite: from-file-1\naddresses: [10.9.9.9]\n")
    assert resource["site_id"] == ctl.json("get", "site", "from-file-1")["id"]
    done = ctl.run("create", "site", "-f", "-", input='{"name": "x", "name": "y"}', exit=USAGE)
    assert "given twice" in done.stderr


def test_stale_edit_is_refused(ctl, rest):
    made = ctl.json("create", "site", "name=stale")
    path = f"/api/v1/sites/{made['id']}"
    etag = rest.get(path).etag
    rest.patch(path, {"description": "newer"}).expect(200)
    done = ctl.run("api", "PATCH", path, "-d", '{"description":"older"}', "--if-match", etag, exit=CONFLICT)
    assert "stale" in done.stderr and "request " in done.stderr
    assert json.loads(done.stdout)["current"]["description"] == "newer"
    assert ctl.json("get", "site", "stale")["description"] == "newer"


def test_problems_are_told_with_pointers(ctl):
    done = ctl.run("create", "resource", "name=bad", "site=hq", "address=10.0.0.1/8", exit=FAILURE)
    assert "/addresses/0: " in done.stderr and "request " in done.stderr and done.stdout == ""
    assert "/name" in ctl.run("create", "site", "description=x", exit=FAILURE).stderr
    ctl.run("create", "site", "name=hq", exit=CONFLICT)
    ctl.run("create", "policy", "group=nobody", "resource=wiki", "effect=permit", exit=NOT_FOUND)
    ctl.run("get", "site", "nowhere", exit=NOT_FOUND)
    ctl.run("get", "site", "sit_01JD2Q8W6Z6T3V9XK4M5N7P8QR", exit=NOT_FOUND)
    for args in (["get", "planets"], ["create", "site"], ["create", "site", "colour=red"], ["delete", "site", "hq"],
                 ["create", "site", "name"], ["nothing"], ["login", "http://x"], ["edit", "site", "hq"]):
        assert "Try 'posternctl" in ctl.run(*args, exit=USAGE).stderr


def test_refusals_say_each_thing_once_and_what_it_means(ctl, rest):
    ctl.run("create", "site", "name=told")
    ctl.run("create", "resource", "name=open", "site=told", "address=10.9.9.9")
    assert ctl.run("get", "resource", "open").stdout.split()[-1] == "any", "no ports listed are all ports"
    refused = ctl.run("delete", "site", "told", "--yes", exit=CONFLICT).stderr
    assert "(open)" in refused and "body" not in refused
    assert ctl.run("create", "site", "name=told", exit=CONFLICT).stderr.count("another site has this name") == 1
    ctl.run("create", "group", "name=once")
    ctl.run("create", "membership", "group=once", f"person={ADMIN['email']}")
    again = ctl.run("create", "membership", "group=once", f"person={ADMIN['email']}", exit=CONFLICT)
    assert "in the group already" in again.stderr
    assert "only the server" in ctl.run("create", "decision", "colour=red", exit=USAGE).stderr
    assert "'elsewhere'" in ctl.run("get", "sites", "--context", "elsewhere", exit=NOT_SIGNED_IN).stderr


def test_delete(ctl, rest):
    made = ctl.json("create", "site", "name=doomed")
    done = ctl.run("delete", "site", "doomed", "--yes")
    assert done.stdout == "" and made["id"] in done.stderr
    rest.get(f"/api/v1/sites/{made['id']}").expect(404)
    ctl.run("delete", "site", "doomed", "--yes", exit=NOT_FOUND)
    ctl.run("delete", "site", "hq", "--yes", exit=CONFLICT)  # a resource refers to it


def test_enrolment_string_alone_on_stdout(ctl):
    ctl.run("create", "gateway", "name=gw-1", "site=hq", "endpoint=198.51.100.2:51820")
    done = ctl.run("gateway", "token", "gw-1")
    assert done.stdout.startswith("pstenr_") and done.stdout.count("\n") == 1 and done.stderr == ""
    assert ctl.run("gateway", "token", "gw-1").stdout != done.stdout
    ctl.run("gateway", "token", "gw-2", exit=NOT_FOUND)


def test_token_works_without_a_context(run, ctl, posternd):
    token = ctl.run("create", "token", "name=ci", "role=auditor", "expires_at=1d").stdout
    assert token.startswith("pst_") and token.count("\n") == 1
    other = Ctl(run, "ctl-token")
    env = {"POSTERN_SERVER": posternd.url, "POSTERN_TOKEN_FILE": other.file("token", token)}
    assert "hq" in other.run("get", "sites", "-o", "name", env=env).stdout.split()
    assert other.run("create", "site", "name=nope", env=env, exit=DENIED).stdout == ""
    narrow = other.file("narrow", ctl.run("create", "token", "name=narrow", "scopes=groups:read", "expires_at=1d").stdout)
    refused = other.run("get", "sites", env={**env, "POSTERN_TOKEN_FILE": narrow}, exit=DENIED)
    assert "needs the role auditor" in refused.stderr
    narrow = other.file("narrow", ctl.run("create", "token", "name=narrow2", "role=auditor", "scopes=groups:read",
                                          "expires_at=1d").stdout)
    refused = other.run("get", "sites", env={**env, "POSTERN_TOKEN_FILE": narrow}, exit=DENIED)
    assert "needs the scope sites:read" in refused.stderr
    ctl.run("delete", "token", "ci", "--yes")
    other.run("get", "sites", env=env, exit=NOT_SIGNED_IN)


def test_passwords_and_roles(run, ctl, posternd):
    ctl.run("create", "person", "email=mia@example.org", "name=Mia", "role=member")
    ctl.run("person", "password", "mia@example.org", "--password-file", "-", input=PASSWORD)
    mia = Ctl(run, "ctl-mia")
    mia.run("get", "sites", exit=NOT_SIGNED_IN)
    mia.login(posternd.url, "mia@example.org", "wrong", exit=NOT_SIGNED_IN)
    mia.login(posternd.url, "mia@example.org", PASSWORD)
    assert "needs the role auditor" in mia.run("get", "sites", exit=DENIED).stderr
    mia.run("logout")
    mia.run("get", "sites", exit=NOT_SIGNED_IN)
    assert not (mia.home / "contexts" / "default.json").exists()


def test_wrong_pin_and_no_server(run, ctl, posternd):
    c = Ctl(run, "ctl-pin")
    base = posternd.url.split("#")[0]
    wrong = base + "#pin=sha256//" + "A" * 43 + "="
    assert "not the pinned one" in c.login(wrong, ADMIN["email"], ADMIN["password"], exit=UNREACHABLE).stderr
    assert "not trusted" in c.login(base, ADMIN["email"], ADMIN["password"], exit=UNREACHABLE).stderr
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))  # nobody listens: refused
        c.login(f"https://127.0.0.1:{s.getsockname()[1]}", ADMIN["email"], ADMIN["password"], exit=UNREACHABLE)
    assert not (c.home / "contexts" / "default.json").exists()


def test_the_server_tells_its_address_with_the_pin(posternd):
    said = posternd.host.call(binary("posternd"), "address", env=posternd.env)
    assert said.stdout.strip() == posternd.url and posternd.url in posternd.process.text()


def test_audit_names_actor_and_object(ctl):
    ctl.run("create", "site", "name=audited")
    newest = ctl.json("audit", "-l", "1")["items"][0]
    assert (newest["action"], newest["object_name"], newest["actor_name"]) == ("create", "audited", ADMIN["email"])
    assert "audited" in ctl.run("audit").stdout
    assert ctl.json("decisions")["items"] == []


def test_follow_prints_what_comes(ctl):
    env = {**os.environ, "POSTERN_CONFIG_DIR": str(ctl.home)}
    with subprocess.Popen([binary("posternctl"), "audit", "--follow", "-o", "json"], stdout=subprocess.PIPE, text=True,
                          env=env) as follower:
        try:
            json.loads(follower.stdout.readline())  # the past comes first
            ctl.run("create", "site", "name=followed")
            for line in follower.stdout:
                if json.loads(line)["object_name"] == "followed":
                    break
            else:
                pytest.fail("the event did not come")
        finally:
            follower.kill()


def test_api_sends_anything(ctl):
    assert json.loads(ctl.run("api", "GET", "/api/v1/me").stdout)["email"] == ADMIN["email"]
    made = json.loads(ctl.run("api", "POST", "/api/v1/sites", "-d", "@-", input='{"name":"raw"}').stdout)
    assert made["name"] == "raw"
    assert json.loads(ctl.run("api", "GET", "/api/v1/none", exit=NOT_FOUND).stdout)["code"] == "not_found"
    ctl.run("api", "GET", "api/v1/me", exit=USAGE)


def test_every_field_of_a_noun_can_be_named(ctl, rest):
    """The command line's records are the server's: no list that the server sends is unreadable."""
    for kind in ("sites", "gateways", "resources", "people", "groups", "memberships", "devices", "policies", "tokens",
                 "decisions", "audit-events"):
        ctl.run("get", kind)
        ctl.run("get", kind, "-o", "yaml")
        assert ctl.json("get", kind, "--limit", "500")["items"] == rest.items(f"/api/v1/{kind}")


# What happens on a terminal.

def on_terminal(ctl, *args, answers=(), env=None):
    """Runs posternctl on a terminal; answers are pairs (what to wait for, what to type). Exit code and all output."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update({"POSTERN_CONFIG_DIR": str(ctl.home), **(env or {})})
        os.execv(binary("posternctl"), ["posternctl", *args])
    seen, left = "", list(answers)
    try:
        while True:
            ready, _, _ = select.select([fd], [], [], 60)
            assert ready, f"nothing more came after: {seen}"
            try:
                chunk = os.read(fd, 4096)
            except OSError:  # the terminal has no other side any more
                break
            if not chunk:
                break
            seen += chunk.decode()
            if left and left[0][0] in seen:
                os.write(fd, left.pop(0)[1].encode())
    finally:
        os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen


def editor(ctl, name, script):
    path = ctl.home / name
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o700)
    return {"EDITOR": str(path), "VISUAL": str(path), "TMPDIR": str(ctl.home)}


def test_editor_changes_an_object(ctl):
    made = ctl.json("create", "site", "name=edited")
    code, seen = on_terminal(ctl, "edit", "site", "edited", env=editor(
        ctl, "ed-change", 'grep -q "^id:" "$1" && exit 3\nsed -i "s/^description: .*/description: by hand/" "$1"\n'))
    assert code == OK, seen
    assert ctl.json("get", "site", made["id"])["description"] == "by hand"
    assert not list(ctl.home.glob("posternctl.*")), "the temporary file is gone"
    code, seen = on_terminal(ctl, "edit", "site", "edited", env=editor(ctl, "ed-nothing", "true\n"))
    assert code == OK and "nothing changed" in seen
    assert on_terminal(ctl, "edit", "site", "edited", env=editor(ctl, "ed-fail", "exit 1\n"))[0] == FAILURE


def test_editor_text_survives_a_conflict(ctl):
    ctl.run("create", "site", "name=contested")
    again = f'POSTERN_CONFIG_DIR={ctl.home} {binary("posternctl")} edit site contested description=theirs >/dev/null\n'
    code, seen = on_terminal(ctl, "edit", "site", "contested",
                             env=editor(ctl, "ed-race", again + 'sed -i "s/^description: .*/description: mine/" "$1"\n'))
    assert code == CONFLICT and "nothing was written" in seen and "your text is kept in" in seen
    kept, = ctl.home.glob("posternctl.*")
    assert "description: mine" in kept.read_text() and kept.stat().st_mode & 0o777 == 0o600
    kept.unlink()
    assert ctl.json("get", "site", "contested")["description"] == "theirs"


def test_delete_asks(ctl):
    ctl.run("create", "site", "name=asked")
    ctl.run("delete", "site", "asked", exit=USAGE)  # no terminal, no --yes
    assert on_terminal(ctl, "delete", "site", "asked", answers=[("[y/N]", "\n")])[0] == FAILURE
    ctl.run("get", "site", "asked")
    assert on_terminal(ctl, "delete", "site", "asked", answers=[("[y/N]", "y\n")])[0] == OK
    ctl.run("get", "site", "asked", exit=NOT_FOUND)


def test_password_is_asked_without_echo(run, ctl, posternd):
    c = Ctl(run, "ctl-terminal")
    code, seen = on_terminal(c, "login", posternd.url, "--email", ADMIN["email"],
                             answers=[("Password: ", ADMIN["password"] + "\n")])
    assert code == OK, seen
    assert ADMIN["password"] not in seen
    c.run("get", "sites")
