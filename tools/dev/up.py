#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev up: a whole Postern in network namespaces, three proofs, then it runs until Ctrl-C (--once: ends)."""
import argparse
import os
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from harness import proofs  # noqa: E402
from harness.host import sanitizer_reports  # noqa: E402
from harness.run import Run, exit_on_signals  # noqa: E402
from harness.server import ADMIN  # noqa: E402
from harness.world import PERSON, World  # noqa: E402

BEGAN = time.monotonic()


def say(text):
    print(f"dev: {time.monotonic() - BEGAN:6.1f} s  {text}", file=sys.stderr, flush=True)


def stay(world):
    world.set_policy(True)
    print(f"""
The policy is on again, everything runs. On the laptop, where {PERSON} is signed in:
  {world.ground.laptop.enter()}
    curl {world.wiki.url}                 the wiki
    {ROOT}/build/release/bin/postern status
    {ROOT}/build/release/bin/postern why payroll
As administrator ({ADMIN['email']}, password "{ADMIN['password']}"), on the internet segment:
  {world.ground.internet.enter()}
    HOME={world.run.dir}/admin XDG_CONFIG_HOME={world.run.dir}/admin {ROOT}/build/release/bin/posternctl get policies
Logs are in {world.run.dir}/log. Ctrl-C ends everything.""", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass


def fail(run, reason):
    for log in sorted((run.dir / "log").iterdir()):
        text = log.read_text(errors="replace")
        if text:
            print(f"--- {log.name} (end)\n{text[-1500:]}", file=sys.stderr)
    print(f"dev: up failed: {reason}", file=sys.stderr, flush=True)
    return 1


def up(run, once):
    try:
        world = World(run, say=say).everything()
        proofs.all_three(world)
        reports = sanitizer_reports(run)
        if reports:
            return fail(run, "a sanitizer complained: " + reports[0])
        if not once:
            stay(world)
    except (AssertionError, RuntimeError, TimeoutError, OSError) as e:
        return fail(run, str(e) or repr(e))
    return 0


def main():
    p = argparse.ArgumentParser(prog="./dev up")
    p.add_argument("--once", action="store_true", help="end after the three proofs")
    args = p.parse_args()
    os.environ.setdefault("POSTERN_PRESET", "release")
    exit_on_signals()
    run = Run("up")
    try:
        return up(run, args.once)
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is impatient would only leave things behind
        say("cleaning up")
        run.close()


if __name__ == "__main__":
    sys.exit(main())
