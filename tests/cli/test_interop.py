#!/usr/bin/env python3
"""Holds interop/pare_torch.py to the program, mixer by mixer and policy by policy: test_interop.py PARE.

The program makes one model with a block of every mixer and option. Of its tensors small models are put together, with
random numbers in the place of starting values, so that every gate, decay, norm and bias counts.
"""
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

SKIP = 77
SYSTEM_PYTHON = "/usr/bin/python3"          # the one that packages of the system are for
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "interop"))
try:
    import torch
except ImportError:
    if os.path.exists(SYSTEM_PYTHON) and not os.environ.get("PARE_TEST_INTEROP"):
        os.execve(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv], {**os.environ, "PARE_TEST_INTEROP": "again"})
    print("skipped: no PyTorch here (scripts/install --torch)")
    sys.exit(SKIP)
import pare_torch

TOLERANCE = 1e-4
HEIGHT, WIDTH, PATCH, DIM, HEADS, PICTURES = 24, 20, 4, 24, 3, 8
PATCHES = HEIGHT // PATCH * (WIDTH // PATCH)
PAIRS = [["attention", "attention"], ["linear", "linear:features=elu1"],
         ["linear:features=t2r", "linear:features=exp"], ["linear:window=7", "linear:features=t2r+window=16"],
         ["ssd", "ssd:state=128+direction=forward+chunk=16"], ["gla", "gla:direction=forward+chunk=16+expand_v=2"],
         ["gated_delta", "gated_delta:direction=forward+chunk=16+expand_v=2"],
         ["jet", "jet:direction=forward+expand_v=2"], ["bilstm", "bilstm:direction=forward+hidden=5"],
         ["mingru", "mingru:direction=forward"], ["conv", "identity"], ["causal_conv", "causal_conv:kernel=8"]]
MIXERS = list(dict.fromkeys(mixer for pair in PAIRS for mixer in pair))     # blocks of the base model
DECAYS = ("ssd", "gla", "gated_delta", "jet")
HALTING = {"policy": "halting", "every": 1, "eps": 0.01, "keep_class": True, "read_patches": 0.0}
failures = []
pare = ""


def check(ok, what):
    if not ok:
        failures.append(what)
        print("FAILED:", what, flush=True)


def run(*args):
    done = subprocess.run([*map(str, args)], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode == 3 and not os.environ.get("PARE_REQUIRE_DEVICE"):
        print("skipped: no Vulkan device")
        sys.exit(SKIP)
    return done


# ---- pictures and models

def png(path, seed):
    """Patches of any colour, and noise."""
    noise = random.Random(seed)
    colours = [[noise.randrange(200) for _ in range(3)] for _ in range(PATCHES)]
    rows = b"".join(b"\0" + bytes(colours[y // PATCH * (WIDTH // PATCH) + x // PATCH][i] + noise.randrange(56)
                                  for x in range(WIDTH) for i in range(3)) for y in range(HEIGHT))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_safetensors(path, tensors):
    """Writes {name: tensor} as F32."""
    header, data = {}, bytearray()
    for name, tensor in tensors.items():
        flat = tensor.detach().float().cpu().contiguous().flatten().view(torch.uint8)
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(flat)]}
        data += bytes(flat.tolist())
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(len(text).to_bytes(8, "little") + text + data)


def make_base(work):
    for split, n in (("train", 2), ("val", 1), ("test", PICTURES // 2)):
        for label in ("one", "other"):
            for i in range(n):
                png(work / "data" / split / label / f"{i}.png", f"{split}{label}{i}")
    done = run(pare, "train", "--data", work / "data", "--epochs", "1", "--batch", "4", "-o", work / "base", "--arch",
               f"vit:image={HEIGHT},patch={PATCH},dim={DIM},depth={len(MIXERS)},heads={HEADS},mixer={'/'.join(MIXERS)}")
    check(done.returncode == 0, f"pare train: exit code {done.returncode}: {done.stderr[-300:]}")
    return done.returncode == 0


def draw(name, shape, generator):
    """Numbers of the size that a trained model may have."""
    x = torch.randn(shape, generator=generator)
    if "norm" in name and name.endswith("weight"):
        return 1 + 0.3 * x
    if name.endswith("dt_bias"):
        return x - 1
    if name.endswith(("qkv.bias", "qk.bias")):   # queries that meet their keys: a norm of almost nothing is ill posed
        return 1 + 0.5 * x
    if name.endswith(("A_log", "_token", "pos_embed")) or len(shape) == 1:
        return 0.5 * x
    inputs = x[0].numel() if "conv" in name or "patch_embed" in name else shape[-1]
    return 1.2 * x / inputs ** 0.5


def read_patches(name, pool, tensors):
    """The tensors of a model that has no class token, and what its pooling has."""
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    hidden = tensors["blocks.0.mlp.fc2.weight"].shape[1]
    shapes = {"latent": (1, 1, DIM), "q.weight": (DIM, DIM), "q.bias": (DIM,), "kv.weight": (2 * DIM, DIM),
              "kv.bias": (2 * DIM,), "proj.weight": (DIM, DIM), "proj.bias": (DIM,), "norm.weight": (DIM,),
              "norm.bias": (DIM,), "mlp.fc1.weight": (hidden, DIM), "mlp.fc1.bias": (hidden,),
              "mlp.fc2.weight": (DIM, hidden), "mlp.fc2.bias": (DIM,)} if pool == "map" else {}
    kept = {key: value for key, value in tensors.items() if key != "cls_token" and
            not (pool == "raw_avg" and key.startswith("norm."))}
    kept = {("fc_" if pool == "avg" and key.startswith("norm.") else "") + key: value for key, value in kept.items()}
    kept["pos_embed"] = kept["pos_embed"][:, 1:]
    return {**kept, **{f"attn_pool.{key}": draw(key, shape, generator) for key, shape in shapes.items()}}


def make_model(work, name, blocks, retention, base, pool=None):
    """A model of these blocks of the base, whose grid is no square. `pool`: how it reads patches, without a class
    token."""
    folder, generator = work / name, torch.Generator().manual_seed(zlib.crc32(repr(blocks).encode()))
    shutil.copytree(work / "base", folder)
    tensors = {key: draw(key, (1, PATCHES + 1, DIM) if key == "pos_embed" else tuple(value.shape), generator)
               for key, value in base.items() if not key.startswith("blocks.")}
    for to, at in enumerate(blocks):
        of = f"blocks.{at}."
        tensors.update({f"blocks.{to}." + key[len(of):]: draw(key, tuple(value.shape), generator)
                        for key, value in base.items() if key.startswith(of)})
    tensors = read_patches(name, pool, tensors) if pool else tensors
    write_safetensors(folder / "model.safetensors", tensors)
    config, ours = (json.loads((folder / file).read_text()) for file in ("config.json", "pare.json"))
    config["model_args"].update(img_size=[HEIGHT, WIDTH], depth=len(blocks))
    ours.update(layers=[ours["layers"][at] for at in blocks], norm_eps=1e-3)
    if pool:
        config["model_args"].update(class_token=False, global_pool="map" if pool == "map" else "avg")
        ours["family"] = {"no_class": True, "pool": pool, "act": "gelu_tanh"}
    if retention:
        ours["retention"] = retention
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "pare.json").write_text(json.dumps(ours))
    return folder


# ---- the comparison

def compare(work, folder):
    """(largest difference, the program's logits, what it kept)."""
    path = folder.with_suffix(".safetensors")
    done = run(pare, "eval", folder, "--data", work / "data", "--logits", path, "--json")
    check(done.returncode == 0, f"{folder.name}: pare eval: exit code {done.returncode}: {done.stderr[-300:]}")
    if done.returncode:
        return float("nan"), None, 1
    given = pare_torch.read_safetensors(path)
    check(len(given["pixels"]) == PICTURES, f"{folder.name}: {len(given['pixels'])} pictures in {path.name}")
    model, left = pare_torch.load(folder), []
    model.blocks[-1].register_forward_hook(lambda block, given, x: left.append(x.shape[1]))
    with torch.no_grad():
        logits = model(given["pixels"])
    if model.config.retention["policy"] == "halting":
        check(len(set(left)) > 1, f"{folder.name}: pictures keep the same numbers of tokens: {left}")
    far = (logits - given["logits"]).abs().max().item()
    check(far <= TOLERANCE, f"{folder.name}: logits differ by {far:.2e}")
    spread = given["logits"].std(0).min().item()
    check(spread > 100 * TOLERANCE, f"{folder.name}: logits hardly depend on the picture ({spread:.2e})")
    return far, given["logits"], json.loads(done.stdout).get("keep", 1)


def noise():
    generator = torch.Generator().manual_seed(2)
    pixels = 2 * torch.rand(4, 3, HEIGHT // PATCH, WIDTH // PATCH, generator=generator) - 1
    return pixels.repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)


def fit_gate(folder):
    """Scale and centre with which a block has two thirds of the tokens, different ones in each picture."""
    model, pixels, seen = pare_torch.load(folder), noise(), []
    for block in model.blocks:
        block.register_forward_hook(lambda block, given, x: seen.append(x[:, :, 0]))
    with torch.no_grad():
        model(pixels)
        scale = 3 / torch.stack(seen).std(2).mean().item()
        low, high = (scale * bound.item() for bound in (torch.stack(seen).min(), torch.stack(seen).max()))
        for _ in range(8):
            centre = (low + high) / 2
            model.config.retention = {**HALTING, "gate_scale": scale, "gate_centre": centre, "gaps": "skip",
                                      "keep_class": not model.config.no_class}
            seen.clear()
            model(pixels)
            is_low = sum(x.shape[1] for x in seen) < 0.65 * len(pixels) * len(model.blocks) * (PATCHES + 1)
            low, high = (centre, high) if is_low else (low, centre)
    return {"gate_scale": scale, "gate_centre": centre}


def policies_of(mixer, gate):
    """A choice after block 0, and for attention one more."""
    share = [0.7, 0.5, 0.5, 0.5] if mixer == "attention" else [0.6] * 4
    policies = {"topk": {"policy": "topk", "share": share}, "halting": {**HALTING, **gate}}
    if mixer in DECAYS:
        policies.update({f"{name} count": {**policies[name], "gaps": "count"} for name in ("topk", "halting")})
    if mixer in ("linear", "gated_delta"):
        changes = {"every 2": {"every": 2, "eps": 0.2}, "class leaves": {"keep_class": False},
                   "patches read": {"read_patches": 0.7}}
        policies.update({name: {**policies["halting"], **change} for name, change in changes.items()})
    return policies


def test_pair(work, pair, base):
    """Two mixers between two blocks of attention, under every policy."""
    first, said, blocks = pair[0], {}, [0, *map(MIXERS.index, pair), 0]
    dense = make_model(work, first, blocks, None, base)
    test_gradients(dense)
    for name, retention in {"none": None, **policies_of(first, fit_gate(dense))}.items():
        folder = make_model(work, f"{first} {name}", blocks, retention, base)
        far, logits, keep = compare(work, folder)
        if logits is None:
            continue
        print(f"{', '.join(pair):62} {name:14} kept {100 * keep:5.1f} %   largest difference {far:.1e}", flush=True)
        check((0.3 < keep < 0.95) == (name != "none"), f"{folder.name}: kept {keep:.2f} of the patches")
        for other, value in said.items():
            check((logits - value).abs().max() > TOLERANCE, f"{folder.name}: the same logits as {other}")
        said[name] = logits
        shutil.rmtree(folder)


def test_patches(work, base):
    """Models without a class token: every pooling, and the policies that each may have."""
    topk = {"policy": "topk", "gaps": "skip", "share": [0.7, 0.5, 0.5, 0.5]}
    blocks = [0, MIXERS.index("linear"), 0, 0]
    for pool in ("avg", "norm_avg", "raw_avg", "map"):
        dense = make_model(work, f"patches {pool}", blocks, None, base, pool)
        test_gradients(dense)
        policies = {"none": None, "topk": {**topk, "share": [0.7, 0.7, 0.5, 0.5]}}
        if pool == "avg":
            gate = fit_gate(dense)
            policies["halting"] = {**HALTING, **gate, "keep_class": False, "read_patches": 1.0, "gaps": "skip"}
        said = {}
        for name, retention in policies.items():
            folder = make_model(work, f"patches {pool} {name}", blocks, retention, base, pool)
            far, logits, keep = compare(work, folder)
            print(f"no class token, {pool:37} {name:14} kept {100 * keep:5.1f} %   largest difference {far:.1e}",
                  flush=True)
            check((0.2 < keep < 0.97) == (name != "none"), f"{folder.name}: kept {keep:.2f} of the patches")
            for other, value in said.items():
                check((logits - value).abs().max() > TOLERANCE, f"{folder.name}: the same logits as {other}")
            said[name] = logits


def test_gradients(folder):
    """Autograd reaches every parameter."""
    model = pare_torch.load(folder)
    model(noise()).square().sum().backward()
    for name, p in model.named_parameters():
        ok = p.grad is not None and bool(torch.isfinite(p.grad).all()) and bool(p.grad.any())
        check(ok, f"{folder.name}: {name} has no gradient, or one that is not finite")


def test_command_line(work):
    """The same from a shell, and what the program wrote itself, untouched."""
    done = run(pare, "eval", work / "base", "--data", work / "data", "--limit", 2, "--logits", work / "l.safetensors")
    check(done.returncode == 0, f"pare eval --logits: {done.stderr[-300:]}")
    done = run(pare, "eval", work / "base", "--data", work / "data", "--logits", work / "l.safetensors")
    check(done.returncode == 2 and "--force" in done.stderr, "pare eval --logits replaces a file unasked")
    script = ROOT / "interop/pare_torch.py"
    done = run(sys.executable, script, work / "base", work / "l.safetensors")
    check(done.returncode == 0 and "largest difference" in done.stdout, f"pare_torch.py: {done.stderr[-300:]}")
    if not done.returncode:
        given = pare_torch.read_safetensors(work / "l.safetensors")["logits"]
        found = torch.tensor([[float(x) for x in line.split("\t")] for line in done.stdout.splitlines()[:len(given)]])
        check(given.shape == found.shape == (2, 2), f"pare_torch.py: shapes {given.shape} and {found.shape}")
        check((given - found).abs().max() <= TOLERANCE, "pare_torch.py prints other logits")
    done = run(sys.executable, script, work / "base", work / "none.safetensors")
    check(done.returncode == 1 and "Traceback" not in done.stderr, f"pare_torch.py: {done.stderr[-300:]}")


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_reader(work):
    """All float types are read, and a file that is not exactly right is refused with its name."""
    path = work / "t.safetensors"

    def entry(dtype, shape, begin, end):
        return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}

    good = {"a": entry("BF16", [2], 0, 4), "b": entry("F16", [1, 2], 4, 8), "c": entry("F32", [], 8, 12),
            "__metadata__": {"format": "pt"}}
    data = struct.pack("<HHeef", 0x3f80, 0xc000, 0.5, -2.0, 3.0)
    path.write_bytes(safetensors(good, data))
    read = {name: value.tolist() for name, value in pare_torch.read_safetensors(path).items()}
    check(read == {"a": [1.0, -2.0], "b": [[0.5, -2.0]], "c": 3.0}, f"reader: {read}")
    bad = {"empty": b"", "no header": struct.pack("<Q", 1 << 40),
           "no JSON": safetensors(b"{no"), "list": safetensors(b"[]"),
           "more data": safetensors(good, data + b"\0"), "less data": safetensors(good, data[:-1]),
           "twice": safetensors(b'{"a":' + json.dumps(good["a"]).encode() + b',"a":{}}', data[:4]),
           "gap": safetensors({"a": entry("F32", [1], 4, 8)}, bytes(8)),
           "overlap": safetensors({"a": entry("F32", [2], 0, 8), "b": entry("F32", [1], 4, 8)}, bytes(8)),
           "shape": safetensors({"a": entry("F32", [3], 0, 8)}, bytes(8)),
           "negative": safetensors({"a": entry("F32", [-1, -2], 0, 8)}, bytes(8)),
           "no number": safetensors({"a": entry("F32", [2.0], 0, 8)}, bytes(8)),
           "dtype": safetensors({"a": entry("I32", [2], 0, 8)}, bytes(8)), "entry": safetensors({"a": 1})}
    for what, content in bad.items():
        path.write_bytes(content)
        try:
            pare_torch.read_safetensors(path)
            check(False, f"reader: {what}: was read")
        except ValueError as error:
            check(str(path) in str(error), f"reader: {what}: {error}")


def test_table():
    """Every mixer that the program has is known and compared."""
    rows = set(re.findall(r"^NN_MIXER\((\w+)\)", (ROOT / "nn/mixers/mixers.def").read_text(), re.M))
    check(rows == set(pare_torch.MIXERS), f"mixers.def and pare_torch.MIXERS differ: {rows ^ set(pare_torch.MIXERS)}")
    check(rows == {mixer.split(":")[0] for mixer in MIXERS}, "a mixer is not compared here")


def test_refusals(work, base):
    """What a later version may write is not taken for something else."""
    changes = {"version": {"version": 2}, "family": {"family": {"rotary": True}},
               "too many": {"layers": [{"mixer": "conv"}] * 2},
               "pool": {"family": {"pool": "max"}}, "policy": {"retention": {"policy": "x"}},
               "gaps": {"retention": {"policy": "topk", "share": [1.0], "gaps": "x"}},
               "mixer": {"layers": [{"mixer": "x"}]}, "option": {"layers": [{"mixer": "conv", "options": {"x": 1}}]},
               "value": {"layers": [{"mixer": "linear", "options": {"features": "relu"}}]}}
    for what, change in changes.items():
        folder = make_model(work, f"refused {what}", [0], None, base)
        ours = json.loads((folder / "pare.json").read_text())
        (folder / "pare.json").write_text(json.dumps({**ours, **change}))
        try:
            pare_torch.load(folder)
            check(False, f"{folder.name}: was loaded")
        except (ValueError, RuntimeError):
            pass


def test_families(work):
    """Models of every family, exported by the program, against the logits of the program that made them."""
    for folder in sorted((ROOT / "models/selftest").iterdir()):
        golden = pare_torch.read_safetensors(folder / "golden.safetensors")
        done = run(pare, "export", folder, "-o", work / folder.name)
        check(done.returncode == 0, f"{folder.name}: pare export: exit code {done.returncode}: {done.stderr[-300:]}")
        if done.returncode:
            continue
        with torch.no_grad():
            far = (pare_torch.load(work / folder.name)(golden["pixels"]) - golden["logits"]).abs().max().item()
        print(f"{folder.name:26} {far:.1e}")
        check(far <= TOLERANCE, f"{folder.name}: logits differ by {far:.2e}")


def main():
    global pare
    pare = sys.argv[1]
    print(f"PyTorch {torch.__version__}")
    torch.set_num_threads(1)                # the models are tiny
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        test_families(work)
        if make_base(work):
            base = pare_torch.read_safetensors(work / "base/model.safetensors")
            test_table()
            test_reader(work)
            test_refusals(work, base)
            test_command_line(work)
            test_patches(work, base)
            for pair in PAIRS:
                test_pair(work, pair, base)
    print("test_interop:", f"{len(failures)} failed" if failures else "passed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
