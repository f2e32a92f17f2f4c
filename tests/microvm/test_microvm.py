# SPDX-License-Identifier: Apache-2.0
"""The gateway's rules under bookworm's default kernel: what renewing an element does differs between kernels."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import guest  # noqa: E402
from harness.run import binary  # noqa: E402


@pytest.fixture(autouse=True)
def programs():
    if os.getuid():
        pytest.skip("needs root")
    for name in ("qemu-system-x86_64", "busybox", "cpio", "kmod"):
        assert shutil.which(name), f"{name} is missing: ./dev test installs it"
    assert binary("nft_guest").exists()


def check(text):
    assert "PASSED" in text and "GUEST-STATUS 0" in text, text[-6000:]
    for family in ("IPv4", "IPv6"):
        assert f"{family}: 3 renewals held" in text


def test_A1_enforcement_under_bookworms_kernel(tmp_path):
    text, seconds = guest.boot(tmp_path)
    print(f"{seconds:.1f} s\n{text}")
    assert "kernel 6.1." in text, text[-6000:]
    check(text)


def test_A1_enforcement_under_this_kernel():
    result = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
                             "--mount-proc", "sh", "-c",
                             'sh "$0" 2>&1', Path(__file__).with_name("init")], capture_output=True, text=True, timeout=120,
                            env={**os.environ, "PATH": f"{binary('nft_guest').parent}:{os.environ['PATH']}"})
    print(result.stdout)
    check(result.stdout)
