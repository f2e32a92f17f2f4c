# SPDX-License-Identifier: Apache-2.0
"""The three proofs of ./dev up, once in the ordinary run and twenty times in a row with --soak."""
import pytest
from harness import proofs
from harness.run import wait_for


def test_three_proofs(world):
    proofs.all_three(world)


@pytest.mark.soak
def test_three_proofs_twenty_times(world):
    for _ in range(20):
        proofs.all_three(world)
        world.set_policy(True)
        wait_for(lambda: f"access is back\n{world.laptop.state()}", world.laptop.fetch, timeout=30)
