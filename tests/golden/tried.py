#!/usr/bin/env python3
"""Model folders of ten kinds, as timm, transformers and OpenCLIP write them: tried.py PARE FOLDER.

Each is made tiny and random, saved by its own library, and its logits (or features) for one picture are held against
what `pare classify` or `pare eval --logits` makes of the folder. Prints a line each; exit status 1 if any is not right.
Needs torch, timm, transformers, open_clip_torch, Pillow and safetensors.
"""
import json
import pathlib
import subprocess
import sys

import numpy as np
import timm
import torch
import transformers as tf
from PIL import Image
from safetensors.numpy import load_file

PARE, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
SIZE = 32
TINY = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=SIZE,
            patch_size=8)
NAMES = {0: "cat", 1: "dog", 2: "fox"}

def randomise(model):
    torch.manual_seed(1)
    for p in model.parameters():
        p.data = torch.randn_like(p) * 0.2
    return model.eval()

def picture(folder):
    rng = np.random.default_rng(5)
    im = Image.fromarray(rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8))
    for label in ("cat", "dog", "fox"):
        (folder / "data" / label).mkdir(parents=True, exist_ok=True)
        im.save(folder / "data" / label / "0.png")
    return im

def logits_of_pare(model, folder, extra=()):
    out = folder / "logits.safetensors"
    out.unlink(missing_ok=True)
    done = subprocess.run([PARE, "eval", str(model), "--data", str(folder / "data"), "--logits", str(out), *extra],
                          capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr.strip().splitlines()[-1]
    return load_file(out)["logits"][0], ""

def processor():
    return tf.ViTImageProcessor(size={"height": SIZE, "width": SIZE}, resample=2)

def pixels(mean=0.5, std=0.5):
    x = np.asarray(Image.open(ROOT / "data" / "cat" / "0.png"), np.float32) / 255
    return torch.tensor((x - np.float32(mean)) / np.float32(std)).permute(2, 0, 1)[None].float()

def vit_sharded(d):
    m = randomise(tf.ViTForImageClassification(tf.ViTConfig(**TINY, id2label=NAMES)))
    m.save_pretrained(d, max_shard_size="20KB")
    processor().save_pretrained(d)
    return m(pixels()).logits

def deit_teacher(d):
    m = randomise(tf.DeiTForImageClassificationWithTeacher(tf.DeiTConfig(**TINY, id2label=NAMES)))
    m.save_pretrained(d)
    processor().save_pretrained(d)
    return m(pixels()).logits

def dinov2_registers(d):
    config = tf.Dinov2WithRegistersConfig(**{k: v for k, v in TINY.items() if k != "intermediate_size"}, mlp_ratio=2,
                                          num_register_tokens=4, id2label=NAMES)
    m = randomise(tf.Dinov2WithRegistersForImageClassification(config))
    m.save_pretrained(d)
    processor().save_pretrained(d)
    return m(pixels()).logits

def vit_bfloat16(d):
    m = randomise(tf.ViTForImageClassification(tf.ViTConfig(**TINY, id2label=NAMES))).to(torch.bfloat16)
    m.save_pretrained(d)
    processor().save_pretrained(d)
    return m.float()(pixels()).logits

def siglip_classifier(d):
    config = tf.SiglipConfig(vision_config=dict(TINY), text_config=dict(hidden_size=32, num_hidden_layers=1,
                             num_attention_heads=2, intermediate_size=64, vocab_size=99), id2label=NAMES)
    m = randomise(tf.SiglipForImageClassification(config))
    m.save_pretrained(d)
    tf.SiglipImageProcessor(size={"height": SIZE, "width": SIZE}).save_pretrained(d)
    return m(pixels()).logits

def timm_deit3(d):
    m = randomise(timm.create_model("deit3_small_patch16_224", img_size=SIZE, patch_size=8, embed_dim=32, depth=2,
                                    num_heads=2, num_classes=3))
    from timm.models import save_for_hf
    save_for_hf(m, d, model_args=dict(img_size=SIZE, patch_size=8, embed_dim=32, depth=2, num_heads=2),
                model_config=dict(label_names=list(NAMES.values())), safe_serialization=True)
    set_cfg(d, mean=[0.5] * 3, std=[0.5] * 3, input_size=[3, SIZE, SIZE], crop_pct=1.0)
    return m(pixels())

def set_cfg(d, **values):
    path = d / "config.json"
    c = json.loads(path.read_text())
    c["pretrained_cfg"].update(values)
    path.write_text(json.dumps(c))

def timm_clip(d):
    m = randomise(timm.create_model("vit_base_patch16_clip_224", img_size=SIZE, patch_size=8, embed_dim=32, depth=2,
                                    num_heads=2, num_classes=3))
    from timm.models import save_for_hf
    save_for_hf(m, d, model_args=dict(img_size=SIZE, patch_size=8, embed_dim=32, depth=2, num_heads=2),
                model_config=dict(label_names=list(NAMES.values())), safe_serialization=True)
    set_cfg(d, mean=[0.5] * 3, std=[0.5] * 3, input_size=[3, SIZE, SIZE], crop_pct=1.0)
    return m(pixels())

def compiled_ema(d):
    m = randomise(timm.create_model("vit_tiny_patch16_224", img_size=SIZE, num_classes=3))
    state = {"_orig_mod." + k: v for k, v in m.state_dict().items()}
    torch.save({"epoch": 3, "arch": "vit_tiny_patch16_224", "state_dict": {k: v * 0 for k, v in state.items()},
                "state_dict_ema": state, "optimizer": {"step": torch.tensor(5)}}, d / "last.pth.tar")
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return m(pixels(mean, std)), d / "last.pth.tar", ("--labels", "index")

def clip_vision(d):
    m = randomise(tf.CLIPForImageClassification(tf.CLIPConfig(
        vision_config=dict(TINY, projection_dim=16), text_config=dict(hidden_size=32, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=64, vocab_size=99), projection_dim=16, id2label=NAMES)))
    m.save_pretrained(d)
    tf.CLIPImageProcessor(size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE}, image_mean=[0.5] * 3,
                          image_std=[0.5] * 3).save_pretrained(d)
    return m(pixels()).logits

def mean_pooled(d):
    m = randomise(timm.create_model("vit_base_patch16_siglip_gap_224", img_size=SIZE, patch_size=8, embed_dim=32,
                                    depth=2, num_heads=2, num_classes=3))
    from timm.models import save_for_hf
    save_for_hf(m, d, model_args=dict(img_size=SIZE, patch_size=8, embed_dim=32, depth=2, num_heads=2),
                model_config=dict(label_names=list(NAMES.values())), safe_serialization=True)
    set_cfg(d, mean=[0.5] * 3, std=[0.5] * 3, input_size=[3, SIZE, SIZE], crop_pct=1.0)
    return m(pixels())

def main():
    ROOT.mkdir(parents=True, exist_ok=True)
    picture(ROOT)
    bad = 0
    for make in (vit_sharded, deit_teacher, dinov2_registers, vit_bfloat16, siglip_classifier, timm_deit3,
                 timm_clip, compiled_ema, clip_vision, mean_pooled):
        d = ROOT / make.__name__
        d.mkdir(exist_ok=True)
        with torch.no_grad():
            want = make(d)
        want, model, extra = want if isinstance(want, tuple) else (want, d, ())
        got, why = logits_of_pare(model, ROOT, extra)
        off = None if got is None else float(np.abs(got - want[0].float().numpy()).max())
        ok = off is not None and off < 1e-3
        bad += not ok
        print(f"{make.__name__}: {'right' if ok else 'NOT RIGHT'}, {why or f'off by {off:.1e}'}", flush=True)
    sys.exit(bad > 0)

main()
