# SPDX-License-Identifier: Apache-2.0
"""docs/reference/PROGRAM.md is what the program prints from its table of commands, and its manual page is clean roff."""
import shutil
import subprocess

import pytest
from harness.run import ROOT, binary

PAGES = sorted((ROOT / "docs/reference").glob("post*.md"))


@pytest.fixture(params=[p.stem for p in PAGES])
def program(request):
    if not binary(request.param).exists():
        pytest.skip(f"{request.param} is not built")
    return request.param


def test_reference_page_is_current(program):
    printed = subprocess.run([binary(program), "docs"], capture_output=True, text=True, check=True).stdout
    assert (ROOT / f"docs/reference/{program}.md").read_text() == printed, \
        f"run: build/release/bin/{program} docs > docs/reference/{program}.md"


def test_manual_page_has_no_warnings(program):
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    page = subprocess.run([binary(program), "man"], capture_output=True, check=True).stdout
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=page, capture_output=True, check=True)
    assert done.stderr == b""
