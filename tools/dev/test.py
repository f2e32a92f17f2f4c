#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs ctest and pytest of one build and adds them up in one line: N passed, N failed, N skipped."""
import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTEST_DIRS = ["tests/api", "tests/front", "tests/attack", "tests/e2e", "tests/faults", "tests/microvm", "tests/tools"]
# Most tests wait for something: files run side by side, the tests of one file in order.
AT_ONCE = ["-n", os.environ.get("POSTERN_TEST_JOBS", str(2 * (os.cpu_count() or 1))), "--dist", "loadfile"]
# Threads are what tsan is for; the rest of that suite has none.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_stack_use_after_return=1:strict_string_checks=1:exitcode=86",
    "LSAN_OPTIONS": f"suppressions={ROOT}/tools/lint/lsan.supp:print_suppressions=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": f"suppressions={ROOT}/tools/lint/tsan.supp:halt_on_error=0:exitcode=66:second_deadlock_stack=1",
}


def capability(pattern):
    return re.fullmatch(r"[A-Z]{1,2}[0-9]+", pattern) is not None


def matches(name, patterns):
    """name without its test_ or unit. prefix; a capability id matches whole, anything else the start."""
    if not patterns:
        return True
    bare = re.sub(r"^(test_|unit\.|fuzz\.)", "", name)
    for p in patterns:
        if capability(p):
            if re.match(rf"{p}(_|$|\[)", bare):
                return True
        elif name.startswith(p) or bare.startswith(re.sub(r"^test_", "", p)):
            return True
    return False


class Totals:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, junit, skips):
        for case in ET.parse(junit).getroot().iter("testcase"):
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
                self.failed += 1
            elif skip is not None or case.get("status") in ("notrun", "disabled"):
                self.skipped += 1
                why = skip.get("message") if skip is not None else ""
                skips.append(f"{case.get('name')}: {why or 'no reason given'}")
            else:
                self.passed += 1

    def line(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def ctest_names(build):
    out = subprocess.run(["ctest", "-N"], cwd=build, capture_output=True, text=True, check=True).stdout
    return re.findall(r"^\s*Test\s+#\d+: (\S+)", out, re.M)


def pytest_base(args):
    dirs = [d for d in PYTEST_DIRS if (ROOT / d).is_dir()]
    if not dirs:
        return None
    marks = [] if args.soak else ["not soak"]
    if args.quick:
        marks.append("not slow")
    cmd = ["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", "-c", "tests/pytest.ini", "--rootdir=.", *dirs]
    return cmd + (["-m", " and ".join(marks)] if marks else [])


def pytest_ids(args, env):
    """Node ids that the patterns choose; None when a test file cannot even be read."""
    base = pytest_base(args)
    if base is None:
        return []
    run = subprocess.run([*base, "--collect-only", "-q"], cwd=ROOT, env=env, capture_output=True, text=True)
    if run.returncode not in (0, 5):
        print(run.stdout + run.stderr + "\ndev: pytest could not collect the tests", file=sys.stderr)
        return None
    ids = [line for line in run.stdout.splitlines() if "::" in line]
    return [i for i in ids if matches(i.rsplit("::", 1)[1], args.patterns)]


def run_to_its_end(cmd, **options):
    """Exit status. Ctrl-C reaches the child as well: it is left the time to clean up, which subprocess.run() is not."""
    with subprocess.Popen(cmd, **options) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            child.wait()
            raise


def run_ctest(build, names, env, totals, skips, quick):
    if not names:
        return
    with tempfile.NamedTemporaryFile(suffix=".xml") as out:
        only = "^(" + "|".join(re.escape(n) for n in names) + ")$"
        cmd = ["ctest", "-j", str(os.cpu_count()), "--output-on-failure", "--output-junit", out.name, "-R", only]
        if quick:
            cmd += ["-LE", "slow"]
        run_to_its_end(cmd, cwd=build, env=env)
        totals.add(out.name, skips)


def run_pytest(args, ids, env, totals, skips):
    if not ids:
        return
    with tempfile.NamedTemporaryFile(suffix=".xml") as out:
        base = pytest_base(args)
        dirs = [d for d in PYTEST_DIRS if d in base]
        cmd = [a for a in base if a not in dirs] + ([] if args.patterns else AT_ONCE)
        cmd += ["-q", "-rs", "--tb=short", "--durations=8", f"--junitxml={out.name}"]
        status = run_to_its_end([*cmd, *(ids if args.patterns else dirs)], cwd=ROOT, env=env)
        if os.path.getsize(out.name) == 0:
            print(f"dev: pytest stopped without a result (exit {status})", file=sys.stderr)
            totals.failed += 1
            return
        before = totals.failed
        totals.add(out.name, skips)
        if status not in (0, 5) and totals.failed == before:
            totals.failed += 1


def parse():
    p = argparse.ArgumentParser(prog="./dev test")
    p.add_argument("--quick", action="store_true", help="without tests marked slow")
    p.add_argument("--soak", action="store_true", help="with tests marked soak")
    p.add_argument("--list", action="store_true")
    p.add_argument("--preset", default="dev")
    p.add_argument("--units", action="store_true", help="ctest only")
    p.add_argument("patterns", nargs="*", metavar="PATTERN")
    return p.parse_args()


def main():
    args = parse()
    build = ROOT / "build" / args.preset
    env = {**os.environ, **SANITIZER_ENV, "POSTERN_PRESET": args.preset, "POSTERN_BIN": str(build / "bin"),
           "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT / "tests")}
    units = [n for n in ctest_names(build) if matches(n, args.patterns)]
    ids = [] if args.units else pytest_ids(args, env)
    if args.list:
        print("".join(f"{name}\n" for name in units + (ids or [])), end="")
        if not units and not ids:
            print("dev: no test matches", file=sys.stderr)
        return 0 if units and ids is not None or ids else 1
    totals, skips = Totals(), []
    if ids is None:
        totals.failed, ids = 1, []
    run_ctest(build, units, env, totals, skips, args.quick)
    run_pytest(args, ids, env, totals, skips)
    for s in skips:
        print(f"skipped: {s}")
    if totals.passed + totals.failed == 0:
        print("dev: no test ran", file=sys.stderr)
    print(totals.line(), flush=True)
    return 0 if totals.passed and not totals.failed else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("dev: interrupted", file=sys.stderr)
        sys.exit(130)
