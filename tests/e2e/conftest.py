# SPDX-License-Identifier: Apache-2.0
"""One whole Postern for the end-to-end tests of a file; a test leaves it as it found it."""
import pytest
from harness.run import wait_for
from harness.support import need, new_run
from harness.world import World


@pytest.fixture(scope="module")
def world_run(request):
    need("posternd", "postern-gateway", "postern", "posternctl")
    yield from new_run(request)


@pytest.fixture(scope="module")
def shared_world(world_run):
    return World(world_run).everything()


@pytest.fixture
def world(shared_world):
    """The person may reach the wiki, and does."""
    yield shared_world
    shared_world.set_policy(True)
    wait_for(lambda: f"access is back\n{shared_world.laptop.state()}", shared_world.laptop.fetch, timeout=30)
