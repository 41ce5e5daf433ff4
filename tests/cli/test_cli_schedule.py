#!/usr/bin/env python3
"""Runs pare distill from outside on named layers: without a search, step by step, with a second tuning of its own, what
keeps the teacher's bytes, resuming, bad input: test_cli_schedule.py PARE."""
import json
import re
import sys

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_json, check_run, train, tree, weights

ARCH = "vit:image=16,patch=4,dim=16,depth=4,heads=2"
STEPS = 4                           # of an epoch: 26 pictures, two of them broken, in batches of 8
LINEAR = "linear:features=hedgehog"


def distill(work, out, *more):
    return ["distill", work / "m", "--data", work / "data", "-o", work / out, "--mixer", "linear", "--epochs", "1",
            "--batch", "8", "--no-timing", *more]


def results(work, out):
    return json.loads((work / f"{out}.run/run.json").read_text())["results"]


def inputs(work, out):
    return json.loads((work / f"{out}.run/run.json").read_text())["inputs"]


def log(work, out):
    return [json.loads(line) for line in (work / f"{out}.run/schedule.jsonl").read_text().splitlines()]


def tensors(folder):
    """The bytes of every tensor by name."""
    raw = weights(folder)
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    return {name: raw[8 + size:][slice(*about["data_offsets"])] for name, about in header.items()}


def check_moved(work, out, *parts):
    """The student has the teacher's bytes, but for tensors whose names begin so: each of those is another."""
    teacher, student = tensors(work / "m"), tensors(work / out)
    moved = {name for name, value in student.items() if teacher.get(name) != value}
    want = {name for name in student if name.startswith(parts)}
    check(moved == want, f"{out}: moved {sorted(moved - want)}, stayed {sorted(want - moved)}")


def test_all_at_once(work):
    value = check_json("schedule path replaced layers trials", *distill(
        work, "s", "--layers", "0,2-3", "--schedule", "all", "--tune-epochs", "1", "--tune-weight-decay", "0.1",
        "--tune-ema", "0.9"))
    check(value["replaced"] == [0, 2, 3] and value["trials"] == 0 and value["max_drop"] is None, f"schedule: {value}")
    check(value["most_trials"] == 0, f"schedule: {value['most_trials']} trials of a search")
    check(value["layers"] == [LINEAR, "attention", LINEAR, LINEAR], f"schedule: layers {value['layers']}")
    schedule = value["schedule"]
    check(schedule["name"] == "all" and len(schedule["steps"]) == 1 and schedule["refused"] is None, f"{schedule}")
    step = schedule["steps"][0]
    check(step["layers"] == [0, 2, 3] and step["transfer_steps"] == step["tune_steps"] == STEPS, f"schedule: {step}")
    check(0 <= step["val_top1"] <= 1 and step["val_loss"] > 0 and step["loss"] > 0, f"schedule: figures {step}")
    check([t["what"] for t in value["tune"]] == ["tune"], f"schedule: tunings {value['tune']}")
    check_moved(work, "s", *(f"blocks.{layer}.attn." for layer in (0, 2, 3)))
    check("Replaced all at once, 3 layers" in (work / "s/README.md").read_text(), "schedule: the card")
    check(not (work / "s.run/search.jsonl").exists(), "schedule: a search was made")
    # Without --schedule these are what is searched, and the transfer leaves the others alone.
    value = check_json("path", *distill(work, "f", "--layers", "3,1", "--max-drop", "100"))
    check(value["replaced"] == [1, 3] and value["trials"] == 1 + 2 + 1, f"distill --layers: {value}")
    check(value["schedule"] is None and value["max_drop"] == 1, "distill --layers: a schedule")
    check([error is None for error in value["transfer_error"]] == [True, False, True, False], "--layers: the transfer")
    check_moved(work, "f", "blocks.1.attn.", "blocks.3.attn.")


def test_steps(work):
    args = ["--layers", "1-3", "--schedule", "sequential:2", "--schedule-order", "deep", "--tune-epochs", "1",
            "--tune-all-epochs", "1", "--tune-all-train", "fc+head"]
    out = check_run(0, "2 of 3 layers replaced", *distill(work, "t", *args))
    check("step 2: layer 1 by linear" in out and "3 of 3 layers replaced" in out, f"schedule: {out}")
    value = results(work, "t")
    check([s["layers"] for s in value["schedule"]["steps"]] == [[3, 2], [1]], f"schedule: {value['schedule']}")
    check([s["layer"] for s in value["path"]] == [3, 2, 1], f"schedule: path {value['path']}")
    check([(t["what"], t["train"]) for t in value["tune"]] ==
          [("tune", "mixers"), ("tune-2", "mixers"), ("tune-all", "fc+head")], f"schedule: tunings {value['tune']}")
    lines = log(work, "t")
    check([(line["step"], line["layers"]) for line in lines] == [(0, []), (1, [3, 2]), (2, [1])], f"{lines}")
    check(abs(lines[2]["val_loss"] - value["schedule"]["steps"][1]["val_loss"]) < 1e-9, "schedule: log and results")
    check(abs(lines[0]["val_top1"] - value["val_top1"]) < 1e-9, "schedule: the teacher's figure")
    parts = [f"blocks.{layer}.{part}." for layer in (1, 2, 3) for part in ("attn", "mlp")]
    check_moved(work, "t", *parts, "head.")
    check("Replaced 2 at a time, from the last on" in (work / "t/README.md").read_text(), "schedule: the card")
    page = check_run(0, "", "report", work / "t.run", "-o", "-")
    check("by the schedule sequential:2, deep layers first" in page, "report: the schedule")
    # Stopped in every training, and after a log that was cut off in the middle of a line.
    for n, (steps, left) in enumerate(((2, "transfer"), (6, "tune"), (10, "transfer-2"), (14, "tune-2"),
                                       (18, "tune-all"))):
        check_run(130, "--resume", *distill(work, "r", *args, "--max-steps", steps, *(["--resume"] if n else [])))
        check((work / f"r.run/{left}.safetensors").is_file(), f"schedule: no {left}.safetensors after {steps} steps")
    path = work / "r.run/schedule.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    for other in (["--layers", "0-2"], ["--schedule", "sequential:1"], ["--schedule-order", "sparse"],
                  ["--max-drop", "50"], ["--tune-all-kl", "0.5"], ["--tune-all-train", "all"],
                  ["--tune-all-mixup", "1"]):
        check_run(2, "is another run", *distill(work, "r", *args, "--resume", *other))
    check(not (work / "r").exists(), "schedule: a stopped run wrote a model")
    check_run(0, "3 of 3 layers", *distill(work, "r", *args, "--resume"))
    check(weights(work / "r") == weights(work / "t"), "schedule: a resumed run gives other weights")
    check(log(work, "r") == lines, "schedule: a resumed run has another log")
    check(results(work, "r")["schedule"] == value["schedule"], "schedule: a resumed run has other figures")
    # Started anew, nothing of it is left.
    check_run(0, "", *distill(work, "r", "--layers", "0", "--schedule", "all", "--force"))
    names = {path.name for path in (work / "r.run").iterdir()}
    check(not {"tune.safetensors", "tune-2.safetensors", "transfer-2.safetensors"} & names, f"--force left {names}")
    check(len(log(work, "r")) == 2, "--force: lines of another run")


def test_max_drop(work):
    """A tolerance ends a schedule before the step that costs more; figures of val come from the log."""
    args = ["--schedule", "sequential:1", "--max-drop", "2", "--tune-epochs", "1"]
    check_run(130, "", *distill(work, "d", *args, "--max-steps", "2"))
    path = work / "d.run/schedule.jsonl"
    teacher = {**log(work, "d")[0], "val_top1": 0.9}

    def resume(*steps):
        lines = [teacher, *({"step": i + 1, "layers": [i], "val_top1": top1, "val_loss": 1.0}
                            for i, top1 in enumerate(steps))]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "[1]\n{\n")
        return distill(work, "d", *args, "--resume")
    check_run(1, "nothing is replaced and no student written: the first step of the schedule, of 1 layer, costs 2.10 "
              "points, and 2.00 are allowed (--max-drop)", *resume(0.879))
    check(not (work / "d").exists(), "schedule: a refused student was written")
    out = check_run(0, "at most 2.00 points may go: 2 of 4 layers stay replaced", *resume(0.88, 0.91, 0.87))
    check("step 3: layer 2" in out and "step 4" not in out, f"schedule --max-drop: {out}")
    value = results(work, "d")
    check(value["replaced"] == [0, 1] and value["schedule"]["refused"]["layers"] == [2], f"{value['schedule']}")
    check(value["schedule"]["limited"] is True and value["max_drop"] == 0.02, "schedule --max-drop: results")
    check_moved(work, "d", "blocks.0.attn.", "blocks.1.attn.")
    check("refused; layer 2" in (work / "d/README.md").read_text(), "schedule --max-drop: the card")
    # The student is that of a schedule that ends there.
    check_run(0, "", *distill(work, "d2", "--layers", "0,1", *args[:2], *args[4:]))
    check(weights(work / "d2") == weights(work / "d"), "schedule --max-drop: another student")


def test_pure(work):
    """No transfer: the mixers start from the attention, and are tuned or not."""
    args = ["--epochs", "0", "--layers", "2", "--schedule", "all"]
    out = check_run(0, f"no transfer to {LINEAR}", *distill(work, "p", *args, "--tune-epochs", "1"))
    check("error of the attention output" not in out, f"distill --epochs 0: {out}")
    check(not (work / "p.run/transfer.safetensors").exists(), "distill --epochs 0: a transfer was made")
    fresh = [f"blocks.2.attn.{name}" for name in ("conv", "feature")]
    check_moved(work, "p", *fresh, "blocks.2.attn.qkv")
    value = check_json("schedule", *distill(work, "p0", *args))
    check(value["schedule"]["steps"][0]["loss"] is None and value["transfer_steps"] == 0, f"{value['schedule']}")
    check_moved(work, "p0", *fresh)
    check_run(0, "", *distill(work, "p1", *args, "--match-epochs", "1"))
    check_moved(work, "p1", *fresh)
    check(weights(work / "p1") != weights(work / "p0"), "distill --epochs 0 --match-epochs 1: nothing was matched")
    check_run(0, "4 of 4 layers", *distill(work, "p2", "--epochs", "0", "--max-drop", "100"))      # a search


def test_second(work):
    """Options of the first tuning do not reach the second, and it has all of them as its own."""
    help_text = check_run(0, "", "distill", "--help")
    first, second = (set(re.findall(rf"--{pre}-([a-z-]+)", help_text)) for pre in ("tune(?!-all)", "tune-all"))
    check(first == second, f"distill --help: options of the tunings {first ^ second}")
    plain = ["--epochs", "0", "--layers", "1", "--schedule", "all", "--tune-all-epochs", "1"]
    moves = {"lr": "0.05", "weight-decay": "5", "clip": "0.01", "similarity": "3", "ce": "0.1", "kl": "2",
             "smoothing": "0.5", "mixup": "0.8", "cutmix": "1", "drop-path": "0.5", "ema": "0.5"}
    more = {"train": "fc", "target": "heads", "distance": "cosine", "temperature": "3"}
    given = [word for name, value in {**moves, **more}.items() for word in (f"--tune-{name}", value)]
    check_run(0, "", *distill(work, "n", *plain))
    check("tune_all" not in inputs(work, "n"), "distill: the second tuning as earlier versions had it")
    check_run(0, "", *distill(work, "n1", *plain, *given))
    check(weights(work / "n1") == weights(work / "n"), "distill: options of the first tuning reach the second")
    check(inputs(work, "n1")["tune_all"]["kl"] == 0, "distill: what a run with another first tuning is made of")
    same = ["--tune-kl", "2", "--tune-all-kl", "2"]      # as earlier versions had it, whose runs go on
    check_run(130, "", *distill(work, "n5", *plain, *same, "--max-steps", "1"))
    check("tune_all" not in inputs(work, "n5"), "distill: tunings with the same options")
    check_run(2, "its tune_all is not given", *distill(work, "n5", *plain, *same[:2], "--resume"))
    each = {name: ["--tune-all-" + name, value] for name, value in {**moves, **more}.items()}
    for name in ("kl", "mixup", "weight-decay"):
        check_run(0, "", *distill(work, "n2", *plain, *each[name], "--force"))
        check(weights(work / "n2") != weights(work / "n"), f"distill --tune-all-{name}: no difference")
    check_run(0, "", *distill(work, "n2", *plain, *(word for words in each.values() for word in words), "--force"))
    made_of = {**inputs(work, "n2")["tune_all"], "lr": inputs(work, "n2")["tune_all_lr"]}
    for name, value in {**moves, **more}.items():
        has = made_of[name.replace("-", "_")]
        check(has == value if isinstance(has, str) else abs(has - float(value)) < 1e-9, f"--tune-all-{name}: {has}")
    check_run(0, "", *distill(work, "n3", *plain, "--tune-all-train", "fc"))
    check_moved(work, "n3", "blocks.1.mlp.", "blocks.1.attn.conv", "blocks.1.attn.feature")
    value = check_json("train steps", "tune", work / "n", "--data", work / "data", "--teacher", work / "m", "--train",
                       "fc+head", "--batch", "8", "-o", work / "n4")
    check(value["train"] == "fc+head", f"tune --train fc+head: {value}")


def test_bad_input(work):
    before = tree(work / "m")
    for words, more in (
            ("wants a value", ["--layers", ""]), ("such as 0,3,5-7", ["--layers", ","]),
            ("such as 0,3,5-7", ["--layers", "1;2"]), ("such as 0,3,5-7", ["--layers", "1-"]),
            ("such as 0,3,5-7", ["--layers", "-1"]), ("such as 0,3,5-7", ["--layers", "99999999999"]),
            ("the range 3-1 runs backwards", ["--layers", "0,3-1"]), ("layer 2 is there twice", ["--layers", "1-3,2"]),
            ("has no layer 4, it has 4, from 0 on", ["--layers", "2-4"]),
            ("there is no layer 1000", ["--layers", "0-1000"]),
            ("no schedule \"sometimes\"", ["--schedule", "sometimes"]),
            ("no schedule \"sequential:0\"", ["--schedule", "sequential:0"]),
            ("no schedule \"sequential:-1\"", ["--schedule", "sequential:-1"]),
            ("no schedule \"sequential:2x\"", ["--schedule", "sequential:2x"]),
            ("only --schedule sequential:K has an order", ["--schedule-order", "deep"]),
            ("only --schedule sequential:K has an order", ["--schedule", "all", "--schedule-order", "deep"]),
            ("there are: shallow, deep, sparse", ["--schedule", "sequential:1", "--schedule-order", "odd"]),
            ("want one mixer", ["--schedule", "all", "--mixer", "linear,conv"]),
            ("--schedule and --best", ["--schedule", "all", "--best"]),
            ("--schedule and --baselines", ["--schedule", "all", "--baselines"]),
            ("--schedule and --path-test", ["--schedule", "all", "--path-test"]),
            ("--schedule and --objective", ["--schedule", "all", "--objective", "params"]),
            ("--schedule and --confidence", ["--schedule", "all", "--confidence", "0.9"]),
            ("fc, fc+head", ["--tune-all-train", "mlp"])):
        check_run(2, words, *distill(work, "x", *more))
    replaced = distill(work, "x", "--layers", "0")
    replaced[1] = work / "s"        # layers 0, 2 and 3 are linear
    check_run(2, f"layer 0 of {work / 's'} is {LINEAR} already", *replaced)
    check_run(2, "has no attention to be replaced", *replaced, "--mixer", "conv")
    check_run(0, "", *distill(work, "whole", "--schedule", "all"))
    replaced[1] = work / "whole"
    check_run(2, "nothing to replace", *replaced[:-2], "--schedule", "all")
    check_run(0, "", "retain", work / "m", "--data", work / "data", "--policy", "topk", "--keep", "0.7", "--epochs",
              "1", "--batch", "8", "--no-timing", "-o", work / "topk")
    replaced[1] = work / "topk"
    chooses = [layer for layer in range(4) if cli.run(*replaced[:-1], layer, "-o", work / f"k{layer}")[0] == 2]
    check(chooses, "distill --layers: no layer of a topk model has to stay")
    check_run(2, "chooses tokens and has to stay", *replaced[:-1], chooses[0] if chooses else 0)
    check(tree(work / "m") == before, "distill: a refused command changed the teacher")
    check(not (work / "x").exists() and not (work / "x.run").exists(), "distill: a refused command made a folder")


def test_given(work):
    """A student that is given needs other mixers in the layers that may be replaced, and in no other."""
    given = [*distill(work, "g", "--from", work / "s", "--max-drop", "100")]       # layers 0, 2 and 3 are linear
    del given[6:8], given[6:8]
    check_run(2, "layer 1 is attention still", *given)
    check_run(2, "layer 1 is attention still", *given, "--layers", "1-3")
    value = check_json("replaced layers", *given, "--layers", "0,2", "--baselines")
    check(value["layers"] == [LINEAR, "attention", LINEAR, "attention"], f"distill --from --layers: {value['layers']}")
    value = check_json("replaced", *given, "--layers", "3", "--schedule", "all", "--force")
    check(value["replaced"] == [3], f"distill --from --layers --schedule: {value['replaced']}")
    given[1] = work / "topk"        # the student of a teacher that chooses tokens by some layers' attention
    whole = distill(work, "t1", "--max-drop", "100")
    whole[1] = work / "topk"
    check_run(0, "attention stays in the layers that choose tokens", *whole)
    given[given.index("--from") + 1] = work / "t1"
    check_run(0, "", *given, "--force")
    check(results(work, "g")["path"] == results(work, "t1")["path"], "distill --from: of a topk teacher")


def test_all(work):
    check_run(0, "", *train(work, "m", "--arch", ARCH))
    cli.run_tests(work, test_all_at_once, test_steps, test_max_drop, test_pure, test_second, test_bad_input, test_given)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
