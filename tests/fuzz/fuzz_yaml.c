/* SPDX-License-Identifier: Apache-2.0 */
/* YAML of files given to posternctl. What is taken becomes strict JSON, and that JSON as YAML reads back the same. */
#include "cli/yaml.h"
#include "record/json.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BUF_AUTO json = {0}, yaml = {0}, back = {0}, why = {0};
    struct rec_errors errors = {0};
    int r = yaml_to_json((const char *)data, size, &json, &why);
    if (r) {
        assert(r == -EINVAL && why.len > 0);
        return 0;
    }
    r = json_check(buf_str(&json), json.len, SIZE_MAX, &errors);
    assert(!r);
    r = yaml_from_json(buf_str(&json), json.len, &yaml);
    assert(!r);
    r = yaml_to_json(buf_str(&yaml), yaml.len, &back, &why);
    assert(!r && back.len == json.len && !memcmp(back.data, json.data, json.len));
    return 0;
}
