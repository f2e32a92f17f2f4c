# SPDX-License-Identifier: Apache-2.0
"""cmake --install, component by component: programs that run, units that name them, users that units name."""
import re
import subprocess

import pytest
from harness.run import binary

COMPONENTS = {"server": ("sbin/posternd", "posternd.service"), "gateway": ("sbin/postern-gateway", "postern-gateway.service"),
              "client": ("bin/postern", "postern.service"), "cli": ("bin/posternctl", None)}


@pytest.mark.parametrize("component", COMPONENTS)
def test_install(component, tmp_path):
    program, unit = COMPONENTS[component]
    name = program.split("/")[1]
    if not binary(name).exists():
        pytest.skip(f"{name} is not built")
    subprocess.run(["cmake", "--install", binary(name).parents[1], "--component", component, "--prefix", tmp_path],
                   check=True, capture_output=True)
    assert subprocess.run([tmp_path / program, "--version"], capture_output=True).returncode == 0
    assert {p.name for p in (tmp_path / program).parent.iterdir()} == {name}, "only this component's program"
    assert f".TH {name.upper()} 1" in (tmp_path / f"share/man/man1/{name}.1").read_text()
    assert f" {name}\n" in (tmp_path / f"share/bash-completion/completions/{name}").read_text()
    if unit:
        text = (tmp_path / "lib/systemd/system" / unit).read_text()
        assert "@" not in re.sub(r"[-~]?@[a-z-]+", "", text), "a placeholder was left"
        user = re.search(r"^User=(postern\S*)", text, re.M)
        users = "".join(p.read_text() for p in (tmp_path / "lib/sysusers.d").glob("*")) if user else ""
        assert not user or re.search(rf"^u {user[1]}\s", users, re.M)
