/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/privileges.h"
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uint32_t KEPT = UINT32_C(1) << CAP_NET_ADMIN;

/* A unit that has done it already may also forbid the calls below. */
static bool limited_already(const struct __user_cap_data_struct data[static 2])
{
    return data[0].permitted == KEPT && data[0].effective == KEPT && data[1].permitted == 0 &&
           prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, (unsigned long)CAP_NET_ADMIN, 0, 0) == 1;
}

int privileges_drop(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    if (syscall(SYS_capget, &head, data))
        return -errno;
    if (!(data[0].permitted & KEPT))
        return -EPERM;
    /* The bounding set limits what the engine, started by exec, can have as root. */
    for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
        if (cap != CAP_NET_ADMIN)
            (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* EPERM: it was limited before us */
    if (!limited_already(data)) {
        data[0] = (struct __user_cap_data_struct){KEPT, KEPT, KEPT};
        data[1] = (struct __user_cap_data_struct){0};
        if (syscall(SYS_capset, &head, data))
            return -errno;
        /* Lets an engine that does not run as root inherit it. */
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)CAP_NET_ADMIN, 0, 0))
            return -errno;
    }
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}
