"""The token mixers of `pare` as PyTorch modules, for pare_torch.py: MIXERS has them by name.

Throughout: B pictures of T tokens with C = H D channels, H heads; P prefix tokens (class token first), then the patches
of a picture, row by row. `places` (T) says where in the full picture the tokens stand that are still there.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

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


def add_table(c):
    """Relative positions: a row a pair of places, a column a head."""
    return zeros((2 * c.grid[0] - 1) * (2 * c.grid[1] - 1) + 3, c.heads)


def look_up(table, places, c):
    """What is added to the scores of attention, (H, T, T): of two patches by how many rows and columns the query is
    from the key; the last rows are of a prefix token and a patch, of a patch and such a token, of two such tokens."""
    (h, w), patch, end = c.grid, places - c.prefix, len(table)
    row, column, before = patch.div(w, rounding_mode="floor"), patch % w, patch < 0
    pair = (row[:, None] - row + h - 1) * (2 * w - 1) + column[:, None] - column + w - 1
    pair = pair.masked_fill(before[:, None], end - 3).masked_fill(before, end - 2)
    return table[pair.masked_fill(before[:, None] & before, end - 1)].permute(2, 0, 1)


class Attention(Mixer):
    """softmax(q_i . k_j / sqrt(D) + r_ij) over j, of q and k with rotary positions, and with r of relative ones, where
    the model has them."""
    has_qkv = True
    shared = ()                                 # tables of all layers, which belong to the model
    def __init__(self, c, options):
        super().__init__(c, options)
        if c.relative_positions:
            self.relative_position_bias_table = add_table(c)

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
        scores = torch.einsum("bihd,bjhd->bhij", q, k) / math.sqrt(self.c.head_dim)
        own = [self.relative_position_bias_table] if self.c.relative_positions else []
        for table in (*own, *self.shared):
            scores = scores + look_up(table, places, self.c)
        return torch.softmax(scores, -1)

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
        hidden, self.expand_v = self.option.get("hidden", "auto"), int(self.option.get("expand_v", 1))
        self.units = self.expand_v * c.head_dim if hidden == "auto" else int(hidden)
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
        gate = F.silu(self.out_gate(y)).unflatten(-1, (self.c.heads, 1, self.units))
        return rms_norm(o, -1, 1e-5) * self.norm.weight.view(*self.streams, -1) * gate

    def add_gate(self, c):
        self.out_gate = nn.Linear(c.dim, self.expand_v * c.dim, bias=False)
        self.norm = Weights((self.dirs * self.expand_v * c.dim,))

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
    options = {**Sequential.options, "expand_v": ("1", "2")}
    def __init__(self, c, options):
        super().__init__(c, options)
        self.qkv = nn.Linear(c.dim, (2 + self.expand_v) * c.dim)
        self.gate = nn.Module()
        self.gate.down = nn.Linear(c.dim, 16, bias=False)
        self.gate.up = nn.Linear(16, self.dirs * c.dim)
        self.add_gate(c)

    def mix(self, y, places):
        q, k, v = self.qkv(y).split([self.c.dim, self.c.dim, self.expand_v * self.c.dim], -1)
        q, k, v = (u.unflatten(-1, (self.c.heads, 1, -1)) for u in (q, k, v))       # both directions share them
        g = F.logsigmoid(self.gate.up(self.gate.down(y))).unflatten(-1, (*self.streams, -1)) / 16
        o = self.scan(q / math.sqrt(self.c.head_dim), k, v, g, places)
        return map_heads(self.norm_and_gate(o, y).flatten(2), self.merge)


class Delta(Sequential):
    """A token first takes out of the state what its key, of length 1, reads."""
    options = {**Sequential.options, "expand_v": ("1", "2")}
    def __init__(self, c, options):
        super().__init__(c, options)
        self.beta = nn.Linear(c.dim, c.heads * self.dirs, bias=False)
        self.add_steps(c)
        self.add_gate(c)

    def run(self, q, k, v, y, places, eps):
        """Heads, of q, k and v (B, T, 1 or dirs, H n) each."""
        q, k, v = (u.unflatten(-1, (self.c.heads, -1)).transpose(2, 3) for u in (q, k, v))
        q, k = (rms_norm(u, -1, eps) / math.sqrt(self.c.head_dim) for u in (q, k))
        beta = torch.sigmoid(self.beta(y)).unflatten(-1, (*self.streams, 1))
        o = self.scan(q / math.sqrt(self.c.head_dim), k, v, self.get_step(y)[1], places, beta)
        return map_heads(self.norm_and_gate(o, y).flatten(2), self.merge)


class GatedDelta(Delta):
    """Gated DeltaNet: q, k and v through a short convolution."""
    def __init__(self, c, options):
        super().__init__(c, options)
        self.qkv = nn.Linear(c.dim, (2 + self.expand_v) * c.dim)
        self.conv = Weights((self.dirs * (2 + self.expand_v) * c.dim, 4))

    def mix(self, y, places):
        u = conv_tokens(self.qkv(y)[:, :, None].expand(-1, -1, self.dirs, -1), self.conv)
        return self.run(*u.split([self.c.dim, self.c.dim, self.expand_v * self.c.dim], -1), y, places, 1e-6)


class Jet(Delta):
    """JetBlock: v alone through a convolution, whose filters each token makes."""
    def __init__(self, c, options):
        super().__init__(c, options)
        wide, taps = self.expand_v * c.dim, 4
        hidden = (wide + 7) // 8
        self.qk, self.v = nn.Linear(c.dim, 2 * c.dim), nn.Linear(c.dim, wide)
        self.kernel = nn.Module()
        self.kernel.down = nn.Linear(c.dim, self.dirs * hidden, bias=False)
        self.kernel.up = Weights((self.dirs, wide * taps, hidden), (self.dirs * wide, taps))

    def mix(self, y, places):
        q, k = F.silu(self.qk(y))[:, :, None].chunk(2, -1)
        filters = map_heads(F.silu(self.kernel.down(y)), self.kernel.up).unflatten(-1, (self.dirs, -1, 4))
        v = F.pad(turned(self.v(y)[:, :, None].expand(-1, -1, self.dirs, -1), 2), (0, 0, 0, 0, 3, 0))
        v = turned(F.silu((v.unfold(1, 4, 1) * turned(filters, 2)).sum(-1)), 2)
        return self.run(q, k, v, y, places, 1e-6 / self.c.head_dim)


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


MIXERS = {"attention": Attention, "linear": Linear, "ssd": SSD, "gla": GLA, "gated_delta": GatedDelta, "jet": Jet,
          "bilstm": BiLSTM, "mingru": MinGRU, "conv": Conv, "causal_conv": CausalConv, "identity": Identity}
