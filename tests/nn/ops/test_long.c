// test_long.c — rows of op_cases.c again, with one sample of many rows: forward against the double definition, and
// each gradient along one direction. What a kernel leaves out of a long sum or recurrence shows here, where the short
// samples of test_ops.c cannot show it: lavapipe leaves the loops of an invocation after 65,535 rounds (NN_MAX_ROUNDS).
// usage: test_long [--rows=N] [op-name-part [note-part]]
// Without arguments only those of `walks`, which go along a sample in one invocation. Never those that need the layout
// they have: pictures' grids, layouts made on the device, moved rows.
#include "tests/filter.h"
#include "tests/numbers.h"
#include "tests/nn/ops/op_run.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define GRADIENT_BAR 2e-3
#define ROWS 20000u
#define PAIRS_ROWS 800u            // of ops whose definition goes over all pairs of rows

static double loss_at(op_run *t, int i, const double *dir, double h)
{
    const size_t n = op_run_live(t, &t->call.in[i], t->call.in_rows[i]);
    for (size_t e = 0; e < n; e++)
        t->ref_in[i][e] += h * dir[e];
    op_run_ref(t);
    for (size_t e = 0; e < n; e++)
        t->ref_in[i][e] -= h * dir[e];
    const size_t live = op_run_live(t, &t->call.out[0], t->call.out_rows[0]);
    double loss = 0;
    for (size_t e = 0; e < live; e++)
        loss += t->ref_out[0][e] * (double) t->dout[e];
    return loss;
}

// Of the gradient of input i: |difference of the definition - device| along a direction, over the gradient's norm.
static double gradient_error(op_run *t, int i, uint64_t *seed)
{
    const double h = 1e-6;
    const size_t n = op_run_live(t, &t->call.in[i], t->call.in_rows[i]);
    double *dir = (double *) malloc((n ? n : 1) * sizeof *dir), dot = 0, norm = 0;
    for (size_t e = 0; e < n; e++) {
        dir[e] = test_rand(seed) < 0.5 ? -1 : 1;
        dot += dir[e] * (double) t->din[i][e];
        norm += (double) t->din[i][e] * (double) t->din[i][e];
    }
    const double want = (loss_at(t, i, dir, h) - loss_at(t, i, dir, -h)) / (2 * h);
    double scale = 0;               // what is summed to the loss, whose rounding shows in differences of it
    for (size_t e = 0; e < op_run_live(t, &t->call.out[0], t->call.out_rows[0]); e++)
        scale += fabs(t->ref_out[0][e] * (double) t->dout[e]);
    free(dir);
    return fabs(want - dot) / (sqrt(norm) + fabs(want) + 8 * DBL_EPSILON * scale / h / GRADIENT_BAR);
}

static bool takes_long(const op_case *oc)
{
    const op_layout *l = oc->layout;
    return !oc->to && !l[1].lengths[0] && l->lengths[0] && !l->prefix && !l->grid_h && !l->holes && !l->made;
}

// As many samples as the row has, the first of n rows, the others short.
static op_case make_long(const op_case *oc, uint32_t n)
{
    op_case out = *oc;
    out.layout[0] = (op_layout) { .lengths = { n } };
    for (uint32_t b = 1; b < 8 && oc->layout[0].lengths[b]; b++)
        out.layout[0].lengths[b] = 2 + b;
    if (!strcmp(oc->op, "lstm") && !out.in[1].hi) {     // larger weights let rounding grow to anything
        out.in[1].hi = 1.0 / out.in[1].shape.dim[2];
        out.in[1].lo = -out.in[1].hi;
    }
    return out;
}

static int run_case(vkc_device *dev, const op_case *oc, uint32_t n_rows)
{
    char label[160];
    const bool is_pairs = strstr(oc->op, "matrix") ||
                          (strstr(oc->op, "attention") && strcmp(oc->op, "linear_attention"));
    n_rows = n_rows ? n_rows : is_pairs ? PAIRS_ROWS : ROWS;
    op_case lengthy = make_long(oc, n_rows);
    snprintf(label, sizeof label, "%s%s%s", oc->op, oc->note ? " " : "", oc->note ? oc->note : "");
    op_run t;
    uint64_t seed = 5;
    int bad = 0;
    vkc_status st = op_run_init(&t, dev, &lengthy, 3);
    while (st == VKC_OK && (st = op_run_execute(&t, 0.0f)) == VKC_E_ARG && n_rows > 2000) {    // what a binding holds
        n_rows /= 2;
        op_run_finish(&t);
        lengthy = make_long(oc, n_rows);
        st = op_run_init(&t, dev, &lengthy, 3);
    }
    if (st != VKC_OK) {
        printf("%s: %s\n", label, vkc_last_error());
        op_run_finish(&t);
        return 0;                   // said in words
    }
    op_run_ref(&t);
    double errors = 0;
    for (int i = 0; i < t.op->n_out; i++)
        if (t.call.out_dtype[i] != NN_DTYPE_U32)
            errors += test_nmse(t.out[i], t.ref_out[i], op_run_live(&t, &t.call.out[i], t.call.out_rows[i]));
    printf("%s: %u rows, forward %.2g, gradients", label, n_rows, errors);
    bad |= !(errors <= 1e-7);
    for (int i = 0; i < t.op->n_in; i++)
        if ((t.op->grad & BIT(IN(i))) && t.call.in[i].rank) {
            const double e = gradient_error(&t, i, &seed);
            printf(" %.2g", e);
            bad |= !(e <= GRADIENT_BAR);
        }
    printf("%s\n", bad ? " FAIL" : "");
    fflush(stdout);
    op_run_finish(&t);
    return bad;
}

static const struct { const char *op, *note; uint32_t rows; } walks[] = {       // rows: 0 = ROWS
    { "lstm", "heads of 37", 0 },  { "lstm", "heads of 65", 8000 },     { "lstm", "heads of 128", 3600 },
    { "mingru", "uneven", 0 },     { "delta_scan", "chunks of 16", 0 }, { "gated_scan", "a decay a stream", 0 },
    { "gated_scan", "states of 37 x 65", 0 }, { "gated_scan", "states of 32 x 64", 0 },
    { "attention", "causal, heads of 65", 10000 },
};

// Whether the row is asked for, and with how many rows; 0 = as many as fit its op.
static bool is_chosen(const op_case *oc, int argc, char **argv, uint32_t *n_rows)
{
    const char *note = oc->note ? oc->note : "";
    if (argc > 1)
        return strstr(oc->op, argv[1]) && (argc < 3 || strstr(note, argv[2]));
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++)
        if (!strcmp(oc->op, walks[i].op) && strstr(note, walks[i].note)) {
            *n_rows = walks[i].rows;
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    uint32_t asked = 0, ran = 0, failed = 0, rows;
    bool is_any = false;
    if (argc > 1 && sscanf(argv[1], "--rows=%" SCNu32, &asked) == 1) {
        argv[1] = argv[0];
        argc--, argv++;
    }
    for (uint32_t i = 0; i < n_op_cases; i++)
        is_any |= is_chosen(&op_cases[i], argc, argv, &rows);
    test_filter_check(argc, argv, 2, is_any);
    vkc_device *dev = test_device_open();
    printf("%s\n", vkc_device_get_info(dev)->name);
    for (uint32_t i = 0; i < n_op_cases; i++) {
        rows = asked;
        if (!takes_long(&op_cases[i]) || !is_chosen(&op_cases[i], argc, argv, &rows))
            continue;
        failed += (uint32_t) run_case(dev, &op_cases[i], rows);
        ran++;
    }
    printf("%u passed, %u failed\n", ran - failed, failed);
    vkc_device_destroy(dev);
    return failed || !ran;
}
