#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the tree that a compiler does not check: licence lines, who may include what, banned calls,
length of functions, notes to oneself, paths of somebody's machine."""
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIP_DIRS = {".git", "build", "node_modules", "dist", "__pycache__", ".cache", ".pytest_cache", "corpus"}
MAX_FUNCTION = 79
MAX_FILE = 600

# Who may include a third-party header. A prefix of the path, longest first; absent: nobody.
THIRD_PARTY = {
    "h2o": ["server/front", "tests/unit/server/front"],
    "sodium": ["common/crypto", "tests/unit/common/crypto", "tests/fuzz"],
    "cjson": ["common/record", "cli", "tests/unit", "tests/fuzz"],
    "openssl": ["common/crypto", "common/agent", "common/wireguard", "server/front", "server/core", "server/supervise",
                "server/identity", "tests/unit", "cli", "common/cli"],
    "curl": ["common/agent", "common/cli", "cli"],
    "libpq-fe": ["server/db", "server/supervise"],
    "libmnl": ["gateway/nft", "client", "tests/microvm", "tests/unit/gateway"],
    "seccomp": ["server/front", "server/supervise", "server/core"],
    "sys/capability": ["server", "gateway", "client"],
    "yaml": ["common/cli"],
    "cmocka": ["tests"],
    "nftables": ["gateway/nft"],
    "sanitizer": ["tests", "common/base"],
    "liburing": [],
}
SYSTEM_DIRS = ("sys/", "linux/", "net/", "netinet/", "arpa/", "asm/", "bits/", "netpacket/")
SYSTEM = set("""assert ctype dirent dlfcn endian err errno execinfo fcntl fenv float fnmatch ftw getopt glob grp iconv
ifaddrs inttypes iso646 langinfo libgen limits link locale malloc math mntent mqueue netdb paths poll pthread pty pwd
regex resolv sched search semaphore setjmp shadow signal spawn stdalign stdarg stdatomic stdbool stddef stdint stdio
stdlib stdnoreturn string strings sysexits syslog termios threads time uchar ucontext unistd utime utmp utmpx wchar
wctype byteswap getopt""".split())

# common/: a directory may include those of lower rank and itself; the link lists say the same.
RANK = {"base": 0, "record": 1, "net": 1, "crypto": 2, "proto": 3, "policy": 3, "cli": 3, "wireguard": 3, "agent": 4}
PROGRAMS = ("server", "gateway", "client", "relay", "cli")
# server/: what these must not know.
SERVER_BLIND = {
    "server/front": ("server/db", "server/store", "server/api", "server/domain", "server/identity", "server/broker",
                     "server/core", "crypto", "policy"),
    "server/domain": ("server/db", "server/store", "server/api", "server/front", "server/core", "server/broker"),
    "server/frame": ("server/db", "server/store", "server/api", "server/core"),
}
BANNED = re.compile(r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atoll|gets|system|popen|alloca)\s*\(")
NOTES = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")
MACHINE = re.compile(r"(?<![\w.])/(work|home|root|Users)/\w")


class Lint:
    def __init__(self):
        self.found = []

    def report(self, path, line, text):
        self.found.append(f"{path}:{line}: {text}")


def sources():
    for top, dirs, names in os.walk(ROOT):
        dirs[:] = sorted(d for d in dirs if d not in SKIP_DIRS)
        for name in sorted(names):
            if name != ".git":
                yield Path(top, name).relative_to(ROOT)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def without_comments(text):
    """Same lines and columns, comments and literals blanked."""
    token = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(token, blank, text, flags=re.S)


def wants_spdx(path):
    name = path.name
    if path.parts[0] == "LICENSES" or name in (".gitignore", ".clang-format", "lint.py"):
        return False
    if name.endswith((".json", ".md", ".txt", ".xml", ".key", ".pem", ".supp")) and name != "CMakeLists.txt":
        return False
    return name.endswith((".c", ".h", ".py", ".sh", ".sql", ".cmake", ".service", ".ini", ".conf", ".txt", ".def")) or \
        path.parts[0] == ".ci" or name == "dev"


def check_spdx(lint, path, text):
    if not wants_spdx(path):
        return
    lines = text.splitlines()[:2]
    want = "AGPL-3.0-or-later" if path.parts[0] in ("server", "migrations") else "Apache-2.0"
    first = lines[1] if lines and lines[0].startswith("#!") and len(lines) > 1 else (lines[0] if lines else "")
    if f"SPDX-License-Identifier: {want}" not in first:
        lint.report(path, 1, f"first line must be SPDX-License-Identifier: {want}")


def allowed(path, prefixes):
    return any(str(path).startswith(p + "/") for p in prefixes)


def check_system_include(lint, path, n, header):
    stem = header[:-2] if header.endswith(".h") else header
    if header.startswith(SYSTEM_DIRS) and stem not in THIRD_PARTY or stem in SYSTEM:
        return
    for key, prefixes in THIRD_PARTY.items():
        if stem == key or stem.startswith(key + "/"):
            if not allowed(path, prefixes):
                lint.report(path, n, f"<{header}> belongs to {', '.join(prefixes) or 'nobody'} only")
            return
    lint.report(path, n, f"<{header}> is not in the table of third-party headers (tools/lint/lint.py)")


def check_direction(lint, path, n, header):
    parts = path.parts
    target = header.split("/")[0]
    if parts[0] == "common":
        if target in PROGRAMS and not (ROOT / "common" / header).exists():
            lint.report(path, n, f'common must not know "{header}"')
        elif target in RANK and target != parts[1] and RANK[target] >= RANK.get(parts[1], 9):
            lint.report(path, n, f"{parts[1]} must not include {target}: arrows go one way")
    elif parts[0] in PROGRAMS and target in PROGRAMS and target != parts[0] and not (ROOT / "common" / header).exists():
        lint.report(path, n, f'{parts[0]} must not include "{header}" of another program')
    for blind, hidden in SERVER_BLIND.items():
        if str(path).startswith(blind + "/") and any(header.startswith(h + "/") for h in hidden):
            lint.report(path, n, f'{blind} must not know "{header}"')


def check_includes(lint, path, text):
    for n, line in enumerate(text.splitlines(), 1):
        m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if m and m.group(1) == "<":
            check_system_include(lint, path, n, m.group(2))
        elif m:
            check_direction(lint, path, n, m.group(2))


def check_calls(lint, path, code):
    for n, line in enumerate(code.splitlines(), 1):
        for m in BANNED.finditer(line):
            lint.report(path, n, f"{m.group(1)}() is banned (CONTRIBUTING.md)")


def check_functions(lint, path, code):
    start = None
    for n, line in enumerate(code.splitlines(), 1):
        if line.startswith("{"):
            start = n
        elif line.startswith("}") and start:
            if n - start + 1 > MAX_FUNCTION:
                lint.report(path, start, f"function of {n - start + 1} lines (at most {MAX_FUNCTION})")
            start = None
    if code.count("\n") > MAX_FILE:
        lint.report(path, 1, f"file of {code.count(chr(10))} lines (at most {MAX_FILE})")


def check_words(lint, path, text):
    for n, line in enumerate(text.splitlines(), 1):
        if NOTES.search(line):
            lint.report(path, n, "a note to oneself without an issue number")
        if MACHINE.search(line):
            lint.report(path, n, "a path of somebody's machine")


def check_decisions(lint):
    """Pages of docs/adr are numbered once each, and their headings say the same number."""
    pages = {}
    for path in sorted((ROOT / "docs/adr").glob("*.md")):
        number, here = path.name[:4], path.relative_to(ROOT)
        if number in pages:
            lint.report(here, 1, f"number {number} is taken by {pages[number]}")
        pages.setdefault(number, path.name)
        if not re.search(rf"^# {int(number)}\. ", path.read_text(), re.M):
            lint.report(here, 1, f"the heading must start with '# {int(number)}. '")


def check_file(lint, path):
    try:
        text = (ROOT / path).read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError):
        return
    check_spdx(lint, path, text)
    if path.parts[0] != "LICENSES" and path.name != "lint.py":
        check_words(lint, path, text)
    if path.suffix in (".c", ".h"):
        code = without_comments(text)
        check_includes(lint, path, text)
        check_calls(lint, path, code)
        check_functions(lint, path, code)


def main():
    lint = Lint()
    for path in sources():
        check_file(lint, path)
    check_decisions(lint)
    print("\n".join(lint.found), file=sys.stderr, end="\n" if lint.found else "")
    return 1 if lint.found else 0


if __name__ == "__main__":
    sys.exit(main())
