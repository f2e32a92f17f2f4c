# SPDX-License-Identifier: Apache-2.0
cmd_build() {
    local preset=${1:-dev}
    takes 1 "$@"
    need_for_preset "$preset"
    build "$preset"
    say "built preset $preset in build/$preset/bin"
}
