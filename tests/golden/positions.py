#!/usr/bin/env python3
"""Positions of one grid for others by three programs' rules, as PyTorch computes them in double: positions.safetensors.

usage: positions.py OUT_FILE        needs torch and safetensors
"""
import sys

import torch
from safetensors.torch import save_file
from torch.nn.functional import interpolate

FROM, TO, DIM = (5, 4), [(7, 9), (3, 3), (10, 4), (5, 6), (2, 8)], 3


def resample(grid, to, rule):
    x = grid.permute(2, 0, 1)[None]
    if rule == "timm":      # timm.layers.resample_abs_pos_embed
        y = interpolate(x, size=to, mode="bicubic", antialias=True)
    elif rule == "hf":      # transformers' interpolate_pos_encoding
        y = interpolate(x, size=to, mode="bicubic", align_corners=False)
    else:                   # facebookresearch/dinov2, interpolate_offset = 0.1
        y = interpolate(x, scale_factor=tuple((t + 0.1) / f for t, f in zip(to, FROM)), mode="bicubic")
    assert y.shape[-2:] == to
    return y[0].permute(1, 2, 0).contiguous()


grid = torch.randn(*FROM, DIM, generator=torch.Generator().manual_seed(1), dtype=torch.float64).float().double()
out = {"grid": grid}
for rule in ("timm", "hf", "dinov2"):
    for to in TO:
        out[f"{rule}.{to[0]}x{to[1]}"] = resample(grid, to, rule)
save_file(out, sys.argv[1], {"torch": torch.__version__})
