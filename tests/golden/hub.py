#!/usr/bin/env python3
"""Which of some image models that timm and transformers name does pare load? By hand: needs timm and transformers.

usage: hub.py PARE            (prints the table of docs/checkpoints.md)

The models are chosen by hand among those that timm and transformers themselves name: timm's default checkpoint of an
architecture, the example checkpoint of a transformers class. It is no ranking, and none is downloaded. Of each a folder
is made as its program would leave it: timm's with two blocks and random weights; transformers' with the class of that
checkpoint at a small size. Then `pare inspect` reads it.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import timm
import torch
import transformers
from timm.models._hub import save_for_hf

TIMM = """vit_base_patch16_224 vit_small_patch16_224 vit_tiny_patch16_224 vit_large_patch16_224 vit_base_patch32_224
deit_tiny_patch16_224 deit_small_patch16_224 deit_base_distilled_patch16_224 deit3_base_patch16_224
vit_small_patch14_dinov2 vit_base_patch14_dinov2 vit_base_patch14_reg4_dinov2 vit_base_patch16_clip_224
vit_base_patch32_clip_224 vit_base_patch16_siglip_224 vit_so400m_patch14_siglip_384 vit_medium_patch16_reg4_gap_256
vit_base_patch16_224.mae eva02_base_patch14_224 eva02_large_patch14_448 beit_base_patch16_224 beitv2_base_patch16_224
vit_base_patch16_dinov3
swin_tiny_patch4_window7_224 convnext_tiny resnet50 efficientnet_b0 mobilenetv3_small_100""".split()

SMALL = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128, image_size=32)
TEXT = dict(hidden_size=64, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, vocab_size=20,
            max_position_embeddings=8)
HF = [("google/vit-base-patch16-224", "ViTForImageClassification", "ViTConfig", {}),
      ("google/vit-base-patch16-224-in21k", "ViTModel", "ViTConfig", {}),
      ("facebook/deit-base-distilled-patch16-224", "DeiTForImageClassificationWithTeacher", "DeiTConfig", {}),
      ("facebook/dinov2-base", "Dinov2Model", "Dinov2Config", {}),
      ("facebook/dinov2-with-registers-base", "Dinov2WithRegistersModel", "Dinov2WithRegistersConfig", {}),
      ("openai/clip-vit-base-patch32", "CLIPModel", "CLIPConfig", "whole"),
      ("google/siglip-base-patch16-224", "SiglipModel", "SiglipConfig", "whole"),
      ("google/siglip2-base-patch16-224", "SiglipModel", "SiglipConfig", "whole"),
      ("google/siglip2-base-patch16-naflex", "Siglip2Model", "Siglip2Config", "whole"),
      ("facebook/vit-mae-base", "ViTMAEForPreTraining", "ViTMAEConfig", {"decoder_hidden_size": 32,
       "decoder_num_hidden_layers": 1, "decoder_num_attention_heads": 2, "decoder_intermediate_size": 32}),
      ("facebook/ijepa_vith14_1k", "IJepaModel", "IJepaConfig", {}),
      ("microsoft/beit-base-patch16-224", "BeitForImageClassification", "BeitConfig",
       {"use_relative_position_bias": True}),
      ("facebook/data2vec-vision-base-ft1k", "Data2VecVisionForImageClassification", "Data2VecVisionConfig",
       {"use_relative_position_bias": True}),
      ("facebook/dinov3-vitb16-pretrain-lvd1689m", "DINOv3ViTModel", "DINOv3ViTConfig", {})]


def inspect(pare, folder):
    done = subprocess.run([str(pare), "inspect", str(folder), "--json"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        json.loads(done.stdout)
        return True, ""
    return False, re.sub(rf"^pare: |{re.escape(str(folder))}/?", "", done.stderr.strip().splitlines()[-1])


def make_timm(name, folder):
    args = {"depth": 2} if re.match(r"vit|deit|beit|eva", name) else {}         # two blocks say as much as all
    model = timm.create_model(name, pretrained=False, **args)
    save_for_hf(model, folder, safe_serialization=True, model_args=args or None)


def make_hf(name, config, more, folder):
    make = getattr(transformers, config)
    whole = more == "whole"
    c = make(vision_config=SMALL, text_config=TEXT, projection_dim=64) if whole else make(**SMALL, **more)
    getattr(transformers, name)(c).save_pretrained(folder)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    pare = pathlib.Path(sys.argv[1]).resolve()
    transformers.logging.set_verbosity_error()
    torch.manual_seed(1)
    print("| model | class | loads |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as work:
        for name in TIMM:
            folder = pathlib.Path(work) / "m"
            make_timm(name, folder)
            ok, text = inspect(pare, folder)
            print(f"| timm/{name} | timm | {'yes' if ok else 'no: ' + text} |", flush=True)
            shutil.rmtree(folder)
        for checkpoint, name, config, more in HF:
            folder = pathlib.Path(work) / "m"
            make_hf(name, config, more, folder)
            ok, text = inspect(pare, folder)
            print(f"| {checkpoint} | {name} | {'yes' if ok else 'no: ' + text} |", flush=True)
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
