#!/usr/bin/env python3
"""Tiny causal language models with random weights as transformers write them, each with its stream before and after
every block, its logits, and one loss with its gradients by PyTorch: tests/golden/causal/NAME/.

    python3 -m pip install torch transformers safetensors; python3 tests/golden/text/causal.py

The files there are of torch 2.6.0 and transformers 5.24. Three texts of different lengths; transformers see one at a
time.
"""
import json
import pathlib
import shutil

import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent.parent / "causal"
LENGTHS = [9, 1, 13]
VOCAB = 43
BASE = dict(vocab_size=VOCAB, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=32, tie_word_embeddings=False)
LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=8)
MODELS = {
    "gpt2": ("GPT2", dict(vocab_size=VOCAB, n_positions=32, n_embd=16, n_layer=2, n_head=2)),
    "llama2": ("Llama", BASE),
    "llama3": ("Llama", dict(BASE, num_key_value_heads=2, rope_parameters=LLAMA3, tie_word_embeddings=True)),
    "llama-linear": ("Llama", dict(BASE, attention_bias=True, mlp_bias=True, num_key_value_heads=1,
                                   rope_parameters=dict(rope_type="linear", rope_theta=500.0, factor=2.0))),
    "smollm2": ("Llama", dict(BASE, hidden_size=18, num_attention_heads=3, num_key_value_heads=1, rms_norm_eps=1e-5,
                              tie_word_embeddings=True,
                              rope_parameters=dict(rope_type="default", rope_theta=100000.0))),
    "qwen2": ("Qwen2", dict(BASE, num_key_value_heads=2, use_sliding_window=False)),
    "qwen3": ("Qwen3", dict(BASE, num_key_value_heads=2, head_dim=6, use_sliding_window=False)),
    "olmo": ("Olmo", dict(BASE, pad_token_id=None, clip_qkv=0.8)),      # PyTorch leaves out the gradient of a pad
    "olmo2": ("Olmo2", dict(BASE, num_key_value_heads=2, pad_token_id=None)),
}
OLD_SPELLING = {"llama3", "smollm2"}            # rope_theta and rope_scaling in place of rope_parameters


def make(name, kind, settings):
    torch.manual_seed(sum(name.encode()))
    config = getattr(transformers, kind + "Config")(**settings)
    config._attn_implementation = "eager"
    model = getattr(transformers, kind + ("LMHeadModel" if kind == "GPT2" else "ForCausalLM"))(config).eval()
    with torch.no_grad():
        for p in model.parameters():            # values that no starting model has
            p.add_(torch.randn_like(p) * (0.3 if p.dim() == 1 else 0.8 / p.shape[-1] ** 0.5))
    out = HERE / name
    shutil.rmtree(out, ignore_errors=True)
    model.save_pretrained(out)
    (out / "generation_config.json").unlink(missing_ok=True)
    if name in OLD_SPELLING:
        path = out / "config.json"
        values = json.loads(path.read_text())
        rope = values.pop("rope_parameters")
        values["rope_theta"] = rope.pop("rope_theta")
        values["rope_scaling"] = None if rope["rope_type"] == "default" else rope
        path.write_text(json.dumps(values, indent=2) + "\n")
    ids = torch.randint(0, VOCAB, (sum(LENGTHS),))
    labels = torch.randint(0, VOCAB, (sum(LENGTHS),))
    runs = [model(input_ids=text[None], output_hidden_states=False, use_cache=False) for text in ids.split(LENGTHS)]
    streams = {}
    base = model.transformer if kind == "GPT2" else model.model
    blocks = base.h if kind == "GPT2" else base.layers

    def keep(key):
        def hook(_, inputs, output):
            value = output[0] if isinstance(output, tuple) else output
            streams.setdefault(key, []).append(value[0].detach())
        return hook

    handles = [b.register_forward_hook(keep(f"block.{i}")) for i, b in enumerate(blocks)]

    def keep_input(_, inputs, kwargs):
        value = inputs[0] if inputs else kwargs["hidden_states"]
        streams.setdefault("tokens", []).append(value[0].detach())

    handles.append(blocks[0].register_forward_pre_hook(keep_input, with_kwargs=True))
    with torch.no_grad():
        for text in ids.split(LENGTHS):
            model(input_ids=text[None], use_cache=False)
    for h in handles:
        h.remove()
    logits = torch.cat([r.logits[0] for r in runs])
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    golden = {"ids": ids.int(), "lengths": torch.tensor(LENGTHS).int(), "labels": labels.int(),
              "logits": logits.detach(), "loss": loss.detach()[None]}
    golden.update({k: torch.cat(v) for k, v in streams.items()})
    golden.update({"grad." + k: p.grad for k, p in model.named_parameters()})
    save_file({k: v.contiguous() for k, v in golden.items()}, out / "golden.safetensors")
    print(f"{name:14} {sum(p.numel() for p in model.parameters())} parameters, loss {loss.item():.6f}")


def main():
    HERE.mkdir(exist_ok=True)
    for name, (kind, settings) in MODELS.items():
        make(name, kind, settings)


if __name__ == "__main__":
    main()
