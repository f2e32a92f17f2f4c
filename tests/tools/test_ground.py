# SPDX-License-Identifier: Apache-2.0
"""The testing ground itself: what connects, what does not, and that nothing is left of it."""
import signal
import subprocess
import sys
import time

from harness.ground import LAPTOP, LAPTOP_WAN, PAYROLL, SERVER, SITE_WAN, WIKI, WIREGUARD_PORT, Ground
from harness.resources import Payroll, Wiki
from harness.run import BASE, PREFIX, ROOT, process_start, wait_for


def reaches(host, address):
    return host.call("ping", "-c1", "-W1", address, check=False).returncode == 0


def test_ground_connects_what_it_should(ground):
    assert reaches(ground.laptop, SERVER) and reaches(ground.gateway, SERVER)
    assert reaches(ground.gateway, WIKI) and reaches(ground.wiki, PAYROLL)
    assert reaches(ground.laptop, "fd00:5::2")


def test_ground_separates_what_it_should(ground):
    before = ground.arrivals(ground.payroll)
    for target in (WIKI, PAYROLL, "192.168.2.2", "fd00:50::3", "fd00:2::2"):
        assert not reaches(ground.laptop, target), target
    assert not reaches(ground.server, LAPTOP)
    assert not reaches(ground.internet, LAPTOP_WAN), "a NAT drops what nobody asked for"
    assert ground.arrivals(ground.payroll) == before


def test_ground_forwards_only_the_wireguard_port(ground):
    listen = ["/usr/bin/python3", "-c", f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", {WIREGUARD_PORT}))
print("bound", flush=True)
print("got", s.recv(9), flush=True)"""]
    p = ground.gateway.start("udp", listen)
    p.wait_line("^bound")
    with ground.laptop.network():
        import socket
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b"hello", (SITE_WAN, WIREGUARD_PORT))
    p.wait_line("^got b'hello'")


def test_resources_really_serve(run, ground):
    Wiki(ground.wiki)
    assert "Wiki" in ground.gateway.call("curl", "-sS", "-m5", Wiki.url).stdout
    assert Payroll(run, ground.payroll).read(ground.gateway) == "4200"
    assert ground.arrivals(ground.payroll) > 0


KILLED = """
import sys, time
sys.path.insert(0, "tests")
from harness.run import Run
from harness.host import Host
run = Run()
host = Host(run, "lonely")
inner = host.start("sleep", ["sleep", "987654"])
print(run.id, host.init, inner.pid, flush=True)
time.sleep(600)
"""


def test_nothing_is_left_of_a_killed_run():
    p = subprocess.Popen([sys.executable, "-c", KILLED], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    run_id, init, inner = p.stdout.readline().split()
    p.send_signal(signal.SIGKILL)
    p.wait()
    wait_for("the kernel ends what was inside", lambda: not any(process_start(x) for x in (init, inner)))
    folder = BASE / (PREFIX + run_id)
    assert folder.exists()
    subprocess.run([ROOT / "dev", "down"], check=True, timeout=60)
    assert not folder.exists()


def test_ground_is_quick_to_build(fresh_run):
    began = time.monotonic()
    Ground(fresh_run, laptop_nat="hard", site_nat="cone")
    assert time.monotonic() - began < 10
