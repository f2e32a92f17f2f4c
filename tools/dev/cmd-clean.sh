# SPDX-License-Identifier: Apache-2.0
cmd_clean() {
    takes 0 "$@"
    rm -rf "${ROOT:?}/build"
}
