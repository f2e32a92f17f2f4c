/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/editor.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/yaml.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20 };

/* The fields that a person may change, in YAML, after a line that says what this is. */
static int put_changeable(const struct kind *kind, const struct buf *json, struct buf *out)
{
    BUF_AUTO text = {0};
    cJSON *object = cJSON_ParseWithLength(buf_str(json), json->len);
    for (cJSON *child = object ? object->child : NULL, *next; child; child = next) {
        const struct rec_field *f = rec_find(kind->rec, child->string);
        next = child->next;
        if (!f || f->flags & (REC_READONLY | REC_IMMUTABLE))
            cJSON_Delete(cJSON_DetachItemViaPointer(object, child));
    }
    char *printed = cJSON_PrintUnformatted(object);
    buf_puts(&text, printed ? printed : "");
    cJSON_free(printed);
    cJSON_Delete(object);
    buf_printf(out, "# A %s. Save and leave to apply; leave unchanged to do nothing.\n", kind->singular);
    return yaml_from_json(buf_str(&text), text.len, out);
}

static int write_file(int fd, const struct buf *text)
{
    size_t n = 0;
    while (n < text->len) {
        ssize_t k = write(fd, text->data + n, text->len - n);
        if (k < 0 && errno != EINTR)
            return -errno;
        n += k > 0 ? (size_t)k : 0;
    }
    return 0;
}

/* The variable may hold arguments ("code --wait"), so the shell splits it; the file's name is its own argument. */
static int run_editor(const char *path)
{
    int status;
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "exec ${VISUAL:-${EDITOR:-vi}} \"$1\"", "sh", path, (char *)NULL);
        _exit(127);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECANCELED;
}

int editor_open(const struct cli *cli, const struct kind *kind, const struct buf *json, struct editor *out)
{
    const char *dir = getenv("TMPDIR");
    BUF_AUTO before = {0};
    if (put_changeable(kind, json, &before))
        return cli_fail(cli, CLI_FAILURE, "the server's answer cannot be read");
    snprintf(out->path, sizeof(out->path), "%s/posternctl.XXXXXX", dir && *dir ? dir : "/tmp");
    int fd = mkstemp(out->path), r = fd < 0 ? -errno : write_file(fd, &before);
    if (fd < 0)
        out->path[0] = '\0';
    else
        close(fd);
    if (!r)
        r = run_editor(out->path);
    if (!r)
        r = file_read(out->path, FILE_MAX, &out->text);
    if (r)
        return cli_fail(cli, CLI_FAILURE, "editor: %s", strerror(-r));
    out->changed = !str_eq(buf_str(&before), buf_str(&out->text));
    return CLI_OK;
}

void editor_done(struct editor *e, bool remove)
{
    if (remove && e->path[0])
        unlink(e->path);
    buf_done(&e->text);
}
