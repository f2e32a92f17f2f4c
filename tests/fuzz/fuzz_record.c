/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict JSON decoder. Whatever it takes must encode to text that decodes to an equal record and encodes to the
 * same text; a refusal must name at least one error. The first byte chooses the mode.
 */
#include "../unit/record/sample.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char old_json[] = "{\"name\":\"old\",\"note\":\"n\",\"spare\":{\"first\":5},\"ports\":[{\"first\":1}]}";

static void check_round_trip(const struct sample *s, struct arena *a)
{
    BUF_AUTO one = {0}, two = {0};
    struct rec_errors errors;
    struct sample back;
    rec_encode(&sample_rec, s, 0, &one);
    int r = rec_decode(&sample_rec, REC_STRICT, one.data, one.len, a, &back, &errors);
    if (r == -ENOMEM)
        return;
    assert(!r && rec_equal(&sample_rec, s, &back));
    rec_encode(&sample_rec, &back, 0, &two);
    assert(!strcmp(buf_str(&one), buf_str(&two)));
    buf_reset(&two);
    rec_diff(&sample_rec, s, &back, &two);
    assert(!strcmp(buf_str(&two), "{}"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct rec_errors errors;
    struct sample s = {0};
    if (!size)
        return 0;
    enum rec_mode mode = data[0] % 4;
    arena_init(&a, 1 << 20);
    int r = rec_decode(&sample_rec, REC_CREATE, old_json, sizeof(old_json) - 1, &a, &s, &errors);
    assert(!r);
    r = rec_decode(&sample_rec, mode, (const char *)data + 1, size - 1, &a, &s, &errors);
    assert(r == 0 || r == -ENOMEM || (r == -EBADMSG && errors.n > 0));
    if (!r)
        check_round_trip(&s, &a);
    arena_done(&a);
    return 0;
}
