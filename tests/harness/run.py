# SPDX-License-Identifier: Apache-2.0
"""A run: one id for everything it makes, and one place that undoes it all on every way out."""
import atexit
import json
import os
import secrets
import shutil
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Directories of runs; world-readable, because posternd and PostgreSQL run under uids of their own.
BASE = Path("/var/tmp")
PREFIX = "postern-run-"


def binary(name):
    """Path of one of our programs in the build that is being tested."""
    folder = Path(os.environ.get("POSTERN_BIN") or ROOT / "build" / os.environ.get("POSTERN_PRESET", "dev") / "bin")
    return folder / name


def sanitized():
    return os.environ.get("POSTERN_PRESET") in ("asan", "tsan")


class Run:
    """Owns a directory and a stack of things to undo; close() runs it backwards, once."""

    def __init__(self, kind="test"):
        self.id = secrets.token_hex(3)
        self.dir = BASE / (PREFIX + self.id)
        self.dir.mkdir(mode=0o755)
        self.dir.chmod(0o755)
        (self.dir / "log").mkdir()
        self._undo = []
        self._owner = os.getpid()
        self.state = {"id": self.id, "kind": kind, "root": str(ROOT), "pid": self._owner,
                      "started": process_start(self._owner), "holders": []}
        self.save()
        atexit.register(self.close)

    def save(self):
        (self.dir / "run.json").write_text(json.dumps(self.state))

    def undo(self, action, *args):
        self._undo.append((action, args))

    def holder(self, pid):
        """Notes a process that keeps namespaces alive, so that ./dev down can end it after a crash."""
        self.state["holders"].append([pid, process_start(pid)])
        self.save()

    def close(self):
        if os.getpid() != self._owner:
            return
        while self._undo:
            action, args = self._undo.pop()
            try:
                action(*args)
            except Exception as e:  # the rest must still be undone
                print(f"cleaning up: {action.__qualname__}: {e}", file=sys.stderr)
        if not os.environ.get("POSTERN_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)
        atexit.unregister(self.close)


def process_start(pid):
    """Start time in clock ticks: with the pid it names a process for good. None when there is none, or only what nobody
    has waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def exit_on_signals():
    """SIGTERM and SIGHUP end the program by an exception, so that atexit and finally run."""
    def leave(signo, frame):
        signal.signal(signo, signal.SIG_IGN)
        raise SystemExit(128 + signo)
    for signo in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signo, leave)


def wait_for(what, check, timeout=30, step=0.02):
    """Calls check() until it is true; its value. Fails with `what` (text or callable) after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {timeout} s still not: {what() if callable(what) else what}")
        time.sleep(step)
