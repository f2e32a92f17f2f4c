/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/supervise/cluster.h"
#include "base/log.h"
#include "server/settings/settings.h"
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of single-user mode: one statement each line. */
static const char set_up[] = "CREATE ROLE postern LOGIN\n"
                             "CREATE DATABASE postern OWNER postern\n";

void cluster_exec(const char *program, const char *const argv[])
{
    static const char *const env[] = {"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "TZ=UTC", NULL};
    execve(program, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
}

static int on_remove(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    return remove(path);
}

/* Runs a program to its end with text on its stdin; output to nowhere, errors to ours. */
static int run(const char *program, const char *const argv[], const char *input)
{
    int in[2], status;
    if (pipe2(in, O_CLOEXEC))
        return -errno;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        dup2(in[0], STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        cluster_exec(program, argv);
        _exit(127);
    }
    close(in[0]);
    if (pid > 0 && write(in[1], input, strlen(input)) < 0)
        log_debug("%s took no input", program);
    close(in[1]);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -errno;
    if (status)
        log_error("%s ended with status 0x%x", program, (unsigned)status);
    return status ? -EIO : 0;
}

static int init(const char *bin, const char *data)
{
    char program[PATH_MAX];
    const char *initdb[] = {"initdb",
                            "-D",
                            data,
                            "-U",
                            "postgres",
                            "-E",
                            "UTF8",
                            "--locale=C.UTF-8",
                            "--data-checksums",
                            "--auth-local=peer",
                            "--auth-host=reject",
                            NULL};
    const char *single[] = {"postgres", "--single", "-D", data, "postgres", NULL};
    if (!settings_path(program, sizeof(program), bin, "initdb"))
        return -ENAMETOOLONG;
    int r = run(program, initdb, "");
    if (r)
        return r;
    if (!settings_path(program, sizeof(program), bin, "postgres"))
        return -ENAMETOOLONG;
    return run(program, single, set_up);
}

int cluster_make(const char *dir, const char *bin)
{
    char fresh[PATH_MAX], data[PATH_MAX];
    if (!settings_path(fresh, sizeof(fresh), dir, "data.new") || !settings_path(data, sizeof(data), dir, "data"))
        return -ENAMETOOLONG;
    log_info("making a database in %s", data);
    /* A start that was killed leaves a part: the name `data` appears only when everything is there. */
    if (access(fresh, F_OK) == 0 && nftw(fresh, on_remove, 16, FTW_DEPTH | FTW_PHYS))
        return -errno;
    int r = init(bin, fresh);
    if (!r && rename(fresh, data))
        r = -errno;
    return r;
}
