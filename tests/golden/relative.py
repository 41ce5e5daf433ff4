#!/usr/bin/env python3
"""What timm and transformers make of relative positions (BEiT): relative.safetensors, for test_relative.c.

usage: relative.py OUT_FILE        needs torch, timm, transformers and safetensors

table (N, H), of a grid of 5 x 4 patches; timm.7x9, hf.7x9 ...: the same for other grids, by timm's
resize_rel_pos_bias_table without SciPy, and by PyTorch's bilinear interpolation as transformers' BEiT has it (whose own
reshape of a table that is not square takes its width for its height).
grad.*: gradients of models/selftest/timm-beit-both on its golden pixels, labels 0 and 2, cross-entropy smoothed by 0.1.
timm.pixels, timm.logits: that model at 32 x 48 pixels, by set_input_size; hf.pixels, hf.logits: hf-beit at 48 x 48.
"""
import pathlib
import sys

import timm
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file, save_file
from timm.layers import resize_rel_pos_bias_table

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models/selftest"
FROM, TO, HEADS = (5, 4), [(7, 9), (3, 3), (10, 4), (5, 6), (2, 8), (1, 12)], 3


def rows(grid):
    return 2 * grid[0] - 1, 2 * grid[1] - 1


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1)).half().float()


def resample_timm(table, to):
    h, w = rows(to)
    return resize_rel_pos_bias_table(table, to, (h * w + 3, HEADS), FROM)


def resample_hf(table, to):
    grid = table[:-3].reshape(1, *rows(FROM), HEADS).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=rows(to), mode="bilinear")
    return torch.cat([grid.permute(0, 2, 3, 1).reshape(-1, HEADS), table[-3:]])


def add_gradients(out):
    folder = MODELS / "timm-beit-both"
    model = timm.create_model(f"local-dir:{folder}", pretrained=True).double()
    pixels = load_file(folder / "golden.safetensors")["pixels"].double()
    F.cross_entropy(model(pixels), torch.tensor([0, 2]), label_smoothing=0.1).backward()
    for name, p in model.named_parameters():
        if name.endswith("relative_position_bias_table") or name.endswith("attn.qkv.weight"):
            out[f"grad.{name}"] = p.grad.float()


def add_sizes(out):
    model = timm.create_model(f"local-dir:{MODELS / 'timm-beit-both'}", pretrained=True).eval()
    model.set_input_size((32, 48))
    out["timm.pixels"] = draw(1, 3, 32, 48)
    out["timm.logits"] = model.double()(out["timm.pixels"].double()).float()
    model = transformers.BeitForImageClassification.from_pretrained(MODELS / "hf-beit", dtype=torch.float32).eval()
    out["hf.pixels"] = draw(1, 3, 48, 48)
    out["hf.logits"] = model.double()(out["hf.pixels"].double()).logits.float()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    h, w = rows(FROM)
    out = {"table": draw(h * w + 3, HEADS)}
    for to in TO:
        out[f"timm.{to[0]}x{to[1]}"] = resample_timm(out["table"], to)
        out[f"hf.{to[0]}x{to[1]}"] = resample_hf(out["table"], to)
    add_gradients(out)
    with torch.no_grad():
        add_sizes(out)
    out = {name: (x.half() if name.endswith("pixels") else x).contiguous() for name, x in out.items()}
    save_file(out, sys.argv[1], {"torch": torch.__version__, "timm": timm.__version__,
                                 "transformers": transformers.__version__})


if __name__ == "__main__":
    main()
