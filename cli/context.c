/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context.h"
#include "base/file.h"
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 8192 };

#define REC_SELF context
REC_TABLE(context, CONTEXT_FIELDS)
#undef REC_SELF

static int put_directory(struct buf *out)
{
    const char *dir = getenv("POSTERN_CONFIG_DIR"), *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (dir && *dir)
        buf_puts(out, dir);
    else if (xdg && *xdg)
        buf_printf(out, "%s/postern", xdg);
    else if (home && *home)
        buf_printf(out, "%s/.config/postern", home);
    else
        return -EINVAL;
    buf_puts(out, "/contexts");
    return 0;
}

int context_path(const char *name, struct buf *out)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    if (!n || name[n] || name[0] == '.')
        return -EINVAL;
    int r = put_directory(out);
    buf_printf(out, "/%s.json", name);
    return r;
}

int context_load(const char *name, struct arena *a, struct context *out)
{
    BUF_AUTO path = {0}, text = {0};
    struct rec_errors errors;
    struct stat st;
    int r = context_path(name, &path);
    if (r)
        return r;
    if (stat(buf_str(&path), &st))
        return -errno;
    if (st.st_mode & 077)
        return -EPERM; /* the token may have been read: better to say so than to go on */
    r = file_read(buf_str(&path), FILE_MAX, &text);
    return r ? r : rec_decode(&context_rec, REC_AGENT, buf_str(&text), text.len, a, out, &errors);
}

int context_save(const char *name, const struct context *c)
{
    BUF_AUTO dir = {0}, path = {0}, text = {0};
    int r = context_path(name, &path);
    if (!r)
        r = put_directory(&dir);
    if (!r)
        r = dir_make(buf_str(&dir), 0700);
    if (r)
        return r;
    rec_encode(&context_rec, c, REC_PRETTY, &text);
    buf_putc(&text, '\n');
    return file_replace(buf_str(&path), text.data, text.len, 0600);
}

int context_remove(const char *name)
{
    BUF_AUTO path = {0};
    int r = context_path(name, &path);
    if (r)
        return r;
    return unlink(buf_str(&path)) ? -errno : 0;
}
