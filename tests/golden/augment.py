#!/usr/bin/env python3
"""Pillow's answers for tests/nn/image/test_pixel_ops.c: small pictures changed by each operation of RandAugment.

    python3 tests/golden/augment.py     (PyPI: pillow 12.0.0, numpy; Debian: python3-pil python3-numpy)

writes augment.safetensors beside it: rows of op, filter, height, width and source, the value of each, a checksum
(FNV-1a, 64 bits) of each result, and a few whole results. The calls of Pillow are those that timm 1.0.31 makes
(data/auto_augment.py), with the grey (124, 116, 104) from outside. Sources are drawn, not stored: noise with bars
(pillow.py), or that squeezed into levels 60 to 187, so that contrast has something to stretch.
"""
import pathlib

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

import pillow

HERE = pathlib.Path(__file__).resolve().parent
FILL = (124, 116, 104)
SIZES = [(8, 8), (13, 17), (1, 9), (2, 2), (33, 32)]
FACTORS = [0.0, 0.1, 0.19, 0.5, 0.73, 1.0, 1.0000001, 1.3, 1.81, 1.9]
SLOPES = [-0.3, -0.27, -0.01, 0.0, 0.135, 0.3]
SHIFTS = [-0.45, -0.405, -0.125, 0.0, 0.2, 0.45]
TURNS = [-30.0, -27.0, -13.37, 0.0, 0.5, 3.0, 27.0, 30.0, 90.0, 180.0, -90.0, 200.0]


def solarize_add(image, add):
    table = [min(255, i + add) if i < 128 else i for i in range(256)]
    return image.point(table * 3)


def posterize(image, bits):
    if bits == 0:                   # black, as Pillow 12 has it; 13 refuses it
        return image.point([0] * 768)
    return image if bits >= 8 else ImageOps.posterize(image, bits)


def affine(image, matrix, kind):
    return image.transform(image.size, Image.Transform.AFFINE, matrix, resample=kind, fillcolor=FILL)


# In the order of nn_pixel_op: values, and the result of one.
OPS = [
    ([0], lambda im, v, k: ImageOps.autocontrast(im)),
    ([0], lambda im, v, k: ImageOps.equalize(im)),
    ([0], lambda im, v, k: ImageOps.invert(im)),
    (TURNS, lambda im, v, k: im.rotate(v, resample=k, fillcolor=FILL)),
    ([0, 1, 2, 3, 4, 7, 8], lambda im, v, k: posterize(im, v)),
    ([0, 1, 26, 128, 230, 256], lambda im, v, k: ImageOps.solarize(im, v)),
    ([0, 1, 55, 99, 110], lambda im, v, k: solarize_add(im, v)),
    (FACTORS, lambda im, v, k: ImageEnhance.Color(im).enhance(v)),
    (FACTORS, lambda im, v, k: ImageEnhance.Contrast(im).enhance(v)),
    (FACTORS, lambda im, v, k: ImageEnhance.Brightness(im).enhance(v)),
    (FACTORS, lambda im, v, k: ImageEnhance.Sharpness(im).enhance(v)),
    (SLOPES, lambda im, v, k: affine(im, (1, v, 0, 0, 1, 0), k)),
    (SLOPES, lambda im, v, k: affine(im, (1, 0, 0, v, 1, 0), k)),
    (SHIFTS, lambda im, v, k: affine(im, (1, 0, v * im.size[0], 0, 1, 0), k)),
    (SHIFTS, lambda im, v, k: affine(im, (1, 0, 0, 0, 1, v * im.size[1]), k)),
]
MAPS = {3, 11, 12, 13, 14}          # of them, those with a filter


def main():
    rows, values, sums, whole = [], [], [], {}
    for op, (list_, change) in enumerate(OPS):
        for height, width in SIZES:
            for source in range(2):
                picture = pillow.draw(height, width)
                if source:
                    picture = (60 + picture // 2).astype(np.uint8)
                for value in list_:
                    for code in range(2 if op in MAPS else 1):
                        out = change(Image.fromarray(picture), value, pillow.FILTERS[code])
                        assert out.size == (width, height) and out.mode == "RGB"
                        if (height, width) == SIZES[0] and source == 0 and value == list_[-1]:
                            whole[f"whole.{len(rows)}"] = np.asarray(out).reshape(-1).copy()
                        rows.append((op, code, height, width, source))
                        values.append(value)
                        sums.append(pillow.fnv(out.tobytes()))
    pillow.save(HERE / "augment.safetensors", {
        "fnv": np.array(sums, np.uint64), "rows": np.array(rows, np.uint8), "value": np.array(values, np.float64),
        **whole}, "augment.py")


if __name__ == "__main__":
    main()
