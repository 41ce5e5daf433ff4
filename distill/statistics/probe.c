// probe.c — ridge regression of classes on features, by the normal equations.
#include "distill/statistics/probe.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 16u                   // rows or columns taken at once, so that the matrix is read from memory less often

struct distill_probe {
    uint32_t dim, classes;
    double  *mean, *scale;          // (dim) of the training rows; scale is 1 / std, 0 for a feature of one value
    double  *share;                 // (classes) of the training rows
    double  *weight;                // (classes, dim)
};

static vkc_status fail_memory(void)
{
    return VKC_FAIL(VKC_E_NOMEM, "probe: out of host memory");
}

void distill_probe_destroy(distill_probe *p)
{
    if (!p)
        return;
    free(p->mean);
    free(p->scale);
    free(p->share);
    free(p->weight);
    free(p);
}

static bool is_finite_row(const float *x, uint32_t dim)
{
    for (uint32_t i = 0; i < dim; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

// Means and spreads of the rows that count; returns how many.
static uint32_t measure(distill_probe *p, const float *x, const uint32_t *label, uint32_t n)
{
    const uint32_t dim = p->dim;
    uint32_t rows = 0;
    for (uint32_t r = 0; r < n; r++, x += dim) {
        if (!is_finite_row(x, dim))
            continue;
        rows++;
        p->share[label[r]] += 1.0;
        for (uint32_t i = 0; i < dim; i++) {        // Welford 1962; scale holds the squared deviations
            const double off = (double) x[i] - p->mean[i];
            p->mean[i] += off / rows;
            p->scale[i] += off * ((double) x[i] - p->mean[i]);
        }
    }
    for (uint32_t i = 0; i < dim; i++)
        p->scale[i] = p->scale[i] > 0.0 ? 1.0 / sqrt(p->scale[i] / rows) : 0.0;
    for (uint32_t k = 0; k < p->classes; k++)
        p->share[k] /= rows ? rows : 1;
    return rows;
}

// z of a row.
static void standardise(const distill_probe *p, const float *x, double *z)
{
    for (uint32_t i = 0; i < p->dim; i++)
        z[i] = ((double) x[i] - p->mean[i]) * p->scale[i];
}

static void add_block(const double *z, uint32_t n, uint32_t dim, double *gram)
{
    for (uint32_t i = 0; i < dim; i++) {
        double *row = gram + (size_t) i * dim;
        for (uint32_t r = 0; r < n; r++) {
            const double *at = z + (size_t) r * dim, f = at[i];
            for (uint32_t k = 0; k <= i; k++)
                row[k] += f * at[k];
        }
    }
}

// gram (dim, dim), its lower triangle: mean of z z' + ridge; right (classes, dim): mean of (y - share) z'. z: (BLOCK,
// dim).
static void add_up(const distill_probe *p, const float *x, const uint32_t *label, uint32_t n, uint32_t rows,
                   double ridge, double *z, double *gram, double *right)
{
    const uint32_t dim = p->dim;
    uint32_t in_block = 0;
    for (uint32_t r = 0; r < n; r++, x += dim) {
        if (!is_finite_row(x, dim))
            continue;
        double *at = z + (size_t) in_block++ * dim;
        standardise(p, x, at);
        for (uint32_t i = 0; i < dim; i++)          // the shares fall out: the mean of z is 0
            right[(size_t) label[r] * dim + i] += at[i] / rows;
        if (in_block == BLOCK) {
            add_block(z, in_block, dim, gram);
            in_block = 0;
        }
    }
    add_block(z, in_block, dim, gram);
    for (uint32_t i = 0; i < dim; i++)
        for (uint32_t k = 0; k <= i; k++)
            gram[(size_t) i * dim + k] = gram[(size_t) i * dim + k] / rows + (i == k ? ridge : 0.0);
}

// In place, the lower triangle of L with L L' = gram; the ridge makes it positive definite. BLOCK columns at a time,
// which are then taken from the rest of the matrix; panel (BLOCK, dim) holds them as rows.
static void decompose(double *gram, uint32_t dim, double *panel)
{
    for (uint32_t first = 0; first < dim; first += BLOCK) {
        const uint32_t end = dim - first < BLOCK ? dim : first + BLOCK;
        for (uint32_t k = first; k < end; k++) {
            double *column = panel + (size_t) (k - first) * dim;
            const double root = sqrt(gram[(size_t) k * dim + k]);
            gram[(size_t) k * dim + k] = root;
            for (uint32_t i = k + 1; i < dim; i++) {
                column[i] = gram[(size_t) i * dim + k] /= root;
                for (uint32_t j = k + 1; j <= i && j < end; j++)
                    gram[(size_t) i * dim + j] -= column[i] * column[j];
            }
        }
        for (uint32_t i = end; i < dim; i++)
            for (uint32_t k = 0; k < end - first; k++) {
                const double *column = panel + (size_t) k * dim, f = column[i];
                double *row = gram + (size_t) i * dim;
                for (uint32_t j = end; j <= i; j++)
                    row[j] -= f * column[j];
            }
    }
}

// x of L L' x = b, in place of b.
static void solve(const double *l, uint32_t dim, double *b)
{
    for (uint32_t i = 0; i < dim; i++) {
        for (uint32_t k = 0; k < i; k++)
            b[i] -= l[(size_t) i * dim + k] * b[k];
        b[i] /= l[(size_t) i * dim + i];
    }
    for (uint32_t i = dim; i-- > 0;) {
        b[i] /= l[(size_t) i * dim + i];
        for (uint32_t k = 0; k < i; k++)
            b[k] -= l[(size_t) i * dim + k] * b[i];
    }
}

vkc_status distill_probe_create(const float *x, const uint32_t *label, uint32_t n, uint32_t dim, uint32_t classes,
                                double ridge, distill_probe **out)
{
    vkc_status st = VKC_OK;
    double *z = NULL, *gram = NULL;
    if (!n || !dim || !classes || !(ridge > 0.0))
        return VKC_FAIL(VKC_E_ARG, "probe: wants rows, features, classes and a ridge above 0");
    for (uint32_t r = 0; r < n; r++)
        if (label[r] >= classes)
            return VKC_FAIL(VKC_E_ARG, "probe: row %u has the label %u of %u classes", r, label[r], classes);
    distill_probe *p = (distill_probe *) calloc(1, sizeof *p);
    if (!p)
        return fail_memory();
    p->dim = dim;
    p->classes = classes;
    p->mean = (double *) calloc(dim, sizeof *p->mean);
    p->scale = (double *) calloc(dim, sizeof *p->scale);
    p->share = (double *) calloc(classes, sizeof *p->share);
    p->weight = (double *) calloc((size_t) classes * dim, sizeof *p->weight);
    z = (double *) malloc((size_t) BLOCK * dim * sizeof *z);
    gram = (double *) calloc((size_t) dim * dim, sizeof *gram);
    if (!p->mean || !p->scale || !p->share || !p->weight || !z || !gram) {
        st = fail_memory();
        goto done;
    }
    const uint32_t rows = measure(p, x, label, n);
    if (rows) {
        add_up(p, x, label, n, rows, ridge, z, gram, p->weight);
        decompose(gram, dim, z);
        for (uint32_t k = 0; k < classes; k++)
            solve(gram, dim, p->weight + (size_t) k * dim);
    }
    *out = p;
    p = NULL;
done:
    distill_probe_destroy(p);
    free(z);
    free(gram);
    return st;
}

static uint32_t predict(const distill_probe *p, const double *z)
{
    uint32_t best = 0;
    double most = -INFINITY;
    for (uint32_t k = 0; k < p->classes; k++) {
        const double *w = p->weight + (size_t) k * p->dim;
        double sum = p->share[k];
        for (uint32_t i = 0; i < p->dim; i++)
            sum += w[i] * z[i];
        if (sum > most)
            most = sum, best = k;
    }
    return best;
}

vkc_status distill_probe_test(const distill_probe *p, const float *x, const uint32_t *label, uint32_t n, double *out)
{
    double *z = (double *) malloc(p->dim * sizeof *z);
    uint32_t hits = 0;
    if (!z)
        return fail_memory();
    for (uint32_t r = 0; r < n; r++, x += p->dim) {
        if (!is_finite_row(x, p->dim))
            continue;
        standardise(p, x, z);
        hits += predict(p, z) == label[r];
    }
    free(z);
    *out = n ? (double) hits / n : (double) NAN;
    return VKC_OK;
}
