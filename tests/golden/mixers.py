#!/usr/bin/env python3
"""Answers of the reference implementations for tests/nn/mixers/test_mixer_golden.c: layers of
flash-linear-attention and mamba's minimal SSD, forward and the gradient of the input.

    python3 tests/golden/mixers.py      (torch 2.6.0, triton 3.2.0, transformers 5.24.0)

makes a virtual environment in a temporary folder with the packages PACKAGES beside those, runs their layers there and
writes mixers.safetensors. Weights and inputs are not stored: both sides draw them, by the names and shapes that `pare`
gives them, and `weights_of` puts them where the layers have theirs.

Their kernels are Triton's and want a GPU. So the layers run with the plain functions that the packages have for each:
the naive recurrences, the gate, the norm. What a layer adds to those (projections, order, convolution, gates, scales)
is its own code. mamba-ssm imports CUDA extensions; its ssd_minimal.py is loaded alone, and the scan that it gives is
held against that of fla's Mamba2, whose forward pass for CPUs is run whole. JetBlock is on no package registry: it is
fla's GatedDeltaNet without its convolutions, its values from the dynamic convolution as its paper defines it.
"""
import importlib.util
import os
import pathlib
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import types
import venv

import torch
import torch.nn.functional as F
from torch import nn

import make

PACKAGES = ["fla-core==0.6.0", "flash-linear-attention==0.6.0", "einops==0.8.2"]
MAMBA = "mamba-ssm==2.3.2.post1"
C, HEADS, STATE, LENGTHS = 16, 2, 64, (19, 5)
D = C // HEADS
SEED, INPUT_SEED, LOSS = 41, 29, 100.0      # the inputs and the loss are those of tests/nn/mixers/mixer_run.c


# ---- pare's parameters, with direction=forward

def shapes_of(mixer, wide):
    """Those of a mixer with values of `wide` channels in all."""
    qkv = {"qkv.weight": (2 * C + wide, C)}
    gate = {"out_gate.weight": (wide, C), "norm.weight": (wide,), "merge.weight": (HEADS, D, wide // HEADS)}
    steps = {"dt.weight": (HEADS, C), "dt_bias": (HEADS,), "A_log": (HEADS,)}
    delta = {"beta.weight": (HEADS, C), **steps, **gate}
    jet = {"qk.weight": (2 * C, C), "v.weight": (wide, C), "kernel.down.weight": (wide // 8, C),
           "kernel.up.weight": (1, 4 * wide, wide // 8), "kernel.up.bias": (wide, 4)}
    ssd = {"in_proj.weight": (2 * C + 2 * STATE, C), "conv.weight": (C + 2 * STATE, 4), "conv.bias": (C + 2 * STATE,),
           **steps, "D": (HEADS,), **{key: gate[key] for key in ("norm.weight", "merge.weight")}}
    return {"gla": {**qkv, "gate.down.weight": (16, C), "gate.up.weight": (C, 16), "gate.up.bias": (C,), **gate},
            "gated_delta": {**qkv, "conv.weight": (2 * C + wide, 4), **delta}, "jet": {**jet, **delta},
            "ssd": ssd}[mixer]


def draw(name, shape):
    """draw_parameter of the test."""
    n = int(torch.tensor(shape).prod())
    noise = torch.tensor(make.uniform(SEED, make.stream_of(name), n)) * 2 - 1
    base = 1.0 if name in ("norm.weight", "D") else 0.0
    return (base + 0.5 * noise).reshape(shape)


def input_of(image):
    n = LENGTHS[image] * C
    y = 3 * torch.tensor(make.uniform(INPUT_SEED, 1000 + image, n)) - 1.5
    target = 2 * torch.tensor(make.uniform(INPUT_SEED, 2000 + image, n)) - 1
    return y.reshape(1, -1, C), target.reshape(1, -1, C)


def norm_of(p):
    """The layers have one norm for all heads, pare one a head: that of the first for all."""
    return p["norm.weight"].reshape(HEADS, -1)[0]


def output_of(p):
    """The heads' merge as one output projection, zero where heads would mix."""
    return torch.block_diag(*p["merge.weight"])


# ---- plain functions in the place of kernels

class PlainNorm(nn.Module):
    def __init__(self, fused, plain):
        super().__init__()
        self.weight, self.eps, self.plain = fused.weight, fused.eps, plain

    def forward(self, x, z):
        return self.plain(x, self.weight, None, z=z, eps=self.eps, norm_before_gate=True)


class PlainGLA:
    def __init__(self, naive):
        self.naive = naive

    def __call__(self, q, k, v, gk=None, g=None, **kwargs):
        return self.naive(q, k, v, gk if gk is not None else g)


class PlainDelta:
    """The gated delta rule as the layer asks for it: with q and k made vectors of length 1, gates and write strengths
    from raw numbers."""
    def __init__(self, naive, gate):
        self.naive, self.gate = naive, gate

    def __call__(self, q, k, v, g, beta, A_log, dt_bias, use_qk_l2norm_in_kernel, use_gate_in_kernel,
                 use_beta_sigmoid_in_kernel, allow_neg_eigval, **kwargs):
        assert use_qk_l2norm_in_kernel and use_gate_in_kernel and use_beta_sigmoid_in_kernel and not allow_neg_eigval
        q, k = (x * torch.rsqrt(x.square().sum(-1, keepdim=True) + 1e-6) for x in (q, k))
        return self.naive(q, k, v, beta.sigmoid(), self.gate(g, A_log, dt_bias))


def plain_conv(x, weight, bias=None, activation=None, **kwargs):
    assert activation in ("silu", "swish")
    u = F.conv1d(F.pad(x.transpose(1, 2), (weight.shape[1] - 1, 0)), weight[:, None], bias, groups=len(weight))
    return F.silu(u).transpose(1, 2), None


class DynamicConv(nn.Module):
    """v_t -> sum_j K_t[j] v_{t-3+j}, K_t = up(silu(down(x_t))), 4 taps a channel. (The layer's SiLU comes after.)"""
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        v = x @ self.p["v.weight"].T
        kernel = F.silu(x @ self.p["kernel.down.weight"].T) @ self.p["kernel.up.weight"][0].T
        kernel = (kernel + self.p["kernel.up.bias"].flatten()).unflatten(-1, (-1, 4))
        return sum(kernel[..., j] * F.pad(v, (0, 0, 3 - j, 0))[:, :v.shape[1]] for j in range(4))


class NoDriver:
    """Triton asks for a GPU's driver when a kernel is only declared."""
    def get_benchmarker(self):
        return None

    def get_current_target(self):
        return types.SimpleNamespace(backend="cpu", arch=0, warp_size=32)

    def get_active_torch_device(self):
        return torch.device("cpu")


# ---- the layers

def fill(layer, values):
    """Every parameter gets its value."""
    named = dict(layer.named_parameters())
    assert named.keys() == values.keys(), sorted(named.keys() ^ values.keys())
    with torch.no_grad():
        for name, value in values.items():
            named[name].copy_(value.reshape(named[name].shape))
    return layer.eval()


def make_gla(p, expand):
    from fla.layers import gla
    from fla.modules.norm.layernorm_gated import rms_norm_ref
    from fla.ops.gla.naive import naive_recurrent_gla
    gla.fused_recurrent_gla = gla.chunk_gla = PlainGLA(naive_recurrent_gla)
    layer = gla.GatedLinearAttention(hidden_size=C, num_heads=HEADS, expand_k=1.0, expand_v=float(expand))
    q, k, v = p["qkv.weight"].split([C, C, expand * C])
    fill(layer, {"q_proj.weight": q, "k_proj.weight": k, "v_proj.weight": v, "g_proj.weight": p["out_gate.weight"],
                 "gk_proj.0.weight": p["gate.down.weight"], "gk_proj.1.weight": p["gate.up.weight"],
                 "gk_proj.1.bias": p["gate.up.bias"], "g_norm_swish_gate.weight": norm_of(p),
                 "o_proj.weight": output_of(p)})
    layer.g_norm_swish_gate = PlainNorm(layer.g_norm_swish_gate, rms_norm_ref)
    return lambda x: layer(x)[0]


def make_delta(p, expand, is_jet):
    from fla.layers import gated_deltanet
    from fla.modules.norm.layernorm_gated import rms_norm_ref
    from fla.ops.gated_delta_rule.gate import naive_gdn_gate
    from fla.ops.gated_delta_rule.naive import naive_recurrent_gated_delta_rule
    plain = PlainDelta(naive_recurrent_gated_delta_rule, naive_gdn_gate)
    gated_deltanet.chunk_gated_delta_rule = gated_deltanet.fused_recurrent_gated_delta_rule = plain
    gated_deltanet.causal_conv1d = plain_conv
    layer = gated_deltanet.GatedDeltaNet(hidden_size=C, head_dim=D, num_heads=HEADS, expand_v=expand,
                                         use_short_conv=not is_jet)
    values = {"a_proj.weight": p["dt.weight"], "b_proj.weight": p["beta.weight"], "A_log": p["A_log"],
              "dt_bias": p["dt_bias"], "g_proj.weight": p["out_gate.weight"], "o_norm.weight": norm_of(p),
              "o_proj.weight": output_of(p)}
    if is_jet:
        layer.v_proj = DynamicConv(p)
        parts = zip("qk", p["qk.weight"].split([C, C]))
    else:
        sizes = [C, C, expand * C]
        parts = zip("qkv", p["qkv.weight"].split(sizes))
        values.update({f"{x}_conv1d.weight": w for x, w in zip("qkv", p["conv.weight"].split(sizes))})
    fill(layer, {**values, **{f"{x}_proj.weight": w for x, w in parts}})
    layer.o_norm = PlainNorm(layer.o_norm, rms_norm_ref)
    return lambda x: layer(x)[0]


def make_ssd(p, minimal):
    from fla.layers.mamba2 import Mamba2
    from fla.modules.norm.layernorm_gated import rms_norm_ref
    layer = Mamba2(hidden_size=C, expand=1, head_dim=D, state_size=STATE, chunk_size=16)
    fill(layer, {"in_proj.weight": torch.cat([p["in_proj.weight"], p["dt.weight"]]), "conv1d.weight": p["conv.weight"],
                 "conv1d.bias": p["conv.bias"], "dt_bias": p["dt_bias"], "A_log": p["A_log"], "D": p["D"],
                 "norm.weight": p["norm.weight"], "out_proj.weight": output_of(p)})

    class WholeNorm(PlainNorm):
        """Keeps what it is given, the scan's output and the direct path."""
        def forward(self, x, z):
            self.seen = x
            return self.plain(x, self.weight, None, z=z, eps=self.eps, norm_before_gate=False)

    layer.norm, layer.act = WholeNorm(layer.norm, rms_norm_ref), F.silu

    def run(x):
        out = layer.torch_forward(x)[0]
        check_minimal(layer, minimal, x, layer.norm.seen)
        return out
    return run


def check_minimal(layer, minimal, x, want):
    """mamba's listing of SSD gives the same scan."""
    _, u, dt = layer.in_proj(x).split([C, C + 2 * STATE, HEADS], -1)
    u = plain_conv(u, layer.conv1d.weight[:, 0], layer.conv1d.bias, "silu")[0]
    v, b, c = u.split([C, STATE, STATE], -1)
    step, v = F.softplus(dt + layer.dt_bias), v.unflatten(-1, (HEADS, D))
    b, c = (z[:, :, None].expand(-1, -1, HEADS, -1) for z in (b, c))
    found = minimal(v * step[..., None], -torch.exp(layer.A_log) * step, b, c, block_len=x.shape[1])[0]
    far = (found + layer.D[:, None] * v - want.unflatten(-1, (HEADS, D))).abs().max().item()
    print(f"ssd_minimal_discrete beside Mamba2: largest difference {far:.1e}")
    assert far < 2e-5


def load_minimal(path):
    """mamba_ssm/modules/ssd_minimal.py alone; the one kernel that it imports is for a test of its own."""
    stub = types.ModuleType("mamba_ssm.ops.triton.ssd_combined")
    stub.mamba_chunk_scan_combined = None
    for name in ("mamba_ssm", "mamba_ssm.ops", "mamba_ssm.ops.triton"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules[stub.__name__] = stub
    spec = importlib.util.spec_from_file_location("ssd_minimal", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ssd_minimal_discrete


# ---- all of it

def answer(layer):
    """heads and dy of all images, one after the other: the loss is LOSS times the mean square of heads - target."""
    inputs, out, loss = [input_of(i) for i in range(len(LENGTHS))], [], 0
    for y, target in inputs:
        y.requires_grad_()
        out.append(layer(y))
        loss = loss + LOSS * (out[-1] - target).square().sum() / (sum(LENGTHS) * C)
    loss.backward()
    return {"heads": torch.cat(out, 1)[0].detach(), "dy": torch.cat([y.grad for y, _ in inputs], 1)[0]}


def make_all(minimal):
    out = {}
    for name in ("gla", "gla:expand_v=2", "gated_delta", "gated_delta:expand_v=2", "jet", "jet:expand_v=2", "ssd"):
        mixer, expand = name.split(":")[0], 2 if ":" in name else 1
        p = {key: draw(key, shape) for key, shape in shapes_of(mixer, expand * C).items()}
        layer = make_ssd(p, minimal) if mixer == "ssd" else make_gla(p, expand) if mixer == "gla" else \
            make_delta(p, expand, mixer == "jet")
        out.update({f"{name}.{key}": value for key, value in answer(layer).items()})
    make.save(make.HERE / "mixers.safetensors",
              {"lengths": list(LENGTHS), "seed": SEED, "script": "mixers.py", "packages": [*PACKAGES, MAMBA]}, out)


def main():
    if len(sys.argv) > 1:                       # inside the environment
        from triton.runtime import driver
        driver.set_active(NoDriver())
        torch.set_num_threads(1)
        make_all(load_minimal(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        venv.create(work / "env", with_pip=True)
        python = work / "env/bin/python"
        ours = subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                              capture_output=True, text=True, check=True).stdout.strip()
        (pathlib.Path(ours) / "parent.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pip = [python, "-m", "pip", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--no-deps", "wheel", "setuptools", "packaging", *PACKAGES], check=True)
        subprocess.run([*pip, "download", "--no-deps", "--no-build-isolation", "--no-binary", ":all:", "-d", work,
                        MAMBA], check=True, env={**os.environ, "MAMBA_SKIP_CUDA_BUILD": "TRUE"})
        (archive,) = work.glob("mamba_ssm-*.tar.gz")
        with tarfile.open(archive) as files:
            (member,) = (m for m in files if m.name.endswith("mamba_ssm/modules/ssd_minimal.py"))
            (work / "ssd_minimal.py").write_bytes(files.extractfile(member).read())
        subprocess.run([python, __file__, work / "ssd_minimal.py"], check=True)


if __name__ == "__main__":
    main()
