/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/supervise/identity.h"
#include "base/log.h"
#include "base/str.h"
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool by_name(const char *name, struct identity *out)
{
    const struct passwd *pw = getpwnam(name);
    if (!pw)
        return false;
    out->uid = pw->pw_uid;
    out->gid = out->also = pw->pw_gid;
    return str_copy(out->name, sizeof(out->name), pw->pw_name);
}

static void self(struct identity *out)
{
    const struct passwd *pw = getpwuid(geteuid());
    out->uid = geteuid();
    out->gid = out->also = getegid();
    str_copy(out->name, sizeof(out->name), pw ? pw->pw_name : "");
}

int identities_find(const struct settings *s, struct identities *out)
{
    *out = (struct identities){.separate = geteuid() == 0};
    if (!out->separate) {
        self(&out->core);
        out->front = out->db = out->core;
        return 0;
    }
    bool ok = by_name(s->user, &out->core) && by_name(s->front_user, &out->front) &&
              (s->database_url || by_name(s->db_user, &out->db) || by_name("postern-db", &out->db));
    if (!ok) {
        log_error(
            "users %s, %s and %s are needed: run systemd-sysusers, for which a file is installed with this program, or "
            "useradd --system --user-group --shell /usr/sbin/nologin for each",
            s->user, s->front_user, s->db_user);
        return -ENOENT;
    }
    if (!out->core.uid || !out->front.uid || (!s->database_url && !out->db.uid)) {
        log_error("root is no user for posternd's processes");
        return -ENOENT;
    }
    out->core.also = out->front.gid; /* hands files and its socket to the fronts */
    out->db.also = out->core.gid;    /* hands its socket to core */
    return 0;
}

int identity_become(const struct identity *who)
{
    if (geteuid() == 0) {
        if (setgroups(who->also != who->gid, &who->also) || setresgid(who->gid, who->gid, who->gid) ||
            setresuid(who->uid, who->uid, who->uid))
            return -errno;
    }
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

int capabilities_drop(void)
{
    const uint32_t keep = 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_KILL;
    if (geteuid() != 0)
        return 0;
    for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
        bool kept = cap < 32 && (keep >> cap & 1);
        if (!kept && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EPERM)
            return -errno;
    }
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct now[2], want[2] = {{0}};
    if (syscall(SYS_capget, &head, now))
        return -errno;
    want[0].permitted = want[0].effective = now[0].permitted & keep;
    return syscall(SYS_capset, &head, want) ? -errno : 0;
}
