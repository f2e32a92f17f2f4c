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

void cluster_exec(const char *const argv[])
{
    static const char *const env[] = {"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "TZ=UTC", NULL};
    execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
}

static int on_remove(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    return remove(path);
}

/* Runs a program to its end with text on its stdin; output to nowhere, errors to ours. */
static int run(const char *const argv[], const char *input)
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
        cluster_exec(argv);
        _exit(127);
    }
    close(in[0]);
    if (pid > 0 && write(in[1], input, strlen(input)) < 0)
        log_debug("%s took no input", argv[0]);
    close(in[1]);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -errno;
    if (status)
        log_error("%s ended with status 0x%x", argv[0], (unsigned)status);
    return status ? -EIO : 0;
}

static int init(const char *bin, const char *data)
{
    /* Both look for each other beside argv[0]. */
    char initdb_path[PATH_MAX], postgres_path[PATH_MAX];
    if (!settings_path(initdb_path, sizeof(initdb_path), bin, "initdb") ||
        !settings_path(postgres_path, sizeof(postgres_path), bin, "postgres"))
        return -ENAMETOOLONG;
    const char *initdb[] = {initdb_path,
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
    const char *single[] = {postgres_path, "--single", "-D", data, "postgres", NULL};
    int r = run(initdb, "");
    return r ? r : run(single, set_up);
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
