# SPDX-License-Identifier: Apache-2.0
"""kill -9 of every process of a whole Postern: what is permitted works again by itself, nothing else opens, running
flows survive where they should, and a revocation afterwards cuts as ever."""
import contextlib
import random
import threading
import time

import pytest
from harness.proofs import Download
from harness.run import wait_for
from whole import SLOWER

# Seconds until a new connection works again, counted from the restart; on a busy machine.
BACK_S = {
    "core": 20, "front people": 20, "front agents": 20, "postgres": 30, "supervisor": 30,
    "gateway": 20,
    "gateway engine": 12,  # it knows where its peers were; they would wait 15 s before they ask
    "client": 20, "client engine": 45,
}
# Nothing that a flow passes through has died.
FLOWS_SURVIVE = ("core", "front people", "front agents", "postgres", "supervisor", "gateway", "client")


@pytest.mark.slow
@pytest.mark.parametrize("victim", list(BACK_S))
def test_D1_killed(whole, victim):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    download = Download(whole, silence=60 * SLOWER)
    time.sleep(random.Random(seed).random())
    whole.kill(victim)
    if victim in FLOWS_SURVIVE:
        download.goes_on()
    whole.restart(victim)
    took = whole.access_returns(BACK_S[victim])
    if victim not in FLOWS_SURVIVE:
        download.goes_on(BACK_S[victim] * SLOWER)  # TCP has waited meanwhile
    download.stop()
    whole.only_wiki()
    print(f"{victim}: a new connection {took:.1f} s after, a revocation cut after {whole.revocation_cuts():.0f} ms")


class Restless(threading.Thread):
    """Takes the tunnels down and up, and the policy off and on, until told to stop."""

    def __init__(self, whole, rng):
        super().__init__(daemon=True)
        self.whole, self.rng, self.done, self.odd = whole, rng, threading.Event(), []

    def run(self):
        while not self.done.wait(self.rng.random() * 0.3):
            try:
                self.rng.choice([self.policy, self.policy, self.tunnels])()
            except Exception as e:
                self.odd.append(e)

    def policy(self):
        self.whole.try_policy(self.rng.random() < 0.5)

    def tunnels(self):
        with contextlib.suppress(RuntimeError):  # it takes longer than that while a part is dead
            self.whole.laptop.postern(self.rng.choice(["down", "up"]), check=False, timeout=3)


@pytest.mark.slow
def test_I5_everything_killed_in_any_order(whole):
    """Kills that land anywhere in setting connections up and in taking them down; all converges."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    restless = Restless(whole, random.Random(seed + 1))
    restless.start()
    killed = list(BACK_S)
    rng.shuffle(killed)
    try:
        for victim in killed:
            time.sleep(rng.random() * 0.8)
            with contextlib.suppress(TimeoutError):  # an engine that is down anyway
                whole.kill(victim, timeout=1)
            whole.restart_dead()
    finally:
        restless.done.set()
        restless.join(60)
    assert not restless.odd, restless.odd[:3]
    whole.change_policy(False)
    whole.shut(30)
    wait_for(lambda: f"nothing is open: {whole.kernel_grants()}", lambda: not whole.kernel_grants(), 30)
    whole.change_policy(True)
    whole.laptop.postern("up", timeout=90)
    whole.access_returns(60)
    whole.only_wiki()
    whole.revocation_cuts()
