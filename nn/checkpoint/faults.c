// faults.c — values that are not finite found by their exponent's bits.
#include "nn/checkpoint/faults.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EXPONENT 0x7f800000u

static uint32_t get_bits(const float *x)
{
    uint32_t bits;
    memcpy(&bits, x, sizeof bits);
    return bits;
}

// Without a branch, so that compilers make vectors of it.
static size_t count(const float *x, size_t n)
{
    size_t sum = 0;
    for (size_t at = 0; at < n;) {
        const size_t end = n - at < 4096 ? n : at + 4096;
        uint32_t some = 0;
        for (; at < end; at++)
            some += (get_bits(&x[at]) & EXPONENT) == EXPONENT;
        sum += some;
    }
    return sum;
}

void nn_faults_scan(nn_faults *f, const nn_st_tensor *t, uint64_t first, const float *x, size_t n)
{
    const size_t found = count(x, n);
    if (found == 0)
        return;
    const uint32_t at = f->tensors;
    f->values += found;
    for (uint32_t i = 0; i < at && i < NN_FAULTS_SHOWN; i++)
        if (strcmp(f->shown[i].name, t->name) == 0) {
            f->shown[i].values += found;
            return;
        }
    if (at < NN_FAULTS_SHOWN) {
        size_t i = 0;
        while (isfinite(x[i]))
            i++;
        snprintf(f->shown[at].name, sizeof f->shown[at].name, "%s", t->name);
        f->shown[at].values = found;
        f->shown[at].first = first + i;
        f->shown[at].is_nan = isnan(x[i]);
    }
    if (at < NN_FAULTS_SHOWN || strcmp(f->last, t->name) != 0)
        f->tensors++;
    snprintf(f->last, sizeof f->last, "%s", t->name);
}

vkc_status nn_faults_check(const nn_faults *f, const char *path)
{
    if (f->values == 0)
        return VKC_OK;
    return VKC_FAIL(VKC_E_FORMAT, "%s: %llu of its values %s not finite, in %u tensor%s; the first is %s, at index "
                    "%llu of tensor %s (`pare inspect` lists them)", path, (unsigned long long) f->values,
                    f->values == 1 ? "is" : "are", f->tensors, f->tensors == 1 ? "" : "s",
                    f->shown[0].is_nan ? "NaN" : "infinite", (unsigned long long) f->shown[0].first,
                    f->shown[0].name);
}
