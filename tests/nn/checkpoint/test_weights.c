// test_weights.c — sets of weight files: an index and its shards against each other, every lie of an index, and
// folders that have no safetensors file.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nn/base/files.h"
#include "nn/checkpoint/weights.h"
#include "tests/nn/checkpoint/st_bytes.h"
#include "tests/temp_dir.h"

#define INDEX "model.safetensors.index.json"
#define MAP(text) "{\"weight_map\":{" text "}}"
#define X "\"x\":\"a.safetensors\","
#define Y "\"y\":\"a.safetensors\","
#define Z "\"z\":\"b.safetensors\""

static void save(const char *folder, const char *name, const void *data, size_t size)
{
    char path[NN_PATH_MAX];
    assert_int_equal(nn_path_build(path, folder, name), VKC_OK);
    assert_int_equal(nn_file_save(path, data, size), VKC_OK);
}

static void save_weights(const char *folder, const char *name, const char *header, size_t data_size)
{
    size_t size;
    unsigned char *bytes = st_bytes(header, data_size, &size);
    for (size_t i = 0; i < data_size; i++)
        bytes[size - data_size + i] = (unsigned char) (i + 1);
    save(folder, name, bytes, size);
    free(bytes);
}

// A folder of its own, its path in `out`.
static void make_folder(char out[NN_PATH_MAX])
{
    static int n;
    char name[20];
    snprintf(name, sizeof name, "%d", n++);
    assert_int_equal(nn_path_build(out, dir, name), VKC_OK);
    assert_int_equal(nn_folder_create(out), VKC_OK);
}

static void make_shards(char folder[NN_PATH_MAX])
{
    make_folder(folder);
    save_weights(folder, "a.safetensors", "{" T("x", "F32", "[2]", "[0,8]") "," T("y", "U8", "[1]", "[8,9]") "}", 9);
    save_weights(folder, "b.safetensors", "{" T("z", "F16", "[2]", "[0,4]") "}", 4);
}

// Are these words in the sentence, or at its end where they end in "$"?
static bool is_said(const char *says)
{
    const char *text = vkc_last_error();
    const size_t n = strlen(says), len = strlen(text);
    if (says[n - 1] != '$')
        return strstr(text, says) != NULL;
    return len >= n - 1 && memcmp(text + len - (n - 1), says, n - 1) == 0;
}

static void check_refused(const char *folder, vkc_status want, const char *file, const char *says)
{
    nn_weights *w = NULL;
    vkc_status st = nn_weights_load(folder, &w);
    if (st != want)
        fail_msg("%s, want %s: %s", vkc_status_str(st), vkc_status_str(want), vkc_last_error());
    assert_null(w);
    if (!is_said(says) || strstr(vkc_last_error(), file) == NULL)
        fail_msg("'%s' lacks '%s' or '%s'", vkc_last_error(), says, file);
}

// ---- good sets

static void check_set(const char *folder, const char *index)
{
    nn_weights *w = NULL;
    unsigned char y;
    save(folder, INDEX, index, strlen(index));
    if (nn_weights_load(folder, &w) != VKC_OK)
        fail_msg("refused: %s", vkc_last_error());
    assert_int_equal(nn_weights_len(w), 3);
    assert_int_equal(nn_weights_n_files(w), 2);
    assert_non_null(strstr(nn_weights_path(w), INDEX));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(nn_weights_at(w, i)->name[0], "xyz"[i]);
        assert_ptr_equal(nn_weights_get(w, nn_weights_at(w, i)->name), nn_weights_at(w, i));
    }
    assert_null(nn_weights_at(w, 3));
    assert_null(nn_weights_get(w, "w"));
    assert_non_null(strstr(nn_safetensors_path(nn_weights_get(w, "z")->file), "b.safetensors"));
    assert_int_equal(nn_st_tensor_read_raw(nn_weights_get(w, "y"), 0, 1, &y), VKC_OK);
    assert_int_equal(y, 9);
    assert_true(nn_weights_memory(w) < NN_WEIGHTS_PIECE + 8192);
    nn_weights_destroy(w);
}

static void test_sets(void **state)
{
    (void) state;
    char folder[NN_PATH_MAX];
    make_shards(folder);
    check_set(folder, MAP(X Y Z));
    check_set(folder, MAP(Z "," Y "\"x\":\"a.safetensors\""));
    check_set(folder, "{\"metadata\":{\"total_size\":13,\"more\":[1.5e3,-2,null,{\"deep\":[true]}]},\n "
              "\"weight_map\" : {" X Y Z "}}\n");
    check_set(folder, "{\"metadata\":\"anything\",\"weight_map\":{\"\\u0078\":\"a.safetensors\"," Y Z "}}");
}

// model.safetensors comes before an index, and an index before open_clip_model.safetensors.
static void test_order(void **state)
{
    (void) state;
    char folder[NN_PATH_MAX];
    nn_weights *w = NULL;
    make_shards(folder);
    save_weights(folder, "open_clip_model.safetensors", "{" T("o", "U8", "[1]", "[0,1]") "}", 1);
    save(folder, "pytorch_model.bin", "", 0);
    assert_int_equal(nn_weights_load(folder, &w), VKC_OK);
    assert_non_null(nn_weights_get(w, "o"));
    nn_weights_destroy(w);
    check_set(folder, MAP(X Y Z));
    save_weights(folder, "model.safetensors", "{" T("m", "U8", "[1]", "[0,1]") "}", 1);
    assert_int_equal(nn_weights_load(folder, &w), VKC_OK);
    assert_int_equal(nn_weights_len(w), 1);
    assert_int_equal(nn_weights_n_files(w), 1);
    assert_non_null(nn_weights_get(w, "m"));
    nn_weights_destroy(w);
}

// ---- every lie of an index

typedef struct attack { const char *name, *index, *says; } attack;

static const attack attacks[] = {
    { "a shard above", MAP("\"x\":\"../a.safetensors\"," Y Z),
      INDEX ": tensor x, byte 19: ../a.safetensors is no name" },
    { "a shard of the root", MAP("\"x\":\"/etc/a.safetensors\"," Y Z), "byte 19: /etc/a.safetensors is no name" },
    { "a shard below", MAP("\"x\":\"sub/a.safetensors\"," Y Z), "byte 19: sub/a.safetensors is no name" },
    { "a shard above by escapes", MAP("\"x\":\"..\\u002fa.safetensors\"," Y Z),
      "byte 19: ../a.safetensors is no name" },
    { "a shard above by backslash", MAP("\"x\":\"..\\\\a.safetensors\"," Y Z), "is no name of a .safetensors file" },
    { "a shard on a drive", MAP("\"x\":\"c:a.safetensors\"," Y Z), "byte 19: c:a.safetensors is no name" },
    { "the folder itself", MAP("\"x\":\".\"," Y Z), "byte 19: . is no name" },
    { "the folder above", MAP("\"x\":\"..\"," Y Z), "byte 19: .. is no name" },
    { "a hidden shard", MAP("\"x\":\".a.safetensors\"," Y Z), "byte 19: .a.safetensors is no name" },
    { "a shard without a name", MAP("\"x\":\"\"," Y Z), "byte 19:  is no name" },
    { "a shard with a NUL", MAP("\"x\":\"a.safetensors\\u0000.bin\"," Y Z), "tensor x, byte 33: not valid JSON here" },
    { "a shard with a colour", MAP("\"x\":\"\\u001b[31m.safetensors\"," Y Z),
      "byte 19: what has control characters is" },
    { "a pickle for a shard", MAP("\"x\":\"a.bin\"," Y Z), "byte 19: a.bin is no name of a .safetensors file" },
    { "a number for a shard", MAP("\"x\":1," Y Z), "tensor x, byte 19: not valid JSON here: expected a string" },
    { "a missing shard", MAP("\"x\":\"c.safetensors\"," Y Z), INDEX ": byte 19: the file c.safetensors is not in" },
    { "a missing tensor", MAP(X Y Z ",\"w\":\"b.safetensors\""),
      INDEX ": tensor w, byte 75: the file b.safetensors has no such tensor" },
    { "a tensor left out", MAP(X Z), "a.safetensors: tensor y, bytes 122 to 123: is not in the weight_map of" },
    { "a tensor in the other shard", MAP(X Y "\"z\":\"a.safetensors\""),
      "tensor z, byte 55: the file a.safetensors has no" },
    { "a tensor twice", MAP(X Y Z "," "\"x\":\"b.safetensors\""), ": the name is there twice, also at byte" },
    { "a tensor without a name", MAP(X Y Z ",\"\":\"b.safetensors\""), INDEX ": byte 75: a tensor's name is empty" },
    { "a tensor with a colour", MAP(X Y Z ",\"\\u001b\":\"b.safetensors\""), "or has control characters" },
    { "the map twice", "{\"weight_map\":{" X Y Z "},\"weight_map\":{}}", "byte 76: weight_map is there twice" },
    { "metadata twice", "{\"metadata\":1,\"metadata\":2}", "byte 14: metadata is there twice" },
    { "no map", "{\"metadata\":{\"total_size\":13}}", "there is no weight_map, or nothing in it" },
    { "an empty map", MAP(""), "there is no weight_map, or nothing in it" },
    { "a list for a map", "{\"weight_map\":[]}", INDEX ": byte 14: not valid JSON here: expected {" },
    { "a list for an index", "[]", INDEX ": byte 0: not valid JSON here: expected {" },
    { "an empty file", "", INDEX ": byte 0: not valid JSON here: expected {" },
    { "another key", "{\"files\":{}}", "byte 1: an index has just weight_map and metadata" },
    { "more than one value", MAP(X Y Z) "{}", "byte 76: not valid JSON: more than one value" },
    { "too deep", "{\"metadata\":[[[[[[[[[[[[[[[[[[[[[[[[", "byte 27: the JSON is nested more than 16 deep" },
    { "not UTF-8", "{\"\xff\":{}}", INDEX ": byte 2: a string is not UTF-8" },
    { "a word that is none", "{\"metadata\":nil}", "byte 12: not valid JSON here: expected a value" },
    { "a number that is none", "{\"metadata\":01}", "byte 12: not valid JSON here: expected a value" },
    { "a fraction that is none", "{\"metadata\":1.}", "byte 12: not valid JSON here: expected a value" },
};
#define N_ATTACKS (sizeof attacks / sizeof *attacks)

static void test_attack(void **state)
{
    const attack *a = *state;
    char folder[NN_PATH_MAX];
    make_shards(folder);
    save_weights(dir, "a.safetensors", "{" T("x", "F32", "[2]", "[0,8]") "}", 8);       // for whoever would go up
    save(folder, INDEX, a->index, strlen(a->index));
    check_refused(folder, VKC_E_FORMAT, INDEX, a->says);
}

// The same tensor in two shards: the index names one of them.
static void test_one_name_twice(void **state)
{
    (void) state;
    char folder[NN_PATH_MAX];
    make_shards(folder);
    save_weights(folder, "b.safetensors", "{" T("x", "U8", "[1]", "[0,1]") "," T("z", "U8", "[1]", "[1,2]") "}", 2);
    save(folder, INDEX, MAP(X Y Z), strlen(MAP(X Y Z)));
    check_refused(folder, VKC_E_FORMAT, "/b.safetensors: tensor x, bytes 113 to 114: ",
                  "is in the file a.safetensors too, where byte 15 of");
}

static void test_bad_shard(void **state)
{
    (void) state;
    char folder[NN_PATH_MAX], path[NN_PATH_MAX];
    make_shards(folder);
    save(folder, INDEX, MAP(X Y Z), strlen(MAP(X Y Z)));
    save_weights(folder, "b.safetensors", "{" T("z", "F16", "[2]", "[0,4]") "}", 3);
    check_refused(folder, VKC_E_FORMAT, "/b.safetensors: tensor z, bytes 62 to 66: ", "ends after the file");
    assert_int_equal(nn_path_build(path, folder, "b.safetensors"), VKC_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    check_refused(folder, VKC_E_FORMAT, INDEX, "the file b.safetensors is not in the folder");
}

static void test_many_shards(void **state)
{
    (void) state;
    char folder[NN_PATH_MAX], *index = malloc(20000);
    assert_non_null(index);
    make_folder(folder);
    for (int n = NN_WEIGHTS_MAX_FILES; n <= NN_WEIGHTS_MAX_FILES + 1; n++) {
        size_t at = (size_t) snprintf(index, 20000, "{\"weight_map\":{");
        for (int i = 0; i < n; i++)
            at += (size_t) snprintf(index + at, 20000 - at, "%s\"t%d\":\"s%d.safetensors\"", i ? "," : "", i, i);
        snprintf(index + at, 20000 - at, "}}");
        save(folder, INDEX, index, strlen(index));
        check_refused(folder, VKC_E_FORMAT, INDEX,
                      n > NN_WEIGHTS_MAX_FILES ? "more than 128 files" : "the file s0.safetensors is not in");
    }
    free(index);
}

static void test_truncated(void **state)
{
    (void) state;
    const char *index = MAP(X Y Z);
    char folder[NN_PATH_MAX];
    make_shards(folder);
    for (size_t n = 0; n < strlen(index); n++) {
        save(folder, INDEX, index, n);
        check_refused(folder, VKC_E_FORMAT, INDEX, ": ");
    }
}

// ---- other formats

// The file is a pipe: whoever opens it to look inside waits for ever.
static void check_other(const char *name, const char *what, const char *line)
{
    char folder[NN_PATH_MAX], path[NN_PATH_MAX];
    make_folder(folder);
    save(folder, "config.json", "{}", 2);
    assert_int_equal(nn_path_build(path, folder, name), VKC_OK);
    assert_int_equal(mkfifo(path, 0600), 0);
    check_refused(folder, VKC_E_FORMAT, path, what);
    check_refused(folder, VKC_E_FORMAT, "only safetensors files and PyTorch's are read", "python3 -c \"import ");
    check_refused(folder, VKC_E_FORMAT, "/model.safetensors'", line);
}

static void test_others(void **state)
{
    (void) state;
    check_other("odd name.h5", "is an HDF5 file", "/odd name.h5'$");
    check_other("tf_model.h5", "is TensorFlow's format", "from_tf=True");
    check_other("flax_model.msgpack", "is Flax's format", "from_flax=True");
    check_other("model.gguf", "is a GGUF file", "GGUFReader(sys.argv[2])");
    check_other("model.onnx", "is an ONNX file", "onnx.load(sys.argv[2])");
    check_other("weights.h5", "is an HDF5 file", "h5py.File(sys.argv[2])");
}

static void test_likeliest(void **state)
{
    (void) state;
    char folder[NN_PATH_MAX];
    make_folder(folder);
    check_refused(folder, VKC_E_IO, folder, "has no model.safetensors");
    save(folder, "a.onnx", "", 0);
    check_refused(folder, VKC_E_FORMAT, "/a.onnx is ", "ONNX");
    save(folder, "b.gguf", "", 0);
    save(folder, "a.gguf", "", 0);
    check_refused(folder, VKC_E_FORMAT, "/a.gguf is ", "GGUF");
    save(folder, "flax_model.msgpack", "", 0);
    check_refused(folder, VKC_E_FORMAT, "/flax_model.msgpack is ", "Flax");
}

// ---- checkpoints of PyTorch

#define TORCH "tests/golden/torch_files/"

static void copy(const char *from, const char *folder, const char *name)
{
    unsigned char *bytes = NULL;
    size_t size;
    assert_int_equal(nn_file_load(from, 1 << 20, &bytes, &size), VKC_OK);
    save(folder, name, bytes, size);
    free(bytes);
}

static void check_read(const char *model, const char *file, const char *key)
{
    nn_weights *w = NULL;
    if (nn_weights_load(model, &w) != VKC_OK)
        fail_msg("%s: %s", model, vkc_last_error());
    if (strcmp(nn_weights_path(w) + strlen(nn_weights_path(w)) - strlen(file), file) != 0)
        fail_msg("%s: %s, want %s", model, nn_weights_path(w), file);
    if (key == NULL)
        assert_null(nn_weights_notes(w));
    else
        assert_string_equal(nn_weights_notes(w)->key, key);
    nn_weights_destroy(w);
}

// From the last of the order to the first: each is taken before those that are there already.
static void test_torch_order(void **state)
{
    (void) state;
    char folder[NN_PATH_MAX];
    make_folder(folder);
    save(folder, "training_args.bin", "", 0);
    save(folder, "optimizer.pt", "", 0);
    save(folder, "rng_state.pth", "", 0);
    check_refused(folder, VKC_E_IO, folder, "and no checkpoint of PyTorch (pytorch_model.bin, *.pth)");
    copy(TORCH "dino.pth", folder, "last.pth.tar");
    check_read(folder, "/last.pth.tar", "teacher");
    copy(TORCH "dino.pth", folder, "best.ckpt");
    check_refused(folder, VKC_E_FORMAT, folder, " has several checkpoints, best.ckpt and last.pth.tar among them; name "
                  "one in the place of the folder");
    static const char *const names[] = { "checkpoint.pth", "model.pth", "open_clip_pytorch_model.bin" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        copy(TORCH "timm.pth.tar", folder, names[i]);
        check_read(folder, names[i], "state_dict");
    }
    copy(TORCH "pytorch_model.bin.index.json", folder, "pytorch_model.bin.index.json");
    copy(TORCH "pytorch_model-00001-of-00002.bin", folder, "pytorch_model-00001-of-00002.bin");
    check_refused(folder, VKC_E_FORMAT, "/pytorch_model.bin.index.json", "pytorch_model-00002-of-00002.bin is not in");
    copy(TORCH "pytorch_model-00002-of-00002.bin", folder, "pytorch_model-00002-of-00002.bin");
    check_read(folder, "/pytorch_model.bin.index.json", "");
    copy(TORCH "dino.pth", folder, "pytorch_model.bin");
    check_read(folder, "/pytorch_model.bin", "teacher");
    save_weights(folder, "model.safetensors", "{" T("m", "U8", "[1]", "[0,1]") "}", 1);
    check_read(folder, "/model.safetensors", NULL);
}

static void test_torch_places(void **state)
{
    (void) state;
    char folder[NN_PATH_MAX], model[NN_PATH_MAX + 20];
    nn_weights_place p;
    make_folder(folder);
    copy(TORCH "dino.pth", folder, "a#b.pth");
    snprintf(model, sizeof model, "%s#student", folder);
    check_read(model, "/a#b.pth", "student");
    snprintf(model, sizeof model, "%s/a#b.pth", folder);
    check_read(model, "/a#b.pth", "teacher");
    snprintf(model, sizeof model, "%s/a#b.pth#student", folder);
    check_read(model, "/a#b.pth", "student");
    assert_int_equal(nn_weights_find(model, &p), VKC_OK);
    assert_string_equal(p.folder, folder);
    assert_string_equal(p.key, "student");
    assert_int_equal(nn_weights_find("a.pth", &p), VKC_OK);
    assert_false(p.is_there);
    snprintf(model, sizeof model, "%s#none", folder);
    check_refused(model, VKC_E_FORMAT, "/a#b.pth", "has no entry none; its entries are: student, teacher, epoch");
    save_weights(folder, "model.safetensors", "{" T("m", "U8", "[1]", "[0,1]") "}", 1);
    check_refused(model, VKC_E_ARG, "/model.safetensors", "has no entries of which none could be one");
    copy(TORCH "expected.safetensors", folder, "weights.bin");      // what it is, not what it is called
    snprintf(model, sizeof model, "%s/weights.bin", folder);
    check_read(model, "/weights.bin", NULL);
    save(folder, "weights.bin", "", 0);
    check_refused(model, VKC_E_FORMAT, "/weights.bin", ": is empty");
    char tar[600] = "data.pkl";
    memcpy(tar + 257, "ustar", 5);
    save(folder, "weights.bin", tar, sizeof tar);
    check_refused(model, VKC_E_FORMAT, "/weights.bin", ": is a tar archive; unpack it first");
    save(folder, "weights.bin", "version https://git-lfs.github.com/spec/v1", 42);
    check_refused(model, VKC_E_FORMAT, "/weights.bin", ": is a pointer of Git LFS");
    save(folder, "weights.bin", "<!DOCTYPE html>", 15);
    check_refused(model, VKC_E_FORMAT, "/weights.bin", ": is neither a checkpoint that torch.save wrote nor a safe");
}

// What is pasted into a shell has no quotes of a file's name in it.
static void test_quotes(void **state)
{
    (void) state;
    char folder[NN_PATH_MAX];
    make_folder(folder);
    save(folder, "it's.gguf", "", 0);
    check_refused(folder, VKC_E_FORMAT, "/it's.gguf is ", "\" 'FOLDER/model.safetensors' 'FOLDER/FILE'$");
}

int main(void)
{
    static struct CMUnitTest tests[N_ATTACKS + 11] = {
        cmocka_unit_test(test_sets),       cmocka_unit_test(test_order),  cmocka_unit_test(test_one_name_twice),
        cmocka_unit_test(test_bad_shard),  cmocka_unit_test(test_many_shards), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_others),     cmocka_unit_test(test_likeliest),   cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_torch_order),  cmocka_unit_test(test_torch_places),
    };
    for (size_t i = 0; i < N_ATTACKS; i++)
        tests[11 + i] = (struct CMUnitTest) { .name = attacks[i].name, .test_func = test_attack,
                                             .initial_state = (void *) (uintptr_t) &attacks[i] };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
