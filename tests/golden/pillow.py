#!/usr/bin/env python3
"""Pillow's answers for test_resample.c and test_preprocess.c of tests/nn/image: pictures resized, cropped and padded.

    /usr/bin/python3 tests/golden/pillow.py     (Debian: python3-pil python3-numpy; PyPI: pillow 13.0.0)

writes pillow.safetensors beside it, or with Pillow 13 and newer pillow13.safetensors: a checksum (FNV-1a, 64 bits) of
every output and a few whole outputs. Source pictures are not stored: both sides draw them by the formula of `draw`.
Pillow resizes, crops and pads; the sizes and offsets that it is asked for are worked out as timm, torchvision and
transformers do it, whose rules are written down again in `timm_eval` and `huggingface`, rounding by rounding.
"""
import json
import math
import pathlib
import struct

import numpy as np
import PIL
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).resolve().parent
FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)
WHOLE = 6           # as many of the small outputs are stored whole
RESIZES = [         # height and width before and after
    (8, 6, 8, 6), (1, 1, 1, 1), (1, 1, 5, 3), (7, 5, 1, 1), (2, 2, 3, 3), (3, 3, 2, 2), (13, 17, 17, 13),
    (5, 7, 11, 23), (23, 11, 7, 5), (16, 16, 8, 8), (16, 16, 32, 32), (31, 29, 31, 13), (31, 29, 13, 29),
    (31, 29, 31, 53), (37, 41, 64, 41), (64, 64, 63, 65), (65, 63, 64, 64), (97, 101, 10, 9), (10, 9, 97, 101),
    (50, 50, 49, 49), (1, 200, 3, 7), (200, 1, 7, 3), (2, 997, 5, 31), (997, 2, 31, 5), (19, 19, 224, 224),
    (211, 199, 64, 64), (128, 96, 96, 128), (59, 61, 60, 60), (60, 60, 59, 61), (255, 257, 16, 16),
    (100, 150, 33, 50), (33, 50, 100, 150), (150, 100, 149, 100), (3, 4, 300, 5), (480, 640, 224, 224),
    (427, 640, 256, 383), (640, 427, 383, 256), (300, 400, 248, 330), (111, 13, 8, 111), (13, 111, 111, 8),
    (1200, 7, 9, 400), (257, 383, 7, 5),
    # where Pillow 13 does rows first, and next to that: portraits, panoramas, the edge of the rule
    (100, 75, 64, 64), (75, 30, 64, 64), (400, 300, 224, 224), (300, 400, 224, 224), (100, 60, 98, 59),
    (100, 60, 97, 59),
    (100, 60, 99, 59), (100, 60, 80, 50), (100, 60, 79, 50), (100, 60, 81, 50), (100, 60, 99, 60), (100, 60, 99, 61),
    (100, 60, 100, 61), (100, 60, 101, 61), (100, 60, 101, 59), (100, 60, 99, 90), (100, 60, 40, 30), (100, 60, 39, 30),
    (100, 60, 41, 30), (100, 60, 30, 90), (500, 10, 10, 10), (10, 500, 10, 10), (500, 10, 10, 9), (500, 10, 10, 11),
    (10, 500, 9, 500), (10, 500, 9, 499), (10, 500, 8, 499), (10, 500, 7, 499), (900, 3, 5, 64), (3, 900, 1, 899),
    (640, 480, 256, 256), (480, 640, 256, 256), (320, 240, 64, 48), (240, 320, 48, 64), (256, 256, 32, 224),
    (256, 256, 224, 32), (64, 64, 32, 48), (64, 64, 32, 49), (64, 64, 32, 47), (1000, 20, 37, 20), (20, 1000, 20, 37),
    (750, 100, 248, 33), (90, 100, 60, 85), (90, 100, 60, 86), (90, 100, 60, 84), (33, 31, 32, 31), (33, 31, 32, 30),
    (33, 31, 31, 30), (33, 31, 30, 30), (777, 333, 111, 222),
]


def draw(height, width):
    """Noise, with bars of black and white, so that bicubic overshoots at both ends."""
    y, x, c = np.meshgrid(*(np.arange(n, dtype=np.uint32) for n in (height, width, 3)), indexing="ij")
    v = x * np.uint32(374761393) + y * np.uint32(668265263) + c * np.uint32(2246822519)
    v = (v ^ v >> np.uint32(13)) * np.uint32(1274126177)
    v = v >> np.uint32(24)
    bars = (x // np.uint32(5) + y // np.uint32(3) + c) % np.uint32(5)
    return np.where(bars == 0, 0, np.where(bars == 1, 255, v)).astype(np.uint8)


def fnv(data):
    h = 0xcbf29ce484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return h


# ---- sizes and offsets

def shortest_edge(size, height, width):
    """torchvision's Resize with one number, transformers' get_resize_output_image_size: the long edge is truncated."""
    short, long = (width, height) if width <= height else (height, width)
    longer = int(size * long / short)
    return (longer, size) if width <= height else (size, longer)


def keep_ratio(frame, height, width, longest):
    """timm's ResizeKeepRatio."""
    ratios = height / frame[0], width / frame[1]
    ratio = max(ratios) * longest + min(ratios) * (1.0 - longest)
    return round(height * 1.0 / ratio), round(width * 1.0 / ratio)


def crop_or_pad(image, size, fill):
    """The centre crop of torchvision and timm: padding first, halves of a crop to even."""
    width, height = image.size
    left = (size[1] - width) // 2 if size[1] > width else 0
    top = (size[0] - height) // 2 if size[0] > height else 0
    right = (size[1] - width + 1) // 2 if size[1] > width else 0
    bottom = (size[0] - height + 1) // 2 if size[0] > height else 0
    image = ImageOps.expand(image, (left, top, right, bottom), fill=fill)
    y, x = (int(round((have - want) / 2.0)) for have, want in zip((image.height, image.width), size))
    return image.crop((x, y, x + size[1], y + size[0])), y - top, x - left


def timm_eval(image, size, pct, mode, code, mean):
    """timm's transforms_imagenet_eval: the picture, what it was resized to, and where the crop begins."""
    scale = tuple(math.floor(edge / pct) for edge in size)
    fill = (0, 0, 0)
    if mode == "squash":
        to = scale
    elif mode == "border":
        to, fill = keep_ratio(scale, image.height, image.width, 1.0), tuple(round(255 * v) for v in mean)
    elif scale[0] == scale[1]:
        to = shortest_edge(scale[0], image.height, image.width)
    else:                                               # timm 1.0.31; earlier ones forget the filter here
        to = keep_ratio(scale, image.height, image.width, 0.0)
    out, top, left = crop_or_pad(image.resize((to[1], to[0]), FILTERS[code]), size, fill)
    return out, to, top, left


def huggingface(image, size, crop, code):
    """transformers' ViT (no crop), DeiT (size is a pair) and CLIP or Bit (size is a number) image processors."""
    to = size if isinstance(size, tuple) else shortest_edge(size, image.height, image.width)
    resized = np.asarray(image.resize((to[1], to[0]), FILTERS[code]))
    if not crop:
        return Image.fromarray(resized), to, 0, 0
    height, width = resized.shape[:2]
    top, left = (height - crop[0]) // 2, (width - crop[1]) // 2
    if top >= 0 and top + crop[0] <= height and left >= 0 and left + crop[1] <= width:
        return Image.fromarray(resized[top:top + crop[0], left:left + crop[1]]), to, top, left
    high, wide = max(crop[0], height), max(crop[1], width)
    padded = np.zeros((high, wide, 3), np.uint8)
    top_pad, left_pad = math.ceil((high - height) / 2), math.ceil((wide - width) / 2)
    padded[top_pad:top_pad + height, left_pad:left_pad + width] = resized
    y, x = top + top_pad, left + left_pad
    out = padded[max(0, y):min(high, y + crop[0]), max(0, x):min(wide, x + crop[1])]
    return Image.fromarray(out), to, top, left


# ---- the tables: numbers as nn_preprocess has them

MODES = {"squash": 0, "center": 1, "border": 2}
MEAN = (0.485, 0.456, 0.406)
PICTURES = [(48, 64), (64, 48), (51, 51), (37, 101), (101, 38), (20, 20), (9, 200), (32, 24)]


def pipelines():
    """rule, mode, filter, resize, crop, model, picture, resized, top, left; crop_pct beside them; the output."""
    for picture in PICTURES:
        image = Image.fromarray(draw(*picture))
        for code, size, pct in ((1, (32, 32), 0.9), (0, (32, 24), 0.875), (1, (33, 31), 1.0), (1, (32, 32), 1.25)):
            for mode in MODES:
                out, to, top, left = timm_eval(image, size, pct, mode, code, MEAN)
                yield [0, MODES[mode], code, 0, 0, 0, 0, *size, *picture, *to, top, left], pct, out
        for code, size, crop in ((0, (32, 32), None), (1, (33, 24), None), (1, (37, 37), (32, 32)),
                                 (1, (36, 41), (31, 32)),
                                 (1, 37, (32, 32)), (0, 32, (32, 32)), (1, 30, (33, 32)), (1, 31, (32, 35))):
            out, to, top, left = huggingface(image, size, crop, code)
            model = crop or size
            resize = size if isinstance(size, tuple) else (size, size)
            kept = [*resize, *crop] if crop else [0, 0, 0, 0]
            yield [1, int(not isinstance(size, tuple)), code, *kept, *model, *picture, *to, top, left], 0.0, out


def save(path, tensors, script="pillow.py", more=None):
    """safetensors of {name: array}, with metadata besides."""
    names = {"uint8": "U8", "int32": "I32", "uint64": "U64", "float64": "F64"}
    meta = {"format": "pt", "script": script, "pillow": PIL.__version__, **(more or {})}
    header, at = {"__metadata__": meta}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": names[value.dtype.name], "shape": value.shape, "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for value in tensors.values():
            f.write(value.tobytes())


def main():
    sums, whole = [], {}
    for height, width, to_height, to_width in RESIZES:
        for code, kind in enumerate(FILTERS):
            out = Image.fromarray(draw(height, width)).resize((to_width, to_height), kind).tobytes()
            if len(whole) < WHOLE and 100 < len(out) < 1000:
                whole[f"whole.{len(sums)}"] = np.frombuffer(out, np.uint8)
            sums.append(fnv(out))
    rows, shares, images = zip(*pipelines())
    name = "pillow13" if int(PIL.__version__.split(".")[0]) >= 13 else "pillow"
    save(HERE / f"{name}.safetensors", {
        "pipeline.crop_pct": np.array(shares, np.float64),
        "pipeline.fnv": np.array([fnv(image.tobytes()) for image in images], np.uint64),
        "pipeline.numbers": np.array(rows, np.int32),
        "resize.fnv": np.array(sums, np.uint64), "resize.sizes": np.array(RESIZES, np.int32), **whole})


if __name__ == "__main__":
    main()
