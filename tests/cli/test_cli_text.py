#!/usr/bin/env python3
"""Runs pare from outside on language models: inspect, eval over texts, export, bad input: test_cli_text.py PARE."""
import json
import math
import pathlib
import shutil
import struct
import sys

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_json, check_run, tree

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
MODELS = GOLDEN / "causal"
VOCAB = 43


def write_ids(path, ids):
    path.write_bytes(struct.pack(f"<{len(ids)}H", *ids))
    return path


def golden(name):
    """Ids, lengths and logits of a golden model, read without any library."""
    data = (MODELS / name / "golden.safetensors").read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + n])

    def get(key, form):
        first, end = head[key]["data_offsets"]
        return struct.unpack(f"<{(end - first) // 4}{form}", data[8 + n + first:8 + n + end])
    return get("ids", "i"), get("lengths", "i"), get("logits", "f")


def losses(ids, logits, first, last):
    """Of the tokens first + 1 .. last, each from the logits of the one before."""
    out = []
    for i in range(first, last):
        row = logits[i * VOCAB:(i + 1) * VOCAB]
        most = max(row)
        out.append(most + math.log(sum(math.exp(x - most) for x in row)) - row[ids[i + 1]])
    return out


def test_loss(work):
    """What eval says is the mean of what transformers' logits give, text by text and in one batch."""
    for name in sorted(p.name for p in MODELS.iterdir()):
        ids, lengths, logits = golden(name)
        folder = work / f"texts-{name}"
        folder.mkdir()
        want, at = [], 0
        for k, n in enumerate(lengths):
            write_ids(folder / f"{k}.ids", ids[at:at + n])
            want += losses(ids, logits, at, at + n - 1)
            at += n
        value = check_json("loss perplexity bits_per_byte tokens texts tokens_per_s top1 device driver", "eval",
                           MODELS / name, "--data", folder)
        mean = sum(want) / len(want)
        check(value["tokens"] == len(want) == sum(lengths) - len(lengths) and value["texts"] == 3, f"{name}: {value}")
        check(abs(value["loss"] - mean) < 1e-5 and abs(value["perplexity"] - math.exp(mean)) < 1e-3,
              f"{name}: loss {value['loss']}, want {mean}")
        check(value["bits_per_byte"] is None, f"{name}: bytes of ids are not known")
    ids, lengths, logits = golden("llama2")
    first = write_ids(work / "first.ids", ids[:lengths[0]])
    value = check_json("loss tokens", "eval", MODELS / "llama2", "--data", first)
    want = losses(ids, logits, 0, lengths[0] - 1)
    check(abs(value["loss"] - sum(want) / len(want)) < 1e-5, "one text alone")
    whole = write_ids(work / "whole.ids", ids[:8] * 3)
    rows = check_json("loss tokens texts", "eval", MODELS / "llama2", "--data", whole, "--row", "8")
    check(rows["texts"] == 3 and rows["tokens"] == 21, f"rows: {rows}")
    again = check_json("loss", "eval", MODELS / "llama2", "--data", whole, "--row", "8", "--batch", "1")
    check(abs(rows["loss"] - again["loss"]) < 1e-6, f"batches: {rows} {again}")
    few = check_json("texts tokens", "eval", MODELS / "llama2", "--data", whole, "--row", "8", "--limit", "2")
    check(few["texts"] == 2 and few["tokens"] == 14, f"limit: {few}")
    for name in ("gpt2", "llama2"):     # learned positions, of which a window takes the first, and rotary ones
        ids = golden(name)[0]
        parts = work / f"parts-{name}"
        parts.mkdir()
        for at in (0, 4):
            write_ids(parts / f"{at}.ids", ids[at:at + 5])
        whole = write_ids(work / "whole.ids", ids[:9])
        short = check_json("loss", "eval", MODELS / name, "--data", whole, "--context", "4")
        apart = check_json("loss", "eval", MODELS / name, "--data", parts)
        check(abs(short["loss"] - apart["loss"]) < 1e-6, f"{name}: windows of 4 tokens {short}, apart {apart}")
    whole = write_ids(work / "whole.ids", ids[:8] * 3)
    cut = check_json("tokens loss", "eval", MODELS / "llama2", "--data", whole, "--context", "5")
    check(cut["tokens"] == 23, f"windows predict every token but the first: {cut}")
    out = check_run(0, "", "eval", MODELS / "llama2", "--data", whole)
    check("nats a token" in out and "23 tokens of 1 text" in out, f"what it prints: {out}")


def test_text(work):
    """Text goes through the model's tokenizer."""
    model = work / "with-tokenizer"
    shutil.copytree(MODELS / "llama2", model)
    letters = {c: i for i, c in enumerate("abcdefghijklmnopqrstuvwxyz0123456789.,!?")}
    (model / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "added_tokens": [], "normalizer": None, "decoder": {"type": "ByteLevel"},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None, "model": {"type": "BPE", "vocab": letters, "merges": [], "unk_token": None}}))
    (work / "t").mkdir()
    (work / "t/a.txt").write_text("abc.def")
    (work / "t/b.jsonl").write_text('{"text": "xyz!"}\n{"text": "a,b"}\n')
    value = check_json("loss tokens texts bits_per_byte", "eval", model, "--data", work / "t")
    check(value["texts"] == 3 and value["tokens"] == 6 + 3 + 2, f"texts: {value}")
    bits = value["loss"] * value["tokens"] / math.log(2) / 14
    check(abs(value["bits_per_byte"] - bits) < 1e-6, f"bits a byte: {value}, want {bits}")
    check_run(0, "", "export", model, "-o", work / "copy")
    copied = (work / "copy/tokenizer.json").read_bytes()
    check(copied == (model / "tokenizer.json").read_bytes(), "the tokenizer's copy")
    same = check_json("loss", "eval", work / "copy", "--data", work / "t")
    check(same["loss"] == value["loss"], f"the exported model: {same}")
    card = (work / "copy/README.md").read_text()
    check("causal language model of 43 tokens" in card and "text-generation" in card, f"the card: {card[:300]}")


def test_inspect(work):
    value = check_json("kind params tokens", "inspect", MODELS / "qwen3")
    check(value["kind"] == "causal" and value["params"] == 6088, f"inspect: {value}")
    for name, words in [("gpt2", "learned positions"), ("llama3", "rotary (llama3)"), ("olmo", "cut to -0.8"),
                        ("olmo2", "behind the branches"), ("qwen3", "head by head")]:
        out = check_run(0, "", "inspect", MODELS / name)
        check(words in out and "causal language model" in out and "pixels" not in out, f"inspect {name}: {out}")


def change(work, name, **values):
    """A copy of a model with other keys in its config; None takes one away."""
    out = work / "changed"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(MODELS / name, out)
    path = out / "config.json"
    config = {k: v for k, v in {**json.loads(path.read_text()), **values}.items() if v is not ...}
    path.write_text(json.dumps(config))
    return out


def test_refused(work):
    """What is not supported, or does not fit together, is a sentence."""
    rope = {"rope_type": "llama3", "rope_theta": 1e4, "factor": 4.0, "low_freq_factor": 4.0, "high_freq_factor": 1.0,
            "original_max_position_embeddings": 8}
    rows = [("llama2", {"sliding_window": 8}, "window"),
            ("qwen3", {"layer_types": ["sliding_attention"] * 2}, "window"),
            ("llama2", {"hidden_act": "gelu"}, "silu"), ("llama2", {"final_logit_softcapping": 30.0}, "softcapping"),
            ("llama2", {"num_experts": 8}, "num_experts"), ("llama2", {"clip_qkv": 8.0}, "clip_qkv"),
            ("llama2", {"num_key_value_heads": 3}, "do not divide"), ("llama2", {"head_dim": 3}, "even number"),
            ("llama2", {"rope_parameters": {"rope_type": "yarn", "factor": 2.0}}, "yarn"),
            ("llama2", {"rope_parameters": rope}, "high_freq_factor"),
            ("llama2", {"rope_parameters": {"rope_type": "linear"}}, "factor"),
            ("llama2", {"vocab_size": 44}, "want (44, 16)"), ("llama2", {"intermediate_size": 25}, "want (16, 25)"),
            ("llama2", {"num_hidden_layers": 3}, "missing"), ("llama2", {"num_hidden_layers": 1}, "no place"),
            ("llama2", {"attention_bias": True}, "missing"), ("llama-linear", {"attention_bias": False}, "no place"),
            ("llama3", {"tie_word_embeddings": False}, "missing"), ("gpt2", {"n_head": 3}, "multiple"),
            ("llama2", {"model_type": "gemma2"}, "gemma2"), ("llama2", {"hidden_size": ...}, "hidden_size"),
            ("llama2", {"max_position_embeddings": 0}, "max_position_embeddings")]
    for name, values, words in rows:
        check_run(6, words, "inspect", change(work, name, **values))
    check_run(0, "", "export", MODELS / "llama2", "-o", work / "mixed")
    path = work / "mixed/pare.json"
    path.write_text(path.read_text().replace('"attention"', '"identity"', 1))
    check_run(6, "attention alone", "inspect", work / "mixed")
    for kind in ({"vocab_size": 2**31}, {"hidden_size": -1}, {"num_attention_heads": "four"}, {"rms_norm_eps": "x"}):
        check_run(6, list(kind)[0], "inspect", change(work, "llama2", **kind))


def test_bad_input(work):
    model = MODELS / "llama2"
    before = tree(model)
    ids = write_ids(work / "ok.ids", [1, 2, 3])
    check_run(2, "--data is missing", "eval", model)
    check_run(6, "id 43 at place 1", "eval", model, "--data", write_ids(work / "beyond.ids", [1, VOCAB]))
    check_run(2, "second token", "eval", model, "--data", write_ids(work / "one.ids", [1]))
    check_run(2, "33 tokens", "eval", model, "--data", ids, "--context", "33")
    check_run(2, "--split is for models of pictures", "eval", model, "--data", ids, "--split", "val")
    check_run(2, "--show is for models of pictures", "eval", model, "--data", ids, "--show", work / "x.png")
    (work / "t.txt").write_text("abc")
    check_run(2, "no tokenizer.json", "eval", model, "--data", work / "t.txt")
    check_run(2, "ends with .txt", "eval", model, "--data", "synth:ringed-digit")
    (work / "empty").mkdir()
    check_run(6, "no text", "eval", model, "--data", work / "empty")
    for command in (["distill", model, "--mixer", "linear", "-o", work / "x"], ["retain", model, "--keep", "0.7", "-o",
                    work / "x"], ["tune", model, "-o", work / "x"], ["sparsity", model]):
        check_run(2, "reads no pictures", *command, "--data", "synth:ringed-digit")
    check_run(2, "reads no pictures", "classify", model, work / "t.txt")
    check(tree(model) == before and not (work / "x").exists(), "a refused command changed something")


def test_all(work):
    cli.run_tests(work, test_loss, test_text, test_inspect, test_refused, test_bad_input)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
