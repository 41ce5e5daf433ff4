// test_api_mixer.c — mixers of a program's own: the same bits as the library's where they are the same, each call that
// build can make, trained, written and loaded again, and what is refused.
#define DATA "synth:ringed-digit,train=16,val=16,test=16"

#include "tests/api/api_test.h"

#include <math.h>

#define ARCH "vit:image=16,patch=4,dim=16,depth=2,heads=2,classes=10,mixer="

static pare_mixer_param param(const char *name, pare_init init, uint32_t a, uint32_t b, uint32_t c)
{
    pare_mixer_param p = pare_mixer_param_default();
    p.name = name;
    p.init = init;
    p.rank = c ? 3 : b ? 2 : 1;
    p.dim[0] = a;
    p.dim[1] = b;
    p.dim[2] = c;
    return p;
}

static void add(pare_params *list, const char *name, pare_init init, uint32_t a, uint32_t b, uint32_t c)
{
    const pare_mixer_param p = param(name, init, a, b, c);
    assert_true(pare_params_add(list, &p));
}

// As the library's conv and attention.
static void conv_params(void *user, const pare_mixer_dims *d, pare_params *list)
{
    (void) user;
    add(list, "conv.weight", PARE_INIT_CONV, d->dim, 3, 3);
    add(list, "conv.bias", PARE_INIT_ZERO, d->dim, 0, 0);
}

static pare_tensor *conv_build(void *user, pare_graph *g, const pare_mixer_dims *d, pare_tensor *y,
                               pare_tensor *const *p)
{
    (void) user;
    (void) d;
    return pare_graph_grid_conv(g, y, p[0], p[1]);
}

static void qkv_params(void *user, const pare_mixer_dims *d, pare_params *list)
{
    (void) user;
    pare_mixer_param p = param("qkv.weight", PARE_INIT_NORMAL, 3 * d->dim, d->dim, 0);
    p.decay = 1;
    p.from = "qkv.weight";
    assert_true(pare_params_add(list, &p));
    add(list, "qkv.bias", PARE_INIT_ZERO, 3 * d->dim, 0, 0);
}

static pare_tensor *attention_build(void *user, pare_graph *g, const pare_mixer_dims *d, pare_tensor *y,
                                    pare_tensor *const *p)
{
    (void) user;
    return pare_graph_attention(g, pare_graph_linear(g, y, p[0], p[1]), d->heads);
}

// The library's linear:features=elu1 has a convolution too, which starts at zero.
static void linear_params(void *user, const pare_mixer_dims *d, pare_params *list)
{
    qkv_params(user, d, list);
    add(list, "conv.weight", PARE_INIT_ZERO, d->dim, 3, 3);
    add(list, "conv.bias", PARE_INIT_ZERO, d->dim, 0, 0);
}

static pare_tensor *linear_build(void *user, pare_graph *g, const pare_mixer_dims *d, pare_tensor *y,
                                 pare_tensor *const *p)
{
    (void) user;
    return pare_graph_linear_attention(g, pare_graph_linear(g, y, p[0], p[1]), d->heads);
}

enum { QKV_W, QKV_B, CONV_W, CONV_B, GAMMA, BETA, GRU_W, Q_W, G_W, MERGE_W, MERGE_B, GRID_W, SCALE, N_ALL };

// Every call in one mixer.
static void all_params(void *user, const pare_mixer_dims *d, pare_params *list)
{
    const uint32_t C = d->dim, H = d->heads, D = C / H;
    qkv_params(user, d, list);
    add(list, "conv.weight", PARE_INIT_CONV, 2 * C, 3, 0);
    add(list, "conv.bias", PARE_INIT_ZERO, 2 * C, 0, 0);
    add(list, "norm.weight", PARE_INIT_ONE, C, 0, 0);
    add(list, "norm.bias", PARE_INIT_ZERO, C, 0, 0);
    add(list, "gru.weight", PARE_INIT_UNIFORM, 2 * C, C, 0);
    pare_mixer_param values = param("q.weight", PARE_INIT_UNIFORM, 2 * C, C, 0);
    values.from = "qkv.weight";
    values.copy[0] = (pare_row_copy) { C, 2 * C, C };
    assert_true(pare_params_add(list, &values));
    add(list, "g.weight", PARE_INIT_UNIFORM, 2 * H, C, 0);
    add(list, "merge.weight", PARE_INIT_IDENTITY, H, D, 2 * D);
    add(list, "merge.bias", PARE_INIT_ZERO, C, 0, 0);
    add(list, "grid.weight", PARE_INIT_CONV, C, 5, 5);
    add(list, "scale", PARE_INIT_ONE, C, 0, 0);
}

static pare_tensor *all_build(void *user, pare_graph *g, const pare_mixer_dims *d, pare_tensor *y,
                              pare_tensor *const *p)
{
    const uint32_t H = d->heads;
    ++*(int *) user;
    assert_int_equal(pare_tensor_columns(y), d->dim);
    assert_int_equal(d->size, sizeof *d);
    pare_tensor *o = pare_graph_attention(g, pare_graph_linear(g, y, p[QKV_W], p[QKV_B]), H);
    pare_tensor *t = pare_graph_swiglu(g, pare_graph_token_conv(g, y, p[CONV_W], p[CONV_B], 2, 1));
    o = pare_graph_add(g, o, pare_graph_gelu(g, pare_graph_layernorm(g, t, p[GAMMA], p[BETA], 1e-6f)));
    o = pare_graph_add(g, o, pare_graph_mingru(g, pare_graph_linear(g, y, p[GRU_W], NULL), H, 1));
    pare_tensor *q = pare_graph_swiglu(g, pare_graph_linear(g, y, p[Q_W], NULL));
    pare_tensor *decay = pare_graph_log_sigmoid(g, pare_graph_linear(g, y, p[G_W], NULL), 1.0f / 16);
    pare_tensor *s = pare_graph_gated_scan(g, q, y, q, decay, H, 2);
    assert_int_equal(pare_tensor_columns(s), 2 * d->dim);
    o = pare_graph_add(g, o, pare_graph_linear_grouped(g, s, p[MERGE_W], p[MERGE_B], H));
    o = pare_graph_add(g, o, pare_graph_grid_conv(g, y, p[GRID_W], NULL));
    return pare_graph_scale(g, pare_graph_scale(g, o, p[SCALE], 1), NULL, 0.25f);
}

static pare_mixer_desc desc_of(const char *name, pare_mixer_desc from)
{
    pare_mixer_desc d = pare_mixer_desc_default();
    d.name = name;
    d.about = "of a test";
    d.user = from.user;
    d.params = from.params;
    d.build = from.build;
    d.check = from.check;
    return d;
}

#define REGISTER(name_, ...) do { \
        const pare_mixer_desc d_ = desc_of((name_), (pare_mixer_desc) { __VA_ARGS__ }); \
        assert_st(PARE_OK, pare_mixer_register(&d_)); \
    } while (0)

static pare_evaluate_result evaluate(const char *mixer)
{
    char arch[128];
    pare_model *m = NULL;
    pare_evaluate_result r = pare_evaluate_result_default();
    snprintf(arch, sizeof arch, ARCH "%s", mixer);
    assert_st(PARE_OK, pare_model_create(device, arch, 5, NULL, &m));
    assert_st(PARE_OK, pare_evaluate(m, data, NULL, &r));
    pare_model_close(m);
    assert_true(r.images == 16 && isfinite(r.loss));
    return r;
}

static void test_same_bits(void **state)
{
    static const char *const pairs[][2] = {
        { "my_conv", "conv" }, { "my_attention", "attention" }, { "my_linear", "linear:features=elu1" },
    };
    (void) state;
    REGISTER("my_conv", .params = conv_params, .build = conv_build);
    REGISTER("my_attention", .params = qkv_params, .build = attention_build);
    REGISTER("my_linear", .params = linear_params, .build = linear_build);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const double mine = evaluate(pairs[i][0]).loss, own = evaluate(pairs[i][1]).loss;
        if (mine != own)
            fail_msg("%s: loss %.9g, the library's %.9g", pairs[i][0], mine, own);
    }
    assert_true(evaluate("conv").loss != evaluate("attention").loss);
}

// Taught to stand in for attention, tuned, written, loaded.
static void test_distilled(void **state)
{
    static int built;
    const char *const mixers[] = { "all_calls" };
    pare_distill_options o = pare_distill_options_default();
    pare_distill_result r = pare_distill_result_default();
    pare_model *m = NULL;
    (void) state;
    REGISTER("all_calls", .user = &built, .params = all_params, .build = all_build);
    evaluate("all_calls");
    assert_st(PARE_OK, pare_model_create(device, ARCH "attention", 5, NULL, &m));
    assert_st(PARE_OK, pare_model_save(m, in_dir("teacher"), NULL));
    pare_model_close(m);
    o.mixers = mixers;
    o.n_mixers = 1;
    o.max_drop = 100;
    o.epochs = o.tune_epochs = 1;
    o.batch = 8;
    o.no_timing = 1;
    assert_st(PARE_OK, pare_distill(device, in_dir("teacher"), data, in_dir("student"), &o, &r));
    assert_int_equal(r.replaced, 2);
    assert_true(built > 2);
    assert_st(PARE_OK, pare_model_load(device, in_dir("student"), NULL, &m));
    assert_string_equal(pare_model_mixer(m, 1), "all_calls");
    pare_model_close(m);
}

static pare_tensor *wide_build(void *user, pare_graph *g, const pare_mixer_dims *d, pare_tensor *y,
                               pare_tensor *const *p)
{
    (void) user;
    (void) d;
    return pare_graph_linear(g, y, p[0], p[1]);         // 3 C columns
}

static pare_tensor *odd_build(void *user, pare_graph *g, const pare_mixer_dims *d, pare_tensor *y,
                              pare_tensor *const *p)
{
    (void) user;
    (void) d;
    (void) p;
    pare_tensor *nothing = pare_graph_gated_scan(g, y, y, y, y, 3, 1);      // 16 channels are not 3 heads
    assert_null(nothing);
    return pare_graph_gelu(g, pare_graph_add(g, nothing, y));
}

static pare_tensor *no_build(void *user, pare_graph *g, const pare_mixer_dims *d, pare_tensor *y,
                             pare_tensor *const *p)
{
    (void) user;
    (void) g;
    (void) d;
    (void) y;
    (void) p;
    return NULL;
}

static int refuses(void *user, const pare_mixer_dims *d, char *reason, size_t size)
{
    (void) user;
    snprintf(reason, size, "%u heads are not 7", d->heads);
    return d->heads == 7;
}

static void too_many(void *user, const pare_mixer_dims *d, pare_params *list)
{
    const pare_mixer_param p = param("w", PARE_INIT_ZERO, d->dim, 0, 0);
    int n = 0;
    (void) user;
    while (pare_params_add(list, &p))
        n++;
    assert_int_equal(n, PARE_MAX_MIXER_PARAMS);
}

static void nameless(void *user, const pare_mixer_dims *d, pare_params *list)
{
    const pare_mixer_param p = param(NULL, PARE_INIT_ZERO, d->dim, 0, 0);
    (void) user;
    assert_false(pare_params_add(list, &p));
}

static void flat(void *user, const pare_mixer_dims *d, pare_params *list)
{
    pare_mixer_param p = param("w", PARE_INIT_ZERO, d->dim, 2, 0);
    (void) user;
    p.dim[1] = 0;
    assert_false(pare_params_add(list, &p));
}

static void test_refused_models(void **state)
{
    static const struct { const char *name, *words; } bad[] = {
        { "refuses", "2 heads are not 7" }, { "too_many", "more than 16 parameters" }, { "nameless", "a name" },
        { "flat", "dimension 1 is 0" },
    }, odd[] = { { "wide", "no packed (R, 16)" }, { "odd", "3 equal parts" }, { "nothing", "no packed (R, 16)" } };
    pare_evaluate_result r = pare_evaluate_result_default();
    pare_model *m = NULL;
    char arch[128];
    (void) state;
    REGISTER("refuses", .params = qkv_params, .build = attention_build, .check = refuses);
    REGISTER("too_many", .params = too_many, .build = no_build);
    REGISTER("nameless", .params = nameless, .build = no_build);
    REGISTER("flat", .params = flat, .build = no_build);
    REGISTER("wide", .params = qkv_params, .build = wide_build);
    REGISTER("odd", .params = qkv_params, .build = odd_build);
    REGISTER("nothing", .params = qkv_params, .build = no_build);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(arch, sizeof arch, ARCH "%s", bad[i].name);
        assert_refused(pare_model_create(device, arch, 0, NULL, &m), bad[i].words);
    }
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        snprintf(arch, sizeof arch, ARCH "%s", odd[i].name);
        assert_st(PARE_OK, pare_model_create(device, arch, 0, NULL, &m));
        assert_refused(pare_evaluate(m, data, NULL, &r), odd[i].words);
        pare_model_close(m);
        m = NULL;
    }
}

static void test_register(void **state)
{
    const pare_mixer_desc good = { .params = qkv_params, .build = attention_build };
    pare_mixer_desc d = desc_of("mine", good);
    uint32_t n = 0;
    (void) state;
    while (pare_mixer_name(n))
        n++;
    assert_string_equal(pare_mixer_name(0), "attention");
    assert_refused(pare_mixer_register(NULL), "desc is NULL");
    d.name = "attention";
    assert_refused(pare_mixer_register(&d), "attention\" already");
    d.name = "My Mixer";
    assert_refused(pare_mixer_register(&d), "no name for a mixer");
    d.name = "abcdefghijklmnopqrstuvwx";        // 24 letters: not cut off, which would be another name
    assert_refused(pare_mixer_register(&d), "at most 23 letters");
    d.name = "mine";
    d.about = "two\nlines";
    assert_refused(pare_mixer_register(&d), "mixer mine: about is to be one line");
    d.about = "of a test";
    d.name = NULL;
    assert_refused(pare_mixer_register(&d), "d.name is NULL");
    d = desc_of("mine", good);
    d.params = NULL;
    assert_refused(pare_mixer_register(&d), "params is NULL");
    d = desc_of("mine", good);
    d.build = NULL;
    assert_refused(pare_mixer_register(&d), "build is NULL");
    d = desc_of("mine", good);
    d.size = 8;
    assert_refused(pare_mixer_register(&d), "a struct of 8 bytes");
    assert_null(pare_mixer_name(n));
    d = desc_of("mine", good);
    assert_st(PARE_OK, pare_mixer_register(&d));
    assert_string_equal(pare_mixer_name(n), "mine");
    assert_refused(pare_mixer_register(&d), "mine\" already");
    assert_false(pare_params_add(NULL, NULL));
    assert_int_equal(pare_tensor_columns(NULL), 0);
    for (n++; n < 64; n++) {        // as many as there is room for
        char name[16];
        snprintf(name, sizeof name, "fill_%u", n);
        d.name = name;
        assert_st(PARE_OK, pare_mixer_register(&d));
    }
    d.name = "one_more";
    assert_refused(pare_mixer_register(&d), "no room");
}

static void test_null_graph(void **state)
{
    (void) state;
    assert_null(pare_graph_linear(NULL, NULL, NULL, NULL));
    assert_null(pare_graph_linear_grouped(NULL, NULL, NULL, NULL, 2));
    assert_null(pare_graph_layernorm(NULL, NULL, NULL, NULL, 1e-6f));
    assert_null(pare_graph_gelu(NULL, NULL));
    assert_null(pare_graph_swiglu(NULL, NULL));
    assert_null(pare_graph_add(NULL, NULL, NULL));
    assert_null(pare_graph_scale(NULL, NULL, NULL, 1));
    assert_null(pare_graph_attention(NULL, NULL, 2));
    assert_null(pare_graph_linear_attention(NULL, NULL, 2));
    assert_null(pare_graph_grid_conv(NULL, NULL, NULL, NULL));
    assert_null(pare_graph_token_conv(NULL, NULL, NULL, NULL, 1, 0));
    assert_null(pare_graph_log_sigmoid(NULL, NULL, 1));
    assert_null(pare_graph_gated_scan(NULL, NULL, NULL, NULL, NULL, 2, 1));
    assert_null(pare_graph_mingru(NULL, NULL, 2, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits), cmocka_unit_test(test_distilled), cmocka_unit_test(test_refused_models),
        cmocka_unit_test(test_register), cmocka_unit_test(test_null_graph),
    };
    return cmocka_run_group_tests(tests, api_set_up, api_tear_down);
}
