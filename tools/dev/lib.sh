# SPDX-License-Identifier: Apache-2.0
# Shared by the subcommands of ./dev: messages, packages, builds.

say() { printf '%s\n' "dev: $*" >&2; }

die() {
    printf '%s\n' "dev: $*" >&2
    exit 1
}

# takes N ARGUMENT...: refuses more than N arguments; a mistyped command must not do something else instead.
takes() {
    local most=$1
    shift
    [ $# -le "$most" ] || wrong "what is '${*:$((most + 1))}'?"
}

wrong() {
    printf '%s\n' "dev: $* (try ./dev help)" >&2
    exit 2
}

need_root() {
    [ "$(id -u)" = 0 ] || die "$1 needs root (network namespaces, tun devices, packages): run it as root"
}

# packages PURPOSE...: the Debian packages that tools/dev/packages names for these purposes.
packages() {
    local purpose
    for purpose in "$@"; do
        awk -v p="$purpose" '$1 == p { print $2 }' tools/dev/packages
    done | sort -u
}

# missing_packages PURPOSE...: those of them that are not installed here.
missing_packages() {
    comm -23 <(packages "$@") \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | awk '$1 == "installed" { print $2 }' | sort -u)
}

# need PURPOSE...: installs what is missing; silent and offline when nothing is.
need() {
    command -v dpkg-query >/dev/null || die "this is not a Debian system: install the packages of tools/dev/packages by hand"
    local missing
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || die "missing Debian packages:" $missing "(run as root once, or: apt-get install" $missing")"
    "$ROOT/tools/dev/install" $missing || die "could not install:" $missing "(is Debian's mirror reachable? see the lines above)"
}

# build PRESET [TARGET...]: configure and build; quiet when up to date.
build() {
    local preset=$1 targets=()
    shift
    [ $# -eq 0 ] || targets=(--target "$@")
    [ -n "$(cmake --list-presets 2>/dev/null | grep -F "\"$preset\"")" ] || die "no preset '$preset' in CMakePresets.json"
    local args=(-DPOSTERN_WERROR="${POSTERN_WERROR:-OFF}")
    if command -v ccache >/dev/null; then
        args+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
    fi
    local log="build/$preset.configure.log"
    mkdir -p build
    cmake --preset "$preset" "${args[@]}" >"$log" 2>&1 || {
        cat "$log" >&2
        die "configuring preset $preset failed"
    }
    cmake --build --preset "$preset" -j "${POSTERN_JOBS:-$(nproc)}" "${targets[@]}" >&2 || die "building preset $preset failed"
}

# need_for_preset PRESET: what a build of this preset needs.
need_for_preset() {
    if [ "$1" = fuzz ]; then need build fuzz; else need build; fi
}

# make_user NAME HOME COMMENT: a system user without a shell, as the packaged sysusers.d file makes it.
make_user() {
    getent passwd "$1" >/dev/null && return 0
    say "adding system user $1"
    useradd --system --user-group --home-dir "$2" --no-create-home --shell /usr/sbin/nologin --comment "$3" "$1"
}

need_users() {
    make_user postern /var/lib/postern "Postern control plane"
    make_user postern-front /nonexistent "Postern, the part that strangers talk to"
}

# c_files: every C source and header of the tree, NUL-separated.
c_files() {
    local dirs=() d
    for d in common server gateway client relay cli tests tools; do
        [ -d "$d" ] && dirs+=("$d")
    done
    find "${dirs[@]}" -type f \( -name '*.c' -o -name '*.h' \) -print0
}
