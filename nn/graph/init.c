// init.c — starting values of parameters.
#include "nn/graph/init.h"

#include "nn/base/rng.h"

#include <math.h>

// Cut at two sigma, by drawing again.
static void fill_normal(uint64_t seed, uint32_t stream, float *dst, size_t n)
{
    uint32_t counter = 0;
    for (size_t k = 0; k < n; k++)
        do
            dst[k] = 0.02f * nn_rng_normal(seed, stream, counter++);
        while (dst[k] > 0.04f || dst[k] < -0.04f);
}

// Uniform in +- 1 / sqrt(fan_in).
static void fill_uniform(size_t fan_in, uint64_t seed, uint32_t stream, float *dst, size_t n)
{
    const double most = 1 / sqrt((double) fan_in);
    for (size_t k = 0; k < n; k++)
        dst[k] = (float) (most * (2 * (double) nn_rng_uniform(seed, stream, (uint32_t) k) - 1));
}

// One row of n identities of D x D beside each other, over n.
static void fill_identity(const nn_shape *s, float *dst, size_t n)
{
    const size_t D = s->dim[s->rank - 2], cols = s->dim[s->rank - 1];
    for (size_t k = 0; k < n; k++)
        dst[k] = k % cols % D == k / cols % D ? (float) D / (float) cols : 0.0f;
}

// A bias whose softplus is a time step between 0.001 and 0.1, even on a logarithmic scale.
static double dt_bias(double u)
{
    double dt = fmax(exp(log(1e-3) + u * (log(1e-1) - log(1e-3))), 1e-4);
    return dt + log(-expm1(-dt));
}

// Rows in periods of `period`: row 0 forgets after tau tokens, row 1 of an LSTM keeps for as long.
static void fill_chrono(uint32_t period, const nn_shape *s, uint64_t seed, uint32_t stream, float *dst)
{
    const size_t cols = s->dim[1];
    for (size_t r = 0; r < s->dim[0]; r++)
        for (size_t c = 0; c < cols; c++) {
            const size_t unit = r / period * cols + c;      // both gates of a unit draw the same tau
            const double tau = 2 * pow(64, (double) nn_rng_uniform(seed, stream, (uint32_t) unit));
            const double bias = log(tau - 1);
            dst[r * cols + c] = (float) (r % period == 0 ? -bias : period == 4 && r % period == 1 ? bias : 0);
        }
}

void nn_init_fill(nn_init init, const nn_shape *shape, uint64_t seed, uint32_t stream, float *dst)
{
    const size_t n = nn_shape_len(shape);
    switch (init) {
    case NN_INIT_ZERO:
    case NN_INIT_ONE:
        for (size_t k = 0; k < n; k++)
            dst[k] = init == NN_INIT_ONE ? 1.0f : 0.0f;
        break;
    case NN_INIT_TENTH:
        for (size_t k = 0; k < n; k++)
            dst[k] = (float) -log(9.0);
        break;
    case NN_INIT_SMALL:
        for (size_t k = 0; k < n; k++)
            dst[k] = 1e-5f;
        break;
    case NN_INIT_NORMAL:
        fill_normal(seed, stream, dst, n);
        break;
    case NN_INIT_IDENTITY:
        fill_identity(shape, dst, n);
        break;
    case NN_INIT_UNIFORM:
        fill_uniform(shape->dim[shape->rank - 1], seed, stream, dst, n);
        break;
    case NN_INIT_CONV:
        fill_uniform(n / shape->dim[0], seed, stream, dst, n);
        break;
    case NN_INIT_A_LOG:
        for (size_t k = 0; k < n; k++)
            dst[k] = (float) log(1 + 15 * (double) nn_rng_uniform(seed, stream, (uint32_t) k));
        break;
    case NN_INIT_DT_BIAS:
        for (size_t k = 0; k < n; k++)
            dst[k] = (float) dt_bias((double) nn_rng_uniform(seed, stream, (uint32_t) k));
        break;
    case NN_INIT_ALIKE:
        for (size_t k = 0; k < n; k++)
            dst[k] = k < n / 3 * 2 ? 1.0f : 0.0f;
        break;
    case NN_INIT_ALIKE_WIDE:
        for (size_t k = 0; k < n; k++)
            dst[k] = k < n / 2 ? 1.0f : 0.0f;
        break;
    case NN_INIT_CHRONO_GRU:
    case NN_INIT_CHRONO_LSTM:
        fill_chrono(init == NN_INIT_CHRONO_GRU ? 2 : 4, shape, seed, stream, dst);
        break;
    }
}
