#!/usr/bin/env python3
"""Runs pare study from outside: groups, teachers, resuming, students that are given, bad input:
test_cli_study.py PARE."""
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_json, check_run, run, train, tree


def groups(work, out, *more):
    return ["study", "groups", work / "m", "--data", work / "data", "-o", work / out, "--epochs", "1", "--batch", "8",
            "--seeds", "2", *more]


def teachers(work, out, *more):
    return ["study", "teachers", *more, "--data", work / "data", "-o", work / out, "--epochs", "1", "--batch", "8",
            "--seeds", "2", "--mixer", "linear"]


def results(work, out):
    return json.loads((work / out / "run.json").read_text()).get("results")


def lines(work, out, what):
    found = [json.loads(line) for line in (work / out / "study.jsonl").read_text().splitlines()]
    return [line for line in found if line["what"] == what]


def test_groups(work):
    keys = ("measure keys mixers seeds teacher_top1 split groups correlation depth_correlation sparsity device driver")
    value = check_json(keys, *groups(work, "g", "--mixer", "linear,conv", "--by", "gini", "--keys", "patches",
                                     "--groups", "2"))
    check(value["measure"] == "gini" and value["keys"] == "patches" and value["seeds"] == [0, 1], f"groups: {value}")
    check(value["mixers"] == ["linear:features=hedgehog", "conv"], f"groups: mixers {value['mixers']}")
    kinds = [(g["kind"], g["layers"]) for g in value["groups"]]
    check(kinds[:3] == [("single", [0]), ("single", [1]), ("single", [2])], f"groups: single layers {kinds}")
    check([k for k, _ in kinds[3:]] == ["sparsity"] * 2 + ["contiguous"] * 2, f"groups: kinds {kinds}")
    check(kinds[5:] == [("contiguous", [0]), ("contiguous", [1, 2])], f"groups: contiguous {kinds}")
    check(sorted(kinds[3][1] + kinds[4][1]) == [0, 1, 2], f"groups: by sparsity {kinds}")
    single = {g["layers"][0]: g["sparsity"] for g in value["groups"][:3]}
    check(single[kinds[3][1][0]] == max(single.values()), "groups: the sparsest is the first")
    for g in value["groups"]:
        check([(r["mixer"], r["seed"]) for r in g["runs"]] ==
              [(m, s) for m in value["mixers"] for s in (0, 1)], f"groups: runs {g}")
        check(abs(g["value"] - g["sparsity"]) < 1e-9, "groups: of gini larger is sparser")
        for r in g["runs"]:
            check(abs(value["teacher_top1"] - r["top1"] - r["drop"]) < 1e-6 and r["error"] > 0, f"groups: figures {r}")
    check([(c["kind"], c["mixer"], c["of"], c["n"]) for c in value["correlation"][:4]] ==
          [("single", value["mixers"][0], of, 3) for of in ("drop", "loss_rise", "error")] +
          [("sparsity", value["mixers"][0], "drop", 2)], f"groups: {value['correlation'][:4]}")
    check(len(value["correlation"]) == len(value["depth_correlation"]) == 18, "groups: correlations")
    for c in value["correlation"]:
        check(c["rho"] is None or (-1 <= c["rho"] <= 1 and 0 < c["p"] <= 1), f"groups: {c}")
    check(len(lines(work, "g", "transfer")) == 4, "groups: one transfer a mixer and seed")
    sets = {tuple(layers) for _, layers in kinds}
    check(len(lines(work, "g", "score")) == 4 * len(sets), "groups: each set of layers is scored once")
    check_run(2, "is there already", *groups(work, "m", "--mixer", "linear"))
    out = check_run(0, "do not divide", *groups(work, "t", "--mixer", "linear", "--tune-epochs", "1", "--seeds", "1"))
    for words in ("mass90", "rise of the loss", "Spearman's correlation", "contiguous"):
        check(words in out, f"groups: the table lacks {words}: {out}")
    check(not list((work / "t").rglob("tune.safetensors")), "groups: checkpoints of tuning stay")


def test_resume(work):
    args = ["--mixer", "linear,conv", "--by", "gini", "--keys", "patches", "--groups", "2"]
    check_run(130, "--resume", *groups(work, "r", *args, "--max-steps", "2"))
    check_run(2, "not finished", *groups(work, "r", *args))
    check_run(2, "another run", *groups(work, "r", *args, "--resume", "--seeds", "3"))
    other = [str(a) for a in groups(work, "r", *args, "--resume")]
    other[2] = str(work / "n")
    check_run(2, "another run", *other)
    command = [cli.pare, *map(str, groups(work, "r", *args, "--resume"))]
    for stop in range(3):           # Ctrl-C once a line more is there, if the study is not through by then
        had = len((work / "r/study.jsonl").read_text().splitlines())
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as p:
            while p.poll() is None and len((work / "r/study.jsonl").read_text().splitlines()) < had + 3 + stop:
                time.sleep(0.02)
            if p.poll() is None:
                p.send_signal(signal.SIGINT)
            _, err = p.communicate(timeout=120)
        check(p.returncode in (0, 130), f"groups: exit code {p.returncode} after Ctrl-C: {err[-300:]}")
    check_run(0, "", *groups(work, "r", *args, "--resume"))
    check(results(work, "r") == results(work, "g"), "groups: a resumed study has other figures")
    check(len(lines(work, "r", "score")) == len(lines(work, "g", "score")),
          "groups: a resumed study scores something twice")


def test_teachers(work):
    value = check_json("mixers seeds rows correlation split device driver",
                       *teachers(work, "k", work / "m", "--keep", "1,0.8,0.6", "--policy", "topk"))
    check([round(r["keep"], 1) for r in value["rows"]] == [1, 0.8, 0.6], f"teachers: {value['rows']}")
    check([pathlib.Path(r["teacher"]).name for r in value["rows"]] == ["m", "keep-0.80", "keep-0.60"],
          "teachers: names")
    for r in value["rows"]:
        check(r["params"] > 0 and [x["seed"] for x in r["runs"]] == [0, 1], f"teachers: {r}")
        for x in r["runs"]:
            check(abs(r["teacher_top1"] - x["student_top1"] - x["gap"]) < 1e-6, f"teachers: {x}")
    check([(c["mixer"], c["n"]) for c in value["correlation"]] == [("linear:features=hedgehog", 3)], "teachers: rho")
    half = work / "k/keep-0.60"
    check_run(0, "", "eval", half, "--data", work / "data")
    before = tree(work / "k")
    out = check_run(0, "Spearman", *teachers(work, "f", work / "m", half))
    check("2 teachers" in out and tree(work / "k") == before, f"teachers: {out}")
    rows = results(work, "f")["rows"]
    check([r["runs"] for r in rows] == [results(work, "k")["rows"][i]["runs"] for i in (0, 2)],
          "teachers: folders and a series made on the way give other figures")
    check_run(130, "--resume", *teachers(work, "i", work / "m", "--keep", "1,0.7", "--retain-epochs", "1",
                                         "--max-steps", "2"))
    check_run(0, "", *teachers(work, "i", work / "m", "--keep", "1,0.7", "--retain-epochs", "1", "--resume"))
    check_run(0, "", *teachers(work, "j", work / "m", "--keep", "1,0.7", "--retain-epochs", "1"))
    check(results(work, "i") == results(work, "j"), "teachers: a resumed study has other figures")


def test_from(work):
    for name, seed in (("s0", 0), ("s1", 1)):
        check_run(0, "", "distill", work / "m", "--data", work / "data", "--mixer", "linear", "--max-drop", "100",
                  "--epochs", "1", "--batch", "8", "--no-timing", "--seed", seed, "-o", work / name)
    given = f"{work / 's0'},{work / 's1'}"
    value = check_json("groups seeds", *groups(work, "given", "--from", given, "--groups", "2"))
    check(value["seeds"] == [0, 1] and value["mixers"] == ["linear:features=hedgehog"], f"--from: {value['seeds']}")
    check_run(0, "", *groups(work, "made", "--mixer", "linear", "--groups", "2"))
    for a, b in zip(value["groups"], results(work, "made")["groups"]):
        check([r["top1"] for r in a["runs"]] == [r["top1"] for r in b["runs"]], f"--from: {a} and {b}")
        check(all(r["error"] is None for r in a["runs"]), "--from: an error that nobody knows")
    check_run(2, "attention in layer 0", *groups(work, "x", "--from", work / "m"))
    check_run(2, "either --mixer or --from", *groups(work, "x", "--from", given, "--mixer", "linear"))
    check_run(2, "groups or orders", *teachers(work, "x", work / "m", "--from", given)[:-2])


def test_bad_input(work):
    m, data = work / "m", work / "data"
    before = tree(m)
    check_run(2, "usage: pare study", "study")
    check_run(2, "usage: pare study groups", "study", "everything", m)
    check_run(2, "usage: pare study groups", "study", "groups", "--data", data)
    check_run(2, "-o is missing", "study", "groups", m, "--data", data, "--mixer", "linear")
    check_run(2, "1 group of 3 layers", *groups(work, "x", "--mixer", "linear", "--groups", "1"))
    check_run(2, "4 groups of 3 layers", *groups(work, "x", "--mixer", "linear", "--groups", "4"))
    check_run(2, "mass90", *groups(work, "x", "--mixer", "linear", "--by", "magic"))
    check_run(2, "patches", *groups(work, "x", "--mixer", "linear", "--keys", "magic"))
    check_run(2, "no mixer", *groups(work, "x", "--mixer", "magic"))
    check_run(2, "twice", *groups(work, "x", "--mixer", "linear,linear"))
    check_run(2, "no attention", "study", "groups", work / "plain", "--data", data, "--mixer", "linear",
              "-o", work / "x")
    check_run(6, "no-such", "study", "groups", work / "no-such", "--data", data, "--mixer", "linear", "-o", work / "x")
    check_run(2, "10 classes apart", *teachers(work, "x", m, work / "digits"))
    check_run(6, "10 classes", "study", "groups", m, "--data", "synth:ringed-digit,train=16,val=16",
              "--mixer", "linear", "-o", work / "x")
    check_run(2, "two teachers at least", *teachers(work, "x", m))
    check_run(2, "given twice", *teachers(work, "x", m, m))
    check_run(2, "from one model", *teachers(work, "x", m, work / "n", "--keep", "1,0.8"))
    check_run(2, "--keep wants ratios", *teachers(work, "x", m, "--keep", "1,2"))
    for option, kinds, args in [("--keep", "teachers", groups(work, "x", "--mixer", "linear", "--keep", "1,0.8")),
                                ("--policy", "teachers", groups(work, "x", "--mixer", "linear", "--policy", "topk")),
                                ("--groups", "groups", teachers(work, "x", m, "--keep", "1,0.8", "--groups", "2")),
                                ("--by", "groups or orders", teachers(work, "x", m, "--by", "gini"))]:
        check_run(2, f"{option} is for a study of {kinds}", *args)
    check_run(0, "", *groups(work, "twice", "--mixer", "linear", "--seeds", "1"))
    kept = (work / "twice/run.json").read_bytes()
    check_run(2, "finished run; --force", *groups(work, "twice", "--mixer", "linear", "--seeds", "1"))
    check((work / "twice/run.json").read_bytes() == kept, "study: a finished run was replaced unasked")
    shutil.rmtree(work / "twice")
    shutil.copytree(data, work / "empty")
    shutil.rmtree(work / "empty/val")
    for label in ("dark", "light"):
        (work / "empty/val" / label).mkdir(parents=True)
    rc, _, err = run("study", "groups", m, "--data", work / "empty", "--mixer", "linear", "-o", work / "x")
    check(rc in (2, 6) and "val" in err, f"an empty split: exit code {rc}: {err[-300:]}")
    check(tree(m) == before and not (work / "x").exists(), "study: a refused command changed something")


def test_all(work):
    deep = cli.ARCH.replace("depth=2", "depth=3")
    check_run(0, "", *train(work, "m", "--arch", deep))
    check_run(0, "", *train(work, "n", "--arch", deep, "--seed", "1"))
    check_run(0, "", *train(work, "plain", "--arch", deep + ",mixer=conv", "--epochs", "1"))
    check_run(0, "", "train", "--data", "synth:ringed-digit,train=16,val=8,test=8", "--arch", deep, "--epochs", "1",
              "--batch", "8", "-o", work / "digits")
    cli.run_tests(work, test_groups, test_resume, test_teachers, test_from, test_bad_input)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
