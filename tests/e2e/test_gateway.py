# SPDX-License-Identifier: Apache-2.0
"""postern-gateway against the real posternd, with a device that does its half of the key exchange in Python: what
happens when the agent, the engine, the rules or posternd die, when session keys change, when clocks jump."""
import base64
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from harness.agent import b64, decode_enrolment
from harness.ground import PAYROLL, WIKI
from harness.resources import PAYROLL_PORT
from harness.run import binary, sanitized, wait_for
from harness.support import need, new_run
from harness.tunnel import Device, public_bytes
from harness.world import World

GATEWAY = "postern-gateway"
TABLE = "postern-pst-gw0"
ROUTES = ["10.50.0.0/24"]


@pytest.fixture(scope="module")
def gateway_run(request):
    need("posternd", GATEWAY, "posternctl")
    yield from new_run(request)


@pytest.fixture(scope="module")
def site(gateway_run):
    world = World(gateway_run)
    world.set_up()
    world.start_gateway()
    password = world.add_person("ana@example.org", "Ana")
    world.device = Device.enroll(world.server, gateway_run.dir, "ana@example.org", password)
    world.device.start(world.ground.laptop)
    return world


def connect(world, **more):
    half, item = world.device.connect_to(world.gateway["site_id"], [world.resources["wiki"]["id"]], **more)
    world.device.half, world.device.item = half, item
    return half, item


@pytest.fixture
def access(site):
    """The device reaches the wiki over a connection of its own; whatever a test broke is whole again afterwards."""
    site.set_policy(True)
    if site.device.stream.ended:  # a test has ended posternd
        site.device.stream = site.device.watch().listed()
    site.device.stream.one("resource", name="wiki")
    half, item = connect(site)
    site.device.use(half, item, ROUTES)
    wait_for(lambda: "the wiki answers: " + log(site), lambda: wiki(site) == 200)
    yield site
    if not site.gateway_process.alive():
        restart(site)


def log(world):
    return world.gateway_process.text()[-2000:]


def wiki(world):
    return world.device.get(world.wiki.url, timeout=2)


def status(world):
    return json.loads(world.ground.gateway.call(binary(GATEWAY), "status", "-o", "json").stdout)


def peers(world):
    """Public key -> allowed addresses, of the gateway's engine."""
    out = world.ground.gateway.call("wg", "show", "pst-gw0", "allowed-ips").stdout
    return {line.split("\t")[0]: line.split("\t")[1].split() for line in out.splitlines()}


def grants(world):
    """Elements in force, with the seconds until they end."""
    out = world.ground.gateway.call("nft", "-j", "list", "set", "inet", TABLE, "grants4", check=False).stdout
    sets = [r["set"] for r in json.loads(out)["nftables"] if "set" in r] if out else []
    return [e["elem"]["expires"] for s in sets for e in s.get("elem", [])]


def engine_pid(world):
    return int(world.ground.gateway.call("pgrep", "-f", "wireguard-go -f pst-gw0").stdout.split()[0])


def kill(world, pid, signo):
    world.ground.gateway.call("kill", f"-{int(signo)}", str(pid))


def restart(world):
    """posternd may still believe that the former agent is online, so the agent itself is asked."""
    world.restart_gateway()
    wait_applied(world)


def wait_applied(world):
    ask = [binary(GATEWAY), "status", "-o", "json"]

    def applied():
        out = world.ground.gateway.call(*ask, check=False)
        return out.returncode == 0 and json.loads(out.stdout)["applied"]
    wait_for(lambda: "the new agent has applied the state: " + log(world), applied)


def end_agent(world, signo):
    """Ends the agent and waits until it is gone; the engine is another process."""
    pid = world.ground.gateway.call("pgrep", "-f", "postern-gateway run").stdout.split()[-1]
    kill(world, pid, signo)
    wait_for("the agent has ended", lambda: not world.gateway_process.alive())


def test_A1_the_wiki_is_reached_and_nothing_else(access):
    refused = access.refused()
    assert wiki(access) == 200
    assert access.device.get(f"http://{PAYROLL}:{PAYROLL_PORT}/", timeout=2) is None
    assert access.device.get(f"http://{WIKI}:81/", timeout=2) is None
    assert access.refused() > refused
    assert status(access)["denied_packets"] == access.refused()
    assert access.ground.arrivals(access.ground.payroll) == 0


def test_I5_refused_packets_reach_the_decisions(access):
    access.device.get(f"http://{PAYROLL}:{PAYROLL_PORT}/", timeout=2)

    def reported():
        return [d for d in access.admin.items("/api/v1/decisions?limit=500")
                if d["kind"] == "packets" and d["destination"] == PAYROLL]
    found = wait_for(lambda: "the refused packets are a record: " + log(access), reported, timeout=30)
    assert found[0]["session_id"] == access.device.session["id"] and found[0]["code"] == "no_grant"


@pytest.mark.slow
def test_L5_no_grant_lives_longer_than_five_minutes_and_renewals_prolong_it(access):
    assert grants(access) and all(0 < left <= 300 for left in grants(access))

    def low():
        return max(grants(access)) < 268
    wait_for("the grant grows older", low, timeout=60)
    wait_for("a renewal prolongs it", lambda: max(grants(access)) > 268, timeout=60)


def test_H2_revoking_cuts_within_two_seconds(access):
    began = time.monotonic()
    access.set_policy(False)
    wait_for("the grant is gone", lambda: not grants(access), timeout=2)
    assert time.monotonic() - began < 2
    assert wiki(access) is None


def test_L1_killed_agent_leaves_tunnels_and_finds_them_again(access):
    engine, before = engine_pid(access), peers(access)
    end_agent(access, signal.SIGKILL)
    assert wiki(access) == 200
    restart(access)
    assert engine_pid(access) == engine
    assert peers(access) == before
    assert wiki(access) == 200
    access.set_policy(False)
    wait_for("revoking works as before", lambda: wiki(access) is None, timeout=10)


def test_L1_revoked_while_the_agent_was_dead(access):
    end_agent(access, signal.SIGKILL)
    access.set_policy(False)
    assert wiki(access) == 200  # nobody is there to close it, but it ends by itself
    restart(access)
    wait_for("the state is made true", lambda: not grants(access), timeout=10)
    assert wiki(access) is None


def test_hangup_leaves_everything_for_the_next_agent(access):
    engine = engine_pid(access)
    end_agent(access, signal.SIGHUP)
    assert wiki(access) == 200
    restart(access)
    assert engine_pid(access) == engine
    assert wiki(access) == 200


def test_stopping_says_goodbye_and_takes_everything_down(access):
    end_agent(access, signal.SIGTERM)
    gateway = access.ground.gateway
    assert "pst-gw0" not in gateway.call("wg", "show", "interfaces").stdout
    assert TABLE not in gateway.call("nft", "list", "tables").stdout
    answer = access.device.connect(access.gateway["site_id"], [access.resources["wiki"]["id"]]).expect(200, 201).json
    assert "No gateway" in answer["refused"][0]["reason"]


@pytest.mark.slow
def test_L1_dead_engine_is_replaced_with_all_peers(access):
    before = peers(access)
    kill(access, engine_pid(access), signal.SIGKILL)
    wait_for(lambda: "another engine: " + log(access),
             lambda: peers_or_none(access) == before, timeout=20)
    # The device's engine notices by itself that its keys lead nowhere.
    wait_for("the wiki answers again", lambda: wiki(access) == 200, timeout=60)


def peers_or_none(world):
    try:
        return peers(world)
    except (RuntimeError, IndexError):
        return None


@pytest.mark.slow
def test_L1_hanging_engine_is_replaced(access):
    before, engine = peers(access), engine_pid(access)
    kill(access, engine, signal.SIGSTOP)
    access.set_policy(False)
    wait_for("a revocation does not wait for the engine", lambda: not grants(access), timeout=3)
    wait_for(lambda: "another engine: " + log(access), lambda: engine_pid_or_none(access) not in (None, engine), timeout=60)
    assert list(before) != [] and wiki(access) is None


def engine_pid_or_none(world):
    try:
        return engine_pid(world)
    except (RuntimeError, IndexError):
        return None


class WallTime:
    """Wall time as the agent alone sees it, through libfaketime; never the machine's clock."""
    LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")

    def __init__(self, world, path):
        self.world, self.path = world, path
        self.env = {"LD_PRELOAD": str(self.LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(path), "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def start_agent(self, offset):
        end_agent(self.world, signal.SIGHUP)
        self.set(offset)
        self.world.restart_gateway(env=self.env)
        wait_applied(self.world)

    def set(self, offset):
        self.path.write_text(offset)


@pytest.fixture
def wall_time(access, gateway_run):
    if not WallTime.LIBRARY.exists():
        pytest.skip("libfaketime is not installed")
    if sanitized():
        pytest.skip("libfaketime and sanitizers do not go together")
    yield WallTime(access, gateway_run.dir / "faketime")
    end_agent(access, signal.SIGHUP)


def test_L5_certificate_is_renewed_at_two_thirds_of_its_life(access, wall_time):
    wall_time.start_agent("+250d")
    wait_for(lambda: "the certificate is renewed: " + log(access),
             lambda: "certificate renewed" in access.gateway_process.text(), timeout=40)
    wall_time.start_agent("+0s")  # the new one is on disk, and good
    assert wiki(access) == 200


def test_L5_a_clock_that_jumps_closes_grants_until_the_state_is_listed_anew(access, wall_time):
    wall_time.start_agent("+0s")
    assert wiki(access) == 200
    wall_time.set("+20s")
    wait_for(lambda: "the jump is noticed: " + log(access), lambda: "the clock jumped ahead" in access.gateway_process.text())
    wait_for(lambda: "open again: " + log(access), lambda: "the state was listed anew" in access.gateway_process.text())
    assert wiki(access) == 200


def test_A4_flushed_rules_come_back_closed_first(access):
    access.ground.gateway.call("nft", "delete", "table", "inet", TABLE)
    wait_for(lambda: "the table is there again: " + log(access), lambda: grants(access), timeout=10)
    assert access.device.get(f"http://{PAYROLL}:{PAYROLL_PORT}/", timeout=2) is None
    assert wiki(access) == 200


def test_new_session_key_takes_over_without_a_gap(access):
    old = public_bytes(access.device.half.wireguard)
    half, item = connect(access, replaces=access.device.item["id"])
    new = public_bytes(half.wireguard)
    table = wait_for("both peers are installed", lambda: (p := peers(access)) and b64(new) in p and p)
    assert table[b64(new)] == ["(none)"] and len(table[b64(old)]) == 2
    assert wiki(access) == 200  # still over the old key
    access.device.use(half, item, ROUTES, keepalive=1)
    wait_for(lambda: f"the address moved: {peers(access)} {log(access)}",
             lambda: len(peers(access).get(b64(new), [])) == 2 and b64(old) not in peers(access), timeout=10)
    assert wiki(access) == 200


def test_L3_posternd_restarts_and_access_goes_on(access):
    access.server.stop()
    wait_for("the gateway notices", lambda: not status(access)["connected"])
    assert wiki(access) == 200
    access.server.start()
    wait_for(lambda: "connected again: " + log(access), lambda: status(access)["connected"], timeout=60)
    assert wiki(access) == 200


@pytest.mark.slow
def test_L3_a_silent_posternd_is_noticed_within_a_minute(access):
    """Stopped, not ended: the connection stays open and nothing comes."""
    server = access.ground.server
    fronts = server.call("pgrep", "-f", "posternd").stdout.split()
    server.call("kill", "-STOP", *fronts)
    try:
        began = time.monotonic()
        wait_for(lambda: "the gateway notices: " + log(access), lambda: not status(access)["connected"], timeout=75)
        assert time.monotonic() - began > 20
        assert wiki(access) == 200
    finally:
        server.call("kill", "-CONT", *fronts, check=False)  # the supervisor ends who was silent
    wait_for(lambda: "connected again: " + log(access), lambda: status(access)["connected"], timeout=60)


@pytest.mark.slow
def test_L3_a_connection_that_leads_nowhere_is_replaced(access):
    """A NAT that has forgotten one flow: its packets vanish, new connections would work."""
    out = access.ground.gateway.call("ss", "-Htn", "state", "established", "dport = :8444").stdout
    port = re.search(r":(\d+) +198", out)[1]
    ended = access.gateway_process.text().count("state stream ended")
    nat = access.ground.sitenat
    nat.call("nft", "-f", "-", input=f"""table inet forgetful {{
        chain pass {{
            type filter hook forward priority -1
            tcp sport {port} tcp dport 8444 drop
            tcp sport 8444 tcp dport {port} drop
        }}
    }}""")
    try:
        # Not "disconnected": whether that shows depends on how fast the new connection is.
        wait_for(lambda: "another connection: " + log(access),
                 lambda: access.gateway_process.text().count("state stream ended") > ended, timeout=90)
        wait_for(lambda: "connected again: " + log(access), lambda: status(access)["connected"], timeout=40)
        again = access.ground.gateway.call("ss", "-Htn", "state", "established", "dport = :8444").stdout
        assert f":{port} " not in again
    finally:
        nat.call("nft", "delete", "table", "inet", "forgetful")
    assert wiki(access) == 200


def test_A2_used_and_broken_enrolment_strings(site, gateway_run):
    used = (gateway_run.dir / "enrolment").read_text()
    host = site.ground.gateway
    for name, text, code, why in [("used", used, 4, "works once"), ("broken", used[:-9], 2, "not an enrolment string"),
                                  ("noise", "hello", 2, "not an enrolment string")]:
        out = host.call(binary(GATEWAY), "enroll", "--state-dir", f"/run/other-{name}", "--token-file",
                        site.secret_file(f"string-{name}", text), check=False)
        assert out.returncode == code, out.stderr
        assert why in out.stderr
    again = host.call(binary(GATEWAY), "enroll", "--token-file", site.secret_file("string-again", used), check=False)
    assert again.returncode == 6 and "enrolled already" in again.stderr


def test_A2_enrolled_anew_in_the_same_place(site):
    """With a new string and another key; what root does there stays readable for the service's own user."""
    host, folder = site.ground.gateway, "/run/second"

    def enroll(*flags):
        token = site.ctl("gateway", "token", "gw-2").stdout.strip()
        return host.call(binary(GATEWAY), "enroll", "--state-dir", folder, "--token-file",
                         site.secret_file("string-second", token), *flags, check=False)

    site.create("gateway", name="gw-2", site_id=site.gateway["site_id"])
    assert enroll().returncode == 0
    refused = enroll()
    assert refused.returncode == 6 and "--anew" in refused.stderr
    host.sh(f"chown -R 65534:65534 {folder}")
    key = host.sh(f"sha256sum {folder}/device.key").stdout
    anew = enroll("--anew")
    assert anew.returncode == 0, anew.stderr
    assert host.sh(f"sha256sum {folder}/device.key").stdout != key
    assert host.sh(f"ls {folder}").stdout.split() == ["device.key", "identity.sealed", "seal.key"]
    assert set(host.sh(f"stat -c %u {folder}/*").stdout.split()) == {"65534"}
    garbled = host.call(binary(GATEWAY), "enroll", "--state-dir", folder, "--anew", "--token-file",
                        site.secret_file("string-noise", "noise"), check=False)
    assert garbled.returncode == 2
    assert "ok     enrolled" in host.call(binary(GATEWAY), "check", "--state-dir", folder, check=False).stdout


def test_A2_another_server_is_not_believed(site):
    """A pin that does not fit: the string is right, the server is not the one it names."""
    fresh = site.ctl("gateway", "token", "gw-1").stdout.strip()
    said = decode_enrolment(fresh)
    said["pin"] = "sha256//" + base64.b64encode(os.urandom(32)).decode()
    text = "pstenr_" + base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    out = site.ground.gateway.call(binary(GATEWAY), "enroll", "--state-dir", "/run/other-pin", "--token-file",
                                   site.secret_file("string-pin", text), check=False)
    assert out.returncode != 0 and re.search("pin|public key", out.stderr), out.stderr
