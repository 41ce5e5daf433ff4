#!/usr/bin/env python3
"""Runs pare distill, tune and prune from outside: mixers, objectives, baselines, resuming, bad input:
test_cli_distill.py PARE."""
import json
import pathlib
import shutil
import struct
import sys

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_json, check_run, plant, train, tree, weights

SELFTEST = pathlib.Path(__file__).resolve().parents[2] / "models/selftest"
STEPS = 4                           # of an epoch: 26 pictures, two of them broken, in batches of 8


def distill(work, out, *more):
    return ["distill", work / "m", "--data", work / "data", "-o", work / out, "--epochs", "1", "--batch", "8",
            "--no-timing", *more]


def results(work, out):
    return json.loads((work / f"{out}.run/run.json").read_text()).get("results")


def decisions(value):
    return [(s["layer"], s["mixer"], s["top1"], s["kl"], s["low"], s["high"]) for s in value["path"]]


def test_mixers(work):
    args = ["--mixer", "linear,conv", "--max-drop", "100"]
    keys = ("teacher_top1 student_top1 split max_drop objective mixers replaced path refused best trials val_top1 "
            "baselines path_test timing teacher_params student_params transfer tune sparsity device driver layers")
    value = check_json(keys, *distill(work, "s", *args, "--baselines", "--path-test"))
    check(value.get("mixers") == ["linear:features=hedgehog", "conv"], f"distill: mixers {value.get('mixers')}")
    check(value["replaced"] == [0, 1] and value["refused"] is None and value["student_is"] == "most", f"path: {value}")
    check([t["mixer"] for t in value["transfer"]] == value["mixers"], "distill: transfers")
    check(all(t["steps"] == STEPS and len(t["error"]) == 2 for t in value["transfer"]), "distill: figures of transfers")
    check({s["layer"]: s["mixer"] for s in value["path"]} == dict(enumerate(value["layers"])), "distill: layers")
    check(value["trials"] == 1 + 4 + 2, f"distill: {value['trials']} trials")
    names = ["one-shot", "impact", "sparsity", "uniform", "random 1", "random 2", "random 3"]
    check([b["name"] for b in value["baselines"]] == names, f"distill: baselines {value['baselines']}")
    for b in value["baselines"]:
        check(sorted(s["layer"] for s in b["path"]) == [0, 1], f"distill: a baseline's layers {b}")
    check(len(value["path_test"]) == 2 and value["path_test"][-1] == value["student_top1"], "distill: the path on test")
    check(value["timing"] == [] and value["beats_teacher"] is None, "distill --no-timing")
    cost = value["costs"]
    check(cost["teacher"]["params"] == value["teacher_params"] and cost["student"]["ms"] is None, f"costs: {cost}")
    check([l["mixer"] for l in cost["student"]["layers"]] == [l.split(":")[0] for l in value["layers"]],
          f"distill: costs of layers {cost}")
    names = [json.loads(line)["what"] for line in (work / "s.run/log.jsonl").read_text().splitlines()]
    check(set(names) == {"transfer", "transfer-2"}, f"distill: the log is of {names}")
    check("Replaced one by one for accuracy" in (work / "s/README.md").read_text(), "distill: the card")
    # Trials that run all layers decide the same, by the same bits.
    check_run(0, "in other orders", *distill(work, "w", *args, "--whole-trials", "--baselines"))
    other = results(work, "w")
    value = results(work, "s")      # printed JSON has fewer digits
    check(decisions(other) == decisions(value), f"distill --whole-trials: {other['path']} and {value['path']}")
    check([decisions(b) for b in other["baselines"]] == [decisions(b) for b in value["baselines"]],
          "distill --whole-trials: baselines")
    check(weights(work / "w") == weights(work / "s"), "distill --whole-trials: other weights")


def test_resume(work):
    args = ["--mixer", "linear,conv", "--max-drop", "100", "--tune-epochs", "1", "--tune-all-epochs", "1",
            "--tune-kl", "0.5"]
    value = check_json("tune", *distill(work, "t", *args))
    check([(t["what"], t["train"], t["steps"]) for t in value["tune"]] ==
          [("tune", "mixers", STEPS), ("tune-all", "all", STEPS)], f"distill: tuning {value['tune']}")
    lines = [json.loads(line) for line in (work / "t.run/log.jsonl").read_text().splitlines()]
    judged = {line["what"]: line["val_top1"] for line in lines if "val_top1" in line}
    check(judged.keys() == {"tune", "tune-all"}, f"distill: judged on val {judged}")
    for t in value["tune"]:
        check(t["best_epoch"] == 1 and abs(t["best_val_top1"] - judged[t["what"]]) < 1e-6, f"distill: tuning {t}")
    check(weights(work / "t") != weights(work / "s"), "distill: tuning changed nothing")
    for steps, left in ((2, "transfer"), (6, "transfer-2"), (10, "tune"), (14, "tune-all")):
        more = ["--resume"] if steps > 2 else []
        check_run(130, "--resume", *distill(work, "r", *args, "--max-steps", steps, *more))
        check((work / f"r.run/{left}.safetensors").is_file(), f"distill: no {left}.safetensors after {steps} steps")
    check(not (work / "r").exists(), "distill: a stopped run wrote a model")
    check_run(2, "not finished", *distill(work, "r", *args))
    for other in (["--mixer", "conv,linear"], ["--objective", "params"], ["--img-size", "24"], ["--confidence", "0.9"],
                  ["--best"], ["--target", "heads"], ["--tune-lr", "0.5"]):
        check_run(2, "is another run", *distill(work, "r", *args, "--resume", *other))
    # A search that was killed in the middle of writing a trial.
    log = (work / "r.run/search.jsonl").read_bytes()
    (work / "r.run/search.jsonl").write_bytes(log[:len(log) * 2 // 3])
    before = tree(work / "r.run")
    half = work / "r.run/tune.safetensors"
    whole = half.read_bytes()
    half.write_bytes(whole[:len(whole) // 2])
    check_run(6, "tune.safetensors", *distill(work, "r", *args, "--resume"))
    half.write_bytes(whole)
    check(not (work / "r").exists() and before.keys() <= tree(work / "r.run").keys(),
          "distill: a broken run lost files")
    check_run(0, "top-1 on test", *distill(work, "r", *args, "--resume"))
    check(weights(work / "r") == weights(work / "t"), "distill: a resumed run gives other weights")
    check(decisions(results(work, "r")) == decisions(results(work, "t")), "distill: a resumed run decides otherwise")
    check((work / "r.run/search.jsonl").read_bytes().count(b"\n") >= log.count(b"\n"), "distill: trials are missing")
    check_run(0, "", *distill(work, "r", *args, "--force", "--max-drop", "99", "--tune-epochs", "2"))
    shutil.copytree(work / "m", work / "twin")
    plant(work / "twin", "head.bias", struct.pack("<f", 0.25))
    check_run(130, "", *distill(work, "tw", *args, "--max-steps", "1"))
    command = distill(work, "tw", *args, "--resume")
    command[1] = work / "twin"
    shutil.copytree(work / "m", work / "kept")
    check_run(2, "is another run", *command)
    shutil.rmtree(work / "m")       # the same path, another model
    shutil.copytree(work / "twin", work / "m")
    check_run(2, "its weights", *distill(work, "tw", *args, "--resume"))
    shutil.rmtree(work / "m")
    shutil.copytree(work / "kept", work / "m")


def test_from(work):
    one = ["--mixer", "linear", "--max-drop", "100"]
    check_run(0, "2 of 2 layers", *distill(work, "a", *one))
    value = check_json("path", *distill(work, "b", "--from", work / "a", "--max-drop", "100"))
    check(value["mixers"] == ["linear:features=hedgehog"] and value["transfer"] == [], f"distill --from: {value}")
    check(decisions(results(work, "b")) == decisions(results(work, "a")),
          "distill --from: another path than by transfer")
    check(weights(work / "b") == weights(work / "a"), "distill --from: other weights")
    # A student whose every replacement harms: both pictures' classes look alike behind it.
    shutil.copytree(work / "a", work / "bad")
    for layer in range(2):
        plant(work / "bad", f"blocks.{layer}.attn.proj.bias", struct.pack("<f", 1e6))
    both = ["--from", f"{work / 'bad'},{work / 'a'}", "--max-drop", "100"]
    value = check_json("path", *distill(work, "c", *both, "--no-cache"))
    check(weights(work / "c") == weights(work / "a"), "distill --from: the worse of two students was taken")
    never = distill(work, "n", "--from", work / "bad", "--max-drop", "1")
    check_run(1, "nothing is replaced and no student written: the least, layer", *never)
    check(not (work / "n").exists() and (work / "n.run/run.json").is_file(), "distill: nothing met the tolerance")
    check_run(1, "points, and 1.00 are allowed", *never, "--resume")
    # One layer that harms: the best on the way stops before it, and so does a guard that the tolerance alone is not.
    shutil.copytree(work / "a", work / "half")
    plant(work / "half", "blocks.1.attn.proj.bias", struct.pack("<f", 1e6))
    harm = ["--from", work / "half", "--max-drop", "60"]
    most = check_json("path best", *distill(work, "most", *harm))
    check([s["layer"] for s in most["path"]] == [0, 1] and most["best"] == 1, f"distill of a half harmful one: {most}")
    value = check_json("path", *distill(work, "best", *harm, "--best"))
    check(value["replaced"] == [0] and value["path"] == most["path"] and value["student_is"] == "best",
          f"--best: {value}")
    value = check_json("path", *distill(work, "sure", *harm, "--confidence", "0.999"))
    check(value["replaced"] == [0] and value["refused"]["layer"] == 1 and value["guarded"] and
          value["refused"]["low"] < -0.6 < value["refused"]["top1"] - value["val_top1"], f"--confidence: {value}")
    check_run(2, "layer 0 is attention still", *distill(work, "x", "--from", work / "m"))
    check_run(0, "", *train(work, "deep", "--arch", cli.ARCH.replace("depth=2", "depth=3") + ",mixer=linear",
                            "--epochs", "1"))
    check_run(2, "the student has 3 layers", *distill(work, "x", "--from", work / "deep"))
    check_run(6, "no-such", *distill(work, "x", "--from", work / "no-such"))
    check_run(130, "", *distill(work, "y", "--mixer", "conv", "--from", work / "bad", "--max-steps", "1"))
    plant(work / "bad", "blocks.0.attn.proj.bias", struct.pack("<f", 1e5))
    check_run(2, "its from is", *distill(work, "y", "--mixer", "conv", "--from", work / "bad", "--resume"))
    check_run(6, "no attention layer", *["distill", work / "deep", *distill(work, "x", "--mixer", "linear")[2:]])


def test_objectives(work):
    value = check_json("path base_cost", *distill(work, "p", "--mixer", "identity,bilstm", "--objective", "params",
                                                  "--max-drop", "100"))
    costs = [value["base_cost"], *(s["cost"] for s in value["path"])]
    check(costs == sorted(costs, reverse=True) and len(set(costs)) == 3, f"distill for parameters: costs {costs}")
    check({s["mixer"] for s in value["path"]} == {"identity"}, f"distill for parameters: {value['path']}")
    check(value["base_cost"] - costs[-1] == value["teacher_params"] - value["student_params"], "distill: parameters")
    check_run(1, "by none of these mixers does a layer get smaller",
              *distill(work, "x", "--mixer", "bilstm", "--objective", "params", "--max-drop", "100"))
    timed = distill(work, "l", "--mixer", "conv", "--objective", "latency", "--img-size", "24", "--max-drop", "100",
                    "--timing-batch", "1")
    timed.remove("--no-timing")
    check_run(130, "", *timed, "--max-steps", "1")
    costs = work / "l.run/costs.json"
    for text in ("{", "{\"ms\": [1, 2, 1]}", "{\"ms\": [1, 2, 1, 0]}"):
        costs.write_text(text)
        check_run(6, "costs.json", *timed, "--resume")
    costs.write_text("{\"ms\": [1, 1, 1, 1]}")
    check_run(1, "by none of these mixers does a layer get faster", *timed, "--resume")
    costs.write_text("{\"ms\": [3, 1, 3, 2.5]}")
    value = check_json("path beats_teacher teacher_at student_at", *timed, "--resume")
    check(value["base_cost"] == 6 and value["image"] == 24 and isinstance(value["beats_teacher"], bool),
          f"latency: {value}")
    check(value["path"][-1]["cost"] == 3.5, f"distill for latency: {value['path']}")
    rows = {row["image"]: row for row in value["timing"]}
    cost = value["costs"]
    check(cost["image"] == 16 and cost["teacher"]["ms"] == rows[16]["teacher_ms"] and
          all(l["ms"] > 0 for l in cost["student"]["layers"]), f"distill for latency: costs {cost}")
    check(list(rows) == [16, 32, 48, 24] and rows[24]["tokens"] == 10, f"distill for latency: sizes {list(rows)}")
    check(rows[24]["teacher_top1"] == value["teacher_at"]["top1"] and rows[16]["student_top1"] == value["student_top1"]
          and rows[32]["student_top1"] is None, f"distill for latency: accuracies {rows}")
    check("24 x 24" in (work / "l/README.md").read_text(), "distill for latency: the card")
    costs.unlink()
    # What costs nothing is faster than attention over many tokens, on any machine.
    check_run(0, "At 577 tokens the student", *timed, "--force", "--mixer", "identity", "--img-size", "192")
    check(len(json.loads(costs.read_text())["ms"]) == 4, "distill for latency: times that were measured")


def test_sizes(work):
    m, data = work / "m", work / "data"
    before = tree(m)
    check(check_json("tokens image", "inspect", m, "--img-size", "24").get("tokens") == 10, "inspect --img-size")
    own, same = (check_json("top1 loss", "eval", m, "--data", data, *more) for more in ((), ("--img-size", "16")))
    check(own["loss"] == same["loss"] and same["image"] == 16, "eval --img-size: the model's own")
    other = check_json("top1 loss", "eval", m, "--data", data, "--img-size", "24")
    check(other["image"] == 24 and other["loss"] != own["loss"], "eval --img-size 24")
    check_json("images", "classify", m, data / "test/dark/0.png", "--img-size", "32")
    own, other = (check_json("keys", "sparsity", m, "--data", data, *more) for more in ((), ("--img-size", "24")))
    check(own["keys"]["all"]["mean"] != other["keys"]["all"]["mean"], "sparsity --img-size")
    rows = check_json("rows", "bench", "model", m, "--batch", "1", "--img-size", "24").get("rows", [])
    check([row["image"] for row in rows] == [24, 48, 72], f"bench model --img-size: {rows}")
    for words in (["inspect", m], ["eval", m, "--data", data], ["classify", m, data / "test/dark/0.png"],
                  ["bench", "model", m], ["sparsity", m, "--data", data], distill(work, "x", "--mixer", "conv")):
        check_run(2, "not a multiple of the patch", *words, "--img-size", "20")
    check(tree(m) == before, "--img-size: the model was changed")


def test_bad_input(work):
    shutil.copytree(work / "data", work / "noval")
    shutil.rmtree(work / "noval/val")
    (work / "noval/val/dark").mkdir(parents=True)
    (work / "noval/val/light").mkdir()
    check_run(6, "no pictures in its val split", *distill(work, "x", "--mixer", "conv", "--data", work / "noval"))
    for words, more in (("want accuracy, latency or params", ["--objective", "speed"]),
                        ("one of the two", ["--best", "--most"]), ("is there twice", ["--mixer", "conv,conv"]),
                        ("no mixer", ["--mixer", "conv,"]), ("is what is to be replaced", ["--mixer", "attention"]),
                        ("mse", ["--distance", "taxi"]), ("heads", ["--target", "tails"]),
                        ("mixers, attn", ["--tune-train", "some"]), ("confidence", ["--confidence", "90"])):
        check_run(2, words, *distill(work, "x", "--mixer", "conv", *more))
    check_run(2, "usage", "distill", work / "m", "--data", work / "data", "-o", work / "x")
    check(not (work / "x").exists(), "distill: a refused command made a folder")
    # A folder that is no run, and one of another command.
    (work / "odd.run").mkdir()
    (work / "odd.run/run.json").write_text("{\"format\": \"pare-run\"")
    check_run(6, "run.json", *distill(work, "odd", "--mixer", "conv", "--resume"))
    check_run(2, "is another run", *distill(work, "x", "--mixer", "conv", "--resume", "--run", work / "m.run"))


def test_one(work):
    plain = ["distill", work / "m", "--data", work / "data", "--mixer", "linear", "--max-drop", "100", "--epochs", "2",
             "--batch", "8"]
    args = [*plain, "--match-epochs", "1"]
    value = check_json("teacher_top1 student_top1 replaced path timing match", *args, "-o", work / "s")
    match = value.get("match", {})
    check(all(len(match.get(key, [])) == 2 for key in ("loss", "kl_before", "kl_after")), "distill: keys of matching")
    steps = match.get("steps", 0)
    check(sorted(value.get("replaced", [])) == [0, 1], "distill: both layers may go")
    check(all(p.keys() >= {"layer", "mixer", "top1"} for p in value.get("path", [])), "distill: keys of a step")
    check(all(t.keys() >= {"tokens", "teacher_ms", "student_ms"} for t in value.get("timing", [])) and
          len(value.get("timing", [])) == 3, "distill: three timings")
    value = check_json("layers", "inspect", work / "s")
    check([layer["mixer"] for layer in value.get("layers", [])] == ["linear", "linear"],
          "distill: mixers of the student")
    check_json("top1", "eval", work / "s", "--data", work / "data")
    check_run(130, "match: stopped", *args, "-o", work / "t", "--max-steps", "1")
    check_run(130, "transfer: stopped", *args, "-o", work / "t", "--resume", "--max-steps", steps + 2)
    check_run(0, "linear:features=hedgehog", *args, "-o", work / "t", "--resume", "--no-timing")
    check(weights(work / "t") == weights(work / "s"), "distill: a resumed run gives another student")
    value = check_json("match", *plain, "-o", work / "u", "--no-timing")
    check(value.get("match", 1) is None, "distill: nothing is matched without epochs")
    check(weights(work / "u") != weights(work / "s"), "distill: matching changes nothing")
    matrix = [*args, "--match-loss", "matrix"]
    value = check_json("match", *matrix, "-o", work / "x", "--no-timing")
    match = value.get("match", {})
    check(all(len(match.get(key, [])) == 2 for key in ("loss", "distance_before", "distance_after")),
          "distill: keys of matching by matrix")
    check(weights(work / "x") != weights(work / "s"), "distill: matching by matrix is matching by kl")
    check_run(2, "is another run", *args, "-o", work / "x", "--resume")
    check_run(2, "kl, matrix", *args, "-o", work / "y", "--match-loss", "mse")
    check_run(2, "mingru", *matrix, "--mixer", "mingru", "-o", work / "y")
    check_run(2, "wants --match-epochs", *plain, "-o", work / "y", "--match-loss", "matrix")
    check(not (work / "y.run").exists(), "distill: a run that was refused left a folder")


def test_tune(work):
    """The student of test_one beside its teacher, in two stages, and the teacher alone."""
    data, s, m = work / "data", work / "s", work / "m"
    plain = ["tune", s, "--data", data, "--batch", "8"]
    beside = [*plain, "--teacher", m]
    keys = "steps loss ce kl halting distance seconds params val test teacher device driver"
    value = check_json(keys, *beside, "--epochs", "2", "--target", "heads", "--distance", "cosine", "-o", work / "n")
    check(len(value.get("distance", [])) == 2 and all(0 < d < 2 for d in value["distance"]), f"tune: distances {value}")
    check(value.get("kl", 1) is None and value.get("val", {}).get("images") == 12, f"tune: figures {value}")
    check(value.get("teacher", {}).get("test") is not None, "tune: the teacher's figures")
    steps = value.get("steps", 0)
    check(weights(work / "n") != weights(s), "tune: nothing was trained")
    value = check_json("layers", "inspect", work / "n")
    check([layer["mixer"] for layer in value.get("layers", [])] == ["linear", "linear"], "tune: mixers of the student")
    check(json.loads((work / "n/pare.json").read_text())["measured"]["steps"] == steps, "tune: the figures saved")
    check("pare tune" in (work / "n/README.md").read_text(), "tune: the card")
    all_of_it = [*beside, "--train", "all", "--kl", "1", "--temperature", "2", "--mixup", "0.8", "--drop-path", "0.1",
                 "--ema", "0.9", "--epochs", "2"]
    value = check_json(keys, *all_of_it, "-o", work / "n2")
    check(value.get("kl") is not None and value.get("distance") == [None, None], f"tune --train all: {value}")
    check_run(130, "tune: stopped", *all_of_it, "-o", work / "n3", "--max-steps", str(steps // 2))
    check_run(2, "its train is", *beside, "--epochs", "2", "-o", work / "n3", "--resume")
    shutil.copytree(s, work / "was")
    (s / "model.safetensors").write_bytes(weights(work / "n"))
    check_run(2, "its weights is", *all_of_it, "-o", work / "n3", "--resume")
    (s / "model.safetensors").write_bytes(weights(work / "was"))
    check_run(0, "divergence", *all_of_it, "-o", work / "n3", "--resume")
    check(weights(work / "n3") == weights(work / "n2"), "tune: a resumed run gives other weights")
    check_run(0, "tune", *plain, "--train", "blocks", "-o", work / "n4")
    before = tree(s)
    refused = ["-o", work / "refused"]
    check_run(2, "usage: pare tune", *beside)
    check_run(2, "there are: mixers, attn, fc, fc+head, blocks, all", *beside, "--train", "heads", *refused)
    check_run(2, "there are: output, heads", *beside, "--target", "magic", *refused)
    check_run(2, "there are: mse, cosine", *beside, "--distance", "magic", *refused)
    check_run(2, "want a teacher", *plain, "--kl", "1", *refused)
    check_run(2, "no layer differs", *plain, "--teacher", s, *refused)
    check_run(2, "attention is in every layer", "tune", m, "--data", data, *refused)
    check_run(2, "no halting to imitate", *beside, "--halting", "1", *refused)
    check_run(6, "classes", "tune", s, "--data", "synth:ringed-digit,val=10,test=10", *refused)
    check_run(6, "no-such", *plain, "--teacher", work / "no-such", *refused)
    check(tree(s) == before, "tune: a refused command changed something")
    check(not any(p.name.startswith("refused") for p in work.iterdir()), "tune: a refused command made a folder")


def test_prune(work):
    """Hidden units cut out: the share asked for, figures, a run that goes on, models without units."""
    data, b = work / "data", work / "lstm"
    check_run(0, "", *train(work, "lstm", "--force", "--arch",
                            "vit:image=16,patch=4,dim=16,depth=2,heads=2,mixer=bilstm/attention"))
    plain = ["prune", b, "--data", data, "--batch", "8", "--no-timing"]
    before = tree(b)
    value = check_json("top1_before top1_pruned top1 params_before params layers tune", *plain, "--keep", "0.5", "-o",
                       work / "p")
    check(value.get("layers") and [value["layers"][0][k] for k in ("layer", "units", "kept")] == [0, 8, 4],
          f"prune: {value.get('layers')}")
    check([t["what"] for t in value["tune"]] == ["shrink", "tune"], f"prune: trainings {value['tune']}")
    check(value["params"] < value["params_before"], "prune: no parameter went")
    value = check_json("layers params", "inspect", work / "p")
    check([layer["mixer"] for layer in value.get("layers", [])] == ["bilstm", "attention"], "prune: the mixers")
    check(json.loads((work / "p/pare.json").read_text())["layers"][0]["options"]["hidden"] == "4", "prune: pare.json")
    steps = json.loads((work / "p.run/run.json").read_text())["results"]["tune"][0]["steps"]
    check_run(130, "stopped", *plain, "--keep", "0.5", "-o", work / "p2", "--max-steps", str(steps // 2))
    check_run(2, "its keep is 0.5", *plain, "--keep", "0.25", "-o", work / "p2", "--resume")
    check_run(0, "", *plain, "--keep", "0.5", "-o", work / "p2", "--resume")
    check(weights(work / "p") == weights(work / "p2"), "prune: a resumed run gives other weights")
    cut = ["--shrink-epochs", "0", "--no-tune"]
    value = check_json("top1_before top1", *plain, *cut, "--keep", "1", "-o", work / "p3")
    check(value["top1_before"] == value["top1"] and value["params"] == value["params_before"], "prune: all units stay")
    check_run(2, "no layer", "prune", work / "m", "--data", data, *cut, "-o", work / "p4")
    check_run(2, "usage: pare prune", *plain)
    check_run(2, "want 0 to 0.999", *plain, "--threshold", "1.5", "-o", work / "p4")
    check(not (work / "p4").exists() and not (work / "p4.run").exists(), "prune: a refused command made a folder")
    check(tree(b) == before, "prune: the model changed")


def test_patches(work):
    """Models without a class token are measured, pruned and distilled; attention pooling is no layer."""
    data = ("--data", "synth:ringed-digit,train=16,val=8,test=8")
    for name, is_mean in (("timm-gap", True), ("timm-map-reg", False)):
        m = work / name
        check_run(0, "", "train", "--init", SELFTEST / name, *data, "--epochs", "1", "--batch", "8", "-o", m)
        check_run(0, "each patch receives", "sparsity", m, *data, "--limit", "4", "--maps", work / f"{name}.png")
        check_run(0, "", "retain", m, *data, "--policy", "topk", "--keep", "0.7", "--epochs", "1", "--batch", "8", "-o",
                  work / f"{name}-topk")
        halting = ("retain", m, *data, "--policy", "halting", "--keep", "0.7", "--epochs", "1", "--batch", "8", "-o",
                   work / f"{name}-halting")
        check_run(0, "", *halting) if is_mean else check_run(2, "the norm of the mean patch", *halting)
        check_run(0, "", "distill", m, *data, "--mixer", "linear", "--max-drop", "100", "--epochs", "1", "--batch", "8",
                  "--no-timing", "-o", work / f"{name}-linear")
        layers = check_json("layers", "inspect", work / f"{name}-linear").get("layers", [])
        check([layer["mixer"] for layer in layers] == ["linear"] * 2, f"distill: mixers of {name}'s student")


def test_rotary(work):
    """Models with rotary positions are trained, measured, pruned and distilled; other mixers do without."""
    data, m = ("--data", "synth:ringed-digit,train=16,val=8,test=8"), work / "rotary"
    check_run(0, "", "train", "--init", SELFTEST / "hf-dinov3", *data, "--epochs", "1", "--batch", "8", "-o", m)
    check_run(0, "", "sparsity", m, *data, "--limit", "4")
    check_run(0, "", "retain", m, *data, "--policy", "topk", "--keep", "0.7", "--epochs", "1", "--batch", "8", "-o",
              work / "rotary-topk")
    check_run(0, "", "distill", m, *data, "--mixer", "linear", "--max-drop", "100", "--epochs", "1", "--batch", "8",
              "--no-timing", "-o", work / "rotary-linear")


def test_all(work):
    check_run(0, "", *train(work, "m"))
    (work / "one").mkdir()      # a folder of their own, with the same model and data
    for name in ("m", "data"):
        shutil.copytree(work / name, work / "one" / name)
    cli.run_tests(work / "one", test_one, test_tune, test_prune, test_patches, test_rotary)
    cli.run_tests(work, test_sizes, test_mixers, test_resume, test_from, test_objectives, test_bad_input)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
