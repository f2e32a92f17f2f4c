/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/check.h"
#include "agent/identity.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "gateway/control.h"
#include "gateway/nft/nft.h"
#include "gateway/view.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int say(bool ok, const char *what, const char *hint)
{
    printf("%-6s %s%s%s\n", ok ? "ok" : "failed", what, ok ? "" : ": ", ok ? "" : hint);
    return !ok;
}

/* Sealed files are read by their owner only: root looks as the user of the service, to whom systemd gives the folder. */
static int open_as_owner(struct identity *id, const char *dir)
{
    struct stat st;
    bool other = geteuid() == 0 && stat(dir, &st) == 0 && st.st_uid != 0 && seteuid(st.st_uid) == 0;
    int r = identity_open(id, dir);
    if (other && seteuid(0))
        return -errno;
    return r;
}

static int check_identity(const char *dir)
{
    struct identity id;
    int r = open_as_owner(&id, dir);
    if (r)
        return say(false, "enrolled",
                   r == -ENOENT ? "run `postern-gateway enroll`" : "the state folder cannot be read by this user");
    enum cert_verdict verdict = cert_verify(id.cert, id.ca, clock_wall_us());
    int failed = say(true, "enrolled", "") + say(verdict == CERT_OK, "certificate", cert_verdict_text(verdict));
    identity_close(&id);
    return failed;
}

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    char file[PATH_MAX];
    if (strchr(program, '/'))
        return access(program, X_OK) == 0;
    for (const char *p = path ? path : "/usr/bin:/bin", *end; *p; p = *end ? end + 1 : end) {
        end = p + strcspn(p, ":");
        snprintf(file, sizeof(file), "%.*s/%s", (int)(end - p), p, program);
        if (access(file, X_OK) == 0)
            return true;
    }
    return false;
}

static int check_tun(void)
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return say(fd >= 0, "/dev/net/tun",
               "the engine cannot make its interface: modprobe tun, and run this as root or as the service");
}

static int check_forwarding(const char *path)
{
    BUF_AUTO text = {0};
    bool on = file_read(path, 16, &text) == 0 && text.len && text.data[0] == '1';
    return say(on, path, "set it to 1: `sysctl --system` applies the file that is installed with this program");
}

/* A table of a name that nobody uses, made and removed: kernel and rights are what we need. */
static int check_nft(void)
{
    struct nft *nft = NULL;
    char table[32];
    snprintf(table, sizeof(table), "postern-check-%d", (int)getpid());
    struct nft_options options = {.table = table, .tunnel = "pst-check"};
    int r = nft_open(&options, &nft);
    nft_close(nft);
    int removed = nft_remove(table);
    int error = r ? -r : -removed;
    return say(!error, "nftables",
               error == EPERM    ? "not permitted: run this as root"
               : error == ENOENT ? "this kernel has no nf_tables"
                                 : strerror(error));
}

static int check_daemon(const char *run_dir)
{
    BUF_AUTO answer = {0};
    struct arena arena;
    struct gateway_status s = {0};
    struct rec_errors errors = {0};
    int r = control_ask(run_dir, "status", &answer);
    if (r) {
        printf("%-6s running: start it with `postern-gateway run`\n", "-");
        return 0;
    }
    arena_init(&arena, 64 * 1024);
    r = rec_decode(&gateway_status_rec, REC_AGENT, buf_str(&answer), answer.len, &arena, &s, &errors);
    int failed = say(!r, "running", "it does not answer") +
                 say(!r && s.connected, "connected to the server", s.server ? s.server : "unknown server") +
                 say(!r && s.applied, "state applied", s.problem ? s.problem : "not yet");
    arena_done(&arena);
    return failed;
}

int check_run(const struct check_options *options)
{
    int failed = check_identity(options->state_dir);
    failed +=
        say(in_path(options->engine), options->engine, "not found in PATH: install it, or name another with --engine");
    failed += check_tun();
    failed += check_forwarding("/proc/sys/net/ipv4/ip_forward");
    failed += check_forwarding("/proc/sys/net/ipv6/conf/all/forwarding");
    failed += check_nft();
    failed += check_daemon(options->run_dir);
    return failed;
}
