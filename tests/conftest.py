# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all pytest suites; what they are made of is in tests/harness (README.md there)."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from harness.ground import Ground  # noqa: E402
from harness.run import exit_on_signals  # noqa: E402
from harness.server import Posternd, users_exist  # noqa: E402
from harness.support import need, new_run  # noqa: E402


def pytest_configure(config):
    exit_on_signals()


@pytest.fixture(scope="module")
def run(request):
    """One run for the tests of a file."""
    if os.getuid():
        pytest.skip("needs root")
    yield from new_run(request)


@pytest.fixture
def fresh_run(request):
    """A run for one test."""
    if os.getuid():
        pytest.skip("needs root")
    yield from new_run(request)


@pytest.fixture(scope="module")
def posternd(run):
    """A ready posternd without an administrator, shared by the tests of a file."""
    need("posternd")
    if not users_exist():
        pytest.skip("the system users postern and postern-front do not exist (./dev test makes them)")
    return Posternd(run).start()


@pytest.fixture(scope="module")
def admin(posternd):
    """REST client of the first administrator of that posternd."""
    return posternd.set_up()


@pytest.fixture(scope="module")
def ground(run):
    """The testing ground without any program."""
    return Ground(run)
