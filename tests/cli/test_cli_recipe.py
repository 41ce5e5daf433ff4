#!/usr/bin/env python3
"""Training by a published recipe, from outside: rates, augmentation, other classes: test_cli_recipe.py PARE."""
import json
import struct
import sys

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_run, png, run, train, weights

RATES = ["--min-lr", "1e-6", "--warmup", "1", "--warmup-lr", "1e-5", "--lr-base", "0.01", "--lr-base-size", "64"]
PICTURES = ["--aa", "rand-m9-mstd0.5-inc1", "--color-jitter", "0.3", "--reprob", "0.25", "--remode", "rand",
            "--aug-repeats", "3", "--scale", "0.3,1", "--ratio", "0.8,1.25", "--hflip", "0.5"]
MIXED = ["--mixup", "0.8", "--cutmix", "1", "--drop-path", "0.2", "--ema", "0.9", "--smoothing", "0.2"]
KEYS = {"min_lr": 1e-6, "warmup": 1.0, "warmup_lr": 1e-5, "lr_base": 0.01, "lr_base_size": 64,
        "aa": "rand-m9-mstd0.5-inc1", "color_jitter": 0.3, "reprob": 0.25, "remode": "rand", "aug_repeats": 3,
        "scale": "0.3,1", "ratio": "0.8,1.25", "hflip": 0.5, "mixup": 0.8, "cutmix": 1.0, "drop_path": 0.2, "ema": 0.9,
        "smoothing": 0.2}
BAD = [     # option and value, and what is said of it behind the dashes and the prefix
    (["aa", "v0"], "aa: no policy \"v0\""), (["aa", "rand-z3"], "aa: \"z3\""), (["aa", "rand-m999"], "aa: m is 999"),
    (["color-jitter", "-0.1"], "color-jitter is -0.1"), (["reprob", "1.5"], "reprob is 1.5, want 0 to 1"),
    (["reprob", "nan"], "reprob"), (["remode", "noise"], "remode: "), (["recount", "0"], "recount is 0"),
    (["aug-repeats", "0"], "aug-repeats is 0"), (["aug-repeats", "2.5"], "aug-repeats"),
    (["scale", "0.5"], "scale wants"), (["scale", "1,0.5"], "scale wants the lesser"),
    (["scale", "0,1"], "scale is 0,1"), (["scale", "0.1,2"], "scale is"), (["ratio", "1,2,3"], "ratio wants"),
    (["hflip", "2"], "hflip is 2"), (["vflip", "-1"], "vflip is -1"),
    (["train-interpolation", "nearest"], "train-interpolation: "), (["min-lr", "-1"], "min-lr is -1"),
    (["min-lr", "1"], "min-lr is 1, more than the peak"), (["warmup-lr", "1"], "warmup-lr is 1, more than the peak"),
    (["warmup", "-1"], "warmup is -1"), (["lr-base-size", "0"], "lr-base-size is 0"),
    (["lr-base-size", "9"], "goes with"),
]


def prefixed(options, prefix):
    return [word.replace("--", "--" + prefix, 1) for word in options]


def inputs(work, out):
    return json.loads((work / f"{out}.run/run.json").read_text())["inputs"]


def check_refused(prefix, *command):
    for (name, value), words in BAD:
        said = words if words == "goes with" else f"--{prefix}{words}"
        check_run(2, said, *command, f"--{prefix}{name}", value)
    check_run(2, f"--{prefix}lr and --{prefix}lr-base", *command, f"--{prefix}lr", "1e-5", f"--{prefix}lr-base", "1e-5")


def test_refused(work):
    m, data = work / "m", work / "data"
    check_refused("", *train(work, "x"))
    check_refused("", "tune", m, "--teacher", m, "--train", "all", "--data", data, "-o", work / "x")
    check_refused("", "retain", m, "--keep", "0.8", "--data", data, "-o", work / "x")
    check_refused("tune-", "distill", m, "--mixer", "linear", "--data", data, "-o", work / "x")
    check_refused("tune-all-", "distill", m, "--mixer", "linear", "--data", data, "-o", work / "x")
    # The second of two stages has a peak of its own.
    check_run(2, "--tune-all-min-lr is 0.0005, more than the peak learning rate 0.0002", "distill", m, "--mixer",
              "linear", "--data", data, "-o", work / "x", "--tune-all-min-lr", "5e-4", "--tune-all-epochs", "1")
    check(not (work / "x").exists() and not (work / "x.run").exists(), "a recipe that was refused left something")


def check_same(work, out, command, prefix="", group=None):
    """With the whole recipe: what is written down; stopped and resumed, by other threads, to the same bits."""
    recipe = prefixed([*RATES, *PICTURES, *MIXED], prefix)
    whole, parts = work / out, work / f"{out}2"
    check_run(0, "", *command(whole), *recipe, "--threads", "1")
    found = inputs(work, out)
    found = found[group] if group else found
    for key, value in KEYS.items():
        check(found.get(key) == value, f"{out}: run.json has {key} {found.get(key)}, not {value}")
    check_run(130, "", *command(parts), *recipe, "--max-steps", "2", "--threads", "3")
    other = prefixed(["--aa", "rand-m8"], prefix)
    check_run(2, "another run", *command(parts), *recipe, *other, "--resume")
    check_run(2, "another run", *command(parts), *recipe, *prefixed(["--reprob", "0.5"], prefix), "--resume")
    check_run(0, "", *command(parts), *recipe, "--resume", "--threads", "2")
    check(weights(parts) == weights(whole), f"{out}: a resumed run with a recipe gives other weights")


def check_card(work, out):
    card = (work / out / "README.md").read_text()
    for words in ("RandAugment rand-m9-mstd0.5-inc1", "random erasing 0.25", "3 copies of an image", "mixup 0.8"):
        check(words in card, f"{out}: the card lacks {words}")
    check("colour jitter" not in card, f"{out}: the card has the colour jitter that was left out")


def test_train(work):
    def command(out):
        return train(work, out, "--epochs", "2")

    check_same(work, "t", command)
    check_card(work, "t")
    check(abs(inputs(work, "t")["lr"] - 0.01 * 8 / 64) < 1e-12, "train: the peak is not lr-base * batch / size")
    check(weights(work / "t") != weights(work / "m"), "train: a recipe that does nothing")
    said = run(*train(work, "note", *PICTURES, "--max-steps", "1"))[2]
    check("colour jitter is left out beside RandAugment" in said and "--force-color-jitter" in said, f"note: {said}")
    said = run(*train(work, "note2", *PICTURES, "--force-color-jitter", "--max-steps", "1"))[2]
    check("colour jitter" not in said, f"note: {said}")
    # Leaving all of it out changes nothing, whatever the threads; one option alone does.
    def state(out, *more):
        check_run(130, "", *train(work, out, "--max-steps", "3", *more))
        files = sorted((work / f"{out}.run").rglob("*.safetensors"))
        check(files, f"{out}: no checkpoint")
        return b"".join(f.read_bytes() for f in files)

    base = state("base")
    check(state("threads", "--threads", "2") == base, "train: checkpoints differ without a recipe")
    check(state("hflip", "--hflip", "1") != base, "train --hflip: changes nothing")
    check(state("rate", "--warmup-lr", "1e-6") != base, "train --warmup-lr: changes nothing")


def test_tune(work):
    m = work / "m"

    def command(out):
        return ["tune", m, "--teacher", m, "--train", "all", "--kl", "1", "--any-teacher", "--data", work / "data",
                "--batch", "8", "--epochs", "2", "-o", out]

    check_same(work, "u", command)
    check_card(work, "u")


def test_distill(work):
    def command(out):
        return ["distill", work / "m", "--mixer", "linear", "--data", work / "data", "--batch", "8", "--epochs", "1",
                "--max-drop", "100", "--no-timing", "--any-teacher", "--tune-epochs", "1", "--tune-all-epochs", "1",
                "-o", out]

    check_same(work, "d", command, "tune-", "tune")
    check_same(work, "da", command, "tune-all-", "tune_all")


def test_retain(work):
    def command(out):
        return ["retain", work / "m", "--data", work / "data", "--batch", "8", "--epochs", "2", "--keep", "0.8",
                "--no-timing", "--any-teacher", "-o", out]

    check_same(work, "r", command)
    check_card(work, "r")
    # The average of the weights, alone, and the policy without a gate.
    check_run(0, "", *command(work / "plain"))
    check_run(0, "", *command(work / "ema"), "--ema", "0.9")
    check(weights(work / "ema") != weights(work / "plain"), "retain --ema: changes nothing")
    check_same(work, "rk", lambda out: [*command(out), "--policy", "topk"])
    check("mixup" not in (work / "plain/README.md").read_text(), "retain: a recipe that was not asked for")


# ---- other classes


def make_other_data(root):
    for split, n in (("train", 24), ("val", 8), ("test", 8)):
        for label, shade in (("black", 0), ("grey", 90), ("pale", 130), ("white", 190)):
            for i in range(n):
                png(root / split / label / f"{i}.png", shade, f"other{split}{label}{i}")


def read_tensors(folder):
    """{name: (shape, bytes)} of a model folder."""
    data = weights(folder)
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {name: (t["shape"], data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]])
            for name, t in header.items()}


def test_other_classes(work):
    """A model of two classes goes on as one of four: a new head on the same body, which learns."""
    make_other_data(work / "other")
    usual = ["train", "--init", work / "m", "--data", work / "other", "--batch", "8"]
    still = ["--epochs", "1", "--lr", "1e-12", "--weight-decay", "0", "--warmup", "0", "--no-keep-best"]
    check_run(0, "the head starts anew", *usual, *still, "-o", work / "still")
    before, after = read_tensors(work / "m"), read_tensors(work / "still")
    check(set(before) == set(after), f"other classes: parameters {sorted(set(before) ^ set(after))}")
    for name, (shape, values) in after.items():
        if name.startswith("head"):
            check(shape[0] == 4 and before[name][0][0] == 2, f"other classes: {name} is {shape}")
            continue
        check(shape == before[name][0], f"other classes: {name} is {shape}")
        pair = (struct.unpack(f"<{len(b) // 4}f", b) for b in (values, before[name][1]))
        check(all(abs(x - y) < 1e-9 for x, y in zip(*pair)), f"other classes: {name} of the body is another")
    learn = [*usual, "--epochs", "6", "--lr", "3e-3", "--reprob", "0.25", "--mixup", "0.2"]
    check_run(0, "", *learn, "-o", work / "four")
    config = json.loads((work / "four/config.json").read_text())
    result = json.loads((work / "four.run/run.json").read_text())["results"]
    labels = config.get("label_names") or list(config.get("id2label", {}).values())
    check(labels == ["black", "grey", "pale", "white"], f"other classes: config.json has the labels {labels}")
    # 32 pictures of 4 classes: by chance 8 are right, 18 or more with a probability below 1e-4.
    check(result["test"]["images"] == 32 and result["test"]["top1"] >= 18 / 32, f"other classes: {result['test']}")
    check_run(130, "", *learn, "-o", work / "four2", "--max-steps", "17")
    check_run(0, "", *learn, "-o", work / "four2", "--resume", "--threads", "3")
    check(weights(work / "four2") == weights(work / "four"), "other classes: a resumed run gives other weights")


def test_all(work):
    check_run(0, "", *train(work, "m"))
    cli.run_tests(work, test_refused, test_train, test_tune, test_distill, test_retain, test_other_classes)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
