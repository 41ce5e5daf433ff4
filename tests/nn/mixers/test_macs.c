// test_macs.c — multiply-adds of every mixer, with every option, against formulas by hand; of blocks and whole models.
#include "nn/models/model.h"
#include "tests/vk/vk_test.h"

#include <stdlib.h>
#include <string.h>

// A picture of T tokens, G of them patches on the grid; d directions.
typedef struct shape {
    uint64_t T, G, C, H, D, d, hidden, state, kernel, window, E;
    bool     is_learned, is_doubled;
} shape;

// By the parts of each mixer, as docs/mixers.md lists them: a projection of (out, in) takes out * in a token, a filter
// its taps, a state of (a, b) a * b for each time it is read or written. The block's own projection is not among them.

static uint64_t attention(const shape *s)
{
    const uint64_t qkv = s->T * 3 * s->C * s->C, scores = s->H * s->T * s->T * s->D, mixed = scores;
    return qkv + scores + mixed;
}

static uint64_t linear(const shape *s)
{
    const uint64_t F = s->is_doubled ? 2 * s->D : s->D, qkv = s->T * 3 * s->C * s->C;
    const uint64_t features = s->is_learned ? 2 * s->T * s->H * s->D * s->D : 0;    // u and -u share a product
    const uint64_t summed = s->T * s->H * F * (s->D + 1), read = summed;            // values, and a one for the norm
    const uint64_t block = s->window < s->T ? s->window : s->T, soft = 2 * s->T * s->H * block * s->D;
    return qkv + features + summed + read + soft + s->G * s->C * 9;
}

static uint64_t merge(const shape *s, uint64_t units)       // of each head's directions
{
    return s->T * s->H * s->D * s->d * units;
}

static uint64_t ssd(const shape *s)
{
    const uint64_t streams = s->H * s->d, columns = 2 * s->C + 2 * s->state, filtered = s->C + 2 * s->state;
    return s->T * (s->d * columns * s->C + s->d * filtered * 4 + streams * s->C + 2 * streams * s->state * s->D) +
           merge(s, s->D);
}

// Values of E channels for each of queries and keys.

static uint64_t gla(const shape *s)
{
    const uint64_t qkv = (2 + s->E) * s->C * s->C, decay = 16 * s->C + s->d * s->C * 16, gate = s->E * s->C * s->C;
    return s->T * (qkv + decay + gate + 2 * s->H * s->d * s->D * s->E * s->D) + merge(s, s->E * s->D);
}

static uint64_t delta_rule(const shape *s)
{
    const uint64_t gate = s->E * s->C * s->C, beta = s->H * s->d * s->C, step = beta;
    return s->T * (beta + step + gate + 3 * s->H * s->d * s->D * s->E * s->D) + merge(s, s->E * s->D);
}

static uint64_t gated_delta(const shape *s)
{
    const uint64_t qkv = (2 + s->E) * s->C * s->C, filters = s->d * (2 + s->E) * s->C * 4;
    return s->T * (qkv + filters) + delta_rule(s);
}

static uint64_t jet(const shape *s)
{
    const uint64_t V = s->E * s->C, hidden = (V + 7) / 8, qkv = (2 + s->E) * s->C * s->C;
    const uint64_t down = s->d * hidden * s->C, up = s->d * 4 * V * hidden, filtered = s->d * V * 4;
    return s->T * (qkv + down + up + filtered) + delta_rule(s);
}

static uint64_t bilstm(const shape *s)
{
    const uint64_t U = s->hidden, before = s->C * s->C, x = s->H * s->d * 4 * U * s->D, h = s->H * s->d * 4 * U * U;
    return s->T * (before + x + h) + merge(s, U);
}

static uint64_t mingru(const shape *s)      // h = (1 - z) h + z g, two products a channel
{
    return s->T * (s->d * 2 * s->C * s->C + s->d * 2 * s->C) + merge(s, s->D);
}

static uint64_t conv(const shape *s)
{
    return s->G * s->C * 9;
}

static uint64_t causal_conv(const shape *s)
{
    return s->T * (s->C * s->C + s->C * s->kernel);
}

static uint64_t identity(const shape *s)
{
    (void) s;
    return 0;
}

static const struct { const char *name; uint64_t (*count)(const shape *s); } by_hand[] = {
    { "attention", attention }, { "linear", linear }, { "ssd", ssd }, { "gla", gla }, { "gated_delta", gated_delta },
    { "jet", jet }, { "bilstm", bilstm }, { "mingru", mingru }, { "conv", conv }, { "causal_conv", causal_conv },
    { "identity", identity },
};

static uint64_t number_of(const nn_layer_config *l, const char *key, uint64_t otherwise)
{
    char text[32];
    return nn_layer_config_get(l, key, text, sizeof text) && *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10)
                                                                                        : otherwise;
}

static bool is_option(const nn_layer_config *l, const char *key, const char *value)
{
    char text[32];
    return nn_layer_config_get(l, key, text, sizeof text) && strcmp(text, value) == 0;
}

// The mixer of a layer, with its options, over `tokens` tokens of which `prefix` are off the grid.
static uint64_t count(const nn_model_config *c, const nn_layer_config *l, uint64_t tokens, uint64_t prefix)
{
    const uint64_t D = c->dim / c->heads;
    const shape s = {
        .T = tokens, .G = tokens - prefix, .C = c->dim, .H = c->heads, .D = D,
        .d = is_option(l, "direction", "forward") ? 1 : 2, .hidden = number_of(l, "hidden", D),
        .state = number_of(l, "state", 0), .kernel = number_of(l, "kernel", 0),
        .E = number_of(l, "expand_v", 1),
        .window = number_of(l, "window", 0), .is_learned = !is_option(l, "features", "elu1"),
        .is_doubled = !is_option(l, "features", "elu1") && !is_option(l, "features", "t2r"),
    };
    for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++)
        if (strcmp(by_hand[i].name, l->mixer) == 0)
            return by_hand[i].count(&s);
    fail_msg("no formula for mixer %s: count it by hand", l->mixer);
    return 0;
}

// Block and whole model of a mixer, at one shape.
static void check(vkc_device *dev, const char *arch, uint32_t registers, bool no_class, bool swiglu, const char *mixer)
{
    nn_model_config c;
    nn_model *m;
    assert_ok(nn_model_config_init(&c, arch));
    c.registers = registers;
    c.no_class = no_class;
    c.swiglu = swiglu;
    if (no_class)
        c.pool = NN_POOL_AVG;
    for (uint32_t l = 0; l < c.depth; l++)
        assert_ok(nn_mixer_parse(l ? "attention" : mixer, &c.layers[l], NULL));
    assert_ok(nn_model_create(dev, &c, false, &m));
    const uint64_t T = nn_model_config_tokens(&c), G = nn_model_config_patches(&c), C = c.dim, prefix = T - G;
    const uint64_t mlp = (swiglu ? 3 : 2) * C * c.hidden, embed = G * c.channels * c.patch * c.patch * C;
    const uint64_t block = count(&c, &m->block[0].layer, T, prefix) + T * C * C + T * mlp;
    const uint64_t other = count(&c, &m->block[1].layer, T, prefix) + T * C * C + T * mlp;
    const uint64_t pooled = no_class ? G * C : 0, head = C * c.classes;
    if (nn_model_macs(m, 0) != block)
        fail_msg("%s, %s with %u registers: %llu multiply-adds, %llu by hand", arch, mixer, registers,
                 (unsigned long long) nn_model_macs(m, 0), (unsigned long long) block);
    assert_int_equal(nn_model_macs(m, c.depth), embed + block + other + pooled + head);
    const uint64_t fewer = T / 2;
    assert_int_equal(nn_model_block_macs(m, 0, (uint32_t) T), block);
    assert_int_equal(nn_model_block_macs(m, 0, (uint32_t) fewer),
                     count(&c, &m->block[0].layer, fewer, prefix) + fewer * (C * C + mlp));
    nn_model_destroy(m);
    nn_model_config_finish(&c);
}

static void check_shapes(vkc_device *dev, const char *mixer)
{
    check(dev, "vit:image=32,patch=8,dim=16,depth=2,heads=2,classes=4", 0, false, false, mixer);
    check(dev, "vit:image=64,patch=8,dim=24,depth=2,heads=3,classes=10,mlp=3", 0, true, false, mixer);
    check(dev, "vit:image=48,patch=8,dim=40,depth=2,heads=5,classes=7", 4, false, true, mixer);
}

static void test_mixers(void **state)
{
    assert_int_equal(nn_n_mixers, sizeof by_hand / sizeof *by_hand);
    for (uint32_t k = 0; k < nn_n_mixers; k++)
        check_shapes((vkc_device *) *state, nn_mixers[k]->name);
}

// Every value of every option, one at a time.
static void test_options(void **state)
{
    for (uint32_t k = 0; k < nn_n_mixers; k++)
        for (const nn_mixer_option *o = nn_mixers[k]->options; o && o->key; o++)
            for (uint32_t i = 0; nn_mixer_option_value(o, i); i++) {
                char text[96];
                snprintf(text, sizeof text, "%s:%s=%s", nn_mixers[k]->name, o->key, nn_mixer_option_value(o, i));
                check_shapes((vkc_device *) *state, text);
            }
    check_shapes((vkc_device *) *state, "bilstm:direction=forward+hidden=3");
    check_shapes((vkc_device *) *state, "ssd:direction=forward+state=128+chunk=16");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_mixers), cmocka_unit_test(test_options) };
    return cmocka_run_group_tests(tests, test_device_setup, test_device_teardown);
}
