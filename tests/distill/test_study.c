// test_study.c — studies on scripted models: groups cut right, figures and correlations known beforehand,
// and a study that is stopped anywhere asks for nothing twice and ends the same.
#include "distill/study/study.h"

#include "tests/temp_dir.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SMALL 1e-12
#define assert_near(x, want) assert_true(fabs((x) - (want)) <= SMALL)

static void expect_layers(const distill_group *g, distill_grouping kind, uint32_t n, const uint32_t *layer)
{
    assert_int_equal(g->kind, kind);
    assert_int_equal(g->n, n);
    assert_memory_equal(g->layer, layer, n * sizeof *layer);
}

// Seven layers, one fixed, one without attention: five in two groups, then in three.
static void test_cut(void **state)
{
    (void) state;
    const double score[] = { 0.1, 0.9, NAN, 0.5, 0.7, 0.5, 0.3 };
    const bool fixed[] = { false, false, false, false, true, false, false };
    distill_group *g = NULL;
    uint32_t n;
    assert_int_equal(distill_cut_groups(score, fixed, 7, 2, &g, &n), VKC_OK);
    assert_int_equal(n, 5 + 2 + 2);
    const uint32_t free_layers[] = { 0, 1, 3, 5, 6 };
    for (uint32_t i = 0; i < 5; i++) {
        expect_layers(&g[i], DISTILL_SINGLE, 1, &free_layers[i]);
        assert_true(g[i].score == score[free_layers[i]] && g[i].depth == free_layers[i]);
    }
    expect_layers(&g[5], DISTILL_BY_SPARSITY, 2, (const uint32_t[]) { 1, 3 });      // 0.9, and of two 0.5 the first
    expect_layers(&g[6], DISTILL_BY_SPARSITY, 3, (const uint32_t[]) { 0, 5, 6 });
    expect_layers(&g[7], DISTILL_CONTIGUOUS, 2, (const uint32_t[]) { 0, 1 });
    expect_layers(&g[8], DISTILL_CONTIGUOUS, 3, (const uint32_t[]) { 3, 5, 6 });
    assert_near(g[5].score, 0.7);
    assert_near(g[6].score, 0.3);
    assert_near(g[8].depth, 14.0 / 3);
    free(g);
    assert_int_equal(distill_cut_groups(score, fixed, 7, 3, &g, &n), VKC_OK);
    expect_layers(&g[5], DISTILL_BY_SPARSITY, 1, (const uint32_t[]) { 1 });
    expect_layers(&g[6], DISTILL_BY_SPARSITY, 2, (const uint32_t[]) { 3, 5 });
    expect_layers(&g[7], DISTILL_BY_SPARSITY, 2, (const uint32_t[]) { 0, 6 });
    free(g);
    g = NULL;
    assert_int_equal(distill_cut_groups(score, fixed, 7, 1, &g, &n), VKC_E_ARG);
    assert_int_equal(distill_cut_groups(score, fixed, 7, 6, &g, &n), VKC_E_ARG);
    assert_int_equal(distill_cut_groups(score + 2, NULL, 1, 2, &g, &n), VKC_E_ARG);
    assert_null(g);
}

// Each group has every size within one of the others, and each kind holds every layer once.
static void test_cut_sizes(void **state)
{
    (void) state;
    double score[13];
    for (uint32_t l = 0; l < 13; l++)
        score[l] = (l * 5) % 13;
    for (uint32_t n_layers = 2; n_layers <= 13; n_layers++)
        for (uint32_t n_groups = 2; n_groups <= n_layers; n_groups++) {
            distill_group *g;
            uint32_t n, seen[DISTILL_N_GROUPINGS][13] = { { 0 } };
            assert_int_equal(distill_cut_groups(score, NULL, n_layers, n_groups, &g, &n), VKC_OK);
            assert_int_equal(n, n_layers + 2 * n_groups);
            for (uint32_t i = 0; i < n; i++) {
                for (uint32_t k = 0; k < g[i].n; k++)
                    seen[g[i].kind][g[i].layer[k]]++;
                if (g[i].kind != DISTILL_SINGLE)
                    assert_in_range(g[i].n, n_layers / n_groups, n_layers / n_groups + (n_layers % n_groups != 0));
                if (g[i].kind == DISTILL_BY_SPARSITY && g[i - 1].kind == DISTILL_BY_SPARSITY)
                    assert_true(g[i - 1].score > g[i].score);
            }
            for (uint32_t l = 0; l < n_layers; l++)
                assert_true(seen[0][l] == 1 && seen[1][l] == 1 && seen[2][l] == 1);
            free(g);
        }
}

enum { LAYERS = 6, VARIANTS = 4 };

// Sparser layers cost less with "a"; with "b" the cost grows with depth. Seeds add noise that their mean does not have.
typedef struct script {
    uint32_t base, prepared, scored, again;     // calls
    uint32_t stop_at;               // this call fails; 0 = none
    uint32_t ready;                 // the variant that is prepared
    bool     broken;
} script;

static const double sparsity[LAYERS] = { 0.2, 0.6, 0.1, 0.5, 0.3, 0.4 };
static const distill_variant variants[VARIANTS] = { { "a", 7 }, { "a", 8 }, { "b", 7 }, { "b", 8 } };

static vkc_status call(script *s)
{
    return s->stop_at && s->base + s->prepared + s->scored == s->stop_at
        ? VKC_FAIL(VKC_E_STOPPED, "stopped by the test") : VKC_OK;
}

static vkc_status base(void *user, distill_figures *out)
{
    script *s = (script *) user;
    s->base++;
    *out = (distill_figures) { 0.9, 0.25, 1 };
    return call(s);
}

static vkc_status prepare(void *user, uint32_t variant, bool again, double *error)
{
    script *s = (script *) user;
    s->prepared++;
    s->again += again;
    s->ready = variant;
    for (uint32_t l = 0; l < LAYERS; l++)
        error[l] = variant == 3 && l == 0 ? NAN : 0.01 * (l + 1) + variant;
    return call(s);
}

static vkc_status score(void *user, uint32_t variant, const distill_group *g, bool again, distill_figures *out)
{
    script *s = (script *) user;
    (void) again;
    s->scored++;
    assert_int_equal(s->ready, variant);
    double cost = 0;
    for (uint32_t i = 0; i < g->n; i++)
        cost += variant < 2 ? 0.1 * (1 - sparsity[g->layer[i]]) : 0.01 * g->layer[i];
    const double noise = (variant % 2 ? 0.001 : -0.001) * (g->layer[0] % 2 ? 1 : -1);
    *out = (distill_figures) { 0.9 - cost / g->n + noise, 0.25 + 2 * cost / g->n, 1 };
    if (s->broken)
        out->loss = NAN;
    return call(s);
}

static distill_study make_study(script *s, distill_group **g, distill_study_log *log, distill_study_clock *clock)
{
    distill_study study = { .teacher = "M", .n_layers = LAYERS, .n_variants = VARIANTS, .variant = variants,
                            .base = base, .prepare = prepare, .score = score, .user = s, .log = log, .clock = clock };
    assert_int_equal(distill_cut_groups(sparsity, NULL, LAYERS, 3, g, &study.n_groups), VKC_OK);
    study.group = *g;
    return study;
}

static void test_figures(void **state)
{
    (void) state;
    script s = { .base = 0 };
    distill_group *g;
    distill_study_clock clock = { .progress = NULL };
    const distill_study study = make_study(&s, &g, NULL, &clock);
    distill_study_result r = { .run = NULL };
    distill_study_count(&study, clock.left);
    assert_int_equal(clock.left[DISTILL_JOB_SCORE], VARIANTS * (LAYERS + 3 + 3));
    assert_int_equal(distill_study_go(&study, &r), VKC_OK);
    for (uint32_t k = 0; k < DISTILL_N_JOBS; k++)
        assert_int_equal(clock.left[k], 0);
    assert_near(r.run[1].drop, 0.1 * 0.4 + 0.001);      // layer 1 by "a" with seed 7
    assert_near(r.run[1].loss_rise, 0.2 * 0.4);
    assert_near(r.run[2 * 12 + 6].error, 2 + 0.01 * (2 + 4) / 2);   // of "b", the sparsest two: 1 and 3
    distill_correlation c;
    assert_int_equal(distill_study_correlate(&study, &r, DISTILL_SINGLE, "a", DISTILL_OF_DROP, false, &c), VKC_OK);
    assert_int_equal(c.n, LAYERS);
    assert_near(c.rho, -1);                             // although each seed's noise is larger than some steps
    assert_near(c.p, 2.0 / 720);
    assert_int_equal(distill_study_correlate(&study, &r, DISTILL_BY_SPARSITY, "a", DISTILL_OF_LOSS_RISE, false, &c),
                     VKC_OK);
    assert_int_equal(c.n, 3);
    assert_near(c.rho, -1);
    assert_near(c.p, 2.0 / 6);
    assert_int_equal(distill_study_correlate(&study, &r, DISTILL_SINGLE, "b", DISTILL_OF_LOSS_RISE, true, &c), VKC_OK);
    assert_near(c.rho, 1);
    assert_int_equal(distill_study_correlate(&study, &r, DISTILL_CONTIGUOUS, "b", DISTILL_OF_DROP, true, &c), VKC_OK);
    assert_near(c.rho, 1);
    assert_int_equal(distill_study_correlate(&study, &r, DISTILL_SINGLE, "b", DISTILL_OF_ERROR, true, &c), VKC_OK);
    assert_true(c.n == LAYERS && isnan(c.rho) && isnan(c.p));       // an error that is not known
    assert_int_equal(distill_study_correlate(&study, &r, DISTILL_SINGLE, "a", DISTILL_OF_ERROR, true, &c), VKC_OK);
    assert_near(c.rho, 1);
    distill_study_finish(&r);
    free(g);
}

static vkc_status go_with_log(script *s, const char *path, distill_study_result *r)
{
    distill_study_log *log = NULL;
    distill_group *g;
    distill_study_clock clock = { .progress = NULL };
    assert_int_equal(distill_study_log_create(path, &log), VKC_OK);
    const distill_study study = make_study(s, &g, log, &clock);
    vkc_status st = distill_study_go(&study, r);
    distill_study_log_destroy(log);
    free(g);
    return st;
}

static void expect_same(const distill_study_result *a, const distill_study_result *b)
{
    assert_memory_equal(&a->base, &b->base, sizeof a->base);
    for (uint32_t i = 0; i < VARIANTS * 12; i++) {
        assert_memory_equal(&a->run[i].figures, &b->run[i].figures, sizeof a->run[i].figures);
        assert_true(a->run[i].drop == b->run[i].drop && a->run[i].loss_rise == b->run[i].loss_rise);
        assert_true(a->run[i].error == b->run[i].error || (isnan(a->run[i].error) && isnan(b->run[i].error)));
    }
}

// The order by sparsity is 1 3 | 5 4 | 0 2, contiguous 0 1 | 2 3 | 4 5: besides 6 layers, 1,3 and 4,5 (twice),
// 0,2, 0,1, 2,3.
#define DISTINCT 11u

static void test_resume(void **state)
{
    (void) state;
    char path[sizeof dir + 32];
    script whole = { .base = 0 };
    distill_study_result want = { .run = NULL };
    snprintf(path, sizeof path, "%s/whole.jsonl", dir);
    assert_int_equal(go_with_log(&whole, path, &want), VKC_OK);
    assert_int_equal(whole.base, 1);
    assert_int_equal(whole.prepared, VARIANTS);
    assert_int_equal(whole.scored, VARIANTS * DISTINCT);
    script none = { .base = 0 };
    distill_study_result again = { .run = NULL };
    assert_int_equal(go_with_log(&none, path, &again), VKC_OK);     // all is in the log
    assert_int_equal(none.base + none.prepared + none.scored, 0);
    expect_same(&again, &want);
    distill_study_finish(&again);
    const uint32_t calls = 1 + VARIANTS + VARIANTS * DISTINCT;
    for (uint32_t stop = 1; stop <= calls; stop++) {
        snprintf(path, sizeof path, "%s/stop-%u.jsonl", dir, stop);
        script first = { .stop_at = stop }, rest = { .base = 0 };
        distill_study_result r = { .run = NULL };
        assert_int_equal(go_with_log(&first, path, &r), VKC_E_STOPPED);
        assert_null(r.run);
        FILE *f = fopen(path, "a");                     // a line that was being written when the power went
        assert_non_null(f);
        fputs("{\"what\":\"score\",\"teacher\":\"M\",\"mix", f);
        fclose(f);
        assert_int_equal(go_with_log(&rest, path, &r), VKC_OK);
        expect_same(&r, &want);
        distill_study_finish(&r);
        // Only the call that was stopped is made twice, and the student of its variant made ready again.
        const bool was_score = stop > 1 && (stop - 2) % (1 + DISTINCT) != 0;
        assert_int_equal(first.base + rest.base, 1 + (stop == 1));
        assert_int_equal(first.scored + rest.scored, VARIANTS * DISTINCT + was_score);
        assert_int_equal(first.prepared + rest.prepared, VARIANTS + (stop > 1));
        assert_int_equal(rest.again, stop > 1);         // the variant that was begun is taken up
    }
    distill_study_finish(&want);
}

static void test_bad(void **state)
{
    (void) state;
    char path[sizeof dir + 32];
    snprintf(path, sizeof path, "%s/log.jsonl", dir);
    FILE *f = fopen(path, "w");                         // of another teacher, no object, no number, no JSON
    assert_non_null(f);
    fputs("{\"what\":\"base\",\"teacher\":\"N\",\"top1\":0.1,\"loss\":1,\"keep\":1}\n[1]\n"
          "{\"what\":\"base\",\"teacher\":\"M\",\"top1\":\"0.1\",\"loss\":1,\"keep\":1}\nno\n", f);
    fclose(f);
    script s = { .base = 0 };
    distill_study_result r = { .run = NULL };
    assert_int_equal(go_with_log(&s, path, &r), VKC_OK);
    assert_true(s.base == 1 && r.base.top1 == 0.9);
    distill_study_finish(&r);
    script broken = { .broken = true };
    snprintf(path, sizeof path, "%s/broken.jsonl", dir);
    assert_int_equal(go_with_log(&broken, path, &r), VKC_E_CHECK);
    snprintf(path, sizeof path, "%s/nowhere/log.jsonl", dir);
    distill_study_log *log = NULL;
    assert_int_equal(distill_study_log_create(path, &log), VKC_E_IO);
    assert_null(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut), cmocka_unit_test(test_cut_sizes), cmocka_unit_test(test_figures),
        cmocka_unit_test(test_resume), cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
