#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Revocation, 20 runs: from the API's answer to PATCH enabled=false until the last byte of a live download. The floor in
the same run: the grant's element deleted straight from the gateway's kernel with nft, from the return of nft."""
import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("POSTERN_PRESET", "release")
from harness import proofs  # noqa: E402
from harness.run import Run, exit_on_signals, wait_for  # noqa: E402
from harness.world import World  # noqa: E402

RUNS = int(os.environ.get("POSTERN_BENCH_RUNS", "20"))


def open_again(world):
    world.set_policy(True)
    wait_for(lambda: f"access is back\n{world.laptop.state()}", world.laptop.fetch)


def floor_ms(world):
    """Deletes all grants of the gateway's table at once; they come back by the next change of the policy."""
    gateway = world.ground.gateway
    table = gateway.sh("nft list sets inet | awk '$1 == \"table\" { t = $3 } $1 == \"set\" && $2 == \"grants4\" { print t; exit }'")
    download = proofs.Download(world)
    began = time.monotonic() * 1000
    gateway.call("nft", "flush", "set", "inet", table.stdout.strip(), "grants4")
    done = time.monotonic() * 1000
    last, _, _ = download.end()
    world.set_policy(False)
    return max(0.0, last - done), last - began


def figures(name, values):
    print(f"figure {name}_median {statistics.median(values):.3f} ms")
    print(f"figure {name}_worst {max(values):.3f} ms", flush=True)


def main():
    exit_on_signals()
    run = Run("bench")
    try:
        world = World(run).everything()
        cuts, floors, floors_with_nft = [], [], []
        for _ in range(RUNS):
            open_again(world)
            cuts.append(proofs.cut_ms(world))
            open_again(world)
            floor, with_nft = floor_ms(world)
            floors.append(floor)
            floors_with_nft.append(with_nft)
        figures("revoke", cuts)
        figures("revoke_floor", floors)
        figures("revoke_floor_with_nft", floors_with_nft)
        print(f"figure revoke_runs {RUNS} runs")
    finally:
        run.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
