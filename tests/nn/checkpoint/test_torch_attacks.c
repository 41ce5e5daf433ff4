// test_torch_attacks.c — every inconsistency of a checkpoint of PyTorch is one test: refused with a sentence that names
// the file and what is wrong in it, in memory bounded by the file's own size. Nothing that a pickle names is ever
// called: there is no code here that could, so what a hostile one wants is an object like any other.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "nn/base/files.h"
#include "nn/checkpoint/pickle.h"
#include "nn/checkpoint/torch_file.h"
#include "tests/nn/checkpoint/torch_bytes.h"
#include "tests/temp_dir.h"

#define FOLDER "tests/golden/torch_files/"
#define B(text) text, sizeof(text) - 1
#define W(offset, size, stride) TORCH_DICT(TORCH_KEY("w") TORCH_TENSOR(TORCH_FLOATS, offset, size, stride))
#define OK_TENSOR TORCH_TENSOR(TORCH_FLOATS, "K\0", "K\2K\3\x86", "K\3K\1\x86")
#define SYSTEM "cos\nsystem\n(X\x08\0\0\0" "echo hit" "tR"
#define HUGE "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"     // 2 ** 63 - 1

typedef struct attack { const char *name, *pickle; size_t size; const char *says; } attack;

static const attack attacks[] = {
    // Of tensors.
    { "an offset past the end", B(W("K\1", "K\2K\3\x86", "K\3K\1\x86")), "m: tensor w: reaches out of its storage" },
    { "a size past the end", B(W("K\0", "K\2K\4\x86", "K\4K\1\x86")), "m: tensor w: reaches out of its storage" },
    { "a stride past the end", B(W("K\0", "K\2K\3\x86", "K\4K\1\x86")), "m: tensor w: reaches out of its storage" },
    { "an offset past the end of nothing", B(W("K\7", "K\0\x85", "K\1\x85")), "m: tensor w: reaches out of its" },
    { "a size that overflows", B(W("K\0", HUGE HUGE "\x86", "K\0K\0\x86")), "the product of its sizes overflows" },
    { "a size that overflows beside a zero", B(W("K\0", HUGE HUGE "K\0\x87", "K\1K\1K\1\x87")), "sizes overflows" },
    { "a stride that overflows", B(W("K\0", "K\3\x85", HUGE "\x85")), "m: tensor w: reaches out of its storage" },
    { "an offset that overflows", B(W(HUGE, "K\3\x85", "K\1\x85")), "m: tensor w: reaches out of its storage" },
    { "elements that are repeated", B(W("K\0", "J\0\0\0\1\x85", "K\0\x85")),
      "m: tensor w: its strides repeat elements" },
    { "a negative size", B(W("K\0", "J\xff\xff\xff\xff\x85", "K\1\x85")), "is no whole number of 0 or more" },
    { "a negative stride", B(W("K\5", "K\2\x85", "J\xff\xff\xff\xff\x85")), "is no whole number of 0 or more" },
    { "a negative offset", B(W("J\xff\xff\xff\xff", "K\2\x85", "K\1\x85")), "its offset is no whole number of 0 or" },
    { "a size of 72 bits", B(W("K\0", "\x8a\x09\1\1\1\1\1\1\1\1\1\x85", "K\1\x85")),
      "is no whole number of 0 or more" },
    { "a size that is true", B(W("K\0", "\x88\x85", "K\1\x85")), "is no whole number of 0 or more" },
    { "a size with a fraction", B(W("K\0", "G\x40\0\0\0\0\0\0\0\x85", "K\1\x85")), "is no whole number of 0 or more" },
    { "sizes that are a list", B(W("K\0", "]", "K\1\x85")), "its size and strides are not two tuples" },
    { "fewer strides than sizes", B(W("K\0", "K\2K\3\x86", "K\1\x85")), "its size and strides are not two tuples" },
    { "rank 9", B(W("K\0", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t")),
      "more than 8 dimensions" },
    { "a storage that is larger than its entry", B(TORCH_DICT(TORCH_KEY("w") TORCH_TENSOR(
        TORCH_STORAGE("FloatStorage", "0", "K\7"), "K\0", "K\1\x85", "K\1\x85"))), "its storage is larger than what" },
    { "a storage that overflows", B(TORCH_DICT(TORCH_KEY("w") TORCH_TENSOR(
        TORCH_STORAGE("DoubleStorage", "0", HUGE), "K\0", "K\1\x85", "K\1\x85"))), "its storage is larger than what" },
    { "a storage without an entry", B(TORCH_DICT(TORCH_KEY("w") TORCH_TENSOR(
        TORCH_STORAGE("FloatStorage", "1", "K\1"), "K\0", "K\1\x85", "K\1\x85"))), "w: the file has no entry data/1" },
    { "a type that is none", B(TORCH_DICT(TORCH_KEY("w") TORCH_TENSOR(
        TORCH_STORAGE("QInt8Storage", "0", "K\1"), "K\0", "K\1\x85", "K\1\x85"))),
      "is of the type torch.QInt8Storage" },
    { "a name twice", B(TORCH_DICT(TORCH_KEY("w") OK_TENSOR TORCH_KEY("w") OK_TENSOR)),
      "m: tensor w: the name is there" },
    { "no name", B(TORCH_DICT("X\0\0\0\0" OK_TENSOR)), "m: a tensor's name is empty" },
    { "a name with a colour", B(TORCH_DICT("X\3\0\0\0\x1b[m" OK_TENSOR)), "m: a tensor's name is empty, longer than" },
    { "a name with a NUL", B(TORCH_DICT("X\3\0\0\0" "a\0b" OK_TENSOR)), "m: a tensor's name is empty, longer than" },
    { "a name that is not UTF-8", B(TORCH_DICT("X\2\0\0\0\xc0\xaf" OK_TENSOR)), "m: a tensor's name is empty, longer" },
    // Of what is to be called, which never is.
    { "a command for a state dict", B(TORCH_PROTO SYSTEM "."),
      "m: holds an object of the class os.system where a state" },
    { "a command under a key", B(TORCH_DICT("X\5\0\0\0model" SYSTEM)),
      "m: holds an object of the class os.system where" },
    { "a command for a weight", B(TORCH_DICT("X\3\0\0\0a.b" SYSTEM TORCH_KEY("w") OK_TENSOR)),
      "m: a.b is an object of the class os.system, where a tensor is wanted" },
    { "a class with a state for a weight", B(TORCH_DICT("X\3\0\0\0a.b" "cx\ny\n)\x81}b" TORCH_KEY("w") OK_TENSOR)),
      "m: a.b is an object of the class x.y, where a tensor is wanted" },
    { "a class by names", B("\x80\4}(\x8c\3" "a.b\x8c\2os\x8c\6system\x93)R" TORCH_KEY("w") OK_TENSOR "u."),
      "m: a.b is an object of the class os.system" },
    { "a class with a colour", B(TORCH_DICT("X\3\0\0\0a.b" "c\x1b[31m\ny\n)R" TORCH_KEY("w") OK_TENSOR)),
      "m: a.b is an object of the class ?[31m.y" },
    { "a name in the place of a dict", B(TORCH_PROTO "cos\nsystem\n."),
      "m: holds os.system where a state dict is wanted" },
    { "a tensor of a command", B(TORCH_DICT("X\3\0\0\0a.b" TORCH_TENSOR(SYSTEM, "K\0", "K\1\x85", "K\1\x85")
                                            TORCH_KEY("w") OK_TENSOR)),
      "m: a.b is an object of the class torch._utils._rebuild_tensor_v2" },
    { "a tensor alone", B(TORCH_PROTO OK_TENSOR "."), "m: holds a tensor where a state dict is wanted" },
    { "a class by arguments with names", B("\x80\4}(X\3\0\0\0a.b" "cx\ny\n)}\x92" TORCH_KEY("w") OK_TENSOR "u."),
      "m: a.b is an object of the class x.y" },
    // Of the stack.
    { "nothing", B(""), "byte 40: the pickle ends in the middle" },
    { "a stack that is empty", B(TORCH_PROTO "."), "byte 42: the pickle takes more values from its stack than" },
    { "a pop of nothing", B(TORCH_PROTO "0."), "byte 42: the pickle takes more values" },
    { "a call of nothing", B(TORCH_PROTO "NR."), "byte 43: the pickle takes more values" },
    { "a tuple of nothing", B(TORCH_PROTO "N\x86."), "byte 43: the pickle takes more values" },
    { "a mark that is missing", B(TORCH_PROTO "t."), "byte 42: the pickle takes values from its stack up to a mark" },
    { "values below a mark", B(TORCH_PROTO "N(\x85."), "byte 44: the pickle takes more values" },
    { "items for nothing", B(TORCH_PROTO "(NNu."), "byte 45: the pickle adds items to nothing" },
    { "items for a mark", B(TORCH_PROTO "}((NNu."), "byte 47: the pickle adds items to nothing" },
    { "items for a number", B(TORCH_PROTO "K\1Na."), "byte 45: the pickle adds items to what has none" },
    { "pairs for a list", B(TORCH_PROTO "](NNu."), "byte 46: the pickle adds pairs to what has none" },
    { "half a pair", B(TORCH_PROTO "}(Nu."), "byte 45: the pickle adds pairs to what has none" },
    { "an entry of the memo that is not there", B(TORCH_PROTO "h\0."), "byte 42: the memo has no entry 0" },
    { "a hole of the memo", B(TORCH_PROTO "Nq\3h\2."), "byte 45: the memo has no entry 2" },
    { "a memo of 2 ** 32", B(TORCH_PROTO "Nr\xff\xff\xff\xff."), "byte 43: the memo has no entry 4294967295 yet" },
    { "a string of 2 ** 63", B("\x80\4\x8d\xff\xff\xff\xff\xff\xff\xff\x7f."),
      "byte 42: the pickle ends in the middle" },
    { "a string of 2 ** 64 - 1", B("\x80\4\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), "byte 42: the pickle ends in the" },
    { "a long of 2 ** 32 - 1", B(TORCH_PROTO "\x8b\xff\xff\xff\xff."), "byte 42: the pickle ends in the middle" },
    { "a class without an end", B(TORCH_PROTO "cabc"), "byte 42: the pickle ends in the middle" },
    { "a class by a number", B("\x80\4K\1K\2\x93."), "byte 46: the pickle names a class by what are no names" },
    { "an extension", B(TORCH_PROTO "\x82\1."), "byte 42: 130 is no opcode of a pickle of protocols 2 to 5" },
    { "a number as text", B(TORCH_PROTO "I1\n."), "byte 42: 73 is no opcode of a pickle of protocols 2 to 5" },
    { "a buffer outside", B("\x80\5\x97."), "byte 42: 151 is no opcode of a pickle" },
    { "protocol 6", B("\x80\6N."), "byte 40: the pickle is of protocol 6; 2 to 5 are read" },
    { "protocol 1", B("\x80\1N."), "byte 40: the pickle is of protocol 1; 2 to 5 are read" },
    { "another persistent id", B(TORCH_PROTO "K\1Q."), "byte 44: a persistent id is none of a storage" },
    { "a storage of a negative length", B(TORCH_PROTO TORCH_STORAGE("FloatStorage", "0", "J\xff\xff\xff\xff") "."),
      "a persistent id is none of a storage" },
    { "a dict of itself", B(TORCH_PROTO "}q\0X\5\0\0\0modelh\0s."),
      "m: the file has no tensors; its entries are: model" },
    { "a dict of a list that is none of pairs", B(TORCH_PROTO "ccollections\nOrderedDict\n]K\1a\x85R."),
      "m: a dict is made of a list that is none of pairs" },
};
#define N_ATTACKS (sizeof attacks / sizeof *attacks)

static void check_sentence(const char *says)
{
    if (strstr(vkc_last_error(), says) == NULL)
        fail_msg("'%s' lacks '%s'", vkc_last_error(), says);
}

static void check_refused(const void *bytes, size_t size, const char *says)
{
    nn_safetensors *f = NULL;
    assert_int_equal(nn_torch_read("m", bytes, size, NULL, &f), VKC_E_FORMAT);
    assert_null(f);
    check_sentence("m: ");
    check_sentence(says);
}

static void test_attack(void **state)
{
    const attack *a = *state;
    size_t size;
    unsigned char *bytes = torch_file(a->pickle, a->size, &size);
    check_refused(bytes, size, a->says);
    free(bytes);
}

// What is odd but right: an object that is not used, a stack with more on it, numbers that say no more than they are.
static void test_accepted(void **state)
{
    (void) state;
    static const struct { const char *pickle; size_t size; const char *ignored; } rows[] = {
        { B(W("K\0", "K\2K\3\x86", "K\3K\1\x86")), "" },
        { B(W("K\0", ")", ")")), "" },
        { B(W("K\6", "K\0\x85", "K\1\x85")), "" },
        { B(W("K\5", "K\1K\1\x86", "K\x63K\x63\x86")), "" },
        { B(TORCH_DICT("X\4\0\0\0argv" SYSTEM TORCH_KEY("w") OK_TENSOR)), "argv (os.system)" },
        { B(TORCH_PROTO "N(K\1" "}(" TORCH_KEY("w") OK_TENSOR "u."), "" },
        { B("\x80\2" "ccollections\nOrderedDict\n](](" TORCH_KEY("w") OK_TENSOR "ee\x85R."), "" },  // of Python 2
        { B(TORCH_DICT(TORCH_KEY("w") OK_TENSOR TORCH_KEY("x") "}" TORCH_KEY("w") OK_TENSOR "s")), "" },
        { B(TORCH_PROTO "}(U\1w" OK_TENSOR "u."), "" },                                         // likewise
        { B("\x80\4\x95\xff\xff\xff\xff\xff\xff\xff\xff}\x94(\x8c\1w" OK_TENSOR "u."), "" },    // a frame that lies
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size;
        float x;
        unsigned char *bytes = torch_file(rows[i].pickle, rows[i].size, &size);
        nn_safetensors *f = NULL;
        if (nn_torch_read("m", bytes, size, NULL, &f) != VKC_OK)
            fail_msg("%zu: %s", i, vkc_last_error());
        assert_string_equal(nn_torch_get_notes(f)->ignored, rows[i].ignored);
        assert_string_equal(nn_torch_get_notes(f)->key, "");
        assert_non_null(nn_safetensors_get(f, "w"));
        for (uint64_t k = 0; k < nn_safetensors_get(f, "w")->len; k++)
            assert_int_equal(nn_st_tensor_read(nn_safetensors_get(f, "w"), k, 1, &x), VKC_OK);
        nn_safetensors_destroy(f);
        free(bytes);
    }
}

// ---- zip archives

static const char whole[] = TORCH_DICT(TORCH_KEY("w") OK_TENSOR);

// A file with `bytes` bytes changed to `x` at `at`, which counts from the end when it is negative.
static void check_patched(long at, uint64_t x, size_t bytes, const char *says)
{
    size_t size;
    unsigned char *file = torch_file(B(whole), &size);
    torch_put(file + (at < 0 ? (long) size + at : at), x, bytes);
    check_refused(file, size, says);
    free(file);
}

static void test_zip(void **state)
{
    (void) state;
    const long rows = 46 * 4 + 10 + 11 + 8 + 9, table = -22 - rows, row2 = table + 46 + 10;
    check_patched(-22, 0, 1, "m: is a zip archive without its end; cut off");
    check_patched(-22 + 4, 1, 2, "m: is one part of a zip archive of several");
    check_patched(-22 + 8, 5, 2, "m: is one part of a zip archive of several");
    check_patched(-22 + 8, 0x00050005, 4, "m: the table of the zip archive does not fit the file");
    check_patched(-22 + 8, 0xffffffff, 4, "m: the table of the zip archive does not fit the file");
    check_patched(-22 + 12, 0xffffffff, 4, "m: the table of the zip archive does not fit the file");
    check_patched(-22 + 16, 0xffffffff, 4, "m: the table of the zip archive does not fit the file");
    check_patched(-22 + 16, 3, 4, "m: the table of the zip archive is damaged");
    check_patched(table, 0, 1, "m: the table of the zip archive is damaged");
    check_patched(table + 28, 0xffff, 2, "m: the table of the zip archive is damaged");
    check_patched(table + 8, 1, 2, "m: entry a/data.pkl of the zip archive is encrypted");
    check_patched(table + 10, 8, 2, "m: entry a/data.pkl of the zip archive is compressed; torch.save stores");
    check_patched(table + 20, 3, 4, "m: entry a/data.pkl of the zip archive is stored but has two sizes");
    check_patched(table + 24, 0xffffffff, 4, "m: entry a/data.pkl of the zip archive lacks its sizes of 64 bits");
    check_patched(table + 42, 0x7fffffff, 4, "m: entry a/data.pkl of the zip archive begins after the end");
    check_patched(table + 42, 1, 4, "m: entry a/data.pkl of the zip archive is not where the table says");
    check_patched(table + 20, 0x7fffffff7fffffff, 8, "m: entry a/data.pkl of the zip archive ends after");
    check_patched(table + 46, 'b', 1, "m: entry b/data.pkl of the zip archive has another name in its place");
    check_patched(row2 + 42, 0, 4, "m: entry a/byteorder of the zip archive has another name in its place");
    check_patched(30, 'b', 1, "m: entry a/data.pkl of the zip archive has another name in its place");
    check_patched(26, 0xffff, 2, "m: entry a/data.pkl of the zip archive ends after the archive's data");
    check_patched(0, 0, 1, "m: is no checkpoint of PyTorch: neither a zip file nor a pickle");
}

static void check_entries(const torch_entry *e, size_t n, const char *says)
{
    size_t size;
    unsigned char *file = torch_zip(e, n, &size);
    check_refused(file, size, says);
    free(file);
}

static void test_entries(void **state)
{
    (void) state;
    const torch_entry pickle = { "a/data.pkl", B(whole) }, data = { "a/data/0", B("123456789012345678901234") };
    check_entries((const torch_entry[]) { { "a.npy", "", 0 } }, 1,
                  "m: is a zip archive, but none that torch.save wrote");
    check_entries(NULL, 0, "m: is a zip archive, but none that torch.save wrote");
    check_entries((const torch_entry[]) { { "a/b/data.pkl", B(whole) }, data }, 2, "but none that torch.save wrote");
    check_entries((const torch_entry[]) { pickle, data, { "b/data.pkl", B(whole) } }, 3,
                  "m: is a zip archive with more "
                  "than one data.pkl");
    check_entries((const torch_entry[]) { pickle, data, data }, 3,
                  "m: entry a/data/0 of the zip archive is there twice");
    check_entries((const torch_entry[]) { pickle }, 1, "m: tensor w: the file has no entry data/0");
    check_entries((const torch_entry[]) { pickle, { "a/data/0", "1", 1 } }, 2,
                  "w: its storage is larger than what the");
    check_entries((const torch_entry[]) { pickle, data, { "a/byteorder", "big", 3 } }, 3, "m: its numbers are in big-");
    check_entries((const torch_entry[]) { pickle, data, { "a/byteorder", "middle-endian", 13 } }, 3,
                  "m: its entry byteorder is neither little nor big");
    check_entries((const torch_entry[]) { pickle, data, { "a/code/x.py", "", 0 } }, 3, "m: is a TorchScript program");
    check_entries((const torch_entry[]) { pickle, data, { "a/constants.pkl", "", 0 } }, 3,
                  "m: is a TorchScript program");
}

// Two entries whose data are the same bytes: the table says of the second that it begins within the first.
static void test_overlap(void **state)
{
    (void) state;
    // Within the data of the first entry lies what looks like the second one.
    static const char inner[] = "PK\3\4" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "\x0a\0\0\0" "a/data.pkl" "N.";
    const torch_entry e[] = { { "a/data/0", B(inner) }, { "a/data.pkl", "N.", 2 } };
    size_t size;
    unsigned char *file = torch_zip(e, 2, &size);
    torch_put(file + size - 22 - 56 + 42, 30 + 8, 4);       // the second row's place
    check_refused(file, size, "m: entry a/data.pkl of the zip archive overlaps another");
    free(file);
}

// Sizes of 64 bits, in the table and at the end, as of files of 4 GiB and more; and a data descriptor.
static void test_zip64(void **state)
{
    (void) state;
    size_t size;
    const torch_entry e[] = { { "a/data/0", B("123456789012345678901234") }, { "a/data.pkl", B(whole) } };
    unsigned char *file = torch_zip(e, 2, &size), *big = calloc(size + 28 + 56 + 20, 1);
    assert_non_null(big);
    const size_t row = size - 22 - 56, table = row - 54;        // of the pickle; of all
    memcpy(big, file, row + 56);
    memcpy(big + row + 56 + 28 + 76, file + size - 22, 22);
    torch_put(big + 18, 0, 8), torch_put(big + 6, 8, 2);        // the entry itself says nothing: a descriptor follows
    const uint64_t len = sizeof whole - 1, at = 30 + 8 + 24;
    torch_put(big + row + 20, UINT64_MAX, 8), torch_put(big + row + 42, UINT32_MAX, 4);
    torch_put(big + row + 30, 28, 2);
    unsigned char *p = big + row + 56;
    p += torch_put(p, 1 | 24 << 16, 4), p += torch_put(p, len, 8), p += torch_put(p, len, 8), p += torch_put(p, at, 8);
    const uint64_t end = (uint64_t) (p - big);
    torch_put(p, 0x06064b50, 4), torch_put(p + 24, 2, 8), torch_put(p + 32, 2, 8), torch_put(p + 40, end - table, 8);
    torch_put(p + 48, table, 8);
    torch_put(p + 56, 0x07064b50, 4), torch_put(p + 64, end, 8), torch_put(p + 72, 1, 4);
    torch_put(p + 76 + 12, UINT64_MAX, 8);
    nn_safetensors *f = NULL;
    if (nn_torch_read("m", big, size + 28 + 76, NULL, &f) != VKC_OK)
        fail_msg("%s", vkc_last_error());
    assert_int_equal(nn_safetensors_len(f), 1);
    nn_safetensors_destroy(f);
    torch_put(p + 64, end + 1, 8);
    check_refused(big, size + 28 + 76, "the zip archive's end is not where its locator says");
    torch_put(p + 64, end, 8), torch_put(p + 48, UINT64_MAX, 8);
    check_refused(big, size + 28 + 76, "the table of the zip archive does not fit the file");
    free(big);
    free(file);
}

// ---- files before zip

static void test_plain(void **state)
{
    (void) state;
    check_refused(B("\x80\2K\1."), "m: is a pickle of a number that torch.save did not write");
    check_refused(B("\x80\4" "cx\ny\n)R."), "m: is a pickle of x.y that torch.save did not write");
#define START "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
    check_refused(B(START), "byte 15: the pickle ends in the middle");
    check_refused(B(START "\x80\2K\1."), "m: is of a version of torch.save's format other than 1001");
#define VERSION START "\x80\2M\xe9\3."
    check_refused(B(VERSION "\x80\2}X\x0d\0\0\0little_endian\x89s."), "m: its numbers are in big-endian order");
#define SYSTEM_INFO VERSION "\x80\2}."
    check_refused(B(SYSTEM_INFO "\x80\2}.\x80\2K\1."), "m: has no list of its storages");
    check_refused(B(SYSTEM_INFO "\x80\2}.\x80\2]" TORCH_KEY("0") "a."),
                  "its list of storages has one that no tensor has");
#define CONTENT SYSTEM_INFO TORCH_DICT(TORCH_KEY("w") OK_TENSOR)
    check_refused(B(CONTENT "\x80\2]."), "m: tensor w: the file has no numbers of its storage");
    check_refused(B(CONTENT "\x80\2]" TORCH_KEY("0") "a." "\6"), "m: ends before its storages do; the file is cut off");
    check_refused(B(CONTENT "\x80\2]" TORCH_KEY("0") "a." "\6\0\0\0\0\0\0\0" "123456789012345678901"),
                  "a storage of 6 elements ends after the file, which is cut off");
    check_refused(B(CONTENT "\x80\2]" TORCH_KEY("0") "a." "\xff\xff\xff\xff\xff\xff\xff\xff"), "ends after the file");
    check_refused(B(CONTENT "\x80\2](" TORCH_KEY("0") TORCH_KEY("0") "e." "\1\0\0\0\0\0\0\0" "1234"), "one twice");
    check_refused(B(CONTENT "\x80\2]" TORCH_KEY("0") "a." "\5\0\0\0\0\0\0\0" "12345678901234567890"),
                  "w: its storage is larger than what the file has of it");
    nn_safetensors *f = NULL;
    const char good[] = CONTENT "\x80\2]" TORCH_KEY("0") "a." "\6\0\0\0\0\0\0\0" "123456789012345678901234";
    if (nn_torch_read("m", good, sizeof good - 1, NULL, &f) != VKC_OK)
        fail_msg("%s", vkc_last_error());
    nn_safetensors_destroy(f);
}

// ---- memory

// What a pickle of `n` times `piece` makes the reader take, in a file of its own size.
static void check_memory(const char *piece, size_t piece_size, size_t n, const char *front, size_t front_size)
{
    const size_t size = front_size + n * piece_size;
    unsigned char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    memcpy(bytes, front, front_size);
    for (size_t i = 0; i < n; i++)
        memcpy(bytes + front_size + i * piece_size, piece, piece_size);
    const nn_source src = nn_source_of("m", bytes, size);
    nn_pickle p = { .src = &src, .end = size };
    struct rlimit was, small;
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    if (f == NULL)
        skip();
    assert_int_equal(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    assert_int_equal(getrlimit(RLIMIT_AS, &was), 0);
    small = was;
    small.rlim_cur = pages * (rlim_t) sysconf(_SC_PAGESIZE) + NN_PK_MAX_COST * size + (1 << 20);
    assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
    const vkc_status st = nn_pickle_read(&p);
    assert_int_equal(setrlimit(RLIMIT_AS, &was), 0);
    nn_pickle_finish(&p);
    free(bytes);
    if (st != VKC_E_FORMAT)         // not out of memory: the pickle has no end
        fail_msg("%s: %s", vkc_status_str(st), vkc_last_error());
    check_sentence("the pickle ends in the middle");
}

static void test_memory(void **state)
{
    (void) state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();             // they take address space of their own
#endif
    static const struct { const char *piece; size_t size; const char *front; size_t front_size; } rows[] = {
        { B("}"), B("") }, { B("]\x94"), B("") }, { B("("), B("") }, { B("N"), B("") }, { B("2"), B("N") },
        { B("\x85"), B("N") }, { B(")\x85"), B("") }, { B("K\1"), B("") }, { B("Na"), B("]") }, { B("NNs"), B("}") },
        { B("X\0\0\0\0"), B("") }, { B("\x8c\0"), B("") }, { B("2R"), B("N") }, { B("2\x81"), B("cx\ny\n") },
        { B("c\n\n"), B("") }, { B("]a"), B("]") }, { B("\x94"), B("N") }, { B("(1"), B("") },
        { B("C\0"), B("") }, { B("\x91("), B("(") }, { B("h\0\x85"), B("Nq\0") }, { B("(t"), B("") },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_memory(rows[i].piece, rows[i].size, (size_t) 200000 / rows[i].size, rows[i].front, rows[i].front_size);
}

// A list of many pairs that many dicts are made of: refused before that is too much.
static void test_shared_pairs(void **state)
{
    (void) state;
    enum { N = 20000 };
    static const char front[] = TORCH_PROTO "ccollections\nOrderedDict\nq\0]q\1(", piece[] = "](NNe",
                      call[] = "h\0h\1\x85R";
    const size_t room = sizeof front + N * (sizeof piece + sizeof call);
    char *pickle = malloc(room), *at = pickle;
    assert_non_null(pickle);
    memcpy(at, front, sizeof front - 1), at += sizeof front - 1;
    for (int i = 0; i < N; i++)
        memcpy(at, piece, sizeof piece - 1), at += sizeof piece - 1;
    *at++ = 'e';
    for (int i = 0; i < N; i++)
        memcpy(at, call, sizeof call - 1), at += sizeof call - 1;
    size_t size;
    unsigned char *file = torch_file(pickle, (size_t) (at - pickle), &size);
    check_refused(file, size, "m: a dict is made of a list that many dicts share");
    free(file);
    free(pickle);
}

// One name of 500 bytes, said once and used for as many tensors as there may be.
static void test_shared_name(void **state)
{
    (void) state;
    enum { N = 60000 };
    static const char front[] = TORCH_PROTO "X\xf4\1\0\0", tensor[] = OK_TENSOR "q\1}(";
    char *pickle = malloc(2000 + 4 * N), *at = pickle;
    assert_non_null(pickle);
    memcpy(at, front, sizeof front - 1), at += sizeof front - 1;
    memset(at, 'n', 500), at += 500;
    memcpy(at, "q\0" "0", 3), at += 3;
    memcpy(at, tensor, sizeof tensor - 1), at += sizeof tensor - 1;
    for (int i = 0; i < N; i++)
        memcpy(at, "h\0h\1", 4), at += 4;
    memcpy(at, "u.", 2), at += 2;
    size_t size;
    unsigned char *file = torch_file(pickle, (size_t) (at - pickle), &size);
    check_refused(file, size, "m: the name of a tensor is there twice");
    free(file);
    free(pickle);
}

// ---- every byte

static const char *const sample[] = { "timm.pth.tar", "legacy.pth", "protocol5.pth", "strided.pth" };

// A golden file; when `want` is 0 whatever it holds is refused, and else what is accepted can be read.
static void check_bytes(const unsigned char *bytes, size_t size, bool is_cut)
{
    nn_safetensors *f = NULL;
    unsigned char *copy = malloc(size + 1);         // of just this size: a sanitizer sees a read past it
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    vkc_status st = nn_torch_read("m", copy, size, NULL, &f);
    if (st != VKC_OK) {
        assert_int_equal(st, VKC_E_FORMAT);
        check_sentence("m: ");
    } else {
        assert_false(is_cut);
        for (size_t i = 0; i < nn_safetensors_len(f); i++) {
            const nn_st_tensor *t = nn_safetensors_at(f, i);
            unsigned char raw[4096];
            assert_true(t->size <= sizeof raw);
            assert_int_equal(nn_st_tensor_read_raw(t, 0, (size_t) t->size, raw), VKC_OK);
        }
    }
    nn_safetensors_destroy(f);
    free(copy);
}

static void test_bytes(void **state)
{
    (void) state;
    for (size_t k = 0; k < sizeof sample / sizeof *sample; k++) {
        char path[NN_PATH_MAX];
        unsigned char *bytes = NULL;
        size_t size;
        assert_int_equal(nn_path_build(path, FOLDER, sample[k]), VKC_OK);
        assert_int_equal(nn_file_load(path, 1 << 20, &bytes, &size), VKC_OK);
        for (size_t n = 0; n < size; n++)
            check_bytes(bytes, n, true);
        for (size_t i = 0; i < size; i++) {
            const unsigned char was = bytes[i], to[] = { 0, 1, '(', 'R', '}', 0x7f, 0x80, 0xff, was ^ 1, was ^ 0x80 };
            for (size_t x = 0; x < sizeof to; x++) {
                bytes[i] = to[x];
                check_bytes(bytes, size, false);
            }
            bytes[i] = was;
        }
        free(bytes);
    }
}

int main(void)
{
    static struct CMUnitTest tests[N_ATTACKS + 10] = {
        cmocka_unit_test(test_accepted), cmocka_unit_test(test_zip),          cmocka_unit_test(test_entries),
        cmocka_unit_test(test_overlap),  cmocka_unit_test(test_zip64),        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_memory),   cmocka_unit_test(test_shared_pairs), cmocka_unit_test(test_shared_name),
        cmocka_unit_test(test_bytes),
    };
    for (size_t i = 0; i < N_ATTACKS; i++)
        tests[10 + i] = (struct CMUnitTest) { .name = attacks[i].name, .test_func = test_attack,
                                              .initial_state = (void *) (uintptr_t) &attacks[i] };
    return cmocka_run_group_tests(tests, temp_dir_set_up, temp_dir_tear_down);
}
