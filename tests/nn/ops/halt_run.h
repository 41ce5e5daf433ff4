// halt_run.h — what the tests of halting share: its numbers, and how graphs are run and read.
#ifndef TESTS_HALT_RUN_H
#define TESTS_HALT_RUN_H

#include "nn/graph/graph.h"
#include "shaders/halt/halt.h"
#include "shaders/halt/halt_loss.h"
#include "shaders/halt/halt_tally.h"
#include "tests/numbers.h"
#include "tests/vk/vk_test.h"

#include <math.h>

#define EPS 0.01f
#define FULL (1 - (double) EPS)

static inline void check_near(const char *what, double got, double want)
{
    if (!(fabs(got - want) <= 1e-6 * fmax(1, fabs(want))))
        fail_msg("%s is %.9g, want %.9g", what, got, want);
}

static inline void fill(uint64_t *seed, float *v, size_t n, double most)
{
    for (size_t k = 0; k < n; k++)
        v[k] = (float) (most * (2 * test_rand(seed) - 1));
}

static inline void execute(vkc_device *dev, vkc_recording *rec)
{
    assert_ok(vkc_submit(rec, NULL));
    assert_ok(vkc_wait(dev, 0));
}

// A whole tensor's values; the caller frees them.
static inline void *get(vkc_device *dev, const nn_tensor *x)
{
    void *v = malloc(nn_shape_len(nn_tensor_shape(x)) * 4);
    assert_non_null(v);
    assert_ok(vkc_read(dev, nn_tensor_slice(x), v));
    return v;
}

#endif
