/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/supervise/paths.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int paths_name(const struct settings *s, struct paths *out)
{
    bool ok = settings_path(out->core, PATH_MAX, s->data_dir, "core") &&
              settings_path(out->front, PATH_MAX, s->data_dir, "front") &&
              settings_path(out->postgres, PATH_MAX, s->data_dir, "postgres") &&
              settings_path(out->lock, PATH_MAX, s->data_dir, "lock") &&
              settings_path(out->pg_socket, PATH_MAX, s->run_dir, "pg") && str_copy(out->run, PATH_MAX, s->run_dir);
    return ok ? 0 : -ENAMETOOLONG;
}

/* A database inside a checkout gets committed, cleaned away or copied with it. */
static bool in_source_tree(const char *dir)
{
    char path[PATH_MAX], probe[PATH_MAX];
    if (!realpath(dir, path))
        return false;
    for (;;) {
        if (!settings_path(probe, sizeof(probe), path, ".git") || access(probe, F_OK) == 0)
            return true;
        char *slash = strrchr(path, '/');
        if (!slash || slash == path)
            return false;
        *slash = '\0';
    }
}

static int complain(int error, const char *path, const char *what)
{
    log_error("%s: %s", path, what);
    return error;
}

struct dir {
    const char *path;
    uid_t uid;
    gid_t gid;
    mode_t mode;
};

/* An existing directory must belong to the right user already: never take over somebody else's. */
static int dir_ensure(const struct dir *d)
{
    struct stat st;
    bool made = mkdir(d->path, 0700) == 0;
    if (!made && errno != EEXIST)
        return complain(-errno, d->path, strerror(errno));
    int fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
    if (fd < 0 || fstat(fd, &st)) {
        r = complain(-errno, d->path, strerror(errno));
    } else if (!made && st.st_uid != d->uid) {
        r = complain(-EPERM, d->path, "belongs to another user than this program is configured for");
    } else if ((st.st_gid != d->gid && fchown(fd, d->uid, d->gid)) || (made && fchown(fd, d->uid, d->gid)) ||
               fchmod(fd, d->mode)) {
        r = complain(-errno, d->path, strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    return r;
}

static int data_dir_check(const char *dir, const struct identities *ids)
{
    struct stat st;
    if (dir[0] != '/')
        return complain(-EINVAL, dir, "the data directory must be an absolute path");
    if (stat(dir, &st)) {
        int r = dir_make(dir, 0711);
        if (r)
            return complain(r, dir, strerror(-r));
        if (stat(dir, &st))
            return -errno;
    }
    if (st.st_mode & (S_IROTH | S_IWOTH))
        return complain(-EPERM, dir, "others may read or write the data directory: chmod o-rw it");
    if (in_source_tree(dir))
        return complain(-EINVAL, dir, "the data directory lies in a source tree");
    if (st.st_uid != geteuid() && st.st_uid != ids->core.uid)
        return complain(-EPERM, dir, "the data directory belongs to another user");
    /* A fresh one is root's: core's user takes it over. */
    return st.st_uid != ids->core.uid && chown(dir, ids->core.uid, ids->core.gid) ? -errno : 0;
}

int paths_prepare(const struct settings *s, const struct identities *ids, struct paths *out)
{
    int r = paths_name(s, out);
    if (!r)
        r = data_dir_check(s->data_dir, ids);
    if (!r && strlen(out->pg_socket) > 107 - sizeof("/.s.PGSQL.5432"))
        r = complain(-ENAMETOOLONG, s->run_dir, "too long for the name of a socket");
    if (!r && dir_make(s->run_dir, 0711))
        r = complain(-EIO, s->run_dir, "cannot be made");
    if (r)
        return r;
    const mode_t top = ids->separate ? 0711 : 0700;
    /* Where another process shares what is made here, the directory has its group; the maker passes it on. */
    const struct dir dirs[] = {
        {s->data_dir, ids->core.uid, ids->core.gid, top},
        {out->core, ids->core.uid, ids->core.gid, 0700},
        {out->front, ids->core.uid, ids->front.gid, ids->separate ? 0750 : 0700},
        {out->postgres, ids->db.uid, ids->db.gid, 0700},
        {out->run, ids->core.uid, ids->front.gid, ids->separate ? 0711 : 0700},
        {out->pg_socket, ids->db.uid, ids->core.gid, ids->separate ? 0750 : 0700},
    };
    for (size_t i = 0; !r && i < ARRAY_LEN(dirs); i++) {
        bool database = dirs[i].path == out->postgres || dirs[i].path == out->pg_socket;
        /* A run directory is remade at boot, often by systemd as root's: taking it over is meant. */
        if (dirs[i].path == out->run && ids->separate && lchown(out->run, dirs[i].uid, dirs[i].gid))
            return complain(-errno, out->run, strerror(errno));
        if (!(database && s->database_url))
            r = dir_ensure(&dirs[i]);
    }
    return r;
}

int paths_lock(const struct paths *p)
{
    int fd = open(p->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return complain(-errno, p->lock, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    close(fd);
    return complain(-EBUSY, p->lock, "another posternd serves this data directory");
}
