# SPDX-License-Identifier: Apache-2.0
import pytest

from harness.front import Front, driver


@pytest.fixture
def start(tmp_path):
    """start(...) gives a running Front; what core and the sanitizers said is checked at the end."""
    if not driver().exists():
        pytest.skip(f"{driver()} is not built")
    fronts = []

    def run(**more):
        folder = tmp_path / f"front{len(fronts)}"
        folder.mkdir()
        fronts.append(Front(folder, **more))
        return fronts[-1]
    yield run
    for f in fronts:
        f.close()
    for f in fronts:
        f.check()


@pytest.fixture
def front(start):
    return start()
