# SPDX-License-Identifier: Apache-2.0
"""Wall time that steps, as one process sees it through libfaketime; never the machine's clock. CLOCK_BOOTTIME, on which
all remaining times count, is left alone, as it is when a real clock is set."""
import contextlib
import time
from datetime import datetime
from pathlib import Path

import pytest
from harness.proofs import Download
from harness.run import sanitized, wait_for
from whole import SLOWER

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LIBRARY.exists(), reason="libfaketime is not installed"),
    pytest.mark.skipif(sanitized(), reason="libfaketime and sanitizers do not go together"),
]

CLOCKS = """
import time
from datetime import datetime
print(time.clock_gettime(time.CLOCK_REALTIME), time.clock_gettime(time.CLOCK_BOOTTIME))
"""


class Clock:
    """What the programs that are started with `env` take for wall time."""

    def __init__(self, directory):
        self.file = directory / "faketime"
        self.env = {"LD_PRELOAD": str(LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.set(0)

    def set(self, seconds):
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}s\n")
        fresh.chmod(0o644)
        fresh.rename(self.file)  # never seen half written


@pytest.fixture
def clock(whole):
    return Clock(whole.run.dir)


@contextlib.contextmanager
def living_in(whole, name, clock):
    """The agent restarts into that time, and out of it again."""
    whole.kill(name)
    start = {"gateway": whole.restart_gateway, "client": whole.laptop.start}[name]
    start(env=clock.env)
    whole.access_returns(20)
    try:
        yield whole.gateway_process if name == "gateway" else whole.laptop.process
    finally:
        whole.kill(name)
        start()
        whole.access_returns(20)


def test_the_library_leaves_boottime_alone(whole, clock):
    def clocks():
        return map(float, whole.ground.gateway.call("/usr/bin/python3", "-c", CLOCKS, env=clock.env).stdout.split())
    clock.set(86400)
    wall, boot = clocks()
    assert 86000 < wall - time.time() < 87000
    assert abs(boot - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60


def test_L5_wall_time_of_the_gateway_steps(whole, clock):
    with living_in(whole, "gateway", clock) as process:
        before = len(process.text())  # of other tests

        def said(what):
            return process.text()[before:].count(what)
        download = Download(whole, silence=10 * SLOWER)
        clock.set(-3600)
        time.sleep(3)  # its clocks are looked at once a second
        download.goes_on()
        assert not said("grants are closed")
        clock.set(-3600 + 60)
        wait_for("the jump is noticed", lambda: said("all grants are closed: the clock jumped ahead by "))
        wait_for("the state is listed anew", lambda: said("the state was listed anew"))
        whole.access_returns(10)
        whole.only_wiki()
        download.stop()
        assert said("grants are closed") == 1


def test_L5_wall_time_of_the_client_steps(whole, clock):
    """Nothing of a client counts on wall time but the certificates of gateways."""
    with living_in(whole, "client", clock):
        download = Download(whole, silence=10 * SLOWER)
        for seconds in (60, -3600, 86400):
            clock.set(seconds)
            download.goes_on()
            assert whole.laptop.fetch() is not None
        download.stop()
        clock.set(400 * 86400)
        whole.change_policy(False)
        whole.shut(5)
        whole.change_policy(True)
        wait_for(lambda: f"it is said\n{whole.laptop.state()}",
                 lambda: "expired" in whole.laptop.postern("status", check=False).stdout, 20 * SLOWER)
        assert whole.laptop.fetch(timeout=1) is None
        print(whole.laptop.postern("status", check=False).stdout)
        clock.set(0)
        whole.access_returns(60)


def until(whole):
    """When the session ends, as the client reckons from the remaining time that it was told last."""
    return datetime.fromisoformat(whole.laptop_status()["signed_in_until"].replace("Z", "+00:00")).timestamp()


@contextlib.contextmanager
def server_in(whole, clock):
    """posternd restarts into that time, and out of it again."""
    own = whole.server.env
    whole.kill("supervisor")
    whole.server.env = {**own, **clock.env}
    try:
        whole.server.start()
        yield whole.server.process
    finally:
        clock.set(0)
        whole.server.env = own
        whole.kill("supervisor")
        whole.server.start()


def test_L5_wall_time_of_the_server_steps(whole, clock):
    """Set back, it gives no session and no lease more time; set ahead, it ends those that would be over."""
    with server_in(whole, clock) as process:
        whole.access_returns(30)
        wait_for("the client hears the server", lambda: whole.laptop_status()["connected"], 30)
        download, ends = Download(whole, silence=10 * SLOWER), until(whole)
        clock.set(-240)  # certificates are made five minutes older than they are
        process.wait_line("the clock was set back by 2[34][0-9]{4} ms")
        whole.kill("gateway")
        whole.restart("gateway")
        whole.kill("client")
        whole.restart("client")  # both list everything anew
        wait_for("the client is told", lambda: whole.laptop_status().get("signed_in_until"), 30)
        assert abs(until(whole) - ends) < 10, f"the session ends {until(whole) - ends:.0f} s later"
        download.goes_on()
        clock.set(13 * 3600)
        began = time.monotonic() * 1000
        whole.cut_within(download, began, 10000)
        wait_for("the session is over", lambda: not whole.laptop_status()["signed_in"], 30)
        whole.laptop_does(5, "use postern login", "up")
    whole.sign_in_again()
