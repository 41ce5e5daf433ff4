// recipe.c — mixup and cutmix on the host, keys of stochastic depth, and the loss with two labels.
#include "nn/train/recipe.h"

#include "nn/base/rng.h"
#include "shaders/loss/cross_entropy.h"

#include <math.h>
#include <string.h>

#define KEY_STREAM 0x72656369u      // of the seed: no other use of it meets these bits
enum { KEY_DROP, KEY_MIX, N_KEYS };

#define MAX_ALPHA 1e6

vkc_status nn_recipe_check(const nn_recipe *r)
{
    if (!(r->smoothing >= 0 && r->smoothing <= 1))
        return VKC_FAIL(VKC_E_ARG, "recipe: label smoothing of %g, want 0 to 1", r->smoothing);
    if (!(r->mixup >= 0 && r->mixup <= MAX_ALPHA))
        return VKC_FAIL(VKC_E_ARG, "recipe: mixup with alpha %g, want 0 to %g", r->mixup, MAX_ALPHA);
    if (!(r->cutmix >= 0 && r->cutmix <= MAX_ALPHA))
        return VKC_FAIL(VKC_E_ARG, "recipe: cutmix with alpha %g, want 0 to %g", r->cutmix, MAX_ALPHA);
    if (!(r->drop_path >= 0 && r->drop_path < 1))
        return VKC_FAIL(VKC_E_ARG, "recipe: stochastic depth with probability %g, want 0 to less than 1", r->drop_path);
    if (!(r->ema >= 0 && r->ema < 1))
        return VKC_FAIL(VKC_E_ARG, "recipe: an average of the weights with decay %g, want 0 to less than 1", r->ema);
    return nn_augment_recipe_check(&r->augment);
}

bool nn_recipe_is_mixed(const nn_recipe *r)
{
    return r->mixup > 0 || r->cutmix > 0;
}

void nn_recipe_build(nn_graph *g, const nn_recipe *r, uint64_t seed, const nn_model_config *cfg, nn_rows *images,
                     nn_recipe_inputs *out)
{
    *out = (nn_recipe_inputs) { .recipe = *r, .seed = seed, .channels = cfg->channels, .height = cfg->height,
                                .width = cfg->width };
    vkc_status st = nn_recipe_check(r);
    if (st != VKC_OK) {
        nn_graph_fail(g, st);
        return;
    }
    if (nn_recipe_is_mixed(r)) {
        out->labels_b = nn_graph_input(g, NN_RECIPE_LABELS_B, (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, images);
        out->lambda = nn_graph_input(g, NN_RECIPE_LAMBDA, (nn_shape) { 1, { 0 } }, NN_DTYPE_F32, images);
    }
    if (r->drop_path > 0)
        out->drop = (nn_drop_paths) {
            .key = nn_graph_input(g, NN_RECIPE_KEY, (nn_shape) { 1, { 2 } }, NN_DTYPE_U32, NULL),
            .rate = r->drop_path,
        };
}

nn_tensor *nn_recipe_loss(nn_graph *g, const nn_recipe_inputs *in, nn_tensor *logits, nn_tensor *labels)
{
    const struct cross_entropy_attr a = { .smoothing = (float) in->recipe.smoothing };
    return NN_APPLY(g, cross_entropy, &a, NULL, logits, labels, in->labels_b, in->lambda);
}

// 64 bits that belong to one use in one step.
static uint64_t step_key(uint64_t seed, uint64_t step, uint32_t use)
{
    const uint32_t at = 2 * (N_KEYS * (uint32_t) step + use);
    return nn_rng_bits(seed, KEY_STREAM, at) | (uint64_t) nn_rng_bits(seed, KEY_STREAM, at + 1) << 32;
}

void nn_recipe_key(const nn_recipe_inputs *in, uint64_t step, uint32_t key[2])
{
    const uint64_t k = step_key(in->seed, step, KEY_DROP);
    key[0] = (uint32_t) k;
    key[1] = (uint32_t) (k >> 32);
}

// The logarithm of a gamma(alpha) number (Marsaglia & Tsang 2000); below 1 that of alpha + 1 times u^(1/alpha), where
// the number itself may be too small for a double.
static double draw_log_gamma(nn_draws *d, double alpha)
{
    const double a = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3, c = 1 / sqrt(9 * a);
    double x, v, u;
    do {
        x = nn_draw_normal(d);
        v = pow(1 + c * x, 3);
        u = nn_draw_uniform(d);
    } while (!(v > 0 && log(u) < x * x / 2 + a - a * v + a * log(v)));
    return log(a) + log(v) + (alpha < 1 ? log(nn_draw_uniform(d)) / alpha : 0);
}

static double draw_beta(nn_draws *d, double alpha)
{
    const double x = draw_log_gamma(d, alpha), y = draw_log_gamma(d, alpha);
    return 1 / (1 + exp(y - x));
}

// The part of a line of `size` pixels that a piece `side` long covers, its middle anywhere.
static void draw_span(nn_draws *d, uint32_t size, double side, uint32_t *from, uint32_t *to)
{
    const double middle = size * nn_draw_uniform(d);
    *from = (uint32_t) fmax(0, rint(middle - side / 2));
    *to = (uint32_t) fmin(size, rint(middle + side / 2));
}

// Put a box of b into a; the share of a that is left.
static double cut(nn_draws *d, const nn_recipe_inputs *in, const float *a, const float *b, float *out)
{
    const uint32_t H = in->height, W = in->width;
    const double side = sqrt(1 - draw_beta(d, in->recipe.cutmix));      // of the picture's
    uint32_t x0, x1, y0, y1;
    draw_span(d, W, W * side, &x0, &x1);
    draw_span(d, H, H * side, &y0, &y1);
    for (uint32_t row = 0; row < in->channels * H; row++) {
        const uint32_t y = row % H;
        const size_t at = (size_t) row * W;
        const bool inside = y >= y0 && y < y1;
        memcpy(out + at, a + at, (inside ? x0 : W) * sizeof *out);
        if (inside) {
            memcpy(out + at + x0, b + at + x0, (x1 - x0) * sizeof *out);
            memcpy(out + at + x1, a + at + x1, (W - x1) * sizeof *out);
        }
    }
    return 1 - (double) (x1 - x0) * (y1 - y0) / ((double) H * W);
}

static double blend(nn_draws *d, const nn_recipe_inputs *in, const float *a, const float *b, float *out)
{
    const size_t len = (size_t) in->channels * in->height * in->width;
    const float share = (float) draw_beta(d, in->recipe.mixup), rest = 1 - share;
    for (size_t k = 0; k < len; k++)
        out[k] = share * a[k] + rest * b[k];
    return (double) share;
}

void nn_recipe_mix(const nn_recipe_inputs *in, uint64_t step, uint32_t n, const float *pixels,
                   const uint32_t *labels, float *mixed, uint32_t *labels_b, float *lambda)
{
    const nn_recipe *r = &in->recipe;
    const size_t len = (size_t) in->channels * in->height * in->width;
    const uint64_t key = step_key(in->seed, step, KEY_MIX);
    const uint32_t whole = UINT32_MAX;          // the stream of the batch; those of pictures are their places
    const bool is_cut = r->cutmix > 0 && (r->mixup <= 0 || (nn_rng_bits(key, whole, 0) & 1));
    const uint32_t shift = n > 1 ? 1 + nn_rng_below(key, whole, 1, n - 1) : 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t j = (uint32_t) (((uint64_t) i + shift) % n);
        nn_draws d = { key, i, 0 };
        const float *a = pixels + i * len, *b = pixels + j * len;
        float *out = mixed + i * len;
        labels_b[i] = labels ? labels[j] : 0;
        if (j != i) {
            lambda[i] = (float) (is_cut ? cut(&d, in, a, b, out) : blend(&d, in, a, b, out));
        } else {
            memcpy(out, a, len * sizeof *out);
            lambda[i] = 1;
        }
    }
}
