# SPDX-License-Identifier: Apache-2.0
"""The systemd units: valid, and exposed as little as their work allows."""
import re
import shutil
import subprocess

import pytest
from harness.run import ROOT

# posternd's supervisor starts its processes under uids of their own and caps their memory: it is root with few
# capabilities and may write to its own control group, which costs 0.6 here and is worth it.
MOST = {"posternd.service": 2.6, "postern-gateway.service": 2.0, "postern.service": 2.0}


@pytest.fixture
def unit_dir(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for name in MOST:
        text = (ROOT / "packaging/systemd" / f"{name}.in").read_text()
        # systemd-analyze wants the program to exist; any will do.
        text = re.sub(r"@CMAKE_INSTALL_FULL_S?BINDIR@/\S+", "/bin/true", text)
        (tmp_path / name).write_text(re.sub(r"@CMAKE_\w+@", "/usr/share/doc/postern", text))
    return tmp_path


@pytest.mark.parametrize("name", MOST)
def test_unit_exposure(unit_dir, name):
    out = subprocess.run(["systemd-analyze", "security", "--offline=true", unit_dir / name], capture_output=True, text=True)
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", out.stdout)
    assert level, out.stderr
    assert float(level[1]) <= MOST[name], out.stdout


@pytest.mark.parametrize("name", MOST)
def test_unit_is_valid(unit_dir, name):
    out = subprocess.run(["systemd-analyze", "verify", "--man=no", unit_dir / name], capture_output=True, text=True)
    complaints = [line for line in out.stderr.splitlines() if name in line]
    assert not complaints, "\n".join(complaints)
