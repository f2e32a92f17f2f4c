# SPDX-License-Identifier: Apache-2.0
"""What the fixtures of several conftest.py files share: when a test cannot run, and runs that show their logs."""
import os
import sys

import pytest

from .host import sanitizer_reports
from .run import Run, binary


def need(*programs):
    """Skips, with the reason, where a test cannot run."""
    if os.getuid():
        pytest.skip("needs root: namespaces and the uids of posternd's processes")
    for name in programs:
        if not binary(name).exists():
            pytest.skip(f"{name} is not built in {binary(name).parent}")


def new_run(request):
    run = Run()
    seen = request.session.testsfailed
    try:
        yield run
        reports = sanitizer_reports(run)
        if request.session.testsfailed > seen:
            show_logs(run)
    finally:
        run.close()
    assert not reports, "a sanitizer complained:\n" + "\n".join(reports)


def show_logs(run):
    for log in sorted((run.dir / "log").iterdir()):
        text = log.read_text(errors="replace")
        if text:
            print(f"--- {log.name} (end)\n{text[-3000:]}", file=sys.stderr)
