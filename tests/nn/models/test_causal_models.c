// test_causal_models.c — causal language models of every family as transformers left them
// (tests/golden/text/causal.py): the stream before the first block and after each, logits, a loss and its gradients
// against PyTorch's; folders written and read.
#include "nn/models/causal/causal_impl.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/checkpoint/safetensors.h"
#include "shaders/loss/cross_entropy.h"
#include "tests/device_dir.h"

#define FOLDER "tests/golden/causal"
#define BAR 1e-4
enum { TEXTS = 3, ROWS = 23 };

typedef struct fixture {
    nn_safetensors *golden;
    nn_model *m;
    nn_batch  batch;
    nn_graph *g;
    nn_tensor *in[NN_MAX_INPUTS], *labels, *logits, *loss;
    nn_model_taps taps;
    vkc_recording *rec;
} fixture;

static void read_u32(const fixture *f, const char *name, uint32_t *out, size_t n)
{
    const nn_st_tensor *t = nn_safetensors_get(f->golden, name);
    assert_non_null(t);
    assert_int_equal(t->len, n);
    assert_ok(nn_st_tensor_read_raw(t, 0, n * sizeof *out, out));
}

static float *read_f32(const fixture *f, const char *name, size_t *n)
{
    const nn_st_tensor *t = nn_safetensors_get(f->golden, name);
    if (!t)
        fail_msg("no tensor %s", name);
    float *x = (float *) malloc((size_t) t->len * sizeof *x);
    assert_non_null(x);
    *n = (size_t) t->len;
    assert_ok(nn_st_tensor_read(t, 0, *n, x));
    return x;
}

static void build(fixture *f, vkc_device *dev, const char *folder, const char *golden)
{
    char path[NN_PATH_MAX];
    uint32_t lengths[TEXTS], ids[ROWS], labels[ROWS];
    *f = (fixture) { .golden = NULL };
    assert_ok(nn_path_build(path, golden, "golden.safetensors"));
    assert_ok(nn_safetensors_load(path, &f->golden));
    if (nn_model_load(dev, folder, true, &f->m) != VKC_OK)
        fail_msg("%s", vkc_last_error());
    assert_ok(nn_model_batch_create(dev, &f->m->cfg, TEXTS, &f->batch));
    assert_ok(nn_graph_create(dev, &f->g));
    assert_int_equal(nn_model_add_inputs(f->g, &f->m->cfg, &f->batch, f->in), 1);
    f->logits = nn_model_forward(f->g, f->m, &f->batch, f->in, true, &f->taps);
    f->labels = nn_graph_input(f->g, "labels", (nn_shape) { 1, { 0 } }, NN_DTYPE_U32, f->batch.tokens);
    f->loss = NN_APPLY(f->g, cross_entropy, &(struct cross_entropy_attr) { 0 }, NULL, f->logits, f->labels);
    nn_graph_add_loss(f->g, f->loss, 1);
    nn_graph_keep(f->g, f->logits);
    nn_graph_keep(f->g, f->loss);
    nn_graph_keep(f->g, f->taps.tokens);
    for (uint32_t l = 0; l < f->m->cfg.depth; l++)
        nn_graph_keep(f->g, f->taps.block[l]);
    if (nn_graph_plan(f->g) != VKC_OK)
        fail_msg("%s", vkc_last_error());
    assert_ok(vkc_recording_create(dev, &(vkc_recording_params) { .name = "test" }, &f->rec));
    assert_ok(nn_graph_record(f->g, f->rec));
    assert_ok(vkc_recording_finish(f->rec));
    for (uint32_t b = 0; b < f->m->params->n_blocks; b++)
        assert_ok(vkc_fill(dev, vkc_slice_of(f->m->params->grad[b]), 0));
    read_u32(f, "lengths", lengths, TEXTS);
    read_u32(f, "ids", ids, ROWS);
    read_u32(f, "labels", labels, ROWS);
    vkc_slice in = nn_tensor_slice(f->in[0]), to = nn_tensor_slice(f->labels);
    in.size = to.size = sizeof ids;
    assert_ok(nn_batch_write_lengths(dev, &f->batch, TEXTS, lengths));
    assert_ok(vkc_write(dev, in, ids));
    assert_ok(vkc_write(dev, to, labels));
    assert_ok(vkc_submit(f->rec, NULL));
}

static void finish(fixture *f)
{
    vkc_recording_destroy(f->rec);
    nn_graph_destroy(f->g);
    nn_batch_finish(&f->batch);
    nn_model_destroy(f->m);
    nn_safetensors_destroy(f->golden);
}

// Largest difference of n values, over the largest of what is wanted where that is asked for.
static double compare(const float *is, const float *want, size_t n, bool is_relative)
{
    double most = 0, scale = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double) is[i] - (double) want[i]);
        most = d <= most ? most : d;            // a NaN stays
        scale = fmax(scale, fabs((double) want[i]));
    }
    return is_relative ? most / scale : most;
}

static double compare_tensor(fixture *f, const nn_tensor *t, const char *name, bool is_relative)
{
    size_t n;
    float *want = read_f32(f, name, &n), *is = (float *) malloc(n * sizeof *is);
    assert_non_null(is);
    vkc_slice from = nn_tensor_slice(t);
    assert_true(from.size >= n * sizeof *is);
    from.size = n * sizeof *is;
    assert_ok(vkc_read(f->m->dev, from, is));
    const double d = compare(is, want, n, is_relative);
    free(want);
    free(is);
    return d;
}

// The worst of all gradients, each over its largest.
static double compare_gradients(fixture *f, char worst[NN_MAX_NAME])
{
    const nn_params *ps = f->m->params;
    double most = 0;
    uint32_t seen = 0;
    for (size_t i = 0; i < nn_safetensors_len(f->golden); i++) {
        const char *name = nn_safetensors_at(f->golden, i)->name;
        nn_causal_place at;
        uint32_t index;
        size_t n;
        if (strncmp(name, "grad.", 5) != 0)
            continue;
        assert_true(nn__causal_place_get(&f->m->cfg, name + 5, &at));
        assert_true(nn_params_find(ps, at.name, &index));
        float *want = read_f32(f, name, &n), *is = (float *) malloc(2 * n * sizeof *is), *turned = is + n;
        assert_non_null(is);
        const nn_shape *s = &ps->p[index].shape;
        const size_t cols = s->rank > 1 ? s->dim[1] : 1, rows = n / cols;
        vkc_slice from = nn_params_grad(ps, index);
        from.offset += at.row * cols * sizeof *is;
        from.size = n * sizeof *is;
        assert_ok(vkc_read(f->m->dev, from, is));
        for (size_t r = 0; r < rows && at.is_transposed; r++)
            for (size_t c = 0; c < cols; c++)
                turned[c * rows + r] = is[r * cols + c];
        const double d = compare(at.is_transposed ? turned : is, want, n, true);
        if (!(d <= most)) {
            most = d;
            snprintf(worst, NN_MAX_NAME, "%s", name + 5);
        }
        seen += (uint32_t) rows;
        free(want);
        free(is);
    }
    for (uint32_t i = 0; i < ps->n; i++)
        seen -= ps->p[i].shape.dim[0];
    assert_int_equal(seen, 0);                  // each parameter, once
    return most;
}

static void check_model(vkc_device *dev, const char *name, const char *folder, const char *golden)
{
    char worst[NN_MAX_NAME] = "";
    fixture f;
    build(&f, dev, folder, golden);
    double layers = compare_tensor(&f, f.taps.tokens, "tokens", true);
    for (uint32_t l = 0; l < f.m->cfg.depth; l++) {
        char block[24];
        snprintf(block, sizeof block, "block.%u", l);
        layers = fmax(layers, compare_tensor(&f, f.taps.block[l], block, true));
    }
    const double logits = compare_tensor(&f, f.logits, "logits", false);
    const double loss = compare_tensor(&f, f.loss, "loss", true), gradients = compare_gradients(&f, worst);
    print_message("%-14s layers %.2g, logits %.2g, loss %.2g, gradients %.2g (%s)\n", name, layers, logits, loss,
                  gradients, worst);
    if (!(layers <= BAR && logits <= BAR && loss <= BAR && gradients <= BAR))
        fail_msg("%s is beyond its bar", name);
    finish(&f);
}

// As it is, and written as a folder of ours and read again.
static void check_folder(vkc_device *dev, const char *name)
{
    char theirs[NN_PATH_MAX], ours[NN_PATH_MAX], path[NN_PATH_MAX];
    nn_model *m = NULL;
    assert_ok(nn_path_build(theirs, FOLDER, name));
    check_model(dev, name, theirs, theirs);
    assert_ok(nn_model_load(dev, theirs, false, &m));
    assert_ok(nn_path_build(ours, dir, name));
    assert_ok(nn_model_config_save(ours, &m->cfg, NULL));
    assert_ok(nn_path_build(path, ours, "model.safetensors"));
    assert_ok(nn_model_save_weights(m, path));
    nn_model_destroy(m);
    check_model(dev, "  written", ours, theirs);
}

static void test_golden(void **state)
{
    uint32_t n = 0;
    DIR *d = opendir(FOLDER);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.') {
            check_folder((vkc_device *) *state, e->d_name);
            n++;
        }
    closedir(d);
    assert_int_equal(n, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_golden) };
    return cmocka_run_group_tests(tests, device_dir_set_up, device_dir_tear_down);
}
