#!/usr/bin/env python3
"""Writes tests/golden/torch_files/: small checkpoints as torch.save leaves them, of every kind that is read or
refused, and what is in them as safetensors: torch_files.py FOLDER. Needs torch (2.6), safetensors and numpy.

expected.safetensors has the tensors of all files, named FILE/TENSOR; its metadata say of every file which entry is
read, which else there are and what is passed over."""
import argparse
import collections
import json
import pathlib
import sys

import numpy
import torch
from safetensors.torch import save_file


class AttributeDict(dict):
    """As Lightning's: a dict of another class, with attributes."""


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(x)


def make(*shape, start=0, dtype=torch.float32):
    n = 1
    for size in shape:
        n *= size
    return ((torch.arange(n, dtype=torch.float64) - start) / 8).reshape(shape).to(dtype)


def make_state(start=0):
    return collections.OrderedDict([("fc.weight", make(2, 3, start=start)), ("fc.bias", make(2, start=start + 1))])


def make_timm():
    args = argparse.Namespace(model="vit_tiny_patch16_224", lr=1e-3, output=pathlib.PurePosixPath("out"),
                              size=(3, 224, 224), mean=None, amp=True, seed=2 ** 80, tags={"a", "b"})
    optimizer = {"state": {0: {"exp_avg": make(2, 3), "step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-3}]}
    return {"epoch": 9, "arch": "vit_tiny_patch16_224", "state_dict": make_state(), "optimizer": optimizer,
            "version": 2, "args": args, "metric": numpy.float64(81.5), "amp_scaler": {"scale": 65536.0}}


def make_types():
    names = ("float32 float16 bfloat16 float64 int64 int32 int16 int8 uint8 uint16 uint32 uint64 float8_e4m3fn "
             "float8_e5m2").split()
    state = {"t." + n: make(2, 2, start=-8).to(getattr(torch, n)) for n in names}
    state.update({"t.bool": torch.tensor([True, False, True]), "t.scalar": torch.tensor(1.5),
                  "t.empty": torch.zeros(0, 3), "t.nan": torch.tensor([float("nan"), float("inf"), -0.0])})
    return state


def make_strided():
    base = make(4, 6)
    return {"transposed": base.t(), "every_other": base[::2, 1::2], "columns": base[:, 2:5], "rows": base[1:3],
            "permuted": make(2, 3, 4).permute(2, 0, 1), "channels_last": make(2, 3, 4, 4).to(
                memory_format=torch.channels_last), "one_row": base[2:3].t(), "whole": base,
            "steps": make(5, 6, 7, 8).half().permute(3, 1, 0, 2)[::2, :, 1:, 1:4]}


def make_parameters():
    special = torch.nn.Parameter(make(2, 2))
    special.note = "an attribute"
    return {"model": {"a": torch.nn.Parameter(make(2, 3)), "b": special, "c": torch.nn.Parameter(
        make(3).half(), requires_grad=False)}}


def make_lightning():
    hyper = AttributeDict(model_name="deit_tiny_patch16_224", lr=0.1)
    hyper.note = "an attribute"
    return {"epoch": 1, "global_step": 10, "pytorch-lightning_version": "2.1.0", "state_dict": make_state(),
            "loops": {"fit": {"state": {}}}, "callbacks": {}, "optimizer_states": [{"state": {}}],
            "lr_schedulers": [], "hyper_parameters": hyper}


FILES = {   # name: (content, the dict in it that is read, options of torch.save)
    "timm.pth.tar": (make_timm(), "state_dict", {}),
    "legacy.pth": (make_timm(), "state_dict", {"_use_new_zipfile_serialization": False}),
    "protocol3.pth": (make_timm(), "state_dict", {"pickle_protocol": 3}),
    "protocol4.pth": (make_timm(), "state_dict", {"pickle_protocol": 4}),
    "protocol5.pth": (make_timm(), "state_dict", {"pickle_protocol": 5}),
    "legacy4.pth": (make_timm(), "state_dict", {"_use_new_zipfile_serialization": False, "pickle_protocol": 4}),
    "types.pth": (make_types(), "", {}),
    "strided.pth": (make_strided(), "", {}),
    "strided_legacy.pth": (make_strided(), "", {"_use_new_zipfile_serialization": False}),
    "parameters.pth": (make_parameters(), "model", {}),
    "lightning.ckpt": (make_lightning(), "state_dict", {}),
    "ema.pth": ({"model": make_state(), "ema": {"module": make_state(7), "updates": 5}}, "ema.module", {}),
    "dino.pth": ({"student": make_state(), "teacher": make_state(3), "epoch": 2}, "teacher", {}),
    "timm_ema.pth": ({"state_dict": make_state(), "state_dict_ema": make_state(4)}, "state_dict_ema", {}),
    "other_name.pth": ({"step": 4, "generator": make_state(2), "extra": [1]}, "generator", {}),
    "pytorch_model-00001-of-00002.bin": ({"fc.weight": make_state()["fc.weight"]}, "", {}),
    "pytorch_model-00002-of-00002.bin": ({"fc.bias": make_state()["fc.bias"]}, "", {}),
}
REFUSED = {     # read in no way
    "module.pth": Net(), "module_inside.pth": {"epoch": 1, "model": Net()},
    "numpy.pth": {"fc.weight": numpy.zeros((2, 3), numpy.float32), "fc.bias": make(2)},
    "complex.pth": {"fc.weight": torch.zeros(2, dtype=torch.complex64)},
    "sparse.pth": {"fc.weight": make(2, 2).to_sparse(), "fc.bias": make(2)},
    "expanded.pth": {"fc.weight": make(1, 3).expand(5, 3)},
    "no_tensors.pth": {"epoch": 1, "args": argparse.Namespace(lr=1)},
    "several.pth": {"generator": make_state(), "discriminator": make_state(1)},
}


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    tensors, keys = {}, {}
    for name, (content, key, options) in FILES.items():
        torch.save(content, out / name, **options)
        read = torch.load(out / name, map_location="cpu", weights_only=False)
        for part in key.split(".") if key else []:
            read = read[part]
        keys[name] = key
        tensors.update({f"{name}/{k}": v.detach().clone().contiguous() for k, v in read.items()})
    for name, content in REFUSED.items():
        torch.save(content, out / name)
    torch.jit.script(Net()).save(out / "script.pt")
    shards = {"fc.weight": "pytorch_model-00001-of-00002.bin", "fc.bias": "pytorch_model-00002-of-00002.bin"}
    (out / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {"total_size": 32},
                                                                  "weight_map": shards}, indent=2) + "\n")
    save_file(tensors, out / "expected.safetensors", keys)


if __name__ == "__main__":
    main()
