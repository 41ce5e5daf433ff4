// test_source_hash.c — FNV-1a against its published values, and a source read in pieces against its bytes at once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "nn/base/source.h"

static void test_values(void **state)
{
    (void) state;
    static const struct { const char *text; uint64_t hash; } rows[] = {
        { "", 0xcbf29ce484222325u }, { "a", 0xaf63dc4c8601ec8cu }, { "foobar", 0x85944171f73967e8u },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(nn_hash_add(NN_HASH_START, rows[i].text, strlen(rows[i].text)) == rows[i].hash);
    assert_true(nn_hash_add(nn_hash_add(NN_HASH_START, "foo", 3), "bar", 3) == rows[2].hash);
}

static void test_source(void **state)
{
    (void) state;
    static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 200000 };
    unsigned char *bytes = malloc(200000);
    assert_non_null(bytes);
    for (uint32_t i = 0; i < 200000; i++)
        bytes[i] = (unsigned char) (i * 2654435761u >> 24);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const nn_source src = nn_source_of("bytes", bytes, sizes[i]);
        uint64_t h = NN_HASH_START;
        assert_int_equal(nn_hash_add_source(&h, &src), VKC_OK);
        assert_true(h == nn_hash_add(NN_HASH_START, bytes, sizes[i]));
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_values), cmocka_unit_test(test_source) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
