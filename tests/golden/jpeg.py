#!/usr/bin/env python3
"""Pillow's answers for tests/nn/image/test_jpeg.c: small JPEG files of every kind of sampling, and their pixels.

    python3 tests/golden/jpeg.py        (PyPI: pillow 13.0.0, numpy, safetensors)
"""
import io
import pathlib

import numpy as np
import PIL
from PIL import Image
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent
KINDS = {  # mode, options of Image.save
    "444": ("RGB", {"subsampling": 0}), "422": ("RGB", {"subsampling": 1}), "420": ("RGB", {"subsampling": 2}),
    "420_progressive": ("RGB", {"subsampling": 2, "progressive": True}), "grey": ("L", {}),
    "422_low": ("RGB", {"subsampling": 1, "quality": 20}), "cmyk": ("CMYK", {"subsampling": 0}),
}
SIZES = [(64, 64), (17, 13), (1, 1), (3, 40)]        # width, height


def picture(width, height):
    """Waves and steps, so that chroma that is resampled at the wrong place shows."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    rgb = np.stack([127 + 120 * np.sin(x / 3), 255.0 * ((x // 5 + y // 7) % 2), (x * 9 + y * 5) % 256], -1)
    return Image.fromarray(rgb.round().astype(np.uint8), "RGB")


def main():
    tensors = {}
    for kind, (mode, options) in KINDS.items():
        for width, height in SIZES:
            file = io.BytesIO()
            picture(width, height).convert(mode).save(file, "JPEG", **{"quality": 95, **options})
            name = f"{kind}_{width}x{height}"
            tensors[f"{name}.file"] = np.frombuffer(file.getvalue(), np.uint8)
            tensors[f"{name}.pixels"] = np.asarray(Image.open(file).convert("RGB")).copy()
    save_file(tensors, HERE / "jpeg.safetensors", {"pillow": PIL.__version__, "made_by": "tests/golden/jpeg.py"})


main()
