// rand_augment.c — timm's policy strings read, and operations drawn by them.
#include "nn/image/augment/rand_augment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LEVELS 10.0                 // the magnitude that is the end of each range, with mmax not quite
#define MAX_LEVEL 100
#define UNIFORM 100.0               // noise that is more

nn_filter nn_train_filter_draw(nn_train_filter f, nn_draws *d)
{
    const bool is_bicubic = f == NN_TRAIN_RANDOM ? nn_draw_below(d, 2) == 1 : f == NN_TRAIN_BICUBIC;
    return is_bicubic ? NN_FILTER_BICUBIC : NN_FILTER_BILINEAR;
}

// ---- the string

// A part of a policy: a name, and a number in plain decimal, which no locale changes.
typedef struct part { char name[8]; double value; bool is_whole; } part;

// The part that begins at *text, which is moved to its end. False when it is none.
static bool read_part(const char **text, part *out)
{
    const char *p = *text;
    size_t len = 0, digits = 0;
    double unit = 1;
    *out = (part) { .is_whole = true };
    for (; *p >= 'a' && *p <= 'z' && len + 1 < sizeof out->name; p++)
        out->name[len++] = *p;
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && out->is_whole); p++) {
        if (*p == '.') {
            out->is_whole = false;
            continue;
        }
        digits++;
        unit = out->is_whole ? 1 : unit * 10;
        out->value = out->is_whole ? out->value * 10 + (*p - '0') : out->value + (*p - '0') / unit;
    }
    *text = p;
    return len > 0 && digits > 0 && digits < 16 && (*p == '\0' || *p == '-');
}

typedef struct rule { const char *name; bool is_whole; double least, most; const char *range; } rule;

enum { M, N, MSTD, MMAX, INC, P, N_RULES };
static const rule rules[N_RULES] = {
    [M] = { "m", true, 0, MAX_LEVEL, "a whole number up to 100" },
    [N] = { "n", true, 1, NN_RAND_AUGMENT_MAX, "a whole number from 1 to 16" },
    [MSTD] = { "mstd", false, 0, 1e6, "0 to 1000000" },
    [MMAX] = { "mmax", true, 1, MAX_LEVEL, "a whole number from 1 to 100" },
    [INC] = { "inc", true, 0, 1, "0 or 1" },
    [P] = { "p", false, 0, 1, "0 to 1" },
};

static int find_rule(const char *name)
{
    int i = 0;
    while (i < N_RULES && strcmp(rules[i].name, name) != 0)
        i++;
    return i;
}

vkc_status nn_rand_augment_get(const char *policy, nn_rand_augment *out)
{
    double value[N_RULES] = { [M] = LEVELS, [N] = 2, [MMAX] = LEVELS, [P] = 0.5 };
    bool is_given[N_RULES] = { false };
    const char *at = policy + 4;
    if (strncmp(policy, "rand", 4) != 0 || (*at && *at != '-'))
        return VKC_FAIL(VKC_E_ARG, "no policy \"%.40s\": want rand, or rand-m9-mstd0.5-inc1", policy);
    while (*at == '-') {
        part p;
        const char *from = ++at;
        const bool is_part = read_part(&at, &p);
        const int i = is_part ? find_rule(p.name) : N_RULES;
        if (i == N_RULES || is_given[i])
            return VKC_FAIL(VKC_E_ARG, "\"%.20s\" in the policy \"%.40s\" is not one of m, n, mstd, mmax, inc and "
                            "p, each once, with a number behind it", from, policy);
        if (!(p.value >= rules[i].least && p.value <= rules[i].most) || (rules[i].is_whole && !p.is_whole))
            return VKC_FAIL(VKC_E_ARG, "%s is %g in the policy \"%.40s\", want %s", p.name, p.value, policy,
                            rules[i].range);
        value[i] = p.value;
        is_given[i] = true;
    }
    *out = (nn_rand_augment) {
        .n = (uint32_t) value[N], .magnitude = value[M], .noise = value[MSTD] > UNIFORM ? INFINITY : value[MSTD],
        .most = value[MMAX], .probability = value[P], .increasing = value[INC] > 0,
    };
    return VKC_OK;
}

// ---- the draws

static double negate(nn_draws *d, double x)         // half of the time
{
    return nn_draw_below(d, 2) ? -x : x;
}

static double find_value(const nn_rand_augment *r, nn_pixel_op op, double level, nn_draws *d)
{
    const double share = level / LEVELS;
    switch (op) {
    case NN_PIXEL_ROTATE: return negate(d, share * 30);
    case NN_PIXEL_POSTERIZE: return r->increasing ? 4 - trunc(share * 4) : trunc(share * 4);
    case NN_PIXEL_SOLARIZE: {
        const double level_of = fmin(256, trunc(share * 256));
        return r->increasing ? 256 - level_of : level_of;
    }
    case NN_PIXEL_SOLARIZE_ADD: return fmin(128, trunc(share * 110));
    case NN_PIXEL_COLOR: case NN_PIXEL_CONTRAST: case NN_PIXEL_BRIGHTNESS: case NN_PIXEL_SHARPNESS:
        return r->increasing ? fmax(0.1, 1 + negate(d, share * 0.9)) : share * 1.8 + 0.1;
    case NN_PIXEL_SHEAR_X: case NN_PIXEL_SHEAR_Y: return negate(d, share * 0.3);
    case NN_PIXEL_TRANSLATE_X: case NN_PIXEL_TRANSLATE_Y: return negate(d, share * 0.45);
    default: return 0;
    }
}

static double draw_level(const nn_rand_augment *r, nn_draws *d)
{
    const double level = isinf(r->noise) ? nn_draw_between(d, 0, r->magnitude)
                       : r->noise > 0    ? r->magnitude + r->noise * nn_draw_normal(d) : r->magnitude;
    return fmax(0, fmin(level, r->most));
}

uint32_t nn_rand_augment_draw(const nn_rand_augment *r, nn_train_filter f, nn_draws *d,
                              nn_pixel_step out[NN_RAND_AUGMENT_MAX])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        const nn_pixel_op op = (nn_pixel_op) nn_draw_below(d, NN_N_PIXEL_OPS);
        if (nn_draw_uniform(d) > r->probability)
            continue;
        const double value = find_value(r, op, draw_level(r, d), d);
        out[n++] = (nn_pixel_step) { op, value, nn_train_filter_draw(f, d) };
    }
    return n;
}

void nn_color_jitter_draw(double amount, nn_draws *d, nn_pixel_step out[3])
{
    static const nn_pixel_op ops[3] = { NN_PIXEL_BRIGHTNESS, NN_PIXEL_CONTRAST, NN_PIXEL_COLOR };
    for (int i = 0; i < 3; i++)
        out[i] = (nn_pixel_step) { .op = ops[i], .value = nn_draw_between(d, fmax(0, 1 - amount), 1 + amount) };
    for (uint32_t i = 2; i > 0; i--) {
        const uint32_t k = nn_draw_below(d, i + 1);
        const nn_pixel_step last = out[i];
        out[i] = out[k];
        out[k] = last;
    }
}
