/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/front/sandbox.h"
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* Everything else fails with EPERM, so that a library's unforeseen wish is an error and not an outage. */
static const int allowed[] = {
    SCMP_SYS(accept),        SCMP_SYS(accept4),        SCMP_SYS(alarm),
    SCMP_SYS(brk),           SCMP_SYS(clock_gettime),  SCMP_SYS(clock_nanosleep),
    SCMP_SYS(close),         SCMP_SYS(connect),        SCMP_SYS(dup),
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),      SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_wait),    SCMP_SYS(exit),           SCMP_SYS(exit_group),
    SCMP_SYS(fcntl),         SCMP_SYS(fstat),          SCMP_SYS(futex),
    SCMP_SYS(getpeername),   SCMP_SYS(getpid),         SCMP_SYS(getrandom),
    SCMP_SYS(getsockname),   SCMP_SYS(getsockopt),     SCMP_SYS(gettid),
    SCMP_SYS(gettimeofday),  SCMP_SYS(lseek),          SCMP_SYS(madvise),
    SCMP_SYS(mremap),        SCMP_SYS(munmap),         SCMP_SYS(newfstatat),
    SCMP_SYS(poll),          SCMP_SYS(read),           SCMP_SYS(readv),
    SCMP_SYS(recvfrom),      SCMP_SYS(recvmsg),        SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction),  SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_yield),   SCMP_SYS(sendmsg),        SCMP_SYS(sendto),
    SCMP_SYS(setitimer),     SCMP_SYS(setsockopt),     SCMP_SYS(shutdown),
    SCMP_SYS(sigaltstack),   SCMP_SYS(stat),           SCMP_SYS(statx),
    SCMP_SYS(sysinfo),       SCMP_SYS(time),           SCMP_SYS(tgkill),
    SCMP_SYS(uname),         SCMP_SYS(write),          SCMP_SYS(writev),
};

/* What only an intruder asks for. */
static const int deadly[] = {
    SCMP_SYS(bpf),
    SCMP_SYS(clone3),
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(init_module),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(keyctl),
    SCMP_SYS(mount),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(ptrace),
    SCMP_SYS(setuid),
    SCMP_SYS(unshare),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(vfork),
    SCMP_SYS(finit_module),
    SCMP_SYS(setns),
    SCMP_SYS(pidfd_getfd),
};

static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int r = seccomp_rule_add(ctx, action, calls[i], 0);
        /* A call that this architecture never had needs no rule. */
        if (r && r != -EDOM)
            return r;
    }
    return 0;
}

/* Allowed with certain arguments: unix sockets, files for reading, memory that is not executable. */
static int add_bounded(scmp_filter_ctx ctx)
{
    enum { WRITING = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC };
    int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                             (struct scmp_arg_cmp){.arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_UNIX});
    if (!r)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, WRITING, 0));
    if (!r)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (!r)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return r;
}

static int load(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!ctx)
        return -ENOMEM;
    int r = add_all(ctx, SCMP_ACT_ALLOW, allowed, ARRAY_LEN(allowed));
    if (!r)
        r = add_all(ctx, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_LEN(deadly));
    if (!r)
        r = add_bounded(ctx);
    if (!r)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    return r;
}

int sandbox_enter(void)
{
#ifdef POSTERN_SANITIZED
    return 0;
#endif
    if (prctl(PR_SET_DUMPABLE, 0))
        return -errno;
    return load();
}
