/* SPDX-License-Identifier: Apache-2.0 */
/* Lets a person change an object in $VISUAL or $EDITOR, as YAML in a private temporary file. */
#pragma once
#include "cli/ctl.h"

struct editor {
    char path[256];
    struct buf text; /* as it was left */
    bool changed;
};

/* Shows the fields of the object that may be changed and waits. CLI_OK or an exit code; call editor_done() in any case. */
int editor_open(const struct cli *cli, const struct kind *kind, const struct buf *json, struct editor *out) MUSTCHECK;
void editor_done(struct editor *e, bool remove);
