#!/usr/bin/env python3
"""Tiny random models of every family, in the spelling of the program that made them, with PyTorch's activations.

usage: families.py OUT_FOLDER [NAME ...]        (OUT_FOLDER = models/selftest; NAME: these alone)

Needs torch, timm, transformers and safetensors; the versions are written into golden.safetensors. Each model becomes a
folder OUT/<name>/ with the files that its program would have left (config.json, weights, preprocessor_config.json) and
golden.safetensors: pixels (B, ch, H, W), normalised; tokens (B, T, C), the stream that enters block 0; block.<l>
(B, T, C), after block l; logits (B, K), or the features of a model without a classifier.
"""
import json
import os
import shutil
import sys

import timm
import torch
import transformers
from safetensors.torch import load_file, save_file
from timm.models._hub import save_for_hf

SEED, BATCH = 20261130, 2
VERSIONS = {"torch": torch.__version__, "timm": timm.__version__, "transformers": transformers.__version__}


def randomise(model, seed):
    """Values of a size that makes every part of the model matter: biases, norms, positions and scales too."""
    g = torch.Generator().manual_seed(seed)
    for name, p in model.state_dict().items():
        if not p.is_floating_point():
            continue
        x = torch.randn(p.shape, generator=g)
        last = name.rsplit(".", 1)[-1]
        if p.dim() > 1 and last in ("weight", "in_proj_weight") and "embedding" not in name.split(".")[-2]:
            x *= (p[0].numel()) ** -0.5
        elif "norm" in name or ".ln_" in name or "layrnorm" in name or "ln_final" in name:
            x = x * 0.2 + (1.0 if last == "weight" else 0.0)
        elif "gamma" in name or "lambda" in name:
            x = 0.5 + 0.2 * x
        elif last in ("bias", "in_proj_bias", "q_bias", "v_bias"):
            x *= 0.2
        else:
            x *= 0.7                                # tokens and positions
        p.copy_(x)


def record(model, blocks, pixels, logits_of):
    """What enters the first block and what leaves each, and the logits."""
    seen, hooks = {}, []

    def first(_, args, kwargs):
        seen["tokens"] = next(x for x in (*args, *kwargs.values()) if torch.is_tensor(x)).clone()

    def after(i):
        def hook(_, __, out):
            seen[f"block.{i}"] = (out[0] if isinstance(out, tuple) else out).clone()
        return hook

    hooks.append(blocks[0].register_forward_pre_hook(first, with_kwargs=True))
    hooks += [b.register_forward_hook(after(i)) for i, b in enumerate(blocks)]
    with torch.no_grad():
        seen["logits"] = logits_of(model(pixels)).clone()
    for h in hooks:
        h.remove()
    return seen


def finish(out, name, source, model, blocks, size, logits_of=lambda y: y, channels=3, dtype=None):
    """The golden file of a model whose other files are in out/name, computed in double; `dtype` = what its weights were
    rounded to."""
    folder = os.path.join(out, name)
    model.eval()
    pixels = torch.randn(BATCH, channels, *size, generator=torch.Generator().manual_seed(SEED + 1))
    model.double()
    for module in model.modules():          # tables that a model does not store, and that its type had rounded
        if hasattr(module, "init_non_persistent_buffers"):
            module.init_non_persistent_buffers()
    seen = record(model, blocks, pixels.double(), logits_of)
    golden = {"pixels": pixels, **{k: v.float() for k, v in seen.items()}}
    meta = {"source": source, "seed": str(SEED), "weights": str(dtype or torch.float32), **VERSIONS}
    save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(folder, "golden.safetensors"), meta)
    files = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder))
    print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters, {files} bytes")


def is_wanted(name):
    return len(sys.argv) < 3 or name in sys.argv[2:]


def fresh(out, name):
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def rounded(model, dtype):
    """Weights as a file of `dtype` holds them, in float32."""
    if dtype:
        model.load_state_dict({k: v.to(dtype).float() if v.is_floating_point() else v
                               for k, v in model.state_dict().items()})


def from_timm(out, name, arch, size=(32, 32), dtype=None, **args):
    if not is_wanted(name):
        return
    model = timm.create_model(arch, pretrained=False, img_size=size if size[0] != size[1] else size[0], **args)
    randomise(model, SEED)
    rounded(model, dtype)
    folder = fresh(out, name)
    model.eval()
    save_for_hf(model.to(dtype) if dtype else model, folder, safe_serialization=True,
                model_args={"img_size": list(size) if size[0] != size[1] else size[0],
                            **{k: v for k, v in args.items() if k != "num_classes"}})
    for f in os.listdir(folder):
        if f not in ("config.json", "model.safetensors"):
            os.remove(os.path.join(folder, f))
    finish(out, name, f"timm {arch}", model, model.blocks, size, dtype=dtype)


def blocks_of(model):
    for path in ("vit.layers", "deit.layers", "dinov2.encoder.layer", "dinov2_with_registers.encoder.layer",
                 "vision_model.encoder.layers", "layers", "encoder.layer", "encoder.layers", "ijepa.layers",
                 "model.layer", "beit.layers", "data2vec_vision.encoder.layer"):
        at = model
        for part in path.split("."):
            at = getattr(at, part, None)
            if at is None:
                break
        if at is not None:
            return at
    raise SystemExit(f"{type(model).__name__}: no blocks found")


def from_hf(out, name, model, processor, size, logits_of, dtype=None, spelling="file", shards=False, tower=None):
    """`tower`: makes of the model what is computed, where that is not all of it."""
    if not is_wanted(name):
        return
    randomise(model, SEED)
    rounded(model, dtype)
    folder = fresh(out, name)
    model.eval()
    model.save_pretrained(folder)
    json.dump(processor, open(os.path.join(folder, "preprocessor_config.json"), "w"), indent=2)
    weights = os.path.join(folder, "model.safetensors")
    state = model.state_dict() if spelling == "memory" else load_file(weights)
    if dtype:
        state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}
    os.remove(weights)
    if shards:
        names = sorted(state)
        parts = [names[: len(names) // 2], names[len(names) // 2:]]
        where = {}
        for i, part in enumerate(parts):
            file = f"model-{i + 1:05d}-of-{len(parts):05d}.safetensors"
            save_file({k: state[k].contiguous() for k in part}, os.path.join(folder, file), {"format": "pt"})
            where.update({k: file for k in part})
        total = sum(v.numel() * v.element_size() for v in state.values())
        json.dump({"metadata": {"total_size": total}, "weight_map": where},
                  open(os.path.join(folder, "model.safetensors.index.json"), "w"), indent=1)
    else:
        save_file({k: v.contiguous() for k, v in state.items()}, weights, {"format": "pt"})
    finish(out, name, f"transformers {type(model).__name__}", tower(model) if tower else model, blocks_of(model), size,
           logits_of, dtype=dtype)


class ImageTower(torch.nn.Module):
    """The image side of a CLIP model: pixels to image embeddings."""

    def __init__(self, clip):
        super().__init__()
        self.vision_model, self.visual_projection = clip.vision_model, clip.visual_projection

    def forward(self, pixels):
        return self.visual_projection(self.vision_model(pixels).pooler_output)


class Unmasked(torch.nn.Module):
    """The encoder of an MAE, which sees all patches in their order."""

    def __init__(self, mae):
        super().__init__()
        self.vit = mae.vit if hasattr(mae, "vit") else mae
        self.vit.config.mask_ratio = 0.0

    def forward(self, pixels):
        patches = self.vit.embeddings.patch_embeddings.num_patches
        return self.vit(pixels, noise=torch.arange(patches).expand(len(pixels), -1)).last_hidden_state[:, 0]


class Masked(torch.nn.Module):
    """What a BEiT in pre-training makes of whole pictures: the mean of its normed patches."""

    def __init__(self, model):
        super().__init__()
        self.beit, self.layernorm = model.beit, model.layernorm

    def forward(self, pixels):
        return self.layernorm(self.beit(pixels).last_hidden_state)[:, 1:].mean(1)


VIT = {"do_normalize": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
       "image_processor_type": "ViTImageProcessor", "resample": 2, "size": {"height": 32, "width": 32}}
OLD_DEIT = {"do_normalize": True, "do_resize": True, "do_center_crop": True,
            "feature_extractor_type": "DeiTFeatureExtractor", "image_mean": [0.485, 0.456, 0.406],
            "image_std": [0.229, 0.224, 0.225], "resample": 3, "size": 36, "crop_size": 32}
BIT = {"do_normalize": True, "do_resize": True, "do_center_crop": True, "do_convert_rgb": True, "do_rescale": True,
       "image_processor_type": "BitImageProcessor", "rescale_factor": 1 / 255, "image_mean": [0.485, 0.456, 0.406],
       "image_std": [0.229, 0.224, 0.225], "resample": 3, "size": {"shortest_edge": 36},
       "crop_size": {"height": 32, "width": 32}}
SIGLIP = {**VIT, "do_convert_rgb": None, "image_processor_type": "SiglipImageProcessor", "resample": 3}
CLIP = {**BIT, "image_processor_type": "CLIPImageProcessor", "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711], "size": {"shortest_edge": 32}}


BEIT = {**VIT, "image_processor_type": "BeitImageProcessor", "do_center_crop": False, "do_reduce_labels": False}
DINOV3 = {**VIT, "image_processor_type": "DINOv3ViTImageProcessor", "image_mean": [0.485, 0.456, 0.406],
          "image_std": [0.229, 0.224, 0.225]}


def make_hf(out):
    t = transformers
    small = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32,
                 patch_size=8, num_labels=5)
    labels = {i: w for i, w in enumerate(["tabby cat", "tench", "goldfish", "cock", "hen"])}
    scores = lambda y: y.logits
    from_hf(out, "hf-vit", t.ViTForImageClassification(t.ViTConfig(**{**small, "id2label": labels})), VIT, (32, 32),
            scores)
    from_hf(out, "hf-vit-v5-sharded", t.ViTForImageClassification(t.ViTConfig(**{**small, "qkv_bias": False})), VIT,
            (32, 32), scores, dtype=torch.float16, spelling="memory", shards=True)
    from_hf(out, "hf-vit-base", t.ViTModel(t.ViTConfig(**small)), VIT, (32, 32), lambda y: y.last_hidden_state[:, 0],
            dtype=torch.bfloat16)
    from_hf(out, "hf-deit-distilled", t.DeiTForImageClassificationWithTeacher(t.DeiTConfig(**small)), OLD_DEIT,
            (32, 32), scores)
    from_hf(out, "hf-deit", t.DeiTForImageClassification(t.DeiTConfig(**small)), OLD_DEIT, (32, 32), scores,
            dtype=torch.float16, spelling="memory")
    dino = {**small, "mlp_ratio": 2}
    from_hf(out, "hf-dinov2-swiglu", t.Dinov2ForImageClassification(
        t.Dinov2Config(**{**dino, "use_swiglu_ffn": True})), BIT, (32, 32), scores)
    large = {**dino, "image_size": 56}          # as DINOv2 has it: made for one size, pictures prepared to another
    from_hf(out, "hf-dinov2-swiglu-v5", t.Dinov2ForImageClassification(
        t.Dinov2Config(**{**large, "use_swiglu_ffn": True})), BIT, (32, 32), scores, dtype=torch.float16,
        spelling="memory")
    from_hf(out, "hf-dinov2-registers", t.Dinov2WithRegistersForImageClassification(
        t.Dinov2WithRegistersConfig(**{**large, "num_register_tokens": 3})), BIT, (32, 32), scores)
    clip = {**small, "projection_dim": 16}
    from_hf(out, "hf-clip", t.CLIPVisionModelWithProjection(t.CLIPVisionConfig(**clip)), CLIP, (32, 32),
            lambda y: y.image_embeds)
    whole = t.CLIPConfig(vision_config=small, projection_dim=16,
                         text_config={"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                                      "intermediate_size": 16, "vocab_size": 20, "max_position_embeddings": 8})
    from_hf(out, "hf-clip-whole", t.CLIPModel(whole), CLIP, (32, 32), lambda y: y, dtype=torch.float16,
            tower=ImageTower)


def rename(state, table):
    new = {}
    for name, x in state.items():
        for a, b in table:
            name = name.replace(a, b)
        new[name] = x
    return new


def make_open_clip(out):
    """OpenCLIP's files, from transformers' CLIP: its names, q, k, v as one, the projection transposed,
    a text tower beside."""
    cfg = transformers.CLIPVisionConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=1,
                                        intermediate_size=256, image_size=32, patch_size=8, projection_dim=16,
                                        hidden_act="gelu")
    model = transformers.CLIPVisionModelWithProjection(cfg)
    randomise(model, SEED)
    rounded(model, torch.float16)
    state = rename(model.state_dict(), [
        ("vision_model.encoder.layers.", "visual.transformer.resblocks."), ("layer_norm1", "ln_1"),
        ("layer_norm2", "ln_2"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"),
        ("self_attn.out_proj", "attn.out_proj"),
        ("vision_model.pre_layrnorm", "visual.ln_pre"), ("vision_model.post_layernorm", "visual.ln_post"),
        ("vision_model.embeddings.class_embedding", "visual.class_embedding"),
        ("vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight"),
        ("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"),
        ("visual_projection.weight", "visual.proj")])
    state["visual.proj"] = state["visual.proj"].t()
    for i in range(2):
        at = f"visual.transformer.resblocks.{i}."
        for what in ("weight", "bias"):
            state[at + "attn.in_proj_" + what] = torch.cat([state.pop(f"{at}self_attn.{k}_proj.{what}") for k in "qkv"])
    state.update({"logit_scale": torch.tensor(4.6), "positional_embedding": torch.zeros(8, 16),
                  "text_projection": torch.zeros(16, 16), "token_embedding.weight": torch.zeros(20, 16),
                  "ln_final.weight": torch.ones(16), "ln_final.bias": torch.zeros(16),
                  "transformer.resblocks.0.ln_1.weight": torch.ones(16)})
    if not is_wanted("openclip"):
        return
    folder = fresh(out, "openclip")
    save_file({k: v.half().contiguous() for k, v in state.items()}, os.path.join(folder, "open_clip_model.safetensors"),
              {"format": "pt"})
    json.dump({"model_cfg": {"embed_dim": 16,
                             "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8},
                             "text_cfg": {"context_length": 8, "vocab_size": 20, "width": 16, "heads": 2, "layers": 1}},
               "preprocess_cfg": {"mean": CLIP["image_mean"], "std": CLIP["image_std"]}},
              open(os.path.join(folder, "open_clip_config.json"), "w"), indent=2)
    finish(out, "openclip", "transformers CLIPVisionModelWithProjection, renamed as OpenCLIP has it", model,
           blocks_of(model), (32, 32), lambda y: y.image_embeds, dtype=torch.float16)


def make_open_clip_bare(out):
    """OpenCLIP's own tower without a norm before the blocks, and its pictures whole, on a ground of grey."""
    name = "openclip-no-ln-pre"
    if not is_wanted(name):
        return
    import open_clip
    config = {"image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16, "no_ln_pre": True}
    text = {"context_length": 8, "vocab_size": 20, "width": 16, "heads": 2, "layers": 1}
    model = open_clip.CLIP(embed_dim=16, vision_cfg=config, text_cfg=text)
    randomise(model, SEED)
    rounded(model, torch.float16)
    folder = fresh(out, name)
    state = {k: v.half().contiguous() for k, v in model.state_dict().items() if v.is_floating_point()}
    save_file(state, os.path.join(folder, "open_clip_model.safetensors"), {"format": "pt"})
    json.dump({"model_cfg": {"embed_dim": 16, "vision_cfg": config, "text_cfg": text},
               "preprocess_cfg": {"mean": CLIP["image_mean"], "std": CLIP["image_std"], "interpolation": "bilinear",
                                  "resize_mode": "longest", "fill_color": 127}},
              open(os.path.join(folder, "open_clip_config.json"), "w"), indent=2)
    finish(out, name, f"open_clip {open_clip.__version__} CLIP", model.visual, model.visual.transformer.resblocks,
           (32, 32), dtype=torch.float16)


def make_dinov2(out):
    """The original DINOv2's names, without any config, from transformers' DINOv2 with registers."""
    cfg = transformers.Dinov2WithRegistersConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=1, mlp_ratio=1, image_size=28, patch_size=7,
        num_register_tokens=4, use_swiglu_ffn=True)
    model = transformers.Dinov2WithRegistersModel(cfg)
    randomise(model, SEED)
    rounded(model, torch.float16)
    state = rename(model.state_dict(), [
        ("encoder.layer.", "blocks."), ("embeddings.position_embeddings", "pos_embed"),
        ("embeddings.patch_embeddings.projection", "patch_embed.proj"), ("embeddings.", ""),
        ("attention.o_proj", "attn.proj"), ("layer_scale1.lambda1", "ls1.gamma"),
        ("layer_scale2.lambda1", "ls2.gamma"), ("mlp.down_proj", "mlp.w3"), ("layernorm.", "norm.")])
    for i in range(2):
        at = f"blocks.{i}."
        for what in ("weight", "bias"):
            state[f"{at}attn.qkv.{what}"] = torch.cat([state.pop(f"{at}attention.{k}_proj.{what}") for k in "qkv"])
            state[f"{at}mlp.w12.{what}"] = torch.cat([state.pop(f"{at}mlp.{k}_proj.{what}") for k in ("gate", "up")])
    if not is_wanted("dinov2-original"):
        return
    folder = fresh(out, "dinov2-original")
    save_file({k: v.half().contiguous() for k, v in state.items()}, os.path.join(folder, "model.safetensors"))
    finish(out, "dinov2-original", "transformers Dinov2WithRegistersModel, renamed as facebookresearch/dinov2 has it",
           model, blocks_of(model), (28, 28), lambda y: y.last_hidden_state[:, 0], dtype=torch.float16)


def make_hf_patches(out):
    """Models that read the patches: SigLIP, I-JEPA, classifiers on CLIP; and MAE."""
    t = transformers
    small = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32,
                 patch_size=8)
    text = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
            "vocab_size": 20, "max_position_embeddings": 8}
    half = {"dtype": torch.float16}
    scores = lambda y: y.logits
    whole = t.SiglipConfig(vision_config=small, text_config=text, num_labels=5)
    from_hf(out, "hf-siglip", t.SiglipModel(whole), SIGLIP, (32, 32), lambda y: y.pooler_output, **half,
            tower=lambda m: m.vision_model)
    from_hf(out, "hf-siglip-vision", t.SiglipVisionModel(t.SiglipVisionConfig(**small)), SIGLIP, (32, 32),
            lambda y: y.pooler_output, **half)
    from_hf(out, "hf-siglip-classifier", t.SiglipForImageClassification(whole), SIGLIP, (32, 32), scores, **half)
    clip = t.CLIPConfig(vision_config=small, projection_dim=16, text_config={**text, "hidden_size": 16}, num_labels=5)
    from_hf(out, "hf-clip-classifier", t.CLIPForImageClassification(clip), CLIP, (32, 32), scores, **half)
    mae = t.ViTMAEConfig(**small, decoder_hidden_size=16, decoder_num_hidden_layers=1, decoder_num_attention_heads=2,
                         decoder_intermediate_size=16)
    from_hf(out, "hf-mae", t.ViTMAEForPreTraining(mae), VIT, (32, 32), lambda y: y, **half, tower=Unmasked)
    from_hf(out, "hf-mae-v5", t.ViTMAEForPreTraining(mae), VIT, (32, 32), lambda y: y, **half, tower=Unmasked,
            spelling="memory")
    from_hf(out, "hf-ijepa", t.IJepaModel(t.IJepaConfig(**small)), VIT, (32, 32),
            lambda y: y.last_hidden_state.mean(1), **half)
    from_hf(out, "hf-ijepa-classifier", t.IJepaForImageClassification(t.IJepaConfig(**small, num_labels=5)), VIT,
            (32, 32), scores, **half)


def make_rotary(out):
    """DINOv3, EVA-02 and other models of timm's Eva class with rotary positions."""
    t = transformers
    small = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32,
                 patch_size=8, num_register_tokens=4)
    half = {"dtype": torch.float16}
    pooled = lambda y: y.pooler_output
    from_hf(out, "hf-dinov3", t.DINOv3ViTModel(t.DINOv3ViTConfig(**small)), DINOV3, (32, 32), pooled, **half)
    from_hf(out, "hf-dinov3-gated-v5", t.DINOv3ViTModel(t.DINOv3ViTConfig(
        **{**small, "use_gated_mlp": True, "hidden_act": "silu", "rope_theta": 50.0})), {**DINOV3, "size": {
            "height": 24, "width": 40}}, (24, 40), pooled, **half, spelling="memory")
    from_hf(out, "hf-dinov3-no-bias", t.DINOv3ViTModel(t.DINOv3ViTConfig(
        **{**small, "query_bias": False, "value_bias": False,
           "num_register_tokens": 0})), DINOV3, (32, 32), pooled, **half)
    tiny = dict(patch_size=8, embed_dim=32, depth=2, num_heads=2, mlp_ratio=2.0, dtype=torch.float16)
    from_timm(out, "timm-dinov3", "vit_small_patch16_dinov3", size=(24, 40), num_classes=5, **tiny)
    from_timm(out, "timm-dinov3-gated", "vit_small_plus_patch16_dinov3_qkvb", num_classes=0, global_pool="token",
              **{**tiny, "mlp_ratio": 1.9})
    from_timm(out, "timm-eva02", "eva02_tiny_patch14_224", num_classes=3, size=(32, 40), **tiny)
    from_timm(out, "timm-eva02-norm", "eva02_base_patch14_448", num_classes=3, **tiny)
    from_timm(out, "timm-rope-reg1-gap", "vit_medium_patch16_rope_reg1_gap_256", num_classes=3, **tiny)


def add_indices(out, name):
    """What transformers before version 5 stored beside the tables of relative positions: where they are read."""
    if not is_wanted(name):
        return
    path = os.path.join(out, name, "model.safetensors")
    state, word = load_file(path), "relative_position_bias_table"
    state.update({k.replace(word, "relative_position_index"): torch.zeros(17, 17, dtype=torch.int64)
                  for k in list(state) if k.endswith(word)})
    save_file(state, path, {"format": "pt"})


def make_beit(out):
    """BEiT and data2vec-vision: relative positions of each layer, of all, or of both."""
    t = transformers
    small = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32,
                 patch_size=8, num_labels=5)
    half, scores = {"dtype": torch.float16}, lambda y: y.logits
    own, shared = {"use_relative_position_bias": True}, {"use_shared_relative_position_bias": True}
    from_hf(out, "hf-beit", t.BeitForImageClassification(t.BeitConfig(**small, **own)), BEIT, (32, 32), scores, **half)
    add_indices(out, "hf-beit")
    from_hf(out, "hf-beit-shared-v5", t.BeitForImageClassification(t.BeitConfig(
        **small, **shared, use_absolute_position_embeddings=True, use_mean_pooling=False)), BEIT, (32, 32), scores,
        **half, spelling="memory")
    from_hf(out, "hf-beit-base", t.BeitModel(t.BeitConfig(**small, **own, layer_scale_init_value=0.0)), BEIT, (32, 32),
            lambda y: y.pooler_output, **half)
    from_hf(out, "hf-beit-masked", t.BeitForMaskedImageModeling(t.BeitConfig(
        **{**small, "vocab_size": 7}, **shared, use_mask_token=True)), BEIT, (32, 32), lambda y: y, **half,
        tower=Masked)
    from_hf(out, "hf-data2vec", t.Data2VecVisionForImageClassification(t.Data2VecVisionConfig(
        **small, **own, **shared)), BEIT, (32, 32), scores, **half)
    tiny = dict(patch_size=8, embed_dim=32, depth=2, num_heads=2, mlp_ratio=2.0, dtype=torch.float16)
    from_timm(out, "timm-beit", "beit_base_patch16_224", size=(24, 40), num_classes=3, **tiny)
    from_timm(out, "timm-beit-shared", "beitv2_base_patch16_224", num_classes=0, global_pool="token",
              use_rel_pos_bias=False, use_shared_rel_pos_bias=True, use_abs_pos_emb=True, init_values=0.0, **tiny)
    from_timm(out, "timm-beit-both", "beit_base_patch16_384", size=(40, 24), num_classes=3, use_fc_norm=False,
              use_shared_rel_pos_bias=True, swiglu_mlp=True, scale_mlp=True, **tiny)


def make_beit_original(out):
    """The original BEiT's file, without any config: timm's names, where tables are read, a head of pre-training."""
    name = "beit-original"
    if not is_wanted(name):
        return
    model = timm.create_model("beit_base_patch16_224", pretrained=False, img_size=32, patch_size=8, embed_dim=32,
                              depth=2, num_heads=2, mlp_ratio=2.0, num_classes=0, global_pool="token",
                              use_rel_pos_bias=False, use_shared_rel_pos_bias=True)
    randomise(model, SEED)
    rounded(model, torch.float16)
    folder = fresh(out, name)
    state = {k: v.half().contiguous() for k, v in model.state_dict().items()}
    state.update({"mask_token": torch.zeros(1, 1, 32).half(), "lm_head.weight": torch.zeros(7, 32).half(),
                  "rel_pos_bias.relative_position_index": torch.zeros(17, 17, dtype=torch.int64)})
    save_file(state, os.path.join(folder, "model.safetensors"))
    finish(out, name, "timm beit_base_patch16_224, as microsoft/unilm has it", model, model.blocks, (32, 32),
           dtype=torch.float16)


def make_timm_patches(out):
    tiny = dict(patch_size=8, embed_dim=32, depth=2, num_heads=2)
    gap = dict(class_token=False, global_pool="avg")
    from_timm(out, "timm-gap", "vit_tiny_patch16_224", num_classes=3, dtype=torch.float16, **gap, **tiny)
    from_timm(out, "timm-gap-reg", "vit_medium_patch16_reg4_gap_256", num_classes=3, dtype=torch.float16,
              **{**tiny, "mlp_ratio": 2.0})
    from_timm(out, "timm-gap-norm", "vit_medium_patch16_gap_256", size=(24, 40), num_classes=3, dtype=torch.bfloat16,
              **{**tiny, "mlp_ratio": 2.0})
    from_timm(out, "timm-siglip", "vit_base_patch16_siglip_224", size=(36, 34), num_classes=0, dtype=torch.float16,
              **{**tiny, "mlp_ratio": 2.0, "act_layer": "gelu_tanh"})
    from_timm(out, "timm-map-reg", "vit_so150m_patch16_reg4_map_256", num_classes=3, dtype=torch.float16,
              **{**tiny, "mlp_ratio": 2.57})


def make_mae(out):
    """The original MAE's names, without any config: timm's, and a decoder beside."""
    if not is_wanted("mae-original"):
        return
    model = timm.create_model("vit_tiny_patch16_224", pretrained=False, img_size=32, patch_size=8, embed_dim=64,
                              depth=1, num_heads=1, mlp_ratio=1, num_classes=0)
    randomise(model, SEED)
    rounded(model, torch.float16)
    state = {**model.state_dict(), "mask_token": torch.zeros(1, 1, 8), "decoder_pos_embed": torch.zeros(1, 17, 8),
             "decoder_embed.weight": torch.zeros(8, 64), "decoder_embed.bias": torch.zeros(8),
             "decoder_blocks.0.attn.qkv.weight": torch.zeros(24, 8), "decoder_norm.weight": torch.ones(8),
             "decoder_pred.bias": torch.zeros(192)}
    folder = fresh(out, "mae-original")
    save_file({k: v.half().contiguous() for k, v in state.items()}, os.path.join(folder, "model.safetensors"))
    finish(out, "mae-original", "timm vit_tiny_patch16_224, as facebookresearch/mae has it", model, model.blocks,
           (32, 32), dtype=torch.float16)


def make_timm(out):
    tiny = dict(patch_size=8, embed_dim=32, depth=2, num_heads=2)
    from_timm(out, "timm-vit", "vit_tiny_patch16_224", num_classes=7, **tiny)
    from_timm(out, "timm-vit-wide", "vit_tiny_patch16_224", size=(24, 40), num_classes=3, dtype=torch.float16, **tiny)
    from_timm(out, "timm-vit-avg", "vit_tiny_patch16_224", num_classes=3, global_pool="avg", dtype=torch.bfloat16,
              **tiny)
    from_timm(out, "timm-deit-distilled", "deit_tiny_distilled_patch16_224", num_classes=4, **tiny)
    from_timm(out, "timm-deit3", "deit3_small_patch16_224", num_classes=4, dtype=torch.float16, **tiny)
    from_timm(out, "timm-dinov2", "vit_small_patch14_dinov2", size=(28, 28), num_classes=0, **{**tiny, "patch_size": 7})
    from_timm(out, "timm-dinov2-reg4-swiglu", "vit_giant_patch14_reg4_dinov2", size=(28, 28), num_classes=5,
              mlp_ratio=3.0, **{**tiny, "patch_size": 7})
    from_timm(out, "timm-clip-quickgelu", "vit_base_patch32_clip_quickgelu_224", num_classes=16, dtype=torch.float16,
              **tiny)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    transformers.logging.set_verbosity_error()
    make_timm(sys.argv[1])
    make_hf(sys.argv[1])
    make_open_clip(sys.argv[1])
    make_dinov2(sys.argv[1])
    make_timm_patches(sys.argv[1])
    make_hf_patches(sys.argv[1])
    make_rotary(sys.argv[1])
    make_beit(sys.argv[1])
    make_beit_original(sys.argv[1])
    make_mae(sys.argv[1])
    make_open_clip_bare(sys.argv[1])
