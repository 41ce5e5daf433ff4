#!/usr/bin/env python3
"""Ten AdamW steps of the EuroSAT teacher's shape on real pictures: batch 128, by PyTorch. For a check by hand.

    /usr/bin/python3 tests/golden/eurosat_steps.py DATA OUT.safetensors [BATCH]
    PARE_GOLDEN_STEPS=OUT.safetensors build/release/test_golden

DATA has class folders of JPEG files, or a train folder that does (Debian: python3-pil). OUT (63 MB) holds the
pictures, so that both sides read the same pixels. CI runs neither.
"""
import pathlib
import random
import sys

import numpy as np
from PIL import Image

import make


def read_pictures(data, n, size):
    """n pictures in a seeded order as (n, 3, size, size) in -1 .. 1, and their classes."""
    root = data / "train" if (data / "train").is_dir() else data
    folders = sorted(p for p in root.iterdir() if p.is_dir())
    files = [(p, k) for k, folder in enumerate(folders) for p in sorted(folder.glob("*.jpg"))]
    files = random.Random(7).sample(files, n)
    rgb = np.stack([np.asarray(Image.open(p).convert("RGB").resize((size, size))) for p, _ in files])
    pixels = (rgb.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(127.5)) - np.float32(1)
    return np.ascontiguousarray(pixels), np.array([k for _, k in files])


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 128
    c = make.eurosat_config(n)
    pixels, labels = read_pictures(pathlib.Path(sys.argv[1]), make.STEPS * n, c["image"])
    batches = [(pixels[i * n:(i + 1) * n], labels[i * n:(i + 1) * n]) for i in range(make.STEPS)]
    tensors = make.steps(c, batches)
    print("losses", *(f"{x:.5f}" for x in tensors["losses"]))
    tensors.update(pixels=pixels, labels=labels.astype(np.uint32))
    make.save(pathlib.Path(sys.argv[2]), c, tensors)


main()
