// test_search.c — greedy replacement on scripted metrics: the path, its count of trials, ties, refusal, resuming.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "distill/search.h"

// Each replaced layer costs cost[l]; both of a pair together cost `pair` more.
typedef struct script {
    double   cost[8], pair;
    uint32_t pair_a, pair_b;
    uint32_t calls, stop_after;     // 0 = never stops
    bool     nan;
} script;

static vkc_status score(void *user, const bool *replaced, uint32_t n, double *out)
{
    script *s = user;
    if (s->stop_after && s->calls == s->stop_after)
        return VKC_FAIL(VKC_E_STOPPED, "stopped by the test");
    s->calls++;
    double x = 0.9;
    for (uint32_t l = 0; l < n; l++)
        x -= replaced[l] ? s->cost[l] : 0.0;
    if (s->pair > 0.0 && replaced[s->pair_a] && replaced[s->pair_b])
        x -= s->pair;
    *out = s->nan ? (double) NAN : x;
    return VKC_OK;
}

static void test_path(void **state)
{
    (void) state;
    script s = { .cost = { 0.03, 0.0, 0.01, 0.02 } };
    distill_search_params p = { .n_layers = 4, .max_drop = 0.03, .score = score, .score_user = &s };
    distill_search_result r;
    assert_int_equal(distill_search(&p, &r), VKC_OK);
    assert_true(r.base == 0.9);
    assert_int_equal(r.n_steps, 3);
    assert_int_equal(r.step[0].layer, 1);
    assert_int_equal(r.step[1].layer, 2);
    assert_int_equal(r.step[2].layer, 3);       // a drop of exactly 0.03 is allowed
    assert_int_equal(r.refused.layer, 0);
    assert_int_equal(r.n_best, 1);              // replacing layer 1 costs nothing: a tie goes to more replaced
    assert_int_equal(r.n_trials, 1 + 4 + 3 + 2 + 1);
    assert_int_equal(s.calls, r.n_trials);
}

static void test_all_and_none(void **state)
{
    (void) state;
    script s = { .cost = { 0.001, 0.001, 0.001 } };
    distill_search_params p = { .n_layers = 3, .max_drop = 1.0, .score = score, .score_user = &s };
    distill_search_result r;
    assert_int_equal(distill_search(&p, &r), VKC_OK);
    assert_int_equal(r.n_steps, 3);
    assert_int_equal(r.refused.layer, UINT32_MAX);
    assert_int_equal(r.n_trials, 1 + 3 + 2 + 1);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(r.step[i].layer, i);   // the first of equals
    p.max_drop = 0.0;
    assert_int_equal(distill_search(&p, &r), VKC_OK);
    assert_int_equal(r.n_steps, 0);
    assert_int_equal(r.n_best, 0);
    assert_int_equal(r.refused.layer, 0);
    assert_int_equal(r.n_trials, 1 + 3);
}

// Layers 0 and 1 are cheap alone and dear together: greedy must see this after its first step.
static void test_interaction(void **state)
{
    (void) state;
    script s = { .cost = { 0.001, 0.002, 0.003 }, .pair = 0.1, .pair_a = 0, .pair_b = 1 };
    distill_search_params p = { .n_layers = 3, .max_drop = 0.01, .score = score, .score_user = &s };
    distill_search_result r;
    assert_int_equal(distill_search(&p, &r), VKC_OK);
    assert_int_equal(r.n_steps, 2);
    assert_int_equal(r.step[0].layer, 0);
    assert_int_equal(r.step[1].layer, 2);
    assert_int_equal(r.refused.layer, 1);
}

static void test_fixed(void **state)
{
    (void) state;
    script s = { .cost = { 0.0 } };
    bool fixed[3] = { true, false, true };
    distill_search_params p = { .n_layers = 3, .fixed = fixed, .score = score, .score_user = &s };
    distill_search_result r;
    assert_int_equal(distill_search(&p, &r), VKC_OK);
    assert_int_equal(r.n_steps, 1);
    assert_int_equal(r.step[0].layer, 1);
    assert_int_equal(r.n_trials, 2);
}

static void test_bad(void **state)
{
    (void) state;
    script s = { .nan = true };
    distill_search_params p = { .n_layers = 2, .score = score, .score_user = &s };
    distill_search_result r;
    assert_int_equal(distill_search(&p, &r), VKC_E_ARG);        // not a number
    p.n_layers = DISTILL_MAX_LAYERS + 1;
    assert_int_equal(distill_search(&p, &r), VKC_E_ARG);
    p = (distill_search_params) { .n_layers = 2, .max_drop = -1.0, .score = score, .score_user = &s };
    assert_int_equal(distill_search(&p, &r), VKC_E_ARG);
    p = (distill_search_params) { .n_layers = 2, .score = score, .score_user = &s,
                                  .log_path = "no/such/folder/log.jsonl" };
    assert_int_equal(distill_search(&p, &r), VKC_E_IO);
}

static void fill_path(char path[64])
{
    strcpy(path, "/tmp/pare-search-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
}

static void write_text(const char *path, const char *mode, const char *text)
{
    FILE *f = fopen(path, mode);
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void check_same(const distill_search_result *a, const distill_search_result *b)
{
    assert_int_equal(a->n_steps, b->n_steps);
    assert_int_equal(a->n_trials, b->n_trials);
    assert_int_equal(a->n_best, b->n_best);
    assert_int_equal(a->refused.layer, b->refused.layer);
    for (uint32_t i = 0; i < a->n_steps; i++) {
        assert_int_equal(a->step[i].layer, b->step[i].layer);
        assert_true(a->step[i].score == b->step[i].score);
    }
}

// Stopped after every possible number of trials, then continued: nothing is tried twice, all decisions are the same.
static void test_resume(void **state)
{
    (void) state;
    const script plain = { .cost = { 0.01, 0.007, 0.0031, 1.0 / 3.0 }, .pair = 0.001, .pair_a = 1, .pair_b = 2 };
    script s = plain;
    char path[64];
    fill_path(path);
    distill_search_params p = { .n_layers = 4, .max_drop = 0.05, .score = score, .score_user = &s };
    distill_search_result whole, r;
    assert_int_equal(distill_search(&p, &whole), VKC_OK);
    p.log_path = path;
    for (uint32_t stop = 1; stop < whole.n_trials; stop++) {
        write_text(path, "w", "");
        s = plain;
        s.stop_after = stop;
        assert_int_equal(distill_search(&p, &r), VKC_E_STOPPED);
        s = plain;
        assert_int_equal(distill_search(&p, &r), VKC_OK);
        assert_int_equal(s.calls, whole.n_trials - stop);
        check_same(&whole, &r);
    }
    s = plain;
    assert_int_equal(distill_search(&p, &r), VKC_OK);
    assert_int_equal(s.calls, 0);
    check_same(&whole, &r);
    unlink(path);
}

// A log whose last line is cut, and one with hostile lines: what is not a trial is tried again.
static void test_hostile_log(void **state)
{
    (void) state;
    script s = { .cost = { 0.001, 0.002 } };
    char path[64];
    fill_path(path);
    distill_search_params p = { .n_layers = 2, .max_drop = 0.1, .score = score, .score_user = &s, .log_path = path };
    distill_search_result r;
    write_text(path, "w",
               "{\"layers\":2,\"replaced\":[],\"score\":0.9}\n"
               "{\"layers\":3,\"replaced\":[0],\"score\":0.1}\n"            // of another model
               "{\"layers\":2,\"replaced\":[7],\"score\":0.1}\n"
               "{\"layers\":2,\"replaced\":[-1],\"score\":0.1}\n"
               "{\"layers\":2,\"replaced\":[\"0\"],\"score\":0.1}\n"
               "{\"layers\":2,\"replaced\":[0,0,0],\"score\":0.1}\n"
               "{\"layers\":2,\"replaced\":{},\"score\":0.1}\n"
               "{\"layers\":2,\"replaced\":[0],\"score\":1e999}\n"
               "{\"layers\":2,\"replaced\":[0],\"score\":null}\n"
               "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n"
               "\n\xff\xfe\n"
               "{\"layers\":2,\"replaced\":[1],\"score\":0.4");              // cut off
    assert_int_equal(distill_search(&p, &r), VKC_OK);
    assert_int_equal(s.calls, 3);               // all but the base
    assert_int_equal(r.n_steps, 2);
    assert_true(r.step[0].score == 0.9 - 0.001);
    s.calls = 0;
    assert_int_equal(distill_search(&p, &r), VKC_OK);
    assert_int_equal(s.calls, 0);               // the new trials were appended behind the cut line
    unlink(path);
    if (access("/dev/full", W_OK) == 0) {       // a full disk is an error, not a lost trial
        p.log_path = "/dev/full";
        assert_int_equal(distill_search(&p, &r), VKC_E_IO);
    }
}

typedef struct teller { uint32_t n, stop_at; } teller;

static bool tell(void *user, const nn_progress *p)
{
    teller *t = user;
    assert_true(p->done <= p->total);
    assert_string_equal(p->unit, "trials");
    return ++t->n != t->stop_at;
}

static void test_progress(void **state)
{
    (void) state;
    script s = { .cost = { 0.001, 0.002 } };
    teller t = { .stop_at = 3 };
    distill_search_params p = { .n_layers = 2, .max_drop = 0.1, .score = score, .score_user = &s,
                                .progress = tell, .user = &t };
    distill_search_result r;
    assert_int_equal(distill_search(&p, &r), VKC_E_STOPPED);
    assert_int_equal(s.calls, 2);
    t = (teller) { .stop_at = 0 };
    assert_int_equal(distill_search(&p, &r), VKC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),        cmocka_unit_test(test_all_and_none),
        cmocka_unit_test(test_interaction), cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_bad),         cmocka_unit_test(test_resume),
        cmocka_unit_test(test_hostile_log), cmocka_unit_test(test_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
