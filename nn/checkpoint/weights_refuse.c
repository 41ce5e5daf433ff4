// weights_refuse.c — weights in files that are not read here: what they are, and the line that converts them.
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "nn/base/json.h"
#include "nn/checkpoint/weights_impl.h"

// Lines of Python between the double quotes of a shell; argument 1 is the file to make, the rest are files to read.
#define TORCH \
    "import sys, torch; from safetensors.torch import save_file; s = {}; " \
    "[s.update(torch.load(p, map_location='cpu', weights_only=True)) for p in sys.argv[2:]]; " \
    "s = s.get('state_dict', s.get('model', s)); " \
    "save_file({k: v.detach().clone().contiguous() for k, v in s.items() if torch.is_tensor(v)}, sys.argv[1], " \
    "metadata={'format': 'pt'})"
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
    { "pytorch_model.bin", true, "a Python pickle, which can run code when it is read", TORCH, false },
    { "open_clip_pytorch_model.bin", true, "a Python pickle, which can run code when it is read", TORCH, false },
    { "pytorch_model.bin.index.json", true, "the index of Python pickles, which can run code when they are read",
      TORCH, false },
    { "tf_model.h5", true, "TensorFlow's format, which version 4 of transformers reads",
      TRANSFORMERS("from_tf"), false },
    { "flax_model.msgpack", true, "Flax's format, which version 4 of transformers reads",
      TRANSFORMERS("from_flax"), false },
    { ".bin", false, "a Python pickle, which can run code when it is read", TORCH, false },
    { ".pth", false, "a Python pickle, which can run code when it is read", TORCH, false },
    { ".pt", false, "a Python pickle, which can run code when it is read", TORCH, false },
    { ".ckpt", false, "a Python pickle, which can run code when it is read", TORCH, false },
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

vkc_status nn__weights_refuse(const char *folder)
{
    char name[256] = "", from[NN_PATH_MAX + 300];
    const size_t i = find_file(folder, name);
    if (i == N_FORMATS)
        return VKC_FAIL(VKC_E_IO, "%s has no model.safetensors, no model.safetensors.index.json and no "
                        "open_clip_model.safetensors", folder);
    // Fit to be pasted into a shell, or a blank to fill in.
    const bool is_plain = strchr(folder, '\'') == NULL && strchr(name, '\'') == NULL && nn_is_printable(folder);
    const char *dir = is_plain ? folder : "FOLDER";
    if (strcmp(name, "pytorch_model.bin.index.json") == 0)
        snprintf(from, sizeof from, "'%s'/pytorch_model-*.bin", dir);
    else
        snprintf(from, sizeof from, "'%s/%s'", dir, is_plain ? name : "FILE");
    return VKC_FAIL(VKC_E_FORMAT, "%s/%s is %s; only safetensors files are read%s. To convert it: "
                    "python3 -c \"%s\" '%s/model.safetensors' %s", folder, name, formats[i].what,
                    formats[i].keeps_names ? " (tensors keep the names of their exporter)" : "",
                    formats[i].line, dir, from);
}
