# SPDX-License-Identifier: Apache-2.0
cmd_down() {
    takes 0 "$@"
    need_root "./dev down"
    command -v "$PYTHON" >/dev/null || return 0
    exec "$PYTHON" tools/dev/down.py
}
