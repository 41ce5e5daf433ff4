#!/usr/bin/env python3
"""PyTorch's answers for tests/nn/models/test_golden.c: logits, loss, every gradient, the losses of ten AdamW steps.

    /usr/bin/python3 tests/golden/make.py       (Debian: python3-torch python3-numpy)

writes the .safetensors files beside it. Weights, pixels and labels are not stored: both sides draw them by
the formulas of `weight` and `batch` below. Logits and gradients are computed in double, steps in float.
"""
import json
import math
import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
STEPS, WARMUP, SMOOTHING, DECAY, CLIP = 10, 3, 0.1, 0.05, 1.0


# ---- numbers that both sides can compute

def uniform(seed, stream, n):
    """nn_rng_uniform(seed, stream, 0 .. n - 1): Threefry-2x32 with 20 rounds, upper 24 bits."""
    key = [np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)]
    key.append(key[0] ^ key[1] ^ np.uint32(0x1BD11BDA))
    x = np.arange(n, dtype=np.uint32) + key[0]
    y = np.full(n, stream, dtype=np.uint32) + key[1]
    turns = [(13, 15, 26, 6), (17, 29, 16, 24)]
    for block in range(5):
        for turn in turns[block % 2]:
            x = x + y
            y = (y << np.uint32(turn) | y >> np.uint32(32 - turn)) ^ x
        x = x + key[(block + 1) % 3]
        y = y + key[(block + 2) % 3] + np.uint32(block + 1)
    return (x >> np.uint32(8)).astype(np.float32) * np.float32(1 / 16777216)


def stream_of(name):
    """FNV-1a of a parameter's name."""
    h = 2166136261
    for c in name.encode():
        h = (h ^ c) * 16777619 & 0xFFFFFFFF
    return h


def weight(c, name, shape):
    base = 1 if "norm" in name and name.endswith("weight") else 0
    u = uniform(c["seed"], stream_of(name), math.prod(shape))
    return (np.float32(base) + np.float32(c["scale"]) * (u * 2 - 1)).reshape(shape)


def batch(c, step):
    """Noise, and a shift of each channel that tells the class."""
    n, ch, size, k = c["batch"], c["channels"], c["image"], c["classes"]
    labels = (uniform(c["seed"], 2000 + step, n) * k).astype(np.int64)
    noise = uniform(c["seed"], 1000 + step, n * ch * size * size).reshape(n, ch, size * size)
    shift = ((labels[:, None] + 1) * (np.arange(ch) + 1)[None] % k).astype(np.float32) / np.float32(k)
    pixels = (noise * 2 - 1) + (shift - np.float32(0.5))[:, :, None]
    return pixels.reshape(n, ch, size, size), labels


# ---- the model, with timm's names

def shapes(c):
    d, hidden, p, heads = c["dim"], c["hidden"], c["patch"], c["heads"]
    s = {"cls_token": (1, 1, d), "pos_embed": (1, (c["image"] // p) ** 2 + 1, d),
         "patch_embed.proj.weight": (d, c["channels"], p, p), "patch_embed.proj.bias": (d,)}
    for i in range(c["depth"]):
        b = {"norm1.weight": (d,), "norm1.bias": (d,), "attn.qkv.weight": (3 * d, d), "attn.qkv.bias": (3 * d,)}
        if c["mixer"] != "attention":
            b.update({"attn.conv.weight": (d, 3, 3), "attn.conv.bias": (d,)})
        if c["mixer"] == "linear:features=hedgehog":
            b.update({"attn.feature_q": (heads, d // heads, d // heads),
                      "attn.feature_k": (heads, d // heads, d // heads)})
        b.update({"attn.proj.weight": (d, d), "attn.proj.bias": (d,), "norm2.weight": (d,), "norm2.bias": (d,),
                  "mlp.fc1.weight": (hidden, d), "mlp.fc1.bias": (hidden,),
                  "mlp.fc2.weight": (d, hidden), "mlp.fc2.bias": (d,)})
        s.update({f"blocks.{i}.{name}": shape for name, shape in b.items()})
    s.update({"norm.weight": (d,), "norm.bias": (d,), "head.weight": (c["classes"], d), "head.bias": (c["classes"],)})
    return s


def is_decayed(name):
    return name.endswith(("proj.weight", "qkv.weight", "fc1.weight", "fc2.weight", "head.weight"))


def mix(c, w, x):
    """The token mixer: x (B, T, C) -> heads (B, T, C)."""
    n, t, d = x.shape
    heads, side = c["heads"], c["image"] // c["patch"]
    q, k, v = F.linear(x, w["qkv.weight"], w["qkv.bias"]).reshape(n, t, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
    if c["mixer"] == "attention":
        o = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(d // heads), -1) @ v
        return o.transpose(1, 2).reshape(n, t, d)
    if c["mixer"] == "linear:features=hedgehog":
        q, k = (torch.einsum("nhtd,hdf->nhtf", u, w[f]) for u, f in ((q, "feature_q"), (k, "feature_k")))
        q, k = (torch.cat([torch.softmax(u, -1), torch.softmax(-u, -1)], -1) for u in (q, k))
    else:
        q, k = F.elu(q) + 1, F.elu(k) + 1
    den = (q @ k.sum(-2).unsqueeze(-1)).clamp_min(1e-6)
    o = (q @ (k.transpose(-1, -2) @ v) / den).transpose(1, 2).reshape(n, t, d)
    grid = v.transpose(1, 2).reshape(n, t, d)[:, 1:].transpose(1, 2).reshape(n, d, side, side)
    local = F.conv2d(grid, w["conv.weight"][:, None], w["conv.bias"], padding=1, groups=d)
    return o + F.pad(local.flatten(2).transpose(1, 2), (0, 0, 1, 0))    # the class token lies on no grid


def forward(c, w, pixels):
    d, eps = c["dim"], 1e-6
    x = F.conv2d(pixels, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=c["patch"])
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([w["cls_token"].expand(len(x), -1, -1), x], 1) + w["pos_embed"]
    for i in range(c["depth"]):
        at = f"blocks.{i}."
        b = {name[len(at):]: value for name, value in w.items() if name.startswith(at)}
        a = {name[len("attn."):]: value for name, value in b.items() if name.startswith("attn.")}
        y = mix(c, a, F.layer_norm(x, (d,), b["norm1.weight"], b["norm1.bias"], eps))
        x = x + F.linear(y, a["proj.weight"], a["proj.bias"])
        y = F.layer_norm(x, (d,), b["norm2.weight"], b["norm2.bias"], eps)
        y = F.gelu(F.linear(y, b["mlp.fc1.weight"], b["mlp.fc1.bias"]))
        x = x + F.linear(y, b["mlp.fc2.weight"], b["mlp.fc2.bias"])
    x = F.layer_norm(x[:, 0], (d,), w["norm.weight"], w["norm.bias"], eps)
    return F.linear(x, w["head.weight"], w["head.bias"])


def loss_of(c, w, pixels, labels):
    logits = forward(c, w, pixels)
    return logits, F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)


def parameters(c, dtype):
    return {name: torch.tensor(weight(c, name, shape), dtype=dtype).requires_grad_()
            for name, shape in shapes(c).items()}


# ---- what is stored

def gradients(c):
    w = parameters(c, torch.float64)
    pixels, labels = batch(c, 0)
    logits, loss = loss_of(c, w, torch.tensor(pixels, dtype=torch.float64), torch.tensor(labels))
    loss.backward()
    out = {"logits": logits, "loss": loss[None]}
    out.update({f"grad.{name}": p.grad for name, p in w.items()})
    return out


def learning_rate(c, step):
    """As nn/train/schedule.h."""
    if step < WARMUP:
        return c["lr"] * (step + 1) / WARMUP
    return c["lr"] * 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP)))


def steps(c, batches):
    w = parameters(c, torch.float32)
    opt = torch.optim.AdamW([
        {"params": [p for name, p in w.items() if is_decayed(name)], "weight_decay": DECAY},
        {"params": [p for name, p in w.items() if not is_decayed(name)], "weight_decay": 0.0}])
    losses, norms = [], []
    for step, (pixels, labels) in enumerate(batches):
        for group in opt.param_groups:
            group["lr"] = learning_rate(c, step)
        opt.zero_grad()
        loss = loss_of(c, w, torch.tensor(pixels), torch.tensor(labels))[1]
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(w.values(), CLIP)))
        opt.step()
        losses.append(loss.item())
    return {"losses": torch.tensor(losses), "norms": torch.tensor(norms)}


def save(path, c, tensors):
    meta = {key: str(value) for key, value in c.items()}
    meta.update(format="pt", torch=torch.__version__, numpy=np.__version__, made_by="tests/golden/make.py")
    header, data = {"__metadata__": meta}, b""
    for name, value in tensors.items():
        if not isinstance(value, np.ndarray):
            value = value.detach().numpy().astype("<f4")
        kind = {"<f4": "F32", "<u4": "U32"}[value.dtype.str]
        header[name] = {"dtype": kind, "shape": list(value.shape),
                        "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(path.name, path.stat().st_size, "bytes")


def config(mixer, scale, lr, n, image, patch, dim, depth, heads, classes):
    return {"arch": f"vit:image={image},patch={patch},dim={dim},depth={depth},heads={heads},classes={classes}",
            "mixer": mixer, "scale": scale, "seed": 7, "lr": lr, "batch": n, "image": image, "patch": patch,
            "channels": 3, "dim": dim, "hidden": 4 * dim, "depth": depth, "heads": heads, "classes": classes}


def eurosat_config(n):
    return config("attention", 0.05, 1e-3, n, 64, 8, 96, 6, 3, 10)


def main():
    torch.manual_seed(0)
    for stem, mixer in (("vit_attention", "attention"), ("vit_hedgehog", "linear:features=hedgehog"),
                        ("vit_elu1", "linear:features=elu1")):
        c = config(mixer, 0.25, 2e-3, 6, 16, 4, 24, 2, 3, 5)
        save(HERE / f"{stem}.safetensors", c, {**gradients(c), **steps(c, [batch(c, s) for s in range(STEPS)])})
    c = eurosat_config(3)
    save(HERE / "steps_eurosat_shape.safetensors", c, steps(c, [batch(c, s) for s in range(STEPS)]))


if __name__ == "__main__":
    main()
