# SPDX-License-Identifier: Apache-2.0
cmd_fmt() {
    need check
    c_files | xargs -0 -r clang-format-14 -i
}
