#!/usr/bin/env python3
"""The rows of nn/models/config/arch/arch_more.def: timm's vision transformers whose names do not say what they are; of
arch_eva.def: those of its Eva class that have rotary positions; and of arch_beit.def: its Beit class.

usage: timm_names.py > nn/models/config/arch/arch_more.def        (needs timm)
       timm_names.py eva > nn/models/config/arch/arch_eva.def
       timm_names.py beit > nn/models/config/arch/arch_beit.def

Models are made without memory for their weights. Those that `pare` cannot be are left out, and so are those whose names
nn/models/config/arch/arch_names.c takes apart.
"""
import inspect
import re
import sys

import timm
import torch

PLAIN = re.compile(r"(vit_(tiny|small|medium|base|large|huge|giant|gigantic)|deit_(tiny|small|base)|"
                   r"deit3_(small|medium|base|large|huge))(_distilled)?_patch\d+"
                   r"(_clip|_quickgelu|_reg\d+|_dinov2|_\d+)*$")
HEADER = """// arch_more.def — timm's models whose names do not say what they are, by tests/golden/timm_names.py:
// NN_ARCH_MORE(name, dim, depth, heads, width of the MLP, patch, image, registers, pooling, activation, flags, eps)
"""


EVA_HEADER = """// arch_eva.def — models of timm's Eva class with rotary positions, by tests/golden/timm_names.py:
// NN_ARCH_EVA(name, dim, depth, heads, width of the MLP, patch, image, registers, pooling, flags, eps,
//             rotary positions, their base, side of the grid that they are scaled to, multiple of a gated MLP's width)
"""


BEIT_HEADER = """// arch_beit.def — models of timm's Beit class, by tests/golden/timm_names.py:
// NN_ARCH_BEIT(name, dim, depth, heads, width of the MLP, patch, image, pooling, flags, eps)
"""


def kind(module):
    return type(module).__name__


def is_ours(m):
    """Is it one of pare's, whatever its sizes?"""
    b = m.blocks[0]
    norms = {kind(x) for x in (m.norm, m.fc_norm, m.norm_pre, b.norm1, b.norm2)}
    inside = {kind(getattr(x, "norm", None) or torch.nn.Identity()) for x in (b.attn, b.mlp)}
    inside |= {kind(b.attn.q_norm), kind(b.attn.k_norm)}
    patches = m.patch_embed
    return (kind(m) == "VisionTransformer" and kind(b) == "Block" and kind(b.mlp) == "Mlp" and
            kind(b.attn) == "Attention" and
            norms <= {"LayerNorm", "Identity"} and inside == {"Identity"} and kind(patches) == "PatchEmbed" and
            (patches.proj.bias is None) == (kind(m.norm_pre) == "LayerNorm") and
            kind(b.mlp.act) in ("GELU", "GELUTanh", "QuickGELU") and m.global_pool in ("token", "avg", "map") and
            (m.global_pool != "token" or kind(m.norm) == "LayerNorm") and
            not (m.pool_include_prefix and m.num_prefix_tokens and m.global_pool != "token") and
            patches.patch_size[0] == patches.patch_size[1] and patches.img_size[0] == patches.img_size[1])


def row(name, m):
    b = m.blocks[0]
    has_fc_norm, has_norm = kind(m.fc_norm) == "LayerNorm", kind(m.norm) == "LayerNorm"
    pool = {"token": "TOKEN", "map": "MAP", "avg": "AVG" if has_fc_norm else "NORM_AVG" if has_norm else "RAW_AVG"}
    act = {"GELU": "GELU", "GELUTanh": "GELU_TANH", "QuickGELU": "QUICK_GELU"}[kind(b.mlp.act)]
    flags = {"NO_CLASS": m.cls_token is None, "BARE_PREFIX": m.no_embed_class and m.num_prefix_tokens > 0,
             "LAYER_SCALE": kind(b.ls1) == "LayerScale", "PRE_NORM": kind(m.norm_pre) == "LayerNorm",
             "NO_QKV_BIAS": b.attn.qkv.bias is None, "HEADLESS": m.num_classes == 0}
    flags = " | ".join(flag for flag, is_set in flags.items() if is_set) or "0"
    eps = (m.norm if has_norm else m.fc_norm).eps
    sizes = (f'NN_ARCH_MORE("{name}", {m.embed_dim}, {len(m.blocks)}, {b.attn.num_heads}, {b.mlp.fc1.out_features}, '
             f"{m.patch_embed.patch_size[0]}, {m.patch_embed.img_size[0]}, {m.num_reg_tokens},")
    return f"{sizes}\n             {pool[m.global_pool]}, {act}, {flags}, {eps:g})"


def is_eva(m):
    """Is it one of pare's, whatever its sizes?"""
    b = m.blocks[0]
    return (kind(b) == "EvaBlock" and kind(b.attn) == "EvaAttention" and kind(m.norm_pre) == "Identity" and
            kind(m.rope) in ("RotaryEmbeddingCat", "RotaryEmbeddingDinoV3") and kind(b.attn.norm) == "Identity" and
            kind(b.attn.q_norm) == "Identity" and b.attn.gate is None and m.global_pool in ("token", "avg") and
            {kind(m.norm), kind(m.fc_norm)} == {"LayerNorm", "Identity"} and m.rope.grid_offset == 0 and
            b.attn.rotate_half == (kind(m.rope) == "RotaryEmbeddingDinoV3") and m.rope.grid_indexing == "ij" and
            m.patch_embed.proj.bias is not None and (b.gamma_1 is None) == (b.gamma_2 is None))


def eva_row(name, m):
    b, r = m.blocks[0], m.rope
    has_fc_norm, is_dinov3 = kind(m.fc_norm) == "LayerNorm", kind(m.rope) == "RotaryEmbeddingDinoV3"
    pool = "TOKEN" if m.global_pool == "token" else "AVG" if has_fc_norm else "NORM_AVG"
    gated = kind(b.mlp) in ("SwiGLU", "GluMlp")
    flags = {"NO_CLASS": m.cls_token is None, "BARE_PREFIX": m.no_embed_class and m.num_prefix_tokens > 0,
             "LAYER_SCALE": b.gamma_1 is not None, "NO_POS": m.pos_embed is None, "GATED": gated,
             "MLP_NORM": kind(b.mlp.norm) == "LayerNorm" if hasattr(b.mlp, "norm") else False,
             "HEADLESS": m.num_classes == 0,
             "NO_QKV_BIAS": b.attn.q_bias is None and (b.attn.q_proj is None or b.attn.q_proj.bias is None)}
    flags = " | ".join(flag for flag, is_set in flags.items() if is_set) or "0"
    align = re.search(r"swiglu_align_to=(\d+)", inspect.getsource(timm.model_entrypoint(name)))
    ref = 0 if is_dinov3 or r.ref_feat_shape is None else r.ref_feat_shape[0]
    sizes = (f'NN_ARCH_EVA("{name}", {m.embed_dim}, {len(m.blocks)}, {b.attn.num_heads}, {b.mlp.fc2.in_features}, '
             f"{m.patch_embed.patch_size[0]}, {m.patch_embed.img_size[0]}, "
             f"{0 if m.reg_token is None else m.reg_token.shape[1]},")
    return (f"{sizes}\n            {pool}, {flags}, {b.norm1.eps:g}, {'DINOV3' if is_dinov3 else 'EVA02'}, "
            f"{r.temperature:g}, {ref}, {align[1] if align else 0})")


def main_eva():
    print(EVA_HEADER, end="")
    for name in timm.list_models(module="eva"):
        with torch.device("meta"):
            model = timm.create_model(name, pretrained=False)
        if is_eva(model):
            print(eva_row(name, model))


def beit_row(name, m):
    b, gated = m.blocks[0], kind(m.blocks[0].mlp) == "SwiGLU"
    pool = "TOKEN" if m.global_pool == "token" else "AVG" if kind(m.fc_norm) == "LayerNorm" else "NORM_AVG"
    flags = {"LAYER_SCALE": b.gamma_1 is not None, "POS": m.pos_embed is not None,
             "RELATIVE": b.attn.relative_position_bias_table is not None, "SHARED": m.rel_pos_bias is not None,
             "GATED": gated, "MLP_NORM": kind(b.mlp.norm) == "LayerNorm", "NO_QKV_BIAS": b.attn.q_bias is None}
    flags = " | ".join(flag for flag, is_set in flags.items() if is_set) or "0"
    return (f'NN_ARCH_BEIT("{name}", {m.embed_dim}, {len(m.blocks)}, {b.attn.num_heads}, {b.mlp.fc2.in_features}, '
            f"{m.patch_embed.patch_size[0]}, {m.patch_embed.img_size[0]},\n             {pool}, {flags}, "
            f"{b.norm1.eps:g})")


def main_beit():
    print(BEIT_HEADER, end="")
    for name in timm.list_models(module="beit"):
        with torch.device("meta"):
            print(beit_row(name, timm.create_model(name, pretrained=False)))


def main():
    if sys.argv[1:] == ["eva"]:
        return main_eva()
    if sys.argv[1:] == ["beit"]:
        return main_beit()
    print(HEADER, end="")
    for name in timm.list_models(module="vision_transformer"):
        if PLAIN.match(name):
            continue
        with torch.device("meta"):
            model = timm.create_model(name, pretrained=False)
        try:
            ours = is_ours(model)
        except AttributeError:          # blocks of another kind
            continue
        if ours:
            print(row(name, model))


if __name__ == "__main__":
    main()
