#!/usr/bin/env python3
"""Runs pare on weight files from outside: shards, types, bad files and their sentences: test_cli_weights.py PARE."""
import argparse
import ast
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys

sys.dont_write_bytecode = True

import test_cli as cli
import torch_save
from test_cli import check, check_json, check_run, run

DIM, PATCH, SIDE, CLASSES = 16, 8, 16, 3


def make_tensors():
    """{name: (shape, values)} of a vision transformer of one block, with values that every type of float holds."""
    rng = random.Random(7)
    shapes = {"cls_token": [1, 1, DIM], "pos_embed": [1, (SIDE // PATCH) ** 2 + 1, DIM],
              "patch_embed.proj.weight": [DIM, 3, PATCH, PATCH], "patch_embed.proj.bias": [DIM],
              "blocks.0.norm1.weight": [DIM], "blocks.0.norm1.bias": [DIM],
              "blocks.0.attn.qkv.weight": [3 * DIM, DIM], "blocks.0.attn.qkv.bias": [3 * DIM],
              "blocks.0.attn.proj.weight": [DIM, DIM], "blocks.0.attn.proj.bias": [DIM],
              "blocks.0.norm2.weight": [DIM], "blocks.0.norm2.bias": [DIM],
              "blocks.0.mlp.fc1.weight": [4 * DIM, DIM], "blocks.0.mlp.fc1.bias": [4 * DIM],
              "blocks.0.mlp.fc2.weight": [DIM, 4 * DIM], "blocks.0.mlp.fc2.bias": [DIM],
              "norm.weight": [DIM], "norm.bias": [DIM], "head.weight": [CLASSES, DIM], "head.bias": [CLASSES]}
    tensors = {}
    for name, shape in shapes.items():
        n = 1
        for dim in shape:
            n *= dim
        tensors[name] = shape, [rng.randrange(-32, 33) / 64 for _ in range(n)]
    return tensors


def encode(values, dtype):
    code = {"F32": "f", "F16": "e", "F64": "d"}.get(dtype)
    if code:
        return struct.pack(f"<{len(values)}{code}", *values)
    return b"".join(struct.pack("<f", x)[2:] for x in values)     # BF16


def save(path, tensors, dtype="F32"):
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        one = encode(values, dtype)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(one)]}
        data += one
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def make_model(folder):
    folder.mkdir()
    config = {"architecture": "vit_tiny_patch16_224", "num_classes": CLASSES, "num_features": DIM,
              "global_pool": "token",
              "model_args": {"img_size": SIDE, "patch_size": PATCH, "embed_dim": DIM, "depth": 1, "num_heads": 2},
              "pretrained_cfg": {"input_size": [3, SIDE, SIDE], "interpolation": "bilinear", "crop_pct": 1.0,
                                 "crop_mode": "squash", "mean": [0.5] * 3, "std": [0.5] * 3}}
    (folder / "config.json").write_text(json.dumps(config))
    save(folder / "model.safetensors", make_tensors())
    return folder


def make_shards(folder):
    """The same model in two files with an index; the index as a dictionary."""
    make_model(folder)
    (folder / "model.safetensors").unlink()
    tensors = list(make_tensors().items())
    index = {"metadata": {"total_size": 0}, "weight_map": {}}
    for i, part in enumerate((tensors[::2], tensors[1::2])):
        name = f"model-0000{i + 1}-of-00002.safetensors"
        save(folder / name, dict(part))
        index["weight_map"].update({tensor: name for tensor, _ in part})
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return index


def classify(work, folder):
    rc, out, err = run("classify", folder, work / "data/test/dark/0.png", "--top", "3")
    check(rc == 0, f"classify {folder}: exit code {rc}: {err[-300:]}")
    return out


def test_same_bits(work):
    """Shards, halves and doubles give what the one file of floats gives."""
    want = classify(work, make_model(work / "one"))
    make_shards(work / "shards")
    check(classify(work, work / "shards") == want, "classify: shards give something else")
    value = check_json("files tensors loading_bytes weight_bytes activation_bytes", "inspect", work / "shards")
    check((value.get("files"), value.get("tensors")) == (2, len(make_tensors())), f"inspect: {value}")
    check(0 < value.get("loading_bytes", 0) < 2 << 20, "inspect: memory of loading")
    check_run(0, "MiB while loading, from 2 files of 20 tensors", "inspect", work / "shards")
    for dtype in ("F16", "BF16", "F64"):
        folder = make_model(work / dtype)
        save(folder / "model.safetensors", make_tensors(), dtype)
        check(classify(work, folder) == want, f"classify: {dtype} gives something else")
    (work / "one/model.safetensors").rename(work / "one/open_clip_model.safetensors")
    check(classify(work, work / "one") == want, "classify: open_clip_model.safetensors gives something else")


def test_bad_safetensors(work):
    m = make_model(work / "bad")
    path = m / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    check_run(6, f"{path}: tensor head.bias, bytes {len(whole) - 12} to {len(whole)}: ends after the file, which has "
              f"{len(whole) - 4} bytes", "inspect", m)
    path.write_bytes(struct.pack("<Q", 1 << 60) + whole[8:])
    check_run(6, f"{path}: bytes 0 to 8: a header of {1 << 60} bytes does not fit", "classify", m, work / "x.png")
    tensors = make_tensors()
    tensors["norm.weight"] = [DIM // 2, 2], tensors["norm.weight"][1]
    save(path, tensors)
    check_run(6, "tensor norm.weight, bytes ", "inspect", m)
    check_run(6, f": is ({DIM // 2}, 2), want ({DIM})", "inspect", m)
    save(path, {**make_tensors(), "extra\u00e9": ([1], [0.0])})
    check_run(6, "tensor extra\u00e9, bytes ", "inspect", m)
    tensors = make_tensors()
    del tensors["norm.bias"]
    save(path, tensors)
    check_run(6, "norm.bias", "inspect", m)


def test_other_mixer(work):
    """Weights of another mixer, or of another width of its values, are no model: what is wrong is named."""
    arch = f"vit:image={SIDE},patch={PATCH},dim={DIM},depth=1,heads=2,classes={CLASSES},mixer="
    for made, option, said, want in (
            ("gated_delta", None, "jet", "7 missing: blocks.0.attn.qk.weight"),
            ("jet", None, "gated_delta", "3 missing: blocks.0.attn.qkv.weight"),
            ("gla", "2", "gla", f"want (2, {DIM // 2}, {2 * DIM})"),
            ("jet:expand_v=2", "1", "jet", "blocks.0.attn.kernel.down.weight"),
            ("jet", "3", "jet", 'mixer jet: expand_v cannot be "3"; it can be: 1, 2')):
        m = work / f"{made.split(':')[0]} as {said} {option}"
        check_run(0, "", "export", arch + made, "--random", "-o", m)
        ours = json.loads((m / "pare.json").read_text())
        ours["layers"][0]["mixer"] = said
        if option:
            ours["layers"][0]["options"]["expand_v"] = option
        (m / "pare.json").write_text(json.dumps(ours))
        check_run(2 if option == "3" else 6, want, "inspect", m)


def gpt2(blocks):
    """Tensors of a language model, as transformers name them."""
    parts = "ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"
    names = ["transformer.wte.weight", "transformer.wpe.weight", "transformer.ln_f.weight", "transformer.ln_f.bias"]
    for i in range(blocks):
        names += [f"transformer.h.{i}.{part}.{kind}" for part in parts for kind in ("weight", "bias")]
    return {name: ([DIM], [0.0] * DIM) for name in names}


def text_side():
    names = ["positional_embedding", "token_embedding.weight", "ln_final.weight", "transformer.resblocks.0.ln_1.weight",
             "text_model.final_layer_norm.bias", "text_projection", "logit_scale"]
    return {name: ([DIM], [0.0] * DIM) for name in names}


def test_foreign_tensors(work):
    """What belongs to no part of the model is listed, by every command; what such models are stored with passes."""
    m = make_model(work / "foreign")
    path = m / "model.safetensors"
    picture = work / "data/test/dark/0.png"
    save(path, {**make_tensors(), **gpt2(2)})
    words = (f"{path}: of its tensors 28 with no place in the model that the config describes: "
             "transformer.h.0.attn.c_attn.bias, transformer.h.0.attn.c_attn.weight, transformer.h.0.attn.c_proj.bias, "
             "transformer.h.0.attn.c_proj.weight, transformer.h.0.ln_1.bias, transformer.h.0.ln_1.weight, "
             "transformer.h.0.ln_2.bias, transformer.h.0.ln_2.weight, transformer.h.0.mlp.c_fc.bias, "
             "transformer.h.0.mlp.c_fc.weight and 18 more\n")
    for args in (["inspect", m], ["classify", m, picture], ["eval", m, "--data", work / "data"],
                 ["sparsity", m, "--data", work / "data"], ["export", m, "-o", work / "foreign-export"],
                 ["train", "--init", m, "--data", work / "data", "-o", work / "foreign-train"],
                 ["distill", m, "--data", work / "data", "--mixer", "linear", "-o", work / "foreign-distill"]):
        check_run(6, words, *args)
    check(not any((work / f"foreign-{name}").exists() for name in ("export", "train", "distill")),
          "a model with foreign tensors was written")
    save(path, {**make_tensors(), "transformer.wte.weight": ([DIM], [0.0] * DIM)})
    check_run(6, "tensor transformer.wte.weight, bytes ", "inspect", m)
    check_run(6, "has no place in the model that the config describes", "inspect", m)
    tensors = {**make_tensors(), **gpt2(0)}
    del tensors["norm.bias"], tensors["cls_token"]
    save(path, tensors)
    check_run(6, "of its tensors 2 missing: cls_token, norm.bias; 4 with no place in the model that the config "
              "describes: transformer.ln_f.bias, transformer.ln_f.weight, transformer.wpe.weight, "
              "transformer.wte.weight\n", "inspect", m)
    # CLIP's text side is at home beside CLIP's image side.
    save(path, {**make_tensors(), **text_side()})
    check_run(6, "of its tensors 7 with no place", "inspect", m)
    image = {f"visual.trunk.{name}": tensor for name, tensor in make_tensors().items()}
    save(path, {**image, **text_side()})
    check_run(0, "vision transformer", "inspect", m)
    save(path, {**image, **text_side(), **gpt2(1)})
    check_run(6, "of its tensors 16 with no place", "inspect", m)
    save(path, {**make_tensors(), "mask_token": ([1, 1, DIM], [0.0] * DIM), "pooler.dense.bias": ([DIM], [0.0] * DIM),
                "embeddings.position_ids": ([1, 5], [0.0] * 5)})
    check_run(0, "vision transformer", "inspect", m)


def test_bad_index(work):
    index = make_shards(work / "bad-shards")
    path = work / "bad-shards/model.safetensors.index.json"
    shutil.copy(work / "bad-shards/model-00001-of-00002.safetensors", work / "model-00001-of-00002.safetensors")

    def refuse(words, change):
        bad = json.loads(json.dumps(index))
        change(bad["weight_map"])
        path.write_text(json.dumps(bad))
        check_run(6, words, "inspect", work / "bad-shards")

    refuse("model.safetensors.index.json: tensor cls_token, byte 60: ../model-00001-of-00002.safetensors is no name",
           lambda m: m.update({"cls_token": "../model-00001-of-00002.safetensors"}))
    refuse("the file model-3.safetensors is not in the folder",
           lambda m: m.update({"cls_token": "model-3.safetensors"}))
    refuse("tensor more, byte ", lambda m: m.update({"more": "model-00001-of-00002.safetensors"}))
    refuse("tensor cls_token, bytes ", lambda m: m.pop("cls_token"))
    path.write_text(json.dumps(index)[:-1])
    check_run(6, f"byte {len(json.dumps(index)) - 1}: not valid JSON", "inspect", work / "bad-shards")


def test_bad_config(work):
    m = make_model(work / "bad-config")
    config = json.loads((m / "config.json").read_text())
    config["num_features"] = config["model_args"]["embed_dim"] = 8192       # 100 GB, which nothing may ask for
    config["model_args"]["depth"] = config["model_args"]["num_heads"] = 64
    (m / "config.json").write_text(json.dumps(config))
    check_run(6, f"{m / 'model.safetensors'}: tensor ", "inspect", m)
    (m / "config.json").write_text("{\"architecture\": \"vit\",\n \"num_classes\": }")
    check_run(6, f"{m / 'config.json'}: not valid JSON at line 2, byte ", "inspect", m)
    (m / "config.json").write_text("[" * 100)
    check_run(6, f"{m / 'config.json'}: byte 32: the JSON is nested more than 32 deep", "inspect", m)


def python_line(err):
    """The Python between the double quotes, and the arguments after them, of a line that is to be pasted."""
    found = re.search(r'python3 -c "([^"]*)" (.*)', err)
    return found.groups() if found else ("", "")


def test_other_formats(work):
    """The converting line is Python."""
    for name in ("x.gguf", "x.onnx", "x.h5", "tf_model.h5", "flax_model.msgpack"):
        m = make_model(work / f"other-{name}")
        (m / "model.safetensors").unlink()
        (m / name).write_bytes(b"")
        check_run(6, f"{m / name} is ", "inspect", m)
        text, args = python_line(run("inspect", m)[2])
        check(args.startswith(f"'{m}/model.safetensors' '{m / name}'"), f"{name}: arguments {args}")
        try:
            ast.parse(text)
        except SyntaxError as error:
            check(False, f"{name}: {error} in {text}")
        check(not set(text) & set("$`!\\"), f"{name}: a shell reads more into {text}")


def make_torch(folder, name, value):
    make_model(folder)
    (folder / "model.safetensors").unlink()
    torch_save.save(folder / name, value)
    return folder


def to_torch(tensors, kind="FloatStorage"):
    return {name: torch_save.tensor(shape, values, kind) for name, (shape, values) in tensors.items()}


def test_torch(work):
    """Checkpoints of PyTorch give what the safetensors file of the same tensors gives; so does each way to name one."""
    want = classify(work, make_model(work / "torch-want"))
    state, other = to_torch(make_tensors()), to_torch(make_tensors(), "HalfStorage")
    turned = make_tensors()["head.weight"][1]
    columns = [turned[r * DIM + c] for c in range(DIM) for r in range(CLASSES)]
    state["head.weight"] = torch_save.Tensor(torch_save.tensor([DIM * CLASSES], columns).storage, [CLASSES, DIM],
                                             [1, CLASSES])
    zeros = {name: torch_save.tensor(t.shape, [0.0] * (len(t.storage.data) // 4)) for name, t in state.items()}
    args = argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("x"))
    for name, value in (("pytorch_model.bin", other), ("model.pth", {"model": state, "epoch": 3, "args": args}),
                        ("model_best.pth.tar", {"state_dict": state, "arch": "vit", "version": 2}),
                        ("last.ckpt", {"state_dict": state, "hyper_parameters": {"lr": 0.1}})):
        m = make_torch(work / f"torch-{name}", name, value)
        check(classify(work, m) == want, f"classify: {name} in a folder gives something else")
        check(classify(work, m / name) == want, f"classify: {name} itself gives something else")
    m = work / "torch-model.pth"
    value = check_json("files tensors checkpoint_key ignored", "inspect", m)
    check(value.get("checkpoint_key") == "model" and value.get("ignored") == "args (argparse.Namespace)",
          f"inspect: {value}")
    check_run(0, "passed over: args (argparse.Namespace)", "inspect", m / "model.pth")
    # A name is cut between two letters, wherever its sixtieth byte is.
    make_torch(work / "torch-long", "model.pth", {"a" + "é" * 40: state, "b" + "é" * 40: args})
    value = check_json("checkpoint_key ignored", "inspect", work / "torch-long")
    check(value.get("checkpoint_key") == "a" + "é" * 29 and
          value.get("ignored") == "b" + "é" * 29 + " (argparse.Namespace)", f"inspect: {value}")
    check_run(0, "", "export", m / "model.pth", "-o", work / "torch-exported")
    check(classify(work, work / "torch-exported") == want, "export: a checkpoint became another model")
    check((work / "torch-exported/model.safetensors").exists(), "export: no model.safetensors")
    # Of two the average or the teacher, and the other by name.
    m = make_torch(work / "torch-two", "checkpoint.pth", {"student": zeros, "teacher": state})
    check(classify(work, m) == want, "classify: not the teacher")
    check_run(0, "the weights under teacher are read; there are others under student (--checkpoint-key, "
              "MODEL#KEY)", "inspect", m)
    changed = run("classify", m, "--checkpoint-key", "student", work / "data/test/dark/0.png", "--top", "3")[1]
    check(changed != want and "33.3 %" in changed, f"--checkpoint-key: {changed}")
    check(classify(work, f"{m}#student") == changed, "classify: M#student is not --checkpoint-key student")
    check(classify(work, f"{m}/checkpoint.pth#teacher") == want, "classify: FILE#teacher is not the teacher")
    check_run(6, "has no entry ema; its entries are: student, teacher", "inspect", m, "--checkpoint-key", "ema")
    for args in (["study", "teachers", m, m], ["bench", "ops"]):
        check_run(2, "MODEL#ema", *args, "--checkpoint-key", "ema")
    for args in (["devices"], ["train", "--init", m]):
        check_run(2, "no option --checkpoint-key", *args, "--checkpoint-key", "ema")
    check_run(6, "has no entry ema", "study", "groups", m, "--data", "synth:ringed-digit,train=8,val=8,test=8",
              "--mixer", "linear", "-o", work / "never-studied", "--checkpoint-key", "ema")
    # Where a safetensors file lies beside, that is it.
    save(m / "model.safetensors", make_tensors())
    torch_save.save(m / "checkpoint.pth", zeros)
    check(classify(work, m) == want, "classify: a checkpoint came before model.safetensors")
    whole = (work / "torch-model.pth/model.pth").read_bytes()
    cut = work / "torch-model.pth/model.pth"
    cut.write_bytes(whole[:len(whole) // 2])
    check_run(6, "is a zip archive without its end; cut off", "inspect", work / "torch-model.pth")


def test_torch_alone(work):
    """Without any config: the architecture of a checkpoint, or 64 channels a head."""
    dim, depth, side = 192, 12, 4
    values = torch_save.Storage("HalfStorage", bytes(2 * 4 * dim * dim))
    shapes = {"cls_token": [1, 1, dim], "pos_embed": [1, side * side + 1, dim], "norm.weight": [dim],
              "norm.bias": [dim], "patch_embed.proj.weight": [dim, 3, 16, 16], "patch_embed.proj.bias": [dim],
              "head.weight": [5, dim], "head.bias": [5]}
    block = {"norm1": [dim], "attn.qkv": [3 * dim, dim], "attn.proj": [dim, dim], "norm2": [dim],
             "mlp.fc1": [4 * dim, dim], "mlp.fc2": [dim, 4 * dim]}
    for i in range(depth):
        for name, shape in block.items():
            shapes[f"blocks.{i}.{name}.weight"], shapes[f"blocks.{i}.{name}.bias"] = shape, shape[:1]
    state = {name: torch_save.Tensor(values, shape) for name, shape in shapes.items()}
    path, guess = work / "vit_tiny_patch16_224.pth", "no config: that it has 3 heads, of 64 channels each, and GELU, is"
    torch_save.save(path, {"state_dict": state})
    rc, out, err = run("inspect", path)
    check(rc == 0 and guess in out and "64 x 64 pixels in patches of 16: 17 tokens; width 192, 3 heads" in out,
          f"inspect: {rc}, {out}, {err}")
    for arch, value in (("vit_tiny_patch16_224", {"arch": "vit_tiny_patch16_224"}),
                        ("deit_tiny_patch16_224", {"args": argparse.Namespace(model="deit_tiny_patch16_224")})):
        torch_save.save(path, {"state_dict": state, **value})
        rc, out, err = run("inspect", path)
        said = f"no config: heads, epsilon and activation are those of {arch}, which its file names"
        check(rc == 0 and guess not in out and said in out and "width 192, 3 heads, MLP 768, 5 classes" in out,
              f"inspect: {value}: {rc}, {out}, {err}")
    torch_save.save(path, {"state_dict": state, "arch": "vit_base_patch16_224"})       # which it is not
    check(guess in run("inspect", path)[1], "inspect: another architecture was believed")
    # In PyTorch's cache, by its name there.
    cache, name = work / "torch-home/hub/checkpoints", "deit_tiny_patch16_224"
    cache.mkdir(parents=True)
    torch_save.save(cache / f"{name}-a1311bcf.pth", {"model": state, "teacher": state})
    os.environ.update(HF_HOME=str(work / "nowhere"), TORCH_HOME=str(work / "torch-home"))
    for args, entry in (([name], "teacher"), ([f"{name}#model"], "model"),
                        ([name, "--checkpoint-key", "model"], "model")):
        rc, out, err = run("inspect", *args, "--from-cache")
        check(rc == 0 and f"weights under {entry} are read" in out and "17 tokens; width 192" in out and
              str(cache) in err, f"inspect {args} --from-cache: {rc}, {out}, {err}")
    check_run(6, "has weights of that name: --from-cache reads them", "classify", f"{name}#model", work / "x.png")
    for variable in ("HF_HOME", "TORCH_HOME"):
        os.environ.pop(variable)


def test_torch_names(work):
    """A prefix that all names have, blocks in chunks and what is not finite: in a checkpoint as in safetensors."""
    want = classify(work, work / "torch-want")
    tensors = make_tensors()
    state = {"model.backbone." + name.replace("blocks.0.", "blocks.0.0."): value
             for name, value in to_torch(tensors).items()}
    m = make_torch(work / "torch-names", "last.ckpt", {"state_dict": state})
    check(classify(work, m) == want, "classify: a prefix in a checkpoint")
    notes = "\n".join(check_json("notes", "inspect", m)["notes"])
    check(f'{m / "last.ckpt"}: the names of all tensors begin with "model.backbone.", which is taken off' in notes and
          "blocks are named in chunks" in notes, f"notes: {notes}")
    # Row 1, column 2 of a matrix that is stored by columns; the first of one that begins inside its storage.
    turned = tensors["head.weight"][1]
    columns = [turned[r * DIM + c] for c in range(DIM) for r in range(CLASSES)]
    columns[2 * CLASSES + 1] = float("nan")
    state["model.backbone.head.weight"] = torch_save.Tensor(
        torch_save.tensor([DIM * CLASSES], columns).storage, [CLASSES, DIM], [1, CLASSES])
    inside = torch_save.tensor([DIM + 2], [float("nan")] * 2 + [float("inf")] + tensors["norm.bias"][1][1:]).storage
    state["model.backbone.norm.bias"] = torch_save.Tensor(inside, [DIM], offset=2)
    torch_save.save(m / "last.ckpt", {"state_dict": state})
    words = (f"{m / 'last.ckpt'}: 2 of its values are not finite, in 2 tensors; the first is NaN, at index {DIM + 2} "
             "of tensor model.backbone.head.weight")
    for args in (["classify", m, work / "data/test/dark/0.png"], ["export", m / "last.ckpt", "-o", work / "never"]):
        check_run(6, words, *args)
    check(not (work / "never").exists(), "export: a model with NaN was written")
    value = check_json("not_finite kind", "inspect", f"{m}#state_dict")["not_finite"]
    check(value == {"values": 2, "tensors": 2, "first": [
        {"name": "model.backbone.head.weight", "values": 1, "first": DIM + 2},
        {"name": "model.backbone.norm.bias", "values": 1, "first": 0}]}, f"inspect: {value}")


def test_conversion(work):
    """The lines for what is not read, where PyTorch and safetensors are installed: whole modules, TorchScript."""
    try:
        import torch
        import safetensors.torch
    except ImportError:
        print("no PyTorch or no safetensors: nothing is converted")
        return
    del safetensors
    want = classify(work, work / "shards")
    root = torch.nn.Module()
    for name, (shape, values) in make_tensors().items():
        *inner, last = name.split(".")
        at = root
        for part in inner:
            if not hasattr(at, part):
                at.add_module(part, torch.nn.Module())
            at = getattr(at, part)
        at.register_parameter(last, torch.nn.Parameter(torch.tensor(values).reshape(shape)))
    for name, write in (("whole.pt", lambda p: torch.save(root, p)),
                        ("inside.pt", lambda p: torch.save({"model": root, "epoch": 1}, p)),
                        ("script.pt", lambda p: torch.jit.script(root).save(p))):
        m = make_model(work / f"with a space, {name}")
        (m / "model.safetensors").unlink()
        write(str(m / name))
        rc, _, err = run("inspect", m)
        check(rc == 6 and "python3 -c" in err, f"{name}: {rc}, {err}")
        line = err[err.index("python3 -c"):].strip().replace("python3", sys.executable, 1)
        done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
        check(done.returncode == 0, f"{line}: {done.stderr[-300:]}")
        check(classify(work, m) == want, f"classify: {name}, converted, gives something else")


def make_sequence(folder):
    """A classifier of token sequences: a folder of a model that reads no pictures."""
    folder.mkdir()
    shapes = {"embed.weight": [11, DIM], "pos_embed": [13, DIM], "head.weight": [10, DIM], "head.bias": [10]}
    shapes.update({name: shape for name, (shape, _) in make_tensors().items()
                   if name.startswith(("blocks.", "norm."))})
    tensors = {name: (shape, [0.25] * (shape[0] * (shape + [1])[1])) for name, shape in shapes.items()}
    save(folder / "model.safetensors", tensors)
    (folder / "config.json").write_text(json.dumps(
        {"architecture": "pare_sequence", "vocab_size": 11, "context_length": 13, "hidden_size": DIM,
         "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 4 * DIM, "num_classes": 10}))
    return folder


def test_sequence(work):
    """What reads tokens is shown as that, exported, and refused by all that work on pictures before they begin."""
    m, out, data = make_sequence(work / "tokens"), work / "never", ("--data", "synth:ringed-digit,train=8,val=8,test=8")
    want = "classifier of token sequences, 13 tokens of a vocabulary of 11; width 16, 2 heads, MLP 64, 10 classes"
    check_run(0, want, "inspect", m)
    check_run(0, "", "export", m, "-o", work / "tokens-again")
    check_run(0, want, "inspect", work / "tokens-again")
    picture = work / "tokens.png"
    for args in (("classify", m, picture), ("classify", m, picture, "--show", out), ("eval", m, *data),
                 ("sparsity", m, *data), ("train", "--init", m, *data, "-o", out),
                 ("tune", m, *data, "--train", "all", "-o", out), ("retain", m, *data, "--keep", 0.5, "-o", out),
                 ("distill", m, *data, "--mixer", "linear", "-o", out), ("prune", m, *data, "-o", out),
                 ("bench", "model", m), ("bench", "model", m, "--img-size", 32),
                 ("bench", "retention", "--model", m, "-o", out),
                 ("study", "groups", m, *data, "--mixer", "linear", "-o", out),
                 ("study", "teachers", m, work / "tokens-again", *data, "--mixer", "linear", "-o", out)):
        check_run(2, "the model (sequence) reads no pictures", *args)
        check(not out.exists(), f"{args[0]}: wrote something for a model that it cannot use")


def test_all(work):
    cli.run_tests(work, test_same_bits, test_bad_safetensors, test_other_mixer, test_foreign_tensors, test_bad_index,
                  test_bad_config, test_other_formats, test_sequence, test_torch, test_torch_alone,
                  test_torch_names, test_conversion)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
