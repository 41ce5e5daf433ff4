// weights_refuse.c — a folder without the usual files: its only checkpoint; or what its files are, and the line that
// converts them.
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/checkpoint/weights_impl.h"

// Lines of Python between the double quotes of a shell; argument 1 is the file to make, the rest are files to read.
#define TRANSFORMERS(from) \
    "import os, sys; from transformers import AutoModelForImageClassification as A; " \
    "d = os.path.dirname(sys.argv[1]); A.from_pretrained(d, " from "=True).save_pretrained(d, safe_serialization=True)"
#define NUMPY "import sys, numpy as np; from safetensors.numpy import save_file; "
#define GGUF NUMPY \
    "from gguf import GGUFReader; from gguf.quants import dequantize; " \
    "save_file({t.name: np.ascontiguousarray(dequantize(t.data, t.tensor_type)) " \
    "for t in GGUFReader(sys.argv[2]).tensors}, sys.argv[1])"
#define ONNX NUMPY \
    "import onnx; from onnx.numpy_helper import to_array; " \
    "save_file({t.name: np.array(to_array(t)) for t in onnx.load(sys.argv[2]).graph.initializer}, sys.argv[1])"
#define HDF5 NUMPY \
    "import h5py; d = {}; h5py.File(sys.argv[2]).visititems(lambda n, o: " \
    "d.update({n: np.array(o, order='C')}) if isinstance(o, h5py.Dataset) else None); save_file(d, sys.argv[1])"

// By its whole name or its ending, the likeliest first.
static const struct format {
    const char *end;
    bool        is_whole;
    const char *what, *line;
    bool        keeps_names;        // the converted tensors are named as the exporter named them
} formats[] = {
    { "tf_model.h5", true, "TensorFlow's format, which version 4 of transformers reads",
      TRANSFORMERS("from_tf"), false },
    { "flax_model.msgpack", true, "Flax's format, which version 4 of transformers reads",
      TRANSFORMERS("from_flax"), false },
    { ".gguf", false, "a GGUF file", GGUF, true },
    { ".onnx", false, "an ONNX file", ONNX, true },
    { ".h5", false, "an HDF5 file", HDF5, true },
};
#define N_FORMATS (sizeof formats / sizeof *formats)

static size_t find_format(const char *name)
{
    const size_t len = strlen(name);
    for (size_t i = 0; i < N_FORMATS; i++) {
        const size_t end = strlen(formats[i].end);
        if (len >= end && strcmp(name + len - end, formats[i].end) == 0 && (len == end || !formats[i].is_whole))
            return i;
    }
    return N_FORMATS;
}

// The likeliest file of a folder; of several the first in alphabetical order. N_FORMATS: none.
static size_t find_file(const char *folder, char name[256])
{
    size_t best = N_FORMATS;
    DIR *d = opendir(folder);
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        const size_t i = find_format(e->d_name);
        const bool is_better = i < best || (i == best && i < N_FORMATS && strcmp(e->d_name, name) < 0);
        if (is_better && strlen(e->d_name) < 256 && nn_is_printable(e->d_name)) {
            best = i;
            strcpy(name, e->d_name);
        }
    }
    if (d != NULL)
        closedir(d);
    return best;
}

// ---- PyTorch's

// Ends as a checkpoint does, and is none of the files that trainers leave beside the weights.
static bool is_checkpoint(const char *name)
{
    static const char *const ends[] = { ".bin", ".pth", ".pt", ".ckpt", ".pth.tar", ".pt.tar" },
                      *const others[] = { "training_args", "optimizer", "scheduler", "rng_state", "scaler", "." };
    const size_t len = strlen(name);
    bool is_one = false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const size_t end = strlen(ends[i]);
        is_one = is_one || (len > end && strcmp(name + len - end, ends[i]) == 0);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        is_one = is_one && strncmp(name, others[i], strlen(others[i])) != 0;
    return is_one;
}

vkc_status nn__weights_find_file(const char *folder, char path[NN_PATH_MAX])
{
    char name[2][256] = { "", "" };     // the first two in alphabetical order
    DIR *d = opendir(folder);
    path[0] = '\0';
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        if (!is_checkpoint(e->d_name) || !nn_is_printable(e->d_name) || strlen(e->d_name) >= sizeof name[0])
            continue;
        const int at = !*name[0] || strcmp(e->d_name, name[0]) < 0 ? 0 : 1;
        if (at == 1 && *name[1] && strcmp(e->d_name, name[1]) > 0)
            continue;
        if (at == 0)
            memcpy(name[1], name[0], sizeof name[0]);
        strcpy(name[at], e->d_name);
    }
    if (d != NULL)
        closedir(d);
    if (*name[1])
        return VKC_FAIL(VKC_E_FORMAT, "%s has several checkpoints, %s and %s among them; name one in the place of the "
                        "folder", folder, name[0], name[1]);
    return *name[0] ? nn_path_build(path, folder, name[0]) : VKC_OK;
}

vkc_status nn__weights_refuse(const char *folder)
{
    char name[256] = "", path[NN_PATH_MAX], line[NN_MAX_LINE];
    const size_t i = find_file(folder, name);
    if (i == N_FORMATS)
        return VKC_FAIL(VKC_E_IO, "%s has no model.safetensors, no model.safetensors.index.json, no "
                        "open_clip_model.safetensors and no checkpoint of PyTorch (pytorch_model.bin, *.pth)", folder);
    vkc_status st = nn_path_build(path, folder, name);
    if (st != VKC_OK)
        return st;
    nn__convert_line(formats[i].line, path, line, sizeof line);
    return VKC_FAIL(VKC_E_FORMAT, "%s is %s; only safetensors files and PyTorch's are read%s. To convert it: %s", path,
                    formats[i].what, formats[i].keeps_names ? " (tensors keep the names of their exporter)" : "", line);
}
