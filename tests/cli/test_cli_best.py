#!/usr/bin/env python3
"""Trains from outside and looks which epoch is kept: test_cli_best.py PARE."""
import json
import shutil
import sys

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_run, train, weights


def check_best(work, out, what, *epochs):
    """The run kept the first epoch with the best accuracy on val, and its model has that. Gives the epoch."""
    result = json.loads((work / f"{out}.run/run.json").read_text())["results"]
    lines = [json.loads(line) for line in (work / f"{out}.run/log.jsonl").read_text().splitlines()]
    lines = [line for line in lines if line["what"] == what]
    top1 = [line["val_top1"] for line in lines]
    check([line["epoch"] for line in lines] == list(epochs), f"{out}: epochs of the log {lines}")
    check(all(0 <= x <= 1 for x in top1) and all(line["val_loss"] >= 0 for line in lines), f"{out}: the log {lines}")
    best = lines[top1.index(max(top1))]["epoch"]
    check(result["best_epoch"] == best and result["epochs"] == epochs[-1], f"{out}: kept {result}, {top1}")
    check(abs(result["best_val_top1"] - max(top1)) < 1e-6, f"{out}: {result['best_val_top1']}, not {max(top1)}")
    check(result["val"]["top1"] == result["best_val_top1"], f"{out}: the model has {result['val']}, not {max(top1)}")
    made = json.loads((work / out / "pare.json").read_text())
    check(made["measured"]["best_epoch"] == best, f"{out}: pare.json has no best epoch")
    return best


def test_train(work):
    best = check_best(work, "m", "train", 1, 2, 3)
    check(f"after epoch {best} of 3" in (work / "m/README.md").read_text(), "train: the card lacks the epoch")
    out = check_run(0, "", *train(work, "last", "--no-keep-best", "--keep-best"))
    check("best epoch" not in out, f"train --no-keep-best: {out}")
    run_json = json.loads((work / "last.run/run.json").read_text())
    check(run_json["results"]["best_epoch"] is None and run_json["inputs"]["keep_best"] is False, "--no-keep-best")
    check("val_top1" not in (work / "last.run/log.jsonl").read_text(), "train --no-keep-best: val is judged")
    check((weights(work / "last") == weights(work / "m")) == (best == 3), "train: kept other parameters than it says")
    out = check_run(0, "kept     best epoch ", *train(work, "ema", "--ema", "0.8", "--lr", "0.01", "--keep-best"))
    best = check_best(work, "ema", "train", 1, 2, 3)
    check(f"best epoch {best} of 3 (val top-1 " in out, f"train: {out}")
    check_run(130, "", *train(work, "stopped", "--max-steps", "4"))
    check_run(2, "another run", *train(work, "stopped", "--resume", "--no-keep-best"))
    # Without pictures in val nothing is judged.
    shutil.copytree(work / "data", work / "no-val")
    shutil.rmtree(work / "no-val/val")
    check_run(0, "val      no images", *train(work, "blind", "--data", work / "no-val"))
    result = json.loads((work / "blind.run/run.json").read_text())["results"]
    check(result["best_epoch"] is None and result["val"] is None, f"train without val: {result}")


def test_retain(work):
    """Each epoch is judged at the keep ratio asked for, and the model that is written is the one that was judged."""
    m, data = work / "m", work / "data"
    usual = ["--data", data, "--batch", "8", "--epochs", "2"]
    check_run(0, "best epoch", "retain", m, *usual, "--keep", "0.8", "-o", work / "k", "--no-timing")
    check_best(work, "k", "retain", 1, 2)
    check_run(0, "best epoch", "retain", m, *usual, "--policy", "topk", "--keep", "0.75", "-o", work / "kt",
              "--no-timing")
    check_best(work, "kt", "retain", 1, 2)
    check_run(0, "asked: 80.0 %", "retain", m, *usual, "--keep", "0.8", "-o", work / "kl", "--no-timing",
              "--no-keep-best")
    result = json.loads((work / "kl.run/run.json").read_text())["results"]
    check(result["best_epoch"] is None and result["epochs"] == 2, f"retain --no-keep-best: {result}")
    # A student whose gate is calibrated to its teacher's keep ratio.
    check_run(0, "best epoch", "tune", work / "k", "--teacher", work / "k", *usual, "--train", "all", "--kl", "1",
              "--centre", "--any-teacher", "-o", work / "kc")
    check_best(work, "kc", "tune", 1, 2)


def test_all(work):
    check_run(0, "", *train(work, "m"))
    cli.run_tests(work, test_train, test_retain)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
