// test_torch_file.c — checkpoints that torch.save wrote (tests/golden/torch_files.py): every tensor of every kind of
// file to the bit, which dict is read, what is said of the rest; and tensors of random shapes and strides.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/rng.h"
#include "nn/checkpoint/torch_file.h"
#include "nn/checkpoint/weights.h"
#include "tests/nn/checkpoint/torch_bytes.h"
#include "tests/temp_dir.h"

#define FOLDER "tests/golden/torch_files/"

#define ARGS "args (argparse.Namespace), metric (numpy._core.multiarray.scalar)", "vit_tiny_patch16_224"

static const struct { const char *file, *others, *ignored, *arch; } files[] = {
    { "timm.pth.tar", "", ARGS },
    { "legacy.pth", "", ARGS },
    { "protocol3.pth", "", ARGS },
    { "protocol4.pth", "", ARGS },
    { "protocol5.pth", "", ARGS },
    { "legacy4.pth", "", ARGS },
    { "types.pth", "", "", "" },
    { "strided.pth", "", "", "" },
    { "strided_legacy.pth", "", "", "" },
    { "parameters.pth", "", "", "" },
    { "lightning.ckpt", "", "hyper_parameters (__main__.AttributeDict)", "deit_tiny_patch16_224" },
    { "ema.pth", "model", "", "" },
    { "dino.pth", "student", "", "" },
    { "timm_ema.pth", "state_dict", "", "" },
    { "other_name.pth", "", "", "" },
    { "pytorch_model-00001-of-00002.bin", "", "", "" },
    { "pytorch_model-00002-of-00002.bin", "", "", "" },
};
#define N_FILES (sizeof files / sizeof *files)

static void assert_ok(vkc_status st)
{
    if (st != VKC_OK)
        fail_msg("%s", vkc_last_error());
}

static void check_sentence(const char *says)
{
    if (strstr(vkc_last_error(), says) == NULL)
        fail_msg("'%s' lacks '%s'", vkc_last_error(), says);
}

static void check_equal(const nn_st_tensor *t, const nn_st_tensor *want)
{
    unsigned char a[4096], b[4096];
    const size_t one = nn_st_dtype_size(want->dtype);
    assert_int_equal(t->dtype, want->dtype);
    assert_int_equal(t->rank, want->rank);
    assert_memory_equal(t->shape, want->shape, t->rank * sizeof *t->shape);
    assert_int_equal(t->len, want->len);
    assert_int_equal(t->size, want->size);
    assert_true(t->size <= sizeof a);
    assert_ok(nn_st_tensor_read_raw(want, 0, (size_t) want->size, b));
    assert_ok(nn_st_tensor_read_raw(t, 0, (size_t) t->size, a));
    assert_memory_equal(a, b, t->size);
    for (size_t at = 0; at < t->len; at += 5) {     // in pieces that end anywhere
        const size_t n = t->len - at < 5 ? (size_t) t->len - at : 5;
        memset(a, 0, sizeof a);
        assert_ok(nn_st_tensor_read_raw(t, at * one, n * one, a));
        assert_memory_equal(a, b + at * one, n * one);
    }
}

static void test_files(void **state)
{
    (void) state;
    nn_safetensors *want = NULL;
    size_t checked = 0;
    assert_ok(nn_safetensors_load(FOLDER "expected.safetensors", &want));
    for (size_t i = 0; i < N_FILES; i++) {
        char path[NN_PATH_MAX], name[600];
        nn_safetensors *f = NULL;
        nn_source src = { .fd = -1 };
        bool is_torch = false;
        assert_ok(nn_path_build(path, FOLDER, files[i].file));
        assert_ok(nn_source_open(path, &src));
        assert_ok(nn_torch_is(&src, &is_torch));
        nn_source_close(&src);
        assert_true(is_torch);
        assert_ok(nn_torch_load(path, NULL, &f));
        const nn_torch_notes *notes = nn_torch_get_notes(f);
        assert_string_equal(notes->key, nn_safetensors_meta(want, files[i].file));
        assert_string_equal(notes->others, files[i].others);
        assert_string_equal(notes->ignored, files[i].ignored);
        assert_string_equal(notes->arch, files[i].arch);
        for (size_t k = 0; k < nn_safetensors_len(f); k++, checked++) {
            const nn_st_tensor *t = nn_safetensors_at(f, k);
            snprintf(name, sizeof name, "%s/%s", files[i].file, t->name);
            assert_non_null(nn_safetensors_get(want, name));
            assert_ptr_equal(nn_safetensors_get(f, t->name), t);
            check_equal(t, nn_safetensors_get(want, name));
        }
        nn_safetensors_destroy(f);
    }
    assert_int_equal(checked, nn_safetensors_len(want));        // none is missing either
    nn_safetensors_destroy(want);
}

// Another entry than the one that is taken without asking.
static void test_key(void **state)
{
    (void) state;
    nn_safetensors *want = NULL, *f = NULL;
    assert_ok(nn_safetensors_load(FOLDER "expected.safetensors", &want));
    assert_ok(nn_torch_load(FOLDER "dino.pth", "student", &f));     // the same numbers as others' state_dict
    assert_string_equal(nn_torch_get_notes(f)->key, "student");
    assert_string_equal(nn_torch_get_notes(f)->others, "teacher");
    check_equal(nn_safetensors_get(f, "fc.bias"), nn_safetensors_get(want, "timm.pth.tar/fc.bias"));
    nn_safetensors_destroy(f);
    assert_ok(nn_torch_load(FOLDER "ema.pth", "model", &f));
    assert_string_equal(nn_torch_get_notes(f)->others, "ema");
    nn_safetensors_destroy(f);
    assert_ok(nn_torch_load(FOLDER "ema.pth", "ema", &f));          // and on into what is in it
    assert_string_equal(nn_torch_get_notes(f)->key, "ema.module");
    nn_safetensors_destroy(f);
    assert_ok(nn_torch_load(FOLDER "several.pth", "discriminator", &f));
    nn_safetensors_destroy(f);
    assert_int_equal(nn_torch_load(FOLDER "dino.pth", "ema", &f), VKC_E_FORMAT);
    check_sentence("dino.pth: has no entry ema; its entries are: student, teacher, epoch");
    assert_int_equal(nn_torch_load(FOLDER "timm.pth.tar", "epoch", &f), VKC_E_FORMAT);
    check_sentence("timm.pth.tar: holds a number under epoch where a state dict is wanted");
    assert_int_equal(nn_torch_load(FOLDER "timm.pth.tar", "args", &f), VKC_E_FORMAT);
    check_sentence("holds an object of the class argparse.Namespace where a state dict is wanted");
    assert_int_equal(nn_torch_load(FOLDER "timm.pth.tar", "optimizer", &f), VKC_E_FORMAT);
    check_sentence("the entry optimizer has no tensors; its entries are: state, param_groups");
    nn_safetensors_destroy(want);
}

static void test_refused(void **state)
{
    (void) state;
    static const struct { const char *file, *says; } rows[] = {
        { "module.pth", "module.pth: holds an object of the class __main__.Net where a state dict is wanted" },
        { "module_inside.pth", "module_inside.pth: holds an object of the class __main__.Net where a state dict is" },
        { "numpy.pth", "numpy.pth: fc.weight is an object of the class numpy._core.multiarray._reconstruct, where a" },
        { "complex.pth", "tensor fc.weight: is of the type torch.ComplexFloatStorage, which is not read" },
        { "sparse.pth", "sparse.pth: fc.weight is an object of the class torch._utils._rebuild_sparse_tensor, where" },
        { "expanded.pth", "tensor fc.weight: its strides repeat elements" },
        { "no_tensors.pth", "no_tensors.pth: the file has no tensors; its entries are: epoch, args" },
        { "several.pth", "several.pth: the file has several dicts of tensors; its entries are: generator, discrim" },
        { "script.pt", "script.pt: is a TorchScript program, not a state dict. This writes its weights: python3" },
        { "expected.safetensors", "expected.safetensors: is no checkpoint of PyTorch" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[NN_PATH_MAX];
        nn_safetensors *f = NULL;
        assert_ok(nn_path_build(path, FOLDER, rows[i].file));
        assert_int_equal(nn_torch_load(path, NULL, &f), VKC_E_FORMAT);
        assert_null(f);
        check_sentence(rows[i].says);
    }
}

// The shards of a folder, as those of safetensors.
static void test_shards(void **state)
{
    (void) state;
    nn_weights *w = NULL;
    nn_safetensors *want = NULL;
    char folder[NN_PATH_MAX], line[3 * NN_PATH_MAX];
    assert_ok(nn_path_build(folder, dir, "shards"));
    assert_ok(nn_folder_create(folder));
    snprintf(line, sizeof line, "cp " FOLDER "pytorch_model* '%s'", folder);
    assert_int_equal(system(line), 0);
    assert_ok(nn_weights_load(folder, &w));
    assert_int_equal(nn_weights_n_files(w), 2);
    assert_int_equal(nn_weights_len(w), 2);
    assert_ok(nn_safetensors_load(FOLDER "expected.safetensors", &want));
    check_equal(nn_weights_get(w, "fc.weight"), nn_safetensors_get(want, "timm.pth.tar/fc.weight"));
    check_equal(nn_weights_get(w, "fc.bias"), nn_safetensors_get(want, "timm.pth.tar/fc.bias"));
    nn_weights_destroy(w);
    nn_safetensors_destroy(want);
}

// ---- any shape and any order of dimensions, against the formula

static uint32_t below(uint32_t *counter, uint32_t n)
{
    return nn_rng_below(5, 0, (*counter)++, n);
}

static void check_strides(uint32_t *r)
{
    enum { MAX = 20000 };
    static uint16_t data[MAX], got[MAX];
    uint64_t shape[4], stride[4], step = 1, len = 1, order[4] = { 0, 1, 2, 3 };
    const uint32_t rank = 1 + below(r, 4);
    for (uint32_t d = 0; d < rank; d++)
        len *= shape[d] = 1 + below(r, rank == 1 ? 3000 : rank == 2 ? 90 : 8);
    for (uint32_t d = rank; d-- > 1;) {
        const uint32_t k = below(r, d + 1);
        const uint64_t swap = order[d];
        order[d] = order[k], order[k] = swap;
    }
    for (uint32_t d = 0; d < rank; d++) {           // order[0] lies closest together, perhaps with gaps
        stride[order[d]] = step * (below(r, 4) == 0 ? 2 : 1);
        step = stride[order[d]] * shape[order[d]];
    }
    if (step > MAX)
        return;
    unsigned char pickle[600] = TORCH_PROTO "}(" TORCH_KEY("w") "ctorch._utils\n_rebuild_tensor_v2\n("
        TORCH_STORAGE("HalfStorage", "0", "J\x20\x4e\0\0") "K\0(";
    size_t at = sizeof TORCH_PROTO "}(" TORCH_KEY("w") "ctorch._utils\n_rebuild_tensor_v2\n("
        TORCH_STORAGE("HalfStorage", "0", "J\x20\x4e\0\0") "K\0(" - 1, size;
    for (uint32_t d = 0; d < 2 * rank; d++) {
        if (d == rank)
            memcpy(pickle + at, "t(", 2), at += 2;
        pickle[at++] = 'J';
        at += torch_put(pickle + at, d < rank ? shape[d] : stride[d - rank], 4);
    }
    memcpy(pickle + at, "t\x89NtRu.", 7);
    at += 7;
    for (size_t i = 0; i < MAX; i++)
        data[i] = (uint16_t) (i * 7919);
    const torch_entry e[] = { { "a/data.pkl", pickle, at }, { "a/data/0", data, sizeof data } };
    unsigned char *bytes = torch_zip(e, 2, &size);
    nn_safetensors *f = NULL;
    assert_ok(nn_torch_read("m", bytes, size, NULL, &f));
    const nn_st_tensor *t = nn_safetensors_get(f, "w");
    assert_non_null(t);
    assert_int_equal(t->len, len);
    const uint64_t first = below(r, (uint32_t) len), n = 1 + below(r, (uint32_t) (len - first));
    assert_ok(nn_st_tensor_read_raw(t, 2 * first, 2 * (size_t) n, got));
    for (uint64_t i = 0; i < n; i++) {
        uint64_t rest = first + i, place = 0;
        for (uint32_t d = rank; d-- > 0; rest /= shape[d])
            place += rest % shape[d] * stride[d];
        if (got[i] != data[place])
            fail_msg("element %llu of %llu, rank %u", (unsigned long long) (first + i), (unsigned long long) len, rank);
    }
    nn_safetensors_destroy(f);
    free(bytes);
}

static void test_strides(void **state)
{
    (void) state;
    uint32_t counter = 0;
    for (int i = 0; i < 500; i++)
        check_strides(&counter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),  cmocka_unit_test(test_key),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_shards), cmocka_unit_test(test_strides),
    };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
