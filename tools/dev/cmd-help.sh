# SPDX-License-Identifier: Apache-2.0
cmd_help() {
    cat <<'TEXT'
./dev up [--once]            a whole Postern in network namespaces on this machine, with three proofs (root)
./dev down                   end this checkout's ./dev up, and remove what interrupted runs left behind (root)
./dev build [PRESET]         configure and build (dev; release asan tsan fuzz coverage)
./dev test [--quick] [--soak] [--list] [--preset P] [PATTERN...]
                             all tests or the matching ones: a capability id (A1) or the start of a test's name
./dev check                  format, static analysis, include rules
./dev fuzz [TARGET] [SECONDS]
./dev bench [NAME]           figures, one line each: figure NAME VALUE UNIT
./dev fmt                    clang-format everything
./dev clean                  remove build folders
./dev help                   this text

Missing Debian packages are installed when root runs a command that needs them (tools/dev/packages).
TEXT
}
