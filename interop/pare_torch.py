#!/usr/bin/env python3
"""A model folder of `pare` as a PyTorch module, for whoever goes on in Python. Needs PyTorch (1.13 or newer) alone,
and pare_files.py and pare_mixers.py beside it.

    model = pare_torch.load("folder")       # an nn.Module in eval mode, parameters named as in model.safetensors
    logits = model(pixels)                  # (B, channels, H, W), normalised -> (B, classes)

    python3 pare_torch.py FOLDER PIXELS.safetensors        # prints a line of logits a picture

It reads config.json, pare.json and model.safetensors, and knows every mixer and option, tokens that are dropped on the
way, and the families of vision transformers that `pare` knows. It is the equations as text books have them, a loop
over tokens where something recurs: to be read, changed or trained, not to be fast. It does not prepare pictures
(model.config has their mean and std) nor resample positions for other picture sizes.

Throughout: B pictures of T tokens with C = H D channels, H heads; P prefix tokens (class token first), then the patches
of a picture, row by row. `places` (T) says where in the full picture the tokens stand that are still there.
"""
import argparse
import math
import pathlib

import torch
import torch.nn.functional as F
from torch import nn

from pare_files import read_config, read_safetensors, read_weights
from pare_mixers import add_table, MIXERS, zeros

# ---- the transformer

class LayerScale(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gamma = zeros(c.dim)

    def forward(self, x):
        return x * self.gamma


def activate(x, act):
    if act == "quick_gelu":
        return x * torch.sigmoid(1.702 * x)
    return F.gelu(x, approximate="tanh" if act == "gelu_tanh" else "none")


class MLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.fc1 = nn.Linear(c.dim, 2 * c.hidden if c.mlp == "swiglu" else c.hidden)
        self.fc2 = nn.Linear(c.hidden, c.dim)
        self.norm = nn.LayerNorm(c.hidden, c.eps) if c.mlp_norm else nn.Identity()

    def forward(self, x):
        x = self.fc1(x)
        if self.c.mlp == "swiglu":
            gate, x = x.chunk(2, -1)
            return self.fc2(self.norm(F.silu(gate) * x))
        return self.fc2(self.norm(activate(x, self.c.act)))


class AttentionPool(nn.Module):
    """What one learned query reads of the patches (B, N, C), and an MLP of that: (B, C)."""
    def __init__(self, c):
        super().__init__()
        self.c, self.latent = c, zeros(1, 1, c.dim)
        self.q, self.kv, self.proj = nn.Linear(c.dim, c.dim), nn.Linear(c.dim, 2 * c.dim), nn.Linear(c.dim, c.dim)
        self.norm, self.mlp = nn.LayerNorm(c.dim, c.eps), MLP(c)

    def forward(self, x):
        q = self.q(self.latent)[0, 0].unflatten(-1, (self.c.heads, -1))
        k, v = self.kv(x).unflatten(-1, (2, self.c.heads, -1)).unbind(2)
        p = torch.softmax(torch.einsum("hd,bnhd->bnh", q, k) / math.sqrt(self.c.head_dim), 1)
        y = self.proj(torch.einsum("bnh,bnhd->bhd", p, v).flatten(1))
        return y + self.mlp(self.norm(y))


class Block(nn.Module):
    def __init__(self, c, layer):
        super().__init__()
        if layer["mixer"] not in MIXERS:
            raise ValueError(f"no mixer {layer['mixer']!r} here")
        self.norm1, self.norm2 = nn.LayerNorm(c.dim, c.eps), nn.LayerNorm(c.dim, c.eps)
        self.attn, self.mlp = MIXERS[layer["mixer"]](c, layer.get("options", {})), MLP(c)
        self.ls1, self.ls2 = (LayerScale(c) if c.layer_scale else nn.Identity() for _ in range(2))

    def forward(self, x, places):
        x = x + self.ls1(self.attn(self.norm1(x), places))
        return x + self.ls2(self.mlp(self.norm2(x)))


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.config = c
        for name, n in c.tokens.items():
            setattr(self, name, zeros(1, n, c.dim))
        self.pos_embed = None if c.no_positions else zeros(1, c.patches + (0 if c.bare_prefix else c.prefix), c.dim)
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(c.channels, c.dim, c.patch, c.patch, bias=not c.pre_norm)
        self.norm_pre = nn.LayerNorm(c.dim, c.eps) if c.pre_norm else nn.Identity()
        self.blocks = nn.ModuleList(Block(c, layer) for layer in c.layers)
        if c.shared_relative_positions:
            self.rel_pos_bias = nn.Module()
            self.rel_pos_bias.relative_position_bias_table = add_table(c)
        if c.pool != "raw_avg":
            self.add_module("fc_norm" if c.pool == "avg" else "norm", nn.LayerNorm(c.dim, c.eps))
        if c.pool == "map":
            self.attn_pool = AttentionPool(c)
        width = 2 * c.dim if c.pool == "token_avg" else c.dim
        self.head = nn.Identity() if c.headless else nn.Linear(width, c.embed or c.classes)
        if c.embed:
            self.class_vectors = nn.Linear(c.embed, c.classes, bias=c.scores == "sigmoid")     # of one length
        if c.distilled:
            self.head_dist = nn.Linear(c.dim, c.classes)

    def embed(self, pixels):
        """Patches and prefix tokens with their positions, (B, T, C)."""
        c = self.config
        if pixels.shape[1:] != (c.channels, c.height, c.width):
            raise ValueError(f"pixels {tuple(pixels.shape)}: want (B, {c.channels}, {c.height}, {c.width})")
        x = self.patch_embed.proj(pixels).flatten(2).transpose(1, 2)
        if not c.no_positions:
            x = x + self.pos_embed[:, -c.patches:]
        prefix = torch.cat([x[:1, :0], *(getattr(self, name) for name in c.tokens)], 1)
        if not c.bare_prefix and not c.no_positions:
            prefix = prefix + self.pos_embed[:, :c.prefix]
        return self.norm_pre(torch.cat([prefix.expand(len(x), -1, -1), x], 1))

    def share(self):
        """Let all layers have the model's table; as a tuple it is no parameter of theirs."""
        for block in self.blocks if self.config.shared_relative_positions else ():
            block.attn.shared = (self.rel_pos_bias.relative_position_bias_table,)

    def classify(self, x):
        """Logits of what the last block gives, (B, T, C)."""
        return self.class_vectors(F.normalize(self.read(x), dim=-1)) if self.config.embed else self.read(x)

    def read(self, x):
        c = self.config
        if c.pool in ("avg", "raw_avg"):        # run_halting leaves the mean field alone, in place of all tokens
            mean = x[:, 0] if c.retention["policy"] == "halting" else x[:, c.prefix:].mean(1)
            return self.head(self.fc_norm(mean) if c.pool == "avg" else mean)
        x = self.norm(x)
        if c.pool == "norm_avg":
            return self.head(x[:, c.prefix:].mean(1))
        if c.pool == "map":
            return self.head(self.attn_pool(x[:, c.prefix:]))
        if c.pool == "token_avg":
            return self.head(torch.cat([x[:, 0], x[:, c.prefix:].mean(1)], -1))
        return (self.head(x[:, 0]) + self.head_dist(x[:, 1])) / 2 if c.distilled else self.head(x[:, 0])

    def run_topk(self, x, places):
        """One picture: after block l the share[l] of its patches with the most class attention go on; without a class
        token, those that receive the most of all."""
        share = self.config.retention["share"]
        for l, block in enumerate(self.blocks):
            x, entered, places_before = block(x, places), x, places
            if l + 1 == len(self.blocks) or share[l] >= (share[l - 1] if l else 1):
                continue
            weights = block.attn.get_weights(block.norm1(entered), places_before)[0]
            score = (weights.mean(1) if self.config.no_class else weights[:, 0]).mean(0)    # mean over the heads
            is_patch = places >= self.config.prefix
            count = max(1, math.ceil(share[l] * self.config.patches - 1e-9))
            best = torch.sort(score.masked_fill(~is_patch, -1), descending=True, stable=True).indices[:count]
            keep = ~is_patch
            keep[best] = True
            x, places = x[:, keep], places[keep]
        return x

    def run_halting(self, x, places):
        """One picture: A-ViT's halting. Returns the mean field, (1, 1, C), in the class token's place."""
        c, r, field = self.config, self.config.retention, 0
        score, rest = torch.zeros_like(x[0, :, 0]), torch.ones_like(x[0, :, 0])     # cumulative score, and remainder
        running = places >= 0
        for l, block in enumerate(self.blocks):
            if len(places) == 0:
                break
            x, is_last = block(x, places), l + 1 == len(self.blocks)
            gate = r["gate_scale"] * x[0, :, 0] - r["gate_centre"]
            stays = (places == 0) & bool(r["keep_class"])
            h = torch.sigmoid(gate).masked_fill(stays & ~gate.isnan(), 0)
            goes_on = running & (score + h < 1 - r["eps"]) & (not is_last)
            p = torch.where(goes_on, h, torch.where(running, rest, torch.zeros_like(rest)))
            score, rest, running = score + h, rest - p, goes_on
            read = (places == 0) * (not c.no_class) + r["read_patches"] / c.patches * (places >= c.prefix)
            field = field + (read * p) @ x[0]
            if (l + 1) % r["every"] == 0 and not is_last:
                keep = goes_on | stays
                x, places = x[:, keep], places[keep]
                score, rest, running = score[keep], rest[keep], running[keep]
        return field[None, None]

    def forward(self, pixels):
        x = self.embed(pixels)
        self.share()
        places, policy = torch.arange(x.shape[1], device=x.device), self.config.retention["policy"]
        if policy != "none":                    # pictures keep different tokens: one after the other
            run = self.run_topk if policy == "topk" else self.run_halting
            return torch.cat([self.classify(run(picture, places)) for picture in x.split(1)])
        for block in self.blocks:
            x = block(x, places)
        return self.classify(x)


def load(folder):
    """The model of a folder, float32, in eval mode; ValueError or RuntimeError when its files are not right."""
    folder = pathlib.Path(folder)
    try:
        config, weights = read_config(folder), read_weights(folder / "model.safetensors")
        config.hidden = weights["blocks.0.mlp.fc2.weight"].shape[1]
    except KeyError as error:
        raise ValueError(f"{folder}: {error} is missing") from error
    model = Model(config)
    model.load_state_dict(weights)              # strict: names and shapes, nothing missing, nothing left over
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description="Logits of a model folder of pare for the tensor `pixels` of a file.")
    parser.add_argument("folder")
    parser.add_argument("pixels", help="safetensors with pixels (B, channels, H, W), as of pare eval --logits")
    options = parser.parse_args()
    try:
        given = read_safetensors(options.pixels)
        with torch.no_grad():
            logits = load(options.folder)(given["pixels"])
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise SystemExit(f"pare_torch: {error}") from error
    print("\n".join("\t".join(f"{x:.6g}" for x in row) for row in logits.tolist()))
    if "logits" in given:
        print(f"largest difference from the file's logits: {(logits - given['logits']).abs().max():.2e}")


if __name__ == "__main__":
    main()
