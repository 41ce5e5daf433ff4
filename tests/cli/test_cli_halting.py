#!/usr/bin/env python3
"""Halting as A-ViT has it, by retain and by train, from outside: test_cli_halting.py PARE."""
import json
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_json, check_run, tree, weights

DATA = "synth:ringed-digit,train=48,val=24,test=24"
ARCH = "vit:image=32,patch=8,dim=16,depth=3,heads=2"
SHARED = ["--data", DATA, "--batch", "8"]
GATE = ["--gate-scale", "10", "--gate-centre", "2", "--alpha-d", "1e-3"]


def read(path):
    return json.loads(path.read_text())


def retain(work, out, *more):
    return ["retain", work / "m", *SHARED, "--any-teacher", "--no-timing", "--lr", "1e-3", "-o", work / out, *more]


def train(work, out, *more):
    return ["train", "--arch", ARCH, *SHARED, "--epochs", "2", "-o", work / out, *more]


def check_gate(work, out, scale, centre):
    gate = read(work / out / "pare.json")["retention"]
    check(gate["policy"] == "halting" and gate["gate_scale"] == scale and gate["gate_centre"] == centre,
          f"{out}: its gate is {gate}")


def check_macs(work, out, value):
    """What retain or train says of the multiply-adds is what inspect says of the model."""
    seen = check_json("macs kept_macs", "inspect", work / out)
    check(abs(seen["kept_macs"] - value["kept_macs"]) < 1, f"{out}: multiply-adds {value}, inspect {seen}")
    check(0 < value["kept_macs"] <= 1.02 * value["macs"], f"{out}: multiply-adds {value}")
    check((value["kept_macs"] < 0.999 * value["macs"]) == (value["keep"] < 0.99), f"{out}: multiply-adds {value}")
    check_run(0, "with the tokens that it kept when it was measured", "inspect", work / out)


def test_retain(work):
    """More weight on the ponder cost keeps fewer patches; the gate stays where it was put; the last epoch is kept."""
    keep = []
    for i, alpha in enumerate(["0", "0.01", "1"]):
        value = check_json("keep keep_asked macs kept_macs trained_keep retention", *retain(
            work, f"a{i}", *GATE, "--alpha-p", alpha, "--epochs", "4"))
        check(value["keep_asked"] is None and value["best_epoch"] is None, f"retain without --keep: {value}")
        keep.append(value["keep"])
        check_gate(work, f"a{i}", 10.0, 2.0)
        check_macs(work, f"a{i}", value)
    check(keep[0] > keep[1] > keep[2], f"retain: more --alpha-p keeps {keep}")
    run_json = read(work / "a1.run/run.json")
    check("keep" not in run_json["inputs"] and run_json["inputs"]["gate_centre"] == 2.0 and
          run_json["inputs"]["ponder"] == 0.01, f"retain: inputs {run_json['inputs']}")
    card = (work / "a1/README.md").read_text()
    check("with a fixed gate, sigma(10 x - 2)" in card and "multiply-adds of a picture" in card, f"card: {card}")
    seen = check_json("keep", "eval", work / "a1", "--data", DATA)
    check(seen["keep"] == keep[1], f"eval of retain: {seen['keep']}, not {keep[1]}")
    page = check_run(0, "report.html", "report", work / "a1.run") and (work / "a1.run/report.html").read_text()
    check("asked for" not in page and "multiply-adds of a picture with the tokens it keeps" in page, "report of retain")


def test_names(work):
    """--ponder and --prior are the same numbers; the prior's targets are two."""
    out = check_run(0, "multiply-adds a picture, with all tokens", *retain(
        work, "p", "--gate-scale", "10", "--gate-centre", "2", "--prior", "1e-3", "--ponder", "0.01", "--epochs", "4"))
    check("asked" not in out, f"retain without --keep: {out}")
    check(weights(work / "p") == weights(work / "a1"), "retain: --ponder and --alpha-p give other weights")
    check_run(0, "", *retain(work, "n", *GATE, "--alpha-p", "0.01", "--epochs", "4", "--prior-target", "normalised"))
    check(weights(work / "n") != weights(work / "a1"), "retain: --prior-target changes nothing")
    check_run(0, "best epoch", *retain(work, "best", *GATE, "--epochs", "2", "--keep-best"))
    # With --keep the centre is where training begins.
    value = check_json("start_centre keep_asked", *retain(work, "both", "--keep", "0.8", "--gate-centre=-1", "--lr",
                                                          "3e-4", "--epochs", "4"))
    check(value["start_centre"] == -1 and value["keep_asked"] == 0.8, f"retain with both: {value}")
    check(abs(value["val"]["keep"] - 0.8) <= 0.03, f"retain with both keeps {value['val']['keep']}")
    series = check_run(0, "M multiply-adds", *retain(work, "s", "--policy", "topk", "--keep", "0.9,0.7"))
    check(series.count("compute ") == 2, f"retain: a series {series}")


def test_train(work):
    first = check_json("keep keep_asked kept_macs macs policy", *train(
        work, "t", "--policy", "halting", *GATE, "--alpha-p", "0.05", "--mixup", "0.8"))
    check(first["keep_asked"] is None and first["policy"] == "halting", f"train: {first}")
    check(first["best_epoch"] is None, f"train without --keep: {first}")
    check_gate(work, "t", 10.0, 2.0)
    check_macs(work, "t", first)
    card = (work / "t/README.md").read_text()
    check("Tokens are dropped by the policy halting, with the gate sigma(10 x - 2)" in card, f"train: the card {card}")
    check_run(0, "", "report", work / "t.run")
    value = check_json("keep keep_asked start_centre", *train(work, "k", "--policy", "halting", "--keep", "0.8",
                                                              "--lr", "3e-4"))
    check(abs(value["val"]["keep"] - 0.8) <= 0.03 and value["keep_asked"] == 0.8, f"train --keep: {value}")
    check(value["best_epoch"] is not None, f"train --keep: {value}")
    value = check_json("keep policy", *train(work, "tk", "--policy", "topk", "--keep", "0.8"))
    check(abs(value["keep"] - 0.8) < 0.05 and value["policy"] == "topk", f"train --policy topk: {value}")
    plain = check_json("steps", *train(work, "plain"))
    check("keep" not in plain and "macs" not in plain, f"train without a policy: {plain}")
    check("policy" not in read(work / "plain.run/run.json")["inputs"], "train without a policy: inputs")
    # From a model that halts: on with its gate, or without.
    value = check_json("keep", "train", "--init", work / "t", *SHARED, "--epochs", "1", "-o", work / "on")
    check_gate(work, "on", 10.0, 2.0)
    check_run(0, "", "train", "--init", work / "t", *SHARED, "--epochs", "1", "-o", work / "off", "--policy", "none")
    check("retention" not in read(work / "off/pare.json"), "train --policy none: still prunes")


def test_resume(work):
    """Stopped and resumed: the same bits; another gate is another run."""
    for command, out, more in ((train, "t", ["--mixup", "0.8", "--policy", "halting", *GATE, "--alpha-p", "0.05"]),
                               (train, "k", ["--policy", "halting", "--keep", "0.8", "--lr", "3e-4"]),
                               (retain, "a1", [*GATE, "--alpha-p", "0.01", "--epochs", "4"])):
        check_run(130, "--resume", *command(work, f"{out}-r", *more, "--max-steps", "7"))
        again = command(work, f"{out}-r", *more, "--resume")
        check_run(2, "another run", *again, "--prior-mean", "1.5")
        check_run(2, "another run", *again, "--gate-centre", "2.5")
        check_run(0, "", *again)
        check(weights(work / f"{out}-r") == weights(work / out), f"{out}: a resumed run gives other weights")
        check(read(work / f"{out}-r/pare.json")["retention"] == read(work / out / "pare.json")["retention"],
              f"{out}: a resumed run gives another gate")


def test_bad(work):
    """A sentence, exit code 2, and nothing written."""
    before = tree(work / "m")
    gone = "every patch of 24 pictures halt before block 1"
    for command, more in ((retain, []), (train, ["--policy", "halting"])):
        for words, options in (
                (gone, ["--gate-centre=-100"]), ("--alpha-p is -1", ["--alpha-p=-1"]),
                ("--alpha-d is -1", ["--alpha-d=-1"]), ("--ponder is -1", ["--ponder=-1"]),
                ("--gate-scale 0 is a gate that is the same for all tokens", ["--gate-scale", "0"]),
                ("--gate-scale is -1", ["--gate-scale=-1"]), ("--gate-centre is 1e9", ["--gate-centre", "1e9"]),
                ("one number", ["--alpha-p", "1", "--ponder", "1"]), ("one number", ["--alpha-d", "1", "--prior", "1"]),
                ("", ["--gate-centre", "nan"]), ("", ["--alpha-p", "inf"]),
                ("released or normalised", ["--gate-centre", "2", "--prior-target", "magic"])):
            check_run(2, words, *command(work, "refused", *more, *options))
    check_run(2, "usage", *retain(work, "refused"))
    check_run(2, "--policy halting or topk", *train(work, "refused", "--keep", "0.8"))
    check_run(2, "--policy halting or topk", *train(work, "refused", "--alpha-p", "1"))
    check_run(2, "topk wants --keep", *train(work, "refused", "--policy", "topk"))
    check_run(2, "--keep wants a number", *train(work, "refused", "--policy", "halting", "--keep", "0.8,0.7"))
    check_run(2, "cannot be reached", *train(work, "refused", "--policy", "halting", "--keep", "0.2"))
    check_run(2, "there are: none, halting, topk", *train(work, "refused", "--policy", "magic"))
    check_run(2, "want either", *retain(work, "refused", "--policy", "topk", "--gate-centre", "2"))
    check(tree(work / "m") == before, "a refused command changed something")
    check(not any(p.name.startswith("refused") for p in work.iterdir()), "a refused command made a folder")
    # All patches halt only once it is trained, or none ever does: it is said, and the model is there.
    err = cli.run(*retain(work, "all", "--gate-scale", "10", "--gate-centre", "2", "--alpha-p", "100", "--lr", "3e-3",
                          "--epochs", "6"))[2]
    check("lets patches stay longer" in err and (work / "all/model.safetensors").is_file(), f"all halt: {err}")
    err = cli.run(*retain(work, "none", "--gate-centre", "30", "--epochs", "1"))[2]
    check("no patch was dropped" in err and (work / "none/model.safetensors").is_file(), f"none halts: {err}")


def test_table(work):
    """scripts/compare-pruning: a line a run, runs of before are read, others are made."""
    script = pathlib.Path(__file__).resolve().parents[2] / "scripts/compare-pruning"

    def compare(*more):
        words = [sys.executable, script, work / "m", "--data", DATA, "-o", work / "table", "--pare", cli.pare,
                 "--keep", "0.8", "--epochs", "1", *more, "--", "--batch", "8", "--any-teacher"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        check(done.returncode == 0, f"compare-pruning: {done.returncode} {done.stderr[-300:]}")
        return done.stdout.splitlines()

    lines = compare("--gate", "10,2,0.01,1e-3")
    kept = [re.search(r"([0-9.]+ %|-) +([0-9.]+) % +([0-9.]+) % +([0-9.]+)", line) for line in lines[1:]]
    check(len(lines) == 5 and all(kept) and re.search("asked.*kept.*top-1", lines[0]), f"the table {lines}")
    check(kept[1][1] == kept[2][1] == "80.0 %" and kept[3][1] == "-", f"what is asked for: {lines}")
    made = (work / "table/topk-0.8.run/run.json").stat().st_mtime_ns
    check(compare("--gate", "10,2,0.01,1e-3") == lines, "compare-pruning: a second table is another")
    check((work / "table/topk-0.8.run/run.json").stat().st_mtime_ns == made, "compare-pruning: a run is made again")


def test_all(work):
    check_run(0, "", *train(work, "m", "--epochs", "1"))
    cli.run_tests(work, test_retain, test_names, test_train, test_resume, test_bad, test_table)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
