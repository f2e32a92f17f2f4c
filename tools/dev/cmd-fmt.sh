# SPDX-License-Identifier: Apache-2.0
cmd_fmt() {
    takes 0 "$@"
    need check
    c_files | xargs -0 -r clang-format-14 -i
}
