#!/usr/bin/env python3
"""PyTorch's results for `pare selftest`: a small vision transformer of random values in models/selftest/.

    /usr/bin/python3 tests/golden/selftest.py       (Debian: python3-torch python3-numpy)

Weights and results are computed in float32 and float64: what is written is the double result rounded to float.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

from make import save

OUT = pathlib.Path(__file__).resolve().parents[2] / "models/selftest"
PLAIN = dict(image=24, patch=8, dim=32, depth=3, heads=4, hidden=80, classes=7, eps=1e-6)


def config(c):
    return {
        "architecture": "vit_tiny_patch16_224", "num_classes": c["classes"], "num_features": c["dim"],
        "global_pool": "token",
        "model_args": {"img_size": c["image"], "patch_size": c["patch"], "in_chans": 3, "embed_dim": c["dim"],
                       "depth": c["depth"], "num_heads": c["heads"], "mlp_ratio": c["hidden"] / c["dim"]},
        "pretrained_cfg": {"input_size": [3, c["image"], c["image"]], "mean": [0.5] * 3, "std": [0.5] * 3,
                           "interpolation": "bicubic", "crop_pct": 0.9},
    }


def weights(c):
    torch.manual_seed(11)
    d, h = c["dim"], c["hidden"]
    shapes = {"cls_token": (1, 1, d), "pos_embed": (1, (c["image"] // c["patch"]) ** 2 + 1, d),
              "patch_embed.proj.weight": (d, 3, c["patch"], c["patch"]), "patch_embed.proj.bias": (d,)}
    for l in range(c["depth"]):
        for name, shape in {"norm1": (d,), "attn.qkv": (3 * d, d), "attn.proj": (d, d), "norm2": (d,),
                            "mlp.fc1": (h, d), "mlp.fc2": (d, h)}.items():
            shapes[f"blocks.{l}.{name}.weight"], shapes[f"blocks.{l}.{name}.bias"] = shape, shape[:1]
    shapes.update({"norm.weight": (d,), "norm.bias": (d,), "head.weight": (c["classes"], d),
                   "head.bias": (c["classes"],)})
    return {k: torch.randn(s) * 0.25 + ("norm" in k and k.endswith("weight")) for k, s in shapes.items()}


def forward(c, w, pixels):
    """The stream that enters block 0 and that after every block, and the logits."""
    d, n_heads = c["dim"], c["heads"]
    norm = lambda x, name: F.layer_norm(x, (d,), w[name + ".weight"], w[name + ".bias"], c["eps"])
    linear = lambda x, name: F.linear(x, w[name + ".weight"], w[name + ".bias"])
    x = F.conv2d(pixels, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=c["patch"])
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([w["cls_token"].expand(len(x), -1, -1), x], 1) + w["pos_embed"]
    streams = [x]
    for l in range(c["depth"]):
        b = f"blocks.{l}."
        qkv = linear(norm(x, b + "norm1"), b + "attn.qkv")
        q, k, v = qkv.reshape(len(x), -1, 3, n_heads, d // n_heads).permute(2, 0, 3, 1, 4)
        p = torch.softmax(q @ k.transpose(-1, -2) * (d // n_heads) ** -0.5, -1)
        x = x + linear((p @ v).transpose(1, 2).reshape(len(x), -1, d), b + "attn.proj")
        x = x + linear(F.gelu(linear(norm(x, b + "norm2"), b + "mlp.fc1")), b + "mlp.fc2")
        streams.append(x)
    return streams, linear(norm(x[:, 0], "norm"), "head")


def main():
    c, folder = PLAIN, OUT / "vit"
    folder.mkdir(parents=True, exist_ok=True)
    w = weights(c)
    pixels = torch.randn(2, 3, c["image"], c["image"])
    streams, logits = forward(c, {k: v.double() for k, v in w.items()}, pixels.double())
    golden = {"pixels": pixels, "tokens": streams[0], **{f"block.{l}": x for l, x in enumerate(streams[1:])},
              "logits": logits}
    (folder / "config.json").write_text(json.dumps(config(c), indent=2) + "\n")
    save(folder / "model.safetensors", {}, w)
    save(folder / "golden.safetensors", {}, golden)


if __name__ == "__main__":
    main()
