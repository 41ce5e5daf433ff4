#!/usr/bin/env python3
"""A model folder of `pare` as a PyTorch module, for whoever goes on in Python. Needs PyTorch (1.13 or newer) alone,
and pare_files.py beside it.

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

from pare_files import read_config, read_safetensors

# ---- pieces that mixers share

def zeros(*shape):
    return nn.Parameter(torch.zeros(shape))


class Weights(nn.Module):
    """Parameters `weight` and maybe `bias` of these shapes, for a function below to use."""
    def __init__(self, weight, bias=None):
        super().__init__()
        self.weight, self.bias = zeros(*weight), zeros(*bias) if bias else None


def map_heads(x, w):
    """Each head's columns of x (B, T, H k) through a map of its own: weight (H, n, k) -> (B, T, H n)."""
    out = torch.einsum("bthk,hnk->bthn", x.unflatten(-1, (len(w.weight), -1)), w.weight).flatten(2)
    return out if w.bias is None else out + w.bias.flatten()


def conv_grid(x, w, places, c):
    """Depthwise convolution on the grid of the patches that are there; prefix tokens lie on no grid and get zero."""
    (on,) = torch.nonzero(places >= c.prefix, as_tuple=True)
    at = places[on] - c.prefix
    grid = x.new_zeros(len(x), c.patches, c.dim).index_copy(1, at, x[:, on])
    grid = grid.transpose(1, 2).unflatten(-1, c.grid)
    grid = F.conv2d(grid, w.weight[:, None], w.bias, padding=1, groups=c.dim).flatten(2).transpose(1, 2)
    return torch.zeros_like(x).index_copy(1, on, grid[:, at])


def turned(x, axis):
    """Direction 1 along `axis`, where there is one, from the last token to the first: into its own order, and back."""
    directions = x.unbind(axis)
    return torch.stack([*directions[:1], *(d.flip(1) for d in directions[1:])], axis)


def conv_tokens(x, w, act=F.silu):
    """`act` of a causal depthwise convolution along the tokens: x (B, T, dirs, n), weight (dirs n, taps)."""
    taps = w.weight.shape[1]
    u = F.pad(turned(x, 2).flatten(2).transpose(1, 2), (taps - 1, 0))
    u = F.conv1d(u, w.weight[:, None], w.bias, groups=len(w.weight)).transpose(1, 2)
    return turned(act(u).unflatten(-1, x.shape[2:]), 2)


def rms_norm(x, axes, eps):
    return x * torch.rsqrt(x.square().mean(axes, keepdim=True) + eps)


def recur(q, k, v, g, beta=None):
    """Along the tokens, with a state S (dk, dv) a stream:  S = exp(g) S + k u^T,  o = S^T q
    where u = v (gated linear attention) or, given beta, u = beta (v - (exp(g) S)^T k) (the delta rule). (B, T, streams
    ..., n) each, n = dk, dk, dv; g has dk numbers or 1, beta 1."""
    state, out = 0, []
    for t in range(q.shape[1]):
        state = torch.exp(g[:, t, ..., None]) * state
        u = v[:, t]
        if beta is not None:
            u = beta[:, t] * (u - (state * k[:, t, ..., None]).sum(-2))
        state = state + k[:, t, ..., None] * u[..., None, :]
        out.append((state * q[:, t, ..., None]).sum(-2))
    return torch.stack(out, 1)


# ---- mixers: y (B, T, C), the normed tokens, to heads (B, T, C). docs/mixers.md

class Mixer(nn.Module):
    """The base of all. The output projection belongs to the block and is the same for all mixers."""
    options = {}                                # values, the default first; int: or any number
    has_qkv = False
    def __init__(self, c, options):
        super().__init__()
        for key, value in options.items():
            values = self.options.get(key, ())
            if value not in values and not (int in values and str(value).isdigit()):
                raise ValueError(f"mixer {type(self).__name__}: option {key}={value} is not known here")
        self.option = {key: options.get(key, values[0]) for key, values in self.options.items()}
        self.c, self.proj = c, nn.Linear(c.dim, c.dim)
        if self.has_qkv:
            self.qkv = nn.Linear(c.dim, 3 * c.dim)

    def forward(self, y, places):
        return self.proj(self.mix(y, places))

    def get_qkv(self, y):
        """q, k and v, (B, T, H, D) each."""
        return self.qkv(y).unflatten(-1, (3, self.c.heads, self.c.head_dim)).unbind(2)


def get_angles(c):
    """Rotary positions: the angle of each pair of channels of a head, (patches, D / 2), from its row and its column."""
    sides = []
    for i, n in enumerate(c.grid):
        at = torch.arange(n, dtype=torch.float64)
        if c.rope == "dinov3":
            sides.append(2 * math.pi * (2 * (at + 0.5) / n - 1))
        else:
            sides.append(at * c.rope_grid[i] / n if c.rope_grid else at)
    periods = c.rope_base ** (torch.arange(c.head_dim // 4, dtype=torch.float64) / (c.head_dim // 4))
    rows, columns = (side[:, None] / periods for side in sides)
    return torch.cat([rows.repeat_interleave(c.grid[1], 0), columns.repeat(c.grid[0], 1)], -1)


def rotate(x, places, c):
    """x (B, T, H, D), its pairs of channels turned by the angles of the patches where the tokens stand."""
    (on,) = torch.nonzero(places >= c.prefix, as_tuple=True)
    angles = get_angles(c).to(x)[places[on] - c.prefix][:, None]
    pair = (2, -1) if c.rope == "dinov3" else (-1, 2)
    a, b = x[:, on].unflatten(-1, pair).unbind(-2 if c.rope == "dinov3" else -1)
    cos, sin = angles.cos(), angles.sin()
    turned_pairs = torch.stack([a * cos - b * sin, b * cos + a * sin], -2 if c.rope == "dinov3" else -1)
    return x.index_copy(1, on, turned_pairs.flatten(-2))


class Attention(Mixer):
    """softmax(q_i . k_j / sqrt(D)) over j, of q and k with rotary positions where the model has them."""
    has_qkv = True
    def get_qkv(self, y):
        if not self.c.no_key_bias:
            return super().get_qkv(y)
        bias = torch.cat([b * (i != 1) for i, b in enumerate(self.qkv.bias.chunk(3))])
        return F.linear(y, self.qkv.weight, bias).unflatten(-1, (3, self.c.heads, self.c.head_dim)).unbind(2)

    def get_weights(self, y, places):
        """(B, H, T, T)."""
        q, k, _ = self.get_qkv(y)
        if self.c.rope != "none":
            q, k = rotate(q, places, self.c), rotate(k, places, self.c)
        return torch.softmax(torch.einsum("bihd,bjhd->bhij", q, k) / math.sqrt(self.c.head_dim), -1)

    def mix(self, y, places):
        return torch.einsum("bhij,bjhd->bihd", self.get_weights(y, places), self.get_qkv(y)[2]).flatten(2)


class Linear(Mixer):
    """sum_j phi(q_i) . phi(k_j) v_j / sum_j phi(q_i) . phi(k_j), and a convolution of v. With a window, weights between
    tokens of one block of the sequence are those of a softmax, under the same sum."""
    options, has_qkv = {"features": ("hedgehog", "elu1", "t2r", "exp"), "window": ("none", int)}, True
    def __init__(self, c, options):
        super().__init__(c, options)
        self.conv = Weights((c.dim, 3, 3), (c.dim,))
        features, H, D = self.option["features"], c.heads, c.head_dim
        self.feature_q, self.feature_k = (zeros(H, D, D) if features != "elu1" else None for _ in "qk")
        self.feature_q_bias, self.feature_k_bias = (zeros(H, D) if features == "t2r" else None for _ in "qk")
        self.window_mix = zeros(H) if self.option["window"] != "none" else None

    def get_features(self, x, which):
        if self.option["features"] == "elu1":
            return F.elu(x) + 1
        u = torch.einsum("bthd,hdf->bthf", x, getattr(self, which))
        if self.option["features"] == "t2r":
            return (u + getattr(self, which + "_bias")).clamp_min(1e-12)
        u = torch.stack([u, -u], -2) - torch.stack([u, -u], -2).amax(-1, True)
        return (torch.exp(u) if self.option["features"] == "exp" else torch.softmax(u, -1)).flatten(-2)

    def add_window(self, q, k, weights):
        block = torch.arange(q.shape[1], device=q.device) // int(self.option["window"])
        near = block[:, None] == block
        score = torch.einsum("bihd,bjhd->bhij", q, k).div(self.c.head_dim ** 0.5).masked_fill(~near, -torch.inf)
        soft = (score - score.amax(-1, True)).exp() * self.window_mix.sigmoid()[:, None, None]
        return torch.where(near, soft, weights)

    def mix(self, y, places):
        q, k, v = self.get_qkv(y)
        a = torch.einsum("bihf,bjhf->bhij", *map(self.get_features, (q, k), ("feature_q", "feature_k")))
        a = a if self.window_mix is None else self.add_window(q, k, a)
        a = a / a.sum(-1, True).clamp_min(1e-6)
        return torch.einsum("bhij,bjhd->bihd", a, v).flatten(2) + conv_grid(v.flatten(2), self.conv, places, self.c)


class Conv(Mixer):
    """A control: tokens see their neighbours only."""
    def __init__(self, c, options):
        super().__init__(c, options)
        self.conv = Weights((c.dim, 3, 3), (c.dim,))

    def mix(self, y, places):
        return conv_grid(y, self.conv, places, self.c)


class CausalConv(Mixer):
    """A control: a token sees the few before it."""
    options = {"kernel": ("4", "2", "8")}
    def __init__(self, c, options):
        super().__init__(c, options)
        self.in_proj, self.conv = nn.Linear(c.dim, c.dim), Weights((c.dim, int(self.option["kernel"])), (c.dim,))

    def mix(self, y, places):
        return conv_tokens(self.in_proj(y)[:, :, None], self.conv, nn.Identity())[:, :, 0]


class Identity(Mixer):
    """A control: tokens do not see each other."""
    def mix(self, y, places):
        return y


class Sequential(Mixer):
    """Mixers of streams, one a head and direction: (B, T, H, dirs, n). Direction 1 runs from the last token on."""
    options = {"direction": ("both", "forward"), "chunk": ("auto", int)}      # a chunk changes the speed alone
    def __init__(self, c, options):
        super().__init__(c, options)
        hidden = self.option.get("hidden", "auto")
        self.units = c.head_dim if hidden == "auto" else int(hidden)
        self.dirs = 1 if self.option["direction"] == "forward" else 2
        self.streams = c.heads, self.dirs
        self.merge = Weights((c.heads, c.head_dim, self.dirs * self.units))

    def scan(self, q, k, v, g, places, beta=None):
        """`recur` of every stream in its own order. With gaps = count, a decay counts dropped tokens."""
        if self.c.retention["gaps"] == "count":
            steps = torch.diff(places, prepend=places[:1] - 1)      # to the token before, 1 for the first
            back = torch.diff(places, append=places[-1:] + 1)       # the same from the other end
            g = g * torch.stack([steps, back], -1)[:, None, :self.dirs, None]
        x = [None if u is None else turned(u.expand(*u.shape[:2], *self.streams, -1), 3) for u in (q, k, v, g, beta)]
        return turned(recur(*x), 3)

    def get_step(self, y):
        """The time step of a stream and its log decay, (B, T, H, dirs, 1) both (Mamba-2)."""
        step = F.softplus(self.dt(y) + self.dt_bias).unflatten(-1, (*self.streams, 1))
        return step, -torch.exp(self.A_log).view(*self.streams, 1) * step

    def norm_and_gate(self, o, y):
        """Norm of each stream, times the SiLU of a gate that both directions share."""
        gate = F.silu(self.out_gate(y)).unflatten(-1, (self.c.heads, 1, self.c.head_dim))
        return rms_norm(o, -1, 1e-5) * self.norm.weight.view(*self.streams, -1) * gate

    def add_steps(self, c):
        self.dt = nn.Linear(c.dim, c.heads * self.dirs, bias=False)
        self.dt_bias, self.A_log = zeros(c.heads * self.dirs), zeros(c.heads * self.dirs)


class SSD(Sequential):
    """Mamba-2: two mixers with weights of their own; B and C are the same for all heads."""
    options = {**Sequential.options, "state": ("64", int)}
    def __init__(self, c, options):
        super().__init__(c, options)
        self.state = int(self.option["state"])
        self.in_proj = nn.Linear(c.dim, self.dirs * (2 * c.dim + 2 * self.state), bias=False)
        self.conv = Weights((self.dirs * (c.dim + 2 * self.state), 4), (self.dirs * (c.dim + 2 * self.state),))
        self.add_steps(c)
        self.D = zeros(c.heads * self.dirs)
        self.norm = Weights((self.dirs * c.dim,))

    def mix(self, y, places):
        def to_heads(u):                            # (B, T, dirs, C) -> (B, T, H, dirs, D)
            return u.unflatten(-1, (self.c.heads, -1)).transpose(2, 3)
        n = self.state
        z, xbc = self.in_proj(y).unflatten(-1, (self.dirs, -1)).split([self.c.dim, self.c.dim + 2 * n], -1)
        x, b, c = conv_tokens(xbc, self.conv).split([self.c.dim, n, n], -1)
        x, (step, g) = to_heads(x), self.get_step(y)
        o = self.scan(c[:, :, None], step * b[:, :, None], x, g, places)
        o = (o + self.D.view(*self.streams, 1) * x) * F.silu(to_heads(z))
        o = rms_norm(o, (2, 4), 1e-5) * self.norm.weight.view(*self.streams, -1)     # over the heads of a direction
        return map_heads(o.flatten(2), self.merge)


class GLA(Sequential):
    """Gated linear attention: a decay a channel of the keys, from a gate of rank 16."""
    has_qkv = True
    def __init__(self, c, options):
        super().__init__(c, options)
        self.gate = nn.Module()
        self.gate.down = nn.Linear(c.dim, 16, bias=False)
        self.gate.up = nn.Linear(16, self.dirs * c.dim)
        self.out_gate = nn.Linear(c.dim, c.dim, bias=False)
        self.norm = Weights((self.dirs * c.dim,))

    def mix(self, y, places):
        q, k, v = (u[:, :, :, None] for u in self.get_qkv(y))       # both directions share them
        g = F.logsigmoid(self.gate.up(self.gate.down(y))).unflatten(-1, (*self.streams, -1)) / 16
        o = self.scan(q / math.sqrt(self.c.head_dim), k, v, g, places)
        return map_heads(self.norm_and_gate(o, y).flatten(2), self.merge)


class GatedDelta(Sequential):
    """Gated DeltaNet: a token first takes out of the state what its key, of length 1, reads."""
    has_qkv = True
    def __init__(self, c, options):
        super().__init__(c, options)
        self.conv = Weights((self.dirs * 3 * c.dim, 4))
        self.beta = nn.Linear(c.dim, c.heads * self.dirs, bias=False)
        self.add_steps(c)
        self.out_gate = nn.Linear(c.dim, c.dim, bias=False)
        self.norm = Weights((self.dirs * c.dim,))

    def mix(self, y, places):
        c = self.c
        u = conv_tokens(self.qkv(y)[:, :, None].expand(-1, -1, self.dirs, -1), self.conv)
        q, k, v = u.unflatten(-1, (3, c.heads, c.head_dim)).permute(3, 0, 1, 4, 2, 5)
        q, k = (rms_norm(u, -1, 1e-6) / math.sqrt(c.head_dim) for u in (q, k))
        beta = torch.sigmoid(self.beta(y)).unflatten(-1, (*self.streams, 1))
        o = self.scan(q / math.sqrt(c.head_dim), k, v, self.get_step(y)[1], places, beta)
        return map_heads(self.norm_and_gate(o, y).flatten(2), self.merge)


class BiLSTM(Sequential):
    """One LSTM a stream, after a projection that all heads share."""
    options = {"direction": ("both", "forward"), "hidden": ("auto", int)}
    def __init__(self, c, options):
        super().__init__(c, options)
        self.pre_proj = nn.Linear(c.dim, c.dim)
        self.x = Weights((c.heads, self.dirs * 4 * self.units, c.head_dim), (c.heads * self.dirs * 4, self.units))
        self.h = Weights((c.heads * self.dirs, 4 * self.units, self.units))
        self.merge.bias = zeros(c.dim)

    def mix(self, y, places):
        x = map_heads(self.pre_proj(y), self.x).unflatten(-1, (*self.streams, 4, self.units))
        x, w, out = turned(x, 3), self.h.weight.view(*self.streams, 4, self.units, self.units), []
        h = c = x.new_zeros(len(y), *self.streams, self.units)
        for t in range(y.shape[1]):
            i, f, g, o = (x[:, t] + torch.einsum("hsguk,bhsk->bhsgu", w, h)).unbind(-2)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            out.append(h)
        return map_heads(turned(torch.stack(out, 1), 3).flatten(2), self.merge)


class MinGRU(Sequential):
    """h = (1 - z) h + z candidate, both from the token alone."""
    options = {"direction": ("both", "forward")}
    def __init__(self, c, options):
        super().__init__(c, options)
        self.in_proj = Weights((self.dirs * 2 * c.dim, c.dim), (self.dirs * 2, c.dim))

    def mix(self, y, places):
        x = F.linear(y, self.in_proj.weight, self.in_proj.bias.flatten())
        x = turned(x.unflatten(-1, (self.dirs, 2, self.c.heads, self.c.head_dim)), 2).transpose(2, 4)
        z, candidate, h, out = torch.sigmoid(x[:, :, :, 0]), x[:, :, :, 1], 0, []
        for t in range(y.shape[1]):
            h = (1 - z[:, t]) * h + z[:, t] * candidate[:, t]
            out.append(h)
        return map_heads(turned(torch.stack(out, 1), 3).flatten(2), self.merge)


MIXERS = {"attention": Attention, "linear": Linear, "ssd": SSD, "gla": GLA, "gated_delta": GatedDelta, "bilstm": BiLSTM,
          "mingru": MinGRU, "conv": Conv, "causal_conv": CausalConv, "identity": Identity}


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
        places, policy = torch.arange(x.shape[1], device=x.device), self.config.retention["policy"]
        if policy != "none":                    # pictures keep different tokens: one after the other
            run = self.run_topk if policy == "topk" else self.run_halting
            return torch.cat([self.classify(run(picture, places)) for picture in x.split(1)])
        for block in self.blocks:
            x = block(x, places)
        return self.classify(x)


# transformers' names of a DINOv2 with a classifier of its own kind, and ours
DINOV2 = {"dinov2_with_registers.": "", "dinov2.": "", "embeddings.patch_embeddings.": "patch_embed.",
          "projection.": "proj.", "embeddings.position_embeddings": "pos_embed",
          "embeddings.register_tokens": "reg_token", "embeddings.": "", "encoder.layer.": "blocks.",
          "attention.output.dense": "attn.proj", "attention.attention": "attn", "lambda1": "gamma", "layer_scale": "ls",
          "weights_in": "fc1", "weights_out": "fc2", "layernorm.": "norm.", "classifier.": "head."}


def rename(weights):
    """Weights under timm's names; q, k and v are one; only patches have positions where there are registers."""
    ours = {}
    for name, x in sorted(weights.items()):
        for theirs, word in DINOV2.items():
            name = name.replace(theirs, word)
        ours[name] = x
    for name in [name for name in ours if ".attn.query." in name]:
        ours[name.replace("query", "qkv")] = torch.cat(
            [ours.pop(name.replace("query", w)) for w in ("query", "key", "value")])
    if "reg_token" in ours:
        ours["cls_token"] = ours["cls_token"] + ours["pos_embed"][:, :1]
        ours["pos_embed"] = ours["pos_embed"][:, 1:]
    return {name: x for name, x in ours.items() if name != "mask_token"}


def rename_eva(weights):
    """Weights of timm's Eva class: q and v have a bias each, and a gated MLP may be two matrices."""
    ours = {name.replace(".gamma_1", ".ls1.gamma").replace(".gamma_2", ".ls2.gamma"): x for name, x in weights.items()}
    for name in [name for name in ours if name.endswith(".attn.q_bias")]:
        q, v = ours.pop(name), ours.pop(name.replace("q_bias", "v_bias"))
        ours[name.replace("q_bias", "qkv.bias")] = torch.cat([q, torch.zeros_like(q), v])
    for name in [name for name in ours if ".mlp.fc1_g." in name]:
        ours[name.replace("fc1_g", "fc1")] = torch.cat([ours.pop(name), ours.pop(name.replace("fc1_g", "fc1_x"))])
    return ours


def load(folder):
    """The model of a folder, float32, in eval mode; ValueError or RuntimeError when its files are not right."""
    folder = pathlib.Path(folder)
    try:
        config, weights = read_config(folder), read_safetensors(folder / "model.safetensors")
        weights = rename(weights) if any(name.startswith("dinov2") for name in weights) else weights
        weights = rename_eva(weights) if any(name.endswith(".attn.q_bias") for name in weights) else weights
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
