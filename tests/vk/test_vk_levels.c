// test_vk_levels.c — hazard analysis: named cases, and random ones against the definition.
#include "tests/vk/vk_test.h"
#include "vk/levels.h"

enum { R = VKC_ACCESS_READ, W = VKC_ACCESS_WRITE, RW = VKC_ACCESS_BOTH };

#define ACC(b, e, c, m) { .begin = (b), .end = (e), .command = (c), .mode = (m) }
#define LEVELS(acc, n, level) levels_of(acc, sizeof acc / sizeof *acc, n, level)

static uint32_t levels_of(const vkc__access *acc, size_t n_acc, uint32_t n, uint32_t *level)
{
    uint32_t n_levels;
    assert_ok(vkc__levels_get(acc, n_acc, n, level, &n_levels));
    return n_levels;
}

static void read_after_write(void **state)
{
    (void) state;
    const vkc__access acc[] = { ACC(0, 16, 0, W), ACC(8, 24, 1, R) };
    uint32_t level[2];
    assert_int_equal(LEVELS(acc, 2, level), 2);
    assert_int_equal(level[0], 0);
    assert_int_equal(level[1], 1);
}

static void write_after_read(void **state)
{
    (void) state;
    const vkc__access acc[] = { ACC(0, 16, 0, R), ACC(15, 16, 1, W) };
    uint32_t level[2];
    assert_int_equal(LEVELS(acc, 2, level), 2);
    assert_int_equal(level[1], 1);
}

static void write_after_write(void **state)
{
    (void) state;
    const vkc__access acc[] = { ACC(0, 16, 0, W), ACC(0, 1, 1, W), ACC(0, 16, 2, RW) };
    uint32_t level[3];
    assert_int_equal(LEVELS(acc, 3, level), 3);
    assert_int_equal(level[1], 1);
    assert_int_equal(level[2], 2);
}

static void independent_ones_share_a_level(void **state)
{
    (void) state;
    const vkc__access acc[] = {
        ACC(0, 16, 0, R), ACC(16, 32, 0, W),    // reads of one range, writes side by side
        ACC(0, 16, 1, R), ACC(32, 48, 1, W),
        ACC(0, 16, 2, R), ACC(48, 64, 2, W),
        ACC(16, 64, 3, R), ACC(64, 80, 3, W),   // needs all three
        ACC(0, 16, 4, R),                       // needs nothing
    };
    uint32_t level[5];
    assert_int_equal(LEVELS(acc, 5, level), 2);
    assert_int_equal(level[0] + level[1] + level[2] + level[4], 0);
    assert_int_equal(level[3], 1);
}

static void a_writer_waits_for_the_latest_reader(void **state)
{
    (void) state;
    const vkc__access acc[] = {
        ACC(0, 16, 0, W), ACC(0, 16, 1, R), ACC(16, 32, 1, W), ACC(16, 32, 2, R), ACC(32, 48, 2, R),
        ACC(32, 48, 3, R),                      // on level 0, though later than the reader on level 2
        ACC(32, 48, 4, W),
    };
    uint32_t level[5];
    assert_int_equal(LEVELS(acc, 5, level), 4);
    assert_int_equal(level[2], 2);
    assert_int_equal(level[3], 0);
    assert_int_equal(level[4], 3);
}

static void one_command_may_read_what_it_writes(void **state)
{
    (void) state;
    const vkc__access acc[] = { ACC(0, 16, 0, R), ACC(0, 16, 0, W), ACC(16, 32, 1, RW) };
    uint32_t level[2];
    assert_int_equal(LEVELS(acc, 2, level), 1);
}

static void nothing_at_all(void **state)
{
    (void) state;
    uint32_t level[3] = { 9, 9, 9 }, n;
    assert_ok(vkc__levels_get(NULL, 0, 0, level, &n));
    assert_int_equal(n, 0);
    assert_ok(vkc__levels_get(NULL, 0, 3, level, &n));      // commands that touch nothing
    assert_int_equal(n, 1);
    assert_int_equal(level[0] + level[1] + level[2], 0);
}

// ---- against the definition

static uint32_t random_below(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

static bool depends(const vkc__access *a, const vkc__access *b)
{
    return a->begin < b->end && b->begin < a->end && ((a->mode | b->mode) & W);
}

static void random_commands(void **state)
{
    (void) state;
    enum { COMMANDS = 60, MOST = COMMANDS * 4 };
    uint32_t seed = 1;
    for (uint32_t round = 0; round < 300; round++) {
        vkc__access acc[MOST];
        uint32_t want[COMMANDS], got[COMMANDS], top = 0;
        size_t n = 0;
        for (uint32_t c = 0; c < COMMANDS; c++) {
            want[c] = 0;
            for (uint32_t i = random_below(&seed, 5); i-- > 0; n++) {
                uint64_t begin = random_below(&seed, 100), size = 1 + random_below(&seed, round % 50 + 1);
                acc[n] = (vkc__access) ACC(begin << 40, (begin + size) << 40, c, 1 + random_below(&seed, 3));
                for (size_t j = 0; j < n; j++)
                    if (acc[j].command < c && depends(&acc[j], &acc[n]) && want[acc[j].command] >= want[c])
                        want[c] = want[acc[j].command] + 1;
            }
            top = want[c] + 1 > top ? want[c] + 1 : top;
        }
        assert_int_equal(levels_of(acc, n, COMMANDS, got), top);
        assert_memory_equal(got, want, sizeof want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_after_write),
        cmocka_unit_test(write_after_read),
        cmocka_unit_test(write_after_write),
        cmocka_unit_test(independent_ones_share_a_level),
        cmocka_unit_test(a_writer_waits_for_the_latest_reader),
        cmocka_unit_test(one_command_may_read_what_it_writes),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(random_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
