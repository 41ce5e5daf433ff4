"""The files of a model folder of `pare` for pare_torch.py: what a model is, and its weights. Needs PyTorch alone."""
import json
import math
import pathlib
import types

import torch

# ---- safetensors: 8 bytes with the length of a JSON header, then the tensors without a gap

DTYPES = {"F32": (torch.float32, 4), "F16": (torch.float16, 2), "BF16": (torch.bfloat16, 2)}
MAX_HEADER = 100_000_000


def unique(pairs):
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)


def read_tensor(entry, body, start):
    """The tensor of one header entry, which must begin at `start`; returns it as float32, and where it ends."""
    dtype, size = DTYPES[entry["dtype"]]
    shape, (begin, end) = entry["shape"], entry["data_offsets"]
    if any(type(n) is not int or n < 0 for n in (*shape, begin, end)):
        raise ValueError("shape and data_offsets want whole numbers")
    if begin != start or end - begin != math.prod(shape) * size or end > len(body):
        raise ValueError("its bytes are not where and as many as its shape says")
    flat = torch.frombuffer(bytearray(body[begin:end]), dtype=dtype) if end > begin else torch.empty(0)
    return flat.reshape(shape).float(), end


def read_safetensors(path):
    """{name: float32 tensor}; ValueError for a file that is not exactly as the format says."""
    data = pathlib.Path(path).read_bytes()
    size = int.from_bytes(data[:8], "little")
    if len(data) < 10 or size > min(MAX_HEADER, len(data) - 8) or data[8:9] != b"{":
        raise ValueError(f"{path}: not a safetensors file")
    tensors, end, name, body = {}, 0, "header", memoryview(data)[8 + size:]
    try:
        header = json.loads(data[8:8 + size].decode("utf-8"), object_pairs_hook=unique)
        header.pop("__metadata__", None)
        for name in sorted(header, key=lambda name: header[name]["data_offsets"]):
            tensors[name], end = read_tensor(header[name], body, end)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: {name}: {error!r}") from error
    if end != len(body):
        raise ValueError(f"{path}: {len(body) - end} bytes behind the last tensor")
    return tensors


# ---- weights under the names that other programs' classes have, which a model of theirs is written with

# transformers' names of a DINOv2 with a classifier of its own kind, and ours
DINOV2 = {"dinov2_with_registers.": "", "dinov2.": "", "embeddings.patch_embeddings.": "patch_embed.",
          "projection.": "proj.", "embeddings.position_embeddings": "pos_embed",
          "embeddings.register_tokens": "reg_token", "embeddings.": "", "encoder.layer.": "blocks.",
          "attention.output.dense": "attn.proj", "attention.attention": "attn", "lambda1": "gamma", "layer_scale": "ls",
          "weights_in": "fc1", "weights_out": "fc2", "layernorm.": "norm.", "classifier.": "head."}


def rename_dinov2(weights):
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
    """Weights of timm's Eva and Beit classes: q and v have a bias each, and a gated MLP may be two matrices."""
    ours = {name.replace(".gamma_1", ".ls1.gamma").replace(".gamma_2", ".ls2.gamma"): x for name, x in weights.items()}
    for name in [name for name in ours if name.endswith(".attn.q_bias")]:
        q, v = ours.pop(name), ours.pop(name.replace("q_bias", "v_bias"))
        ours[name.replace("q_bias", "qkv.bias")] = torch.cat([q, torch.zeros_like(q), v])
    for name in [name for name in ours if ".mlp.fc1_g." in name]:
        ours[name.replace("fc1_g", "fc1")] = torch.cat([ours.pop(name), ours.pop(name.replace("fc1_g", "fc1_x"))])
    return ours


def read_weights(path):
    """{timm's name: float32 tensor} of a model's weights, whatever they are called in the file."""
    weights = read_safetensors(path)
    if any(name.startswith("dinov2") for name in weights):
        return rename_dinov2(weights)
    return rename_eva(weights) if any(name.endswith(".attn.q_bias") for name in weights) else weights


# ---- what a model is

NO_OR_YES = (False, True)
FAMILY = {"registers": range(65536), "no_class": NO_OR_YES, "distilled": NO_OR_YES, "pre_norm": NO_OR_YES,
          "layer_scale": NO_OR_YES, "mlp": ("plain", "swiglu"), "bare_prefix": NO_OR_YES, "headless": NO_OR_YES,
          "embeds": NO_OR_YES, "embed": range(65537), "scores": ("softmax", "sigmoid"),
          "act": ("gelu", "quick_gelu", "gelu_tanh"),
          "pool": ("token", "avg", "token_avg", "norm_avg", "raw_avg", "map"),
          "mlp_norm": NO_OR_YES, "no_positions": NO_OR_YES, "no_key_bias": NO_OR_YES,
          "relative_positions": NO_OR_YES, "shared_relative_positions": NO_OR_YES,
          "rope": ("none", "dinov3", "eva02"),
          "positions": ("timm", "hf", "dinov2")}                                # the default first
RETENTION = {"none": (), "topk": ("share",),
             "halting": ("every", "gate_scale", "gate_centre", "eps", "keep_class", "read_patches")}


def read_ours(path):
    """(pare.json with defaults, its family, its retention); without the file a plain vision transformer."""
    ours = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    ours = {"format": "pare", "version": 1, "norm_eps": 1e-6, "layers": None, **ours}
    family = {**{key: values[0] for key, values in FAMILY.items()}, **ours.get("family", {})}
    retention = {"gaps": "skip", **ours.get("retention", {"policy": "none"})}
    if (ours["format"], ours["version"]) != ("pare", 1):
        raise ValueError(f"{path}: format {ours['format']} version {ours['version']} is not known here")
    known = {key: value for key, value in family.items() if key not in ("rope_base", "rope_grid")}
    if not all(value in FAMILY.get(key, ()) for key, value in known.items()):
        raise ValueError(f"{path}: family {family} is not known here")
    family = {"rope_base": None, "rope_grid": None, **family}
    if set(retention) != {"policy", "gaps", *RETENTION.get(retention["policy"], ())} or \
            retention["policy"] not in RETENTION or retention["gaps"] not in ("skip", "count"):
        raise ValueError(f"{path}: retention {retention} is not known here")
    if retention["policy"] == "halting" and (
            family["distilled"] or family["pool"] != ("avg" if family["no_class"] else "token")):
        raise ValueError(f"{path}: halting reads the class token alone or, without one, the mean patch")
    return ours, family, retention


def read_config(folder):
    """What config.json and pare.json say."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    ours, family, retention = read_ours(folder / "pare.json")
    args, shown = config["model_args"], config["pretrained_cfg"]
    height, width = args["img_size"] if isinstance(args["img_size"], list) else [args["img_size"]] * 2
    c = types.SimpleNamespace(
        height=height, width=width, patch=args["patch_size"], channels=args.get("in_chans", 3), dim=args["embed_dim"],
        depth=args["depth"], heads=args["num_heads"], classes=config["num_classes"], labels=config.get("label_names"),
        mean=shown["mean"], std=shown["std"], eps=ours["norm_eps"], retention=retention, **family,
        layers=ours["layers"] or [{"mixer": "attention"}] * args["depth"])
    c.grid, c.head_dim = (height // c.patch, width // c.patch), c.dim // c.heads
    tokens = {"cls_token": int(not c.no_class), "dist_token": int(c.distilled), "reg_token": c.registers}
    c.tokens = {name: n for name, n in tokens.items() if n}
    c.patches, c.prefix = c.grid[0] * c.grid[1], sum(tokens.values())
    return c
