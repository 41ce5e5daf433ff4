#!/usr/bin/env python3
"""Runs pare selftest and --check-cpu from outside, with faults planted on the device: test_cli_selftest.py PARE."""
import json
import os
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_run, make_data, run, train

KEYS = {"device", "driver", "api", "version", "commit", "models", "ops", "mixers", "ok"}
HERE = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = sorted(p.parent.name for p in (HERE / "models/selftest").glob("*/golden.safetensors"))


def selftest(fault, *more):
    """(exit code, the object, standard error) of pare selftest --json with a fault planted."""
    rc, out, err = run("selftest", "--json", *more, env={**os.environ, "PARE_FAULT": fault})
    try:
        return rc, json.loads(out), err
    except ValueError:
        check(False, f"selftest with {fault or 'no fault'}: exit code {rc}, no JSON: {out[:200]} {err[-300:]}")
        return rc, {"models": [], "mixers": [], "ops": [], "ok": None}, err


def test_right(work):
    before = sorted(work.iterdir())
    rc, r, err = selftest("")
    check(rc == 0 and r["ok"] is True, f"selftest: exit code {rc}: {err[-300:]}")
    check(KEYS <= set(r), f"selftest: lacks {KEYS - set(r)}")
    names = [m["name"] for m in r["models"]]
    check(sorted(names) == GOLDEN, f"selftest: models {names}")
    for m in r["models"]:
        check(m["ok"] and m["first_bad"] is None and m["worst_logits"] <= 1e-4, f"selftest: {m}")
        check([x["name"] for x in m["layers"]][:2] == ["tokens", "block.0"], f"selftest: layers of {m['name']}")
        check(all(x["error"] <= 1e-4 for x in m["layers"]), f"selftest: layers of {m['name']}")
    names = [m["name"] for m in r["mixers"]]
    table = (HERE / "nn/mixers/mixers.def").read_text()
    mixers = [line.split()[0] for line in table.replace("NN_MIXER(", "").replace(")", "")
              .splitlines() if not line.startswith("//")]
    check(set(mixers) | {"halting", "topk", "training", "relative"} == set(names), f"selftest: mixers {names}")
    check(all(m["ok"] and m["calls"] > 0 for m in r["mixers"]), "selftest: a mixer is bad")
    ops = {o["op"]: o for o in r["ops"]}
    check({"linear", "attention", "lstm", "compact", "keep_top", "cross_entropy", "drop_path"} <= set(ops),
          f"selftest: ops {sorted(ops)}")
    check(all(o["calls"] > 0 and 0 <= o["worst"] <= o["bar"] for o in r["ops"]), "selftest: an op is beyond its bar")
    out = check_run(0, "right in", "selftest", "--quick")
    rows = [line.split()[1] for line in out.splitlines() if line.startswith("model")]
    check(sorted(rows) == GOLDEN, f"selftest --quick: rows {rows}")
    check("random" not in out, "selftest --quick runs models of random values")
    check(sorted(work.iterdir()) == before, "selftest leaves files behind")


def test_alarms(work):
    """Each fault is found where it was planted, in the layer and in the op."""
    before = sorted(work.iterdir())
    for fault, layer, op, place in (
            ("patchify@patch_embed", "tokens", "patchify", "patch_embed"),
            ("attention@blocks.0.attn", "block.0", "attention", "blocks.0.attn"),
            ("linear@blocks.1.mlp", "block.1", "linear", "blocks.1.mlp"),
            ("linear@head", "logits", "linear", "head")):
        rc, r, err = selftest(fault, "--quick")
        check(rc == 1 and r["ok"] is False, f"{fault}: exit code {rc}")
        check("pare selftest --json" in err, f"{fault}: no word on how to report it: {err[-300:]}")
        hit = [m for m in r["models"] if not m["ok"]]
        check(hit, f"{fault}: no model is bad")
        for m in hit:
            bad = m["first_bad"] or {}
            found = bad.get("op") or {}
            check(bad.get("layer") == layer, f"{fault} in {m['name']}: first bad is {bad.get('layer')}")
            check(found.get("op") == op and found.get("place") == place, f"{fault} in {m['name']}: found {found}")
    for fault, name in (("lstm@1", "bilstm"), ("keep_top@0", "topk"), ("halt@1", "halting"),
                        ("cross_entropy@loss", "training")):
        rc, r, _ = selftest(fault)
        bad = {m["name"]: m["first_bad"] for m in r["mixers"] if not m["ok"]}
        check(rc == 1 and all(m["ok"] for m in r["models"]), f"{fault}: exit code {rc}")
        check(list(bad) == [name] and bad[name]["op"] == fault.split("@")[0], f"{fault}: bad are {bad}")
    rc, out, err = run("selftest", "--quick", env={**os.environ, "PARE_FAULT": "linear@1"})
    check(rc == 1 and "BAD" in out and "layer 1, attention branch (op linear)" in out, f"selftest: {out[-300:]}")
    check(sorted(work.iterdir()) == before, "selftest leaves files behind")


def test_commands(work):
    """--check-cpu on commands that run models: nothing wrong is printed or written."""
    data, m, faulty = work / "data", work / "m", {**os.environ, "PARE_FAULT": "attention@1"}
    make_data(data)
    check_run(0, "compared with the CPU", *train(work, "m", "--check-cpu", "--check-every", "2"))
    picture = data / "test/dark/0.png"
    words = "layer 1, attention branch (op attention): differs by"
    for args in (["classify", m, picture], ["eval", m, "--data", data], ["sparsity", m, "--data", data],
                 ["bench", "scaling", "--tokens", "65", "--mixers", "attention", "--dim", "48"]):
        rc, _, err = run(*args, "--check-cpu")
        check(rc == 0, f"{args[0]} --check-cpu: exit code {rc}: {err[-300:]}")
        check("compared with the CPU" in err and "largest error of all" in err, f"{args[0]}: {err[-300:]}")
    for args in (["classify", m, picture], ["eval", m, "--data", data], ["sparsity", m, "--data", data]):
        rc, out, err = run(*args, "--check-cpu", env=faulty)
        check(rc == 1 and words in err, f"{args[0]} with a fault: exit code {rc}: {err[-300:]}")
        check(not out.strip(), f"{args[0]} with a fault prints {out[:200]}")
        rc, out, err = run(*args, env=faulty)
        check(rc == 0 and words not in err, f"{args[0]} unchecked: exit code {rc}: {err[-300:]}")
    check_run(2, "no option --check-cpu", "inspect", m, "--check-cpu")
    check_run(2, "PARE_FAULT is", "selftest", env={**os.environ, "PARE_FAULT": "linear"})
    check_run(2, "PARE_FAULT is", "classify", m, picture, env={**os.environ, "PARE_FAULT": "linear"})
    check_run(2, 'PARE_LINEAR is "quick", want plain, tiled or simd', "classify", m, picture,
              env={**os.environ, "PARE_LINEAR": "quick"})
    check_run(2, "PARE_SCAN is", "bench", "scaling", env={**os.environ, "PARE_SCAN": "quick"})


def test_training(work):
    """Training stops at the step, and what was there stays; without the fault it ends in the same bits as unchecked."""
    data, faulty = work / "data", {**os.environ, "PARE_FAULT": "linear@blocks.1.mlp"}
    args = ["train", "--data", data, "--arch", cli.ARCH, "--epochs", "2", "--batch", "8", "--no-augment"]
    check_run(0, "model", *args, "-o", work / "a")
    check_run(0, "compared with the CPU", *args, "-o", work / "b", "--check-cpu", "--check-every", "1")
    check(cli.weights(work / "a") == cli.weights(work / "b"), "training ends in other bits when it is checked")
    rc, _, err = run(*args, "-o", work / "c", "--check-cpu", env=faulty)
    check(rc == 1 and "layer 1, MLP branch (op linear): differs by" in err and "at step 1" in err,
          f"train with a fault: exit code {rc}: {err[-300:]}")
    check(not (work / "c").exists(), "train with a fault writes a model")
    check_run(130, "stopped", *args, "-o", work / "d", "--max-steps", "2")
    before = cli.tree(work / "d.run")
    rc, _, err = run(*args, "-o", work / "d", "--resume", "--check-cpu", env=faulty)
    check(rc == 1 and "at step 3" in err, f"resumed with a fault: exit code {rc}: {err[-300:]}")
    after = cli.tree(work / "d.run")
    check(before.get("train.safetensors") == after.get("train.safetensors"), "the last checkpoint did not stay")
    check_run(0, "model", *args, "-o", work / "d", "--resume")
    check(cli.weights(work / "a") == cli.weights(work / "d"), "the run that went on ends in other bits")


def test_all(work):
    with tempfile.TemporaryDirectory() as tmp:
        os.environ["TMPDIR"] = tmp
        test_right(pathlib.Path(tmp))
        test_alarms(pathlib.Path(tmp))
    del os.environ["TMPDIR"]
    test_commands(work)
    test_training(work)


if __name__ == "__main__":
    cli.main(test_all)
