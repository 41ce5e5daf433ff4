// test_ops.c — every row of op_cases.c: forward against the double definition, backward against its
// finite differences, equal bits twice, gradients added and not stored, guard bands and dead rows.
// usage: test_ops [--fail-run=N] [op-name-part [note-part]]
// With --fail-run=N, run N of every case fails, as on a device that is lost: what must be reported.
#include "nn/base/source.h"
#include "tests/filter.h"
#include "tests/numbers.h"
#include "tests/nn/ops/op_run.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

// Whole numbers must be the same, and others close.
static double error_of(const op_run *t, int i, size_t n)
{
    if (t->call.out_dtype[i] != NN_DTYPE_U32)
        return test_nmse(t->out[i], t->ref_out[i], n);
    double wrong = 0;
    for (size_t k = 0; k < n; k++) {
        uint32_t v;
        memcpy(&v, &t->out[i][k], 4);
        wrong += v != t->ref_out[i][k];
    }
    return wrong;
}

static int check_forward(const op_run *t, const char *label)
{
    double bar = t->oc->nmse > 0 ? t->oc->nmse : 1e-10;
    int bad = 0;
    for (int i = 0; i < t->op->n_out; i++) {
        size_t live = op_run_live(t, &t->call.out[i], t->call.out_rows[i]);
        double e = error_of(t, i, live);
        if (!(e <= bar)) {
            printf("FAIL %s: out[%d] NMSE %.3g > %.3g\n", label, i, e, bar);
            bad = 1;
        }
        for (size_t k = live; k < nn_shape_len(&t->call.out[i]); k++)
            if (!op_run_is_poison(t->out[i][k])) {
                printf("FAIL %s: out[%d] dead row written at %zu\n", label, i, k);
                bad = 1;
                break;
            }
    }
    return bad;
}

// loss = <w, out[0]> with the input `i` moved by h along dir (NULL: element k alone)
static double loss_at(op_run *t, int i, const double *dir, size_t k, double h)
{
    size_t n = op_run_live(t, &t->call.in[i], t->call.in_rows[i]);
    double *x = t->ref_in[i];
    double old = dir ? 0 : x[k];
    if (dir)
        for (size_t e = 0; e < n; e++)
            x[e] += h * dir[e];
    else
        x[k] += h;
    op_run_ref(t);
    if (dir)
        for (size_t e = 0; e < n; e++)
            x[e] -= h * dir[e];
    else
        x[k] = old;
    size_t live = op_run_live(t, &t->call.out[0], t->call.out_rows[0]);
    double loss = 0;
    for (size_t e = 0; e < live; e++)
        loss += t->ref_out[0][e] * (double) t->dout[e];
    return loss;
}

// What is summed to the loss, whose rounding shows in differences of it.
static double loss_scale(const op_run *t)
{
    const size_t live = op_run_live(t, &t->call.out[0], t->call.out_rows[0]);
    double sum = 0;
    for (size_t e = 0; e < live; e++)
        sum += fabs(t->ref_out[0][e] * (double) t->dout[e]);
    return sum;
}

static int check_gradient(op_run *t, int i, uint64_t *seed, const char *label)
{
    const double h = 1e-5, bar = t->oc->grad > 0 ? t->oc->grad : 1e-4;
    size_t n = op_run_live(t, &t->call.in[i], t->call.in_rows[i]);
    double *dir = malloc((n ? n : 1) * sizeof *dir);
    double num = 0, den = 0, dot = 0, gnorm = 0;
    size_t probes = n < 64 ? n : 64;
    for (size_t p = 0; p < probes; p++) {
        size_t k = n < 64 ? p : (size_t) (test_rand(seed) * (double) n) % n;
        double fd = (loss_at(t, i, NULL, k, h) - loss_at(t, i, NULL, k, -h)) / (2 * h);
        double d = fd - (double) t->din[i][k];
        num += d * d;
        den += fd * fd;
    }
    for (size_t k = 0; k < n; k++) {
        dir[k] = 2 * test_rand(seed) - 1;
        dot += dir[k] * (double) t->din[i][k];
        gnorm += (double) t->din[i][k] * (double) t->din[i][k];
    }
    double fd = n ? (loss_at(t, i, dir, 0, h) - loss_at(t, i, dir, 0, -h)) / (2 * h) : 0;
    free(dir);
    // A gradient that is zero by symmetry, of which differences show the rounding of the loss.
    double floor = 1e-7 * (double) probes + 8 * DBL_EPSILON * loss_scale(t) / h / bar;
    double e1 = sqrt(num) / (sqrt(den) + floor), e2 = fabs(fd - dot) / (sqrt(gnorm) + fabs(fd) + floor);
    int bad = !(e1 <= bar) || !(e2 <= bar);
    if (bad)
        printf("FAIL %s: d in[%d]: elements %.3g, direction %.3g > %.3g\n", label, i, e1, e2, bar);
    for (size_t k = n; k < nn_shape_len(&t->call.in[i]); k++)
        if (t->din[i][k] != op_din_dead) {
            printf("FAIL %s: d in[%d] dead row written at %zu\n", label, i, k);
            return 1;
        }
    return bad;
}

// A second run gives the same bits; a run onto gradients of 1 gives 1 more.
static int check_repeat(op_run *t, const char *label)
{
    int bad = 0;
    op_snapshot first = op_run_snapshot(t);
    if (op_run_execute(t, 0.0f) != VKC_OK) {
        printf("FAIL %s: second run: %s\n", label, vkc_last_error());
        bad = 1;
    } else if (!op_snapshot_is_same(t, &first)) {
        printf("FAIL %s: second run has other bits\n", label);
        bad = 1;
    }
    if (!bad && t->op->bwd && op_run_execute(t, 1.0f) != VKC_OK) {
        printf("FAIL %s: third run: %s\n", label, vkc_last_error());
        bad = 1;
    }
    for (int i = 0; i < t->op->n_in && t->op->bwd && !bad; i++) {
        size_t n = op_run_live(t, &t->call.in[i], t->call.in_rows[i]);
        for (size_t k = 0; k < n && (t->op->grad & BIT(IN(i))) && t->call.in[i].rank; k++)
            if (!(fabs((double) t->din[i][k] - 1 - (double) first.din[i][k]) <=
                  2e-6 * (1 + fabs((double) first.din[i][k])))) {
                printf("FAIL %s: d in[%d] is not added to\n", label, i);
                bad = 1;
                break;
            }
    }
    op_snapshot_free(&first);
    return bad;
}

// Of a case's name, so that it keeps its random numbers when others come before it.
static uint64_t seed_of(const op_case *oc)
{
    const uint64_t h = nn_hash_add(NN_HASH_START, oc->op, strlen(oc->op) + 1);
    return oc->note ? nn_hash_add(h, oc->note, strlen(oc->note)) : h;
}

static int run_case(vkc_device *dev, const op_case *oc, uint32_t index, uint32_t fail_run)
{
    char label[160];
    snprintf(label, sizeof label, "%s #%u%s%s", oc->op, index, oc->note ? " " : "", oc->note ? oc->note : "");
    op_run t;
    uint64_t seed = seed_of(oc);
    int bad = 0;
    vkc_status st = op_run_init(&t, dev, oc, seed);
    t.fail_run = fail_run;
    if (st != VKC_OK || op_run_execute(&t, 0.0f) != VKC_OK) {
        printf("FAIL %s: %s\n", label, vkc_last_error());
        bad = 1;
    } else {
        op_run_ref(&t);
        bad |= check_forward(&t, label);
        for (int i = 0; i < t.op->n_in; i++)
            if ((t.op->grad & BIT(IN(i))) && t.call.in[i].rank)
                bad |= check_gradient(&t, i, &seed, label);
        bad |= op_run_check_guards(&t, label);
        bad |= check_repeat(&t, label);
    }
    op_run_finish(&t);
    return bad;
}

static bool is_chosen(const op_case *oc, int argc, char **argv)
{
    return (argc < 2 || strstr(oc->op, argv[1])) && (argc < 3 || strstr(oc->note ? oc->note : "", argv[2]));
}

int main(int argc, char **argv)
{
    uint32_t fail_run = 0;
    bool is_any = false;
    if (argc > 1 && sscanf(argv[1], "--fail-run=%" SCNu32, &fail_run) == 1) {
        argv[1] = argv[0];
        argc--, argv++;
    }
    for (uint32_t i = 0; i < n_op_cases; i++)
        is_any |= is_chosen(&op_cases[i], argc, argv);
    test_filter_check(argc, argv, 2, is_any);
    vkc_device *dev = test_device_open();
    printf("%s\n", vkc_device_get_info(dev)->name);
    uint32_t ran = 0, failed = 0;
    for (uint32_t i = 0; i < n_op_cases; i++) {
        if (!is_chosen(&op_cases[i], argc, argv))
            continue;
        failed += (uint32_t) run_case(dev, &op_cases[i], i, fail_run);
        ran++;
    }
    if (vkc_device_validation_count(dev)) {
        printf("FAIL %u validation messages\n", vkc_device_validation_count(dev));
        failed++;
    }
    printf("%u passed, %u failed\n", ran > failed ? ran - failed : 0, failed);
    vkc_device_destroy(dev);
    return failed || !ran;
}
