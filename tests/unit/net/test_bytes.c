/* SPDX-License-Identifier: Apache-2.0 */
#include "net/bytes.h"
#include "test.h"

static void test_round_trip(void **state)
{
    uint8_t mem[64];
    char text[8];
    struct byte_writer w = writer_of(mem, sizeof(mem));
    writer_u8(&w, 1);
    writer_u16(&w, 0x0203);
    writer_u32(&w, 0x04050607);
    writer_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
    writer_field_text(&w, "hello");
    writer_field(&w, NULL, 0);
    assert_false(w.bad);
    for (uint8_t i = 0; i < 15; i++)
        assert_int_equal(mem[i], i + 1);
    struct byte_reader r = reader_of(mem, w.len);
    size_t n;
    assert_int_equal(reader_u8(&r), 1);
    assert_int_equal(reader_u16(&r), 0x0203);
    assert_int_equal(reader_u32(&r), 0x04050607);
    assert_true(reader_u64(&r) == UINT64_C(0x08090a0b0c0d0e0f));
    reader_field_text(&r, text, sizeof(text));
    assert_string_equal(text, "hello");
    assert_non_null(reader_field(&r, 10, &n));
    assert_int_equal(n, 0);
    assert_true(reader_finished(&r));
}

static void test_short_input_is_sticky(void **state)
{
    struct byte_reader r = reader_of("\x01\x02\x03", 3);
    assert_int_equal(reader_u32(&r), 0);
    assert_true(r.bad);
    assert_int_equal(reader_u8(&r), 0);
    assert_false(reader_finished(&r));
}

static void test_field_limits(void **state)
{
    char text[4];
    size_t n;
    struct byte_reader r = reader_of("\0\0\0\4abcd", 8);
    reader_field_text(&r, text, sizeof(text));
    assert_true(r.bad);
    assert_string_equal(text, "");
    r = reader_of("\0\0\0\2a\0", 6);
    reader_field_text(&r, text, sizeof(text));
    assert_true(r.bad);
    r = reader_of("\xff\xff\xff\xff", 4);
    assert_null(reader_field(&r, SIZE_MAX, &n));
    assert_int_equal(n, 0);
    uint8_t three[3];
    r = reader_of("\0\0\0\2ab", 6);
    reader_field_exact(&r, three, 3);
    assert_true(r.bad);
}

static void test_writer_never_passes_cap(void **state)
{
    uint8_t mem[8] = {0};
    struct byte_writer w = writer_of(mem, 5);
    writer_u32(&w, 1);
    writer_u16(&w, 0xffff);
    assert_true(w.bad);
    assert_int_equal(w.len, 4);
    writer_u8(&w, 0xff);
    assert_int_equal(mem[4], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_short_input_is_sticky),
        cmocka_unit_test(test_field_limits),
        cmocka_unit_test(test_writer_never_passes_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
