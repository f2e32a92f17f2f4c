# SPDX-License-Identifier: Apache-2.0
"""One whole Postern, in a hurry, for all tests of this directory that break agents; a test leaves it as it found it."""
import pytest
from harness.support import need, new_run
from whole import Whole


@pytest.fixture(scope="session")
def whole_run(request):
    need("posternd", "postern-gateway", "postern", "posternctl")
    yield from new_run(request)


@pytest.fixture(scope="session")
def shared_whole(whole_run):
    return Whole(whole_run).everything()


@pytest.fixture
def whole(shared_whole):
    """The person may reach the wiki, and does."""
    shared_whole.revive()
    yield shared_whole
    shared_whole.revive()
    shared_whole.only_wiki()
