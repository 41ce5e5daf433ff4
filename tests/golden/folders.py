#!/usr/bin/env python3
"""Model folders that say something in an unusual place, with what PyTorch's programs make of them.

usage: folders.py OUT_FOLDER        (OUT_FOLDER = tests/golden/folders)

Needs torch, timm, transformers, safetensors and Pillow; the versions are written into expected.safetensors. Each folder
OUT/<name>/ has the files of a tiny random model and expected.safetensors, for OUT/picture.png: pixels (1, 3, H, W),
logits (1, K), and scores (1, K) where they are no softmax.
"""
import json
import os
import shutil
import sys

sys.dont_write_bytecode = True

import timm
import torch
import transformers
from PIL import Image
from PIL import __version__ as pillow
from safetensors.torch import load_file, save_file
from timm.models._hub import save_for_hf
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from families import randomise

SEED = 20261130
VERSIONS = {"torch": torch.__version__, "timm": timm.__version__, "transformers": transformers.__version__,
            "pillow": pillow}
SMALL = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=8,
             patch_size=4)
TINY = dict(patch_size=4, embed_dim=16, depth=1, num_heads=2, mlp_ratio=2.0)
VIT = {"do_resize": True, "size": {"height": 8, "width": 8}, "resample": 2, "do_rescale": True,
       "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
       "image_processor_type": "ViTImageProcessor"}
CLIP = {"do_resize": True, "size": {"shortest_edge": 10}, "resample": 2, "do_center_crop": True,
        "crop_size": {"height": 8, "width": 8}, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.25], "image_processor_type": "CLIPImageProcessor"}


def draw(path):
    image = Image.new("RGB", (28, 20))
    image.putdata([((9 * x + 3 * y) % 256, (x * y) % 256, (255 - 8 * x + 11 * y) % 256)
                   for y in range(20) for x in range(28)])
    image.save(path)


def fresh(out, name):
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def finish(folder, source, pixels, logits, scores=None):
    tensors = {"pixels": pixels, "logits": logits, **({} if scores is None else {"scores": scores})}
    save_file({k: v.detach().float().contiguous() for k, v in tensors.items()},
              os.path.join(folder, "expected.safetensors"), {"source": source, "seed": str(SEED), **VERSIONS})
    size = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder))
    print(f"{os.path.basename(folder)}: {size} bytes")


def edit(folder, change):
    path = os.path.join(folder, "config.json")
    config = json.load(open(path))
    change(config)
    json.dump(config, open(path, "w"), indent=1)


def make_timm(out, name, change, size=8, stored=8):
    """A folder of timm's whose config.json was changed, judged by what timm loads from it."""
    model = timm.create_model("vit_tiny_patch16_224", img_size=stored, num_classes=3, **TINY).eval()
    randomise(model, SEED)
    folder = fresh(out, name)
    save_for_hf(model, folder, safe_serialization=True, model_args={"img_size": stored, **TINY})
    for f in os.listdir(folder):
        if f not in ("config.json", "model.safetensors"):
            os.remove(os.path.join(folder, f))
    edit(folder, lambda c: (c["pretrained_cfg"].update(input_size=[3, size, size]),
                            c["model_args"].update(img_size=size), change(c)))
    model = timm.create_model("local-dir:" + folder, pretrained=True).eval()
    transform = timm.data.create_transform(**timm.data.resolve_data_config(model.pretrained_cfg, model=model))
    pixels = transform(Image.open(os.path.join(out, "picture.png"))).unsqueeze(0)
    finish(folder, "timm", pixels, model(pixels))


def save_hf(out, name, model):
    randomise(model, SEED)
    folder = fresh(out, name)
    model.eval().save_pretrained(folder)
    return folder


def make_vit(out, name, change=lambda c: None, prefix="", scores=None):
    config = transformers.ViTConfig(**SMALL, num_labels=3)
    model = transformers.ViTForImageClassification(config)
    folder = save_hf(out, name, model)
    edit(folder, change)
    json.dump(VIT, open(os.path.join(folder, "preprocessor_config.json"), "w"), indent=1)
    model = transformers.ViTForImageClassification.from_pretrained(folder).eval()
    path = os.path.join(folder, "model.safetensors")
    save_file({prefix + k: v.contiguous() for k, v in load_file(path).items()}, path, {"format": "pt"})
    pixels = ViTImageProcessorPil(**VIT)(Image.open(os.path.join(out, "picture.png")), return_tensors="pt").pixel_values
    logits = model(pixels).logits
    finish(folder, "transformers", pixels, logits, scores and scores(logits))


def make_clip(out):
    """As CLIPProcessor.save_pretrained of transformers 5 leaves it: no preprocessor_config.json."""
    model = transformers.CLIPVisionModelWithProjection(transformers.CLIPVisionConfig(**SMALL, projection_dim=4))
    folder = save_hf(out, "processor-config", model)
    json.dump({"image_processor": CLIP, "processor_class": "CLIPProcessor"},
              open(os.path.join(folder, "processor_config.json"), "w"), indent=1)
    model = transformers.CLIPVisionModelWithProjection.from_pretrained(folder).eval()
    picture = Image.open(os.path.join(out, "picture.png"))
    pixels = CLIPImageProcessorPil(**CLIP)(picture, return_tensors="pt").pixel_values
    finish(folder, "transformers", pixels, model(pixels).image_embeds)


def main(out):
    transformers.logging.set_verbosity_error()
    os.makedirs(out, exist_ok=True)
    draw(os.path.join(out, "picture.png"))
    with torch.no_grad():
        make_timm(out, "default-args", lambda c: c["model_args"].update(
            num_classes=3, in_chans=3, fc_norm=None, qk_norm=False, dynamic_img_pad=False, proj_bias=True,
            final_norm=True, norm_layer=None, weight_init="", pos_embed="learn"))
        make_timm(out, "other-positions", lambda c: None, stored=12)
        make_timm(out, "other-labels", lambda c: c.update(label_names=["ant", "bee", "cat", "dog", "eel"]))
        make_vit(out, "number-labels", lambda c: c.update(id2label={"0": 7, "1": 8, "2": 9}))
        make_vit(out, "model-prefix", prefix="model.")
        make_vit(out, "multi-label", lambda c: c.update(problem_type="multi_label_classification"),
                 scores=torch.sigmoid)
        make_clip(out)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
