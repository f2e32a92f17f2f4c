# SPDX-License-Identifier: Apache-2.0
# ./dev test: packages, build, then tools/dev/test.py, which runs ctest and pytest and adds them up.

cmd_test() {
    local preset=dev args=("$@") i
    for ((i = 0; i < ${#args[@]}; i++)); do
        case ${args[i]} in
        --preset) preset=${args[i + 1]:-} ;;
        --preset=*) preset=${args[i]#*=} ;;
        esac
    done
    [ -n "$preset" ] || wrong "--preset needs a name"
    need build run test
    if [ "$(id -u)" = 0 ]; then need_users; fi
    build "$preset"
    exec "$PYTHON" tools/dev/test.py "$@"
}
