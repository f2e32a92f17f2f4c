# SPDX-License-Identifier: Apache-2.0
# ./dev fuzz [TARGET] [SECONDS]: libFuzzer over one target or all; new inputs go to build/fuzz/corpus.

fuzz_one() {
    local name=$1 seconds=$2 new="build/fuzz/corpus/$1"
    mkdir -p "$new"
    say "fuzz $name for $seconds s"
    "build/fuzz/tests/fuzz_$name" -max_total_time="$seconds" -print_final_stats=1 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="build/fuzz/" "$new" "tests/fuzz/corpus/$name"
}

cmd_fuzz() {
    local target=${1:-} seconds=${2:-60} name
    takes 2 "$@"
    [[ $seconds =~ ^[0-9]+$ ]] || wrong "'$seconds' is no number of seconds"
    if [[ $target =~ ^[0-9]+$ ]]; then seconds=$target target=; fi
    need_for_preset fuzz
    build fuzz
    for name in $(find build/fuzz/tests -maxdepth 1 -name 'fuzz_*' -printf '%f\n' | sed 's/^fuzz_//' | sort); do
        [ -z "$target" ] || [ "$target" = "$name" ] || continue
        fuzz_one "$name" "$seconds"
        local ran=1
    done
    [ -n "${ran:-}" ] || die "no fuzz target '$target'"
}
