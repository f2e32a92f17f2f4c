#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Removes what interrupted runs of this checkout left behind, and ends a running ./dev up of it. Runs of tests that
are still going, and those of other checkouts, are left alone."""
import json
import os
import shutil
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from harness.run import BASE, PREFIX, process_start, wait_for  # noqa: E402


def lives(pid, started):
    return started is not None and process_start(pid) == started


def end_up(state, folder):
    """A running ./dev up cleans up by itself when it is asked to end."""
    os.kill(state["pid"], signal.SIGTERM)
    wait_for(f"./dev up (process {state['pid']}) ends", lambda: not folder.exists(), timeout=60)


def remove(state, folder):
    for pid, started in state["holders"]:
        if lives(pid, started):
            os.kill(pid, signal.SIGKILL)
            wait_for(f"process {pid} ends", lambda: not lives(pid, started))
    shutil.rmtree(folder, ignore_errors=True)


def down(folder):
    try:
        state = json.loads((folder / "run.json").read_text())
    except (OSError, ValueError):
        return f"left alone {folder}: not a run of ours"
    if state["root"] != str(ROOT):
        return None
    if not lives(state["pid"], state["started"]):
        remove(state, folder)
        return f"removed run {state['id']}"
    if state["kind"] == "up":
        end_up(state, folder)
        return f"ended run {state['id']}"
    return f"left alone run {state['id']}: its tests are running (process {state['pid']})"


def main():
    said = [line for folder in sorted(BASE.glob(PREFIX + "*")) if (line := down(folder))]
    print("\n".join(f"dev: {line}" for line in said) or "dev: nothing was left", file=sys.stderr)


if __name__ == "__main__":
    main()
