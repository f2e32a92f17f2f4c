# SPDX-License-Identifier: Apache-2.0
cmd_up() {
    [ "${1:-}" = --once ] || takes 0 "$@"
    takes 1 "$@"
    need_root "./dev up"
    need build run
    need_users
    build release
    exec "$PYTHON" tools/dev/up.py "$@"
}
