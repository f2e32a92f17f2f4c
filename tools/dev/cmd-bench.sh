# SPDX-License-Identifier: Apache-2.0
# ./dev bench [NAME]: programs tests/bench/bench_NAME.c and scripts tools/bench/NAME.py, on the release preset. Each
# prints lines "figure NAME VALUE UNIT".

bench_names() {
    find tools/bench -maxdepth 1 -name '*.py' -printf '%f\n' | sed 's/\.py$//'
    find build/release/tests -maxdepth 1 -name 'bench_*' -type f -printf '%f\n' | sed 's/^bench_//'
}

bench_one() {
    say "bench $1"
    if [ -f "tools/bench/$1.py" ]; then
        need_root "./dev bench $1"
        "$PYTHON" "tools/bench/$1.py"
    else
        "build/release/tests/bench_$1"
    fi
}

cmd_bench() {
    local wanted=${1:-} name ran=
    takes 1 "$@"
    need build run
    if [ "$(id -u)" = 0 ]; then need_users; fi
    build release
    for name in $(bench_names | sort); do
        [ -z "$wanted" ] || [ "$wanted" = "$name" ] || continue
        bench_one "$name" || die "bench $name failed"
        ran=1
    done
    [ -n "$ran" ] || die "no bench '$wanted'; there are:" $(bench_names | sort)
}
