/* SPDX-License-Identifier: Apache-2.0 */
/* Plays every file of the given folders to the fuzz target, so that ordinary builds check the corpus without libFuzzer. */
#include "base/file.h"
#include "base/str.h"
#include <dirent.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 16 << 20 };

static int replay_file(const char *dir, const char *name)
{
    char path[1024];
    BUF_AUTO input = {0};
    int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;
    int r = file_read(path, INPUT_MAX, &input);
    if (r)
        return r;
    /* A block of exactly this size, so that the address sanitizer sees a read behind the end. */
    uint8_t *exact = xalloc(input.len);
    if (input.len)
        memcpy(exact, input.data, input.len);
    LLVMFuzzerTestOneInput(exact, input.len);
    free(exact);
    return 0;
}

static int replay_dir(const char *path, size_t *count)
{
    DIR *dir = opendir(path);
    if (!dir)
        return -errno;
    int r = 0;
    for (struct dirent *e = readdir(dir); e && r == 0; e = readdir(dir)) {
        if (e->d_name[0] == '.')
            continue;
        r = replay_file(path, e->d_name);
        *count += 1;
    }
    closedir(dir);
    return r;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        int r = replay_dir(argv[i], &count);
        if (r) {
            fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
            return 1;
        }
    }
    /* An empty corpus checks nothing and must not look like a pass. */
    fprintf(stderr, "%zu inputs\n", count);
    return count > 0 ? 0 : 1;
}
