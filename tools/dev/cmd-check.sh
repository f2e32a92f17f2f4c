# SPDX-License-Identifier: Apache-2.0
# ./dev check: everything that can be said about the sources without running them.

check_format() {
    local bad
    bad=$(c_files | xargs -0 -r -n1 sh -c 'clang-format-14 --dry-run --Werror "$0" 2>/dev/null || echo "$0"')
    [ -z "$bad" ] || die "check: ./dev fmt would change:" $bad
}

check_rules() {
    "$PYTHON" tools/lint/lint.py || die "check: rules of the tree"
}

# Sensible scope: our own C as it is compiled; what needs a whole-program view is the sanitizers' work.
check_cppcheck() {
    local dirs=() d
    for d in common server gateway client relay cli; do
        [ -d "$d" ] && dirs+=("$d")
    done
    cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning,portability --std=c11 \
        --suppressions-list=tools/lint/cppcheck.txt -D_GNU_SOURCE -I common -I . \
        -j "$(nproc)" "${dirs[@]}" || die "check: cppcheck"
}

check_shell() {
    local f
    for f in dev tools/dev/*.sh tools/dev/install .ci/run; do
        bash -n "$f" || die "check: $f"
    done
}

check_python() {
    "$PYTHON" - <<'PY' || die "check: python"
import ast, pathlib
for top in ("tests", "tools"):
    for path in pathlib.Path(top).rglob("*.py"):
        ast.parse(path.read_text(), str(path))
PY
}

cmd_check() {
    takes 0 "$@"
    need build check
    local step
    for step in format rules shell python cppcheck; do
        "check_$step"
        say "check: $step ok"
    done
}
