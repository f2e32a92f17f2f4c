# SPDX-License-Identifier: Apache-2.0
"""docs/reference/PROGRAM.md is what the program prints from its table of commands, its manual page is clean roff, every
problem code is explained, and documents name what is there."""
import re
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


def test_every_problem_code_is_explained():
    declared = re.findall(r'P\([A-Z_]+, (\d+), "(\w+)",\s*"([^"]+)"\)',
                          (ROOT / "server/api/problem.h").read_text().replace("\\\n", " "))
    page = (ROOT / "docs/reference/problems.md").read_text()
    explained = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+?) \| .+ \|$", page, re.M)
    assert explained == declared and len(declared) > 30


def test_documents_name_files_that_exist():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for name in re.findall(r"\bdocs/[\w./-]+\w", page.read_text()):
            assert (ROOT / name).exists(), f"{page.relative_to(ROOT)} names {name}"
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.relative_to(ROOT)} links to {link}"
