#!/usr/bin/env python3
"""Do timm and transformers load what pare writes, and prepare pictures as it does? By hand: both must be installed.

usage: others.py PARE [PICTURE.png ...]

Every model of models/selftest is exported by the program PARE, loaded by timm (its config's architecture) and by
transformers, and run on its golden pixels. With pictures, the pixels of `pare classify --preprocess-dump` are compared
with those of each model's own transform.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import timm
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models/selftest"
BAR = 1e-4


def run(*args):
    done = subprocess.run([*map(str, args)], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def run_timm(folder, pixels):
    return timm.create_model(f"local-dir:{folder}", pretrained=True).eval()(pixels)


def run_transformers(folder, pixels, has_head):
    if has_head:
        return transformers.AutoModelForImageClassification.from_pretrained(folder).eval()(pixels).logits
    return transformers.AutoModel.from_pretrained(folder).eval()(pixels).pooler_output


def check_export(pare, model, work):
    """{program: largest difference of the logits}."""
    folder, golden = work / model.name, load_file(model / "golden.safetensors")
    code, text = run(pare, "export", model, "-o", folder, "-q")
    if code:
        sys.exit(f"{model.name}: {text}")
    config, found = json.loads((folder / "config.json").read_text()), {}
    with torch.no_grad():
        if config["architecture"] != "pare_vit":
            found["timm"] = run_timm(folder, golden["pixels"])
        found["transformers"] = run_transformers(folder, golden["pixels"], config["num_classes"] > 0)
    return {name: (y - golden["logits"]).abs().max().item() for name, y in found.items()}


def prepare(model, images):
    """Pixels as the model's own program prepares them; None where the folder does not say how."""
    if model.name.startswith("timm"):
        made = timm.create_model(f"local-dir:{model}", pretrained=False)
        transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=made))
        return torch.stack([transform(image) for image in images])
    if not (model / "preprocessor_config.json").exists():
        return None
    processor = transformers.AutoImageProcessor.from_pretrained(model, use_fast=False)
    return processor(images, return_tensors="pt")["pixel_values"]


def check_pictures(pare, model, pictures, work):
    dump = work / f"{model.name}.safetensors"
    code, _ = run(pare, "classify", model, *pictures, "--preprocess-dump", dump, "-q")
    want = prepare(model, [Image.open(p).convert("RGB") for p in pictures]) if code == 0 else None
    return None if want is None else (load_file(dump)["pixels"] - want).abs().max().item()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    pare, pictures, bad = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:], 0
    transformers.logging.set_verbosity_error()
    print(f"torch {torch.__version__}, timm {timm.__version__}, transformers {transformers.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        for model in sorted(MODELS.iterdir()):
            far = check_export(pare, model, pathlib.Path(folder))
            pixels = check_pictures(pare, model, pictures, pathlib.Path(folder)) if pictures else None
            far.update({} if pixels is None else {"pixels": pixels})
            bad += any(not x <= BAR for x in far.values())
            print(f"{model.name:26}", "  ".join(f"{name} {x:.1e}" for name, x in far.items()))
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
