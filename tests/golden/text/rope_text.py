#!/usr/bin/env python3
"""Frequencies of rotary positions by transformers' rules, and angles at some places: rope_text.safetensors.

usage: rope_text.py OUT_FILE        needs torch, transformers and safetensors
"""
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

PLACES = torch.tensor([0, 1, 17, 300])

LLAMA3 = {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 8192}
CASES = {       # name: head size, positions trained on, tokens, rope_parameters
    "default.64": (64, 2048, 2048, {"rope_type": "default", "rope_theta": 10000.0}),
    "default.128": (128, 40960, 40960, {"rope_type": "default", "rope_theta": 1000000.0}),
    "linear.64": (64, 2048, 8192, {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}),
    "dynamic.64": (64, 2048, 5000, {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}),
    "dynamic.short": (64, 2048, 1000, {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}),
    "llama3.64": (64, 131072, 131072, dict(LLAMA3, rope_theta=500000.0, factor=32.0)),
    "llama3.128": (128, 131072, 131072, dict(LLAMA3, rope_theta=500000.0, factor=8.0)),
}

out = {}
for name, (dim, trained, tokens, rope) in CASES.items():
    config = LlamaConfig(hidden_size=2 * dim, num_attention_heads=2, head_dim=dim, max_position_embeddings=trained,
                         rope_parameters=rope)
    rotary = LlamaRotaryEmbedding(config)
    if rope["rope_type"] in ROPE_INIT_FUNCTIONS:
        frequencies, factor = ROPE_INIT_FUNCTIONS[rope["rope_type"]](config, None, seq_len=tokens)
    else:
        frequencies, factor = rotary.inv_freq, rotary.attention_scaling
    assert factor == 1.0
    out[name] = frequencies.float().contiguous().clone()
    if rope["rope_type"] != "dynamic":
        cos, sin = rotary(torch.zeros(1), PLACES[None])
        out[name + ".places"] = torch.cat([cos[0, :, : dim // 2], sin[0, :, : dim // 2]], 1).contiguous()
save_file(out, sys.argv[1], {"transformers": transformers.__version__, "torch": torch.__version__})
