#!/usr/bin/env python3
"""Runs pare on what model folders say: names in place of folders, caches, scores, values that are not finite:
test_cli_folders.py PARE."""
import json
import os
import pathlib
import shutil
import sys

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_json, check_run, run
from test_cli_weights import make_model, make_tensors, save

FOLDERS = pathlib.Path(__file__).resolve().parent.parent / "golden/folders"
PICTURE = FOLDERS / "picture.png"
NAME = "vit_tiny_patch16_224"
SYNTH = ("--data", "synth:ringed-digit,train=8,val=8,test=8")


def test_random(work):
    """An architecture's name has no weights: a model of random values is made on request, and its card says so."""
    for name in (NAME, "vit:image=16,patch=8,dim=16,depth=1,heads=2"):
        out = work / "random"
        shutil.rmtree(out, ignore_errors=True)
        check_run(2, "is the name of an architecture, which has no weights: --random makes", "export", name, "-o", out)
        check(not out.exists(), "export: wrote a model of a name")
        check_run(0, str(out), "export", name, "--random", "-o", out)
        card = (out / "README.md").read_text()
        check("with random values: nothing was learned" in card and "Taken over" not in card, f"card: {card}")
    first = cli.weights(work / "random")
    check_run(0, "", "export", name, "--random", "--seed", "1", "-o", out, "-f")
    check(cli.weights(work / "random") != first, "export --random: the seed changes nothing")
    check_run(0, "", "export", work / "random", "-o", work / "again")
    check("Taken over" in (work / "again/README.md").read_text(), "card of what was taken over")
    check_run(2, "", "export", work / "random", "--random", "-o", work / "never")
    check_run(0, "197 tokens", "inspect", NAME)
    check_run(6, f"not a model folder: there is no folder {NAME}", "classify", NAME, PICTURE)


def make_hub(root, repo, model, revision="0" * 40):
    """A repository as Hugging Face's cache has it: files are links to blobs, refs/main names the revision."""
    at = root / ("models--" + repo.replace("/", "--"))
    snapshot = at / "snapshots" / revision
    for folder in (at / "blobs", at / "refs", snapshot):
        folder.mkdir(parents=True, exist_ok=True)
    (at / "refs/main").write_text(revision)
    for i, path in enumerate(sorted(model.iterdir())):
        shutil.copy(path, at / f"blobs/{revision[0]}{i}")
        (snapshot / path.name).symlink_to(f"../../blobs/{revision[0]}{i}")
    return snapshot


def test_cache(work):
    model = make_model(work / "cached")
    hub, torch = work / "hf/hub", work / "torch/hub/checkpoints"
    snapshot = make_hub(hub, f"timm/{NAME}.augreg", model)
    (snapshot.parent / ("1" * 40)).mkdir()              # an older revision, which is not the main one
    torch.mkdir(parents=True)
    os.environ.update(HF_HOME=str(work / "hf"), TORCH_HOME=str(work / "torch"))
    want = run("classify", model, PICTURE)[1]
    for args in (["classify", NAME, PICTURE], ["eval", NAME, *SYNTH], ["sparsity", NAME, *SYNTH],
                 ["retain", NAME, *SYNTH, "--keep", "0.5", "-o", work / "never"],
                 ["tune", model, "--teacher", NAME, *SYNTH, "-o", work / "never"],
                 ["train", "--init", NAME, *SYNTH, "-o", work / "never"], ["bench", "model", NAME],
                 ["study", "groups", NAME, *SYNTH, "--mixer", "linear", "-o", work / "never"],
                 ["distill", model, *SYNTH, "--from", f"{model},{NAME}", "-o", work / "never"],
                 ["study", "groups", model, *SYNTH, "--from", NAME, "-o", work / "never"]):
        check_run(6, f"{NAME} is not a model folder; {snapshot} has weights of that name: --from-cache reads them",
                  *args)
    check_run(2, f"--from-cache takes {snapshot}, which has weights of that name", "export", NAME, "-o", work / "never")
    for name in (NAME, f"{NAME}.augreg", f"timm/{NAME}.augreg", f"hf-hub:timm/{NAME}.augreg"):
        rc, out, err = run("classify", name, PICTURE, "--from-cache")
        check((rc, out) == (0, want) and f"{name}: {snapshot}" in err, f"classify {name} --from-cache: {rc} {out}{err}")
    check_run(0, "", "export", NAME, "--from-cache", "-o", work / "taken")
    check(run("classify", work / "taken", PICTURE)[1] == want, "export --from-cache: another model")
    check(str(snapshot) in (work / "taken/README.md").read_text(), "card: where it was taken over from")
    check_run(0, "5 tokens", "inspect", NAME, "--from-cache")
    check_run(0, "197 tokens", "inspect", NAME)
    check_run(0, "", "classify", model, PICTURE, "--from-cache")        # a folder is itself
    rc, _, err = run("distill", NAME, *SYNTH, "--from", f"{NAME},{model}", "--from-cache", "-o", work / "never")
    check(rc == 6 and err.count(f"{NAME}: {snapshot}") == 2 and "10 classes, the model 3" in err, f"--from: {rc} {err}")
    make_hub(hub, f"timm/{NAME}.dino", model)
    check_run(2, "is in a cache more than once: ", "classify", NAME, PICTURE, "--from-cache")
    check_run(0, "", "classify", f"{NAME}.dino", PICTURE, "--from-cache")
    for name in ("deit_tiny_patch16_224", "../hf", "timm/../x", "a/b/c", ".", "timm/"):
        rc, out, err = run("classify", name, PICTURE, "--from-cache")
        check(rc == 6, f"classify {name} --from-cache: exit code {rc}: {err}")
    (hub / f"models--timm--{NAME}.dino/refs/main").write_text("../../../../cached\n")
    (hub / f"models--timm--{NAME}.dino/snapshots/{'1' * 40}").mkdir()
    check_run(0, "", "classify", NAME, PICTURE, "--from-cache")         # of the other no revision is known any more
    (torch / "deit_tiny_patch16_224-a1311bcf.pth").write_bytes(b"")
    check_run(6, f"{torch}/deit_tiny_patch16_224-a1311bcf.pth has weights of that name", "classify",
              "deit_tiny_patch16_224", PICTURE)
    os.environ["HF_HUB_CACHE"] = str(work / "nowhere")
    check_run(6, "is neither a model folder nor in the caches", "classify", NAME, PICTURE, "--from-cache")
    for name in ("HF_HOME", "HF_HUB_CACHE", "TORCH_HOME"):
        os.environ.pop(name)
    check(not (work / "never").exists(), "a run began with a model that is not there")


def test_scores(work):
    """Sigmoids where problem_type says so: every command goes by them, or says why it does not."""
    m = FOLDERS / "multi-label"
    value = check_json("images scores", "classify", m, PICTURE)
    check(value["scores"] == "sigmoid" and sum(t["p"] for t in value["images"][0]["top"]) != 1, f"classify: {value}")
    value = check_json("scores", "classify", FOLDERS / "number-labels", PICTURE)
    check(value["scores"] == "softmax", "classify: softmax")
    check_run(0, " 7 ", "classify", FOLDERS / "number-labels", PICTURE)
    note = "problem_type is multi_label_classification: scores are sigmoids, each class by itself"
    check_run(0, "note: " + str(m / "config.json") + ": " + note, "inspect", m)
    check_run(0, note, "classify", m, PICTURE)
    check(note in check_json("notes kind", "inspect", m)["notes"][0], "inspect --json: notes")
    data = work / "three"
    for i, label in enumerate(("a", "b", "c")):
        cli.png(data / "test" / label / "0.png", 60 * i + 20, label)
    rc, out, err = run("eval", m, "--data", data, "--json")
    loss = json.loads(out)["loss"] if rc == 0 else 0
    check("scores of the model are sigmoids: a picture counts as right when its class has the highest one" in err,
          f"eval: {err}")
    check(0 < loss < 5, f"eval: loss {loss}")
    for args in (["tune", m], ["retain", m, "--keep", "0.5"],
                 ["distill", m, "--mixer", "linear", "--tune-epochs", "1"]):
        check_run(2, "the model's scores are sigmoids, each of its 3 classes by itself", *args, "--data", data, "-o",
                  work / "never")
    one = work / "one-class"
    shutil.copytree(m, one)
    config = json.loads((one / "config.json").read_text())
    config.update(id2label={"0": "cat"}, label2id={"cat": 0}, problem_type=None)
    (one / "config.json").write_text(json.dumps(config))
    check_run(6, "is (3), want (1)", "classify", one, PICTURE)
    config.update(problem_type="regression", id2label={"0": "a", "1": "b", "2": "c"})
    (one / "config.json").write_text(json.dumps(config))
    check_run(2, "the model has no classes: it predicts 3 numbers", "classify", one, PICTURE)
    check_run(0, "problem_type is regression: the model predicts 3 numbers, no classes", "inspect", one)
    check_run(0, "", "export", one, "-o", work / "regression")
    check_run(2, "the model has no classes: it predicts 3 numbers", "classify", work / "regression", PICTURE)


def test_not_finite(work):
    m = make_model(work / "nan")
    tensors = make_tensors()
    tensors["norm.weight"][1][1] = float("inf")
    tensors["blocks.0.mlp.fc2.bias"][1][:2] = float("nan"), float("-inf")
    save(m / "model.safetensors", tensors)
    words = (f"{m / 'model.safetensors'}: 3 of its values are not finite, in 2 tensors; the first is NaN, at index 0 "
             "of tensor blocks.0.mlp.fc2.bias (`pare inspect` lists them)")
    for args in (["classify", m, PICTURE], ["eval", m, "--data", work / "data"], ["export", m, "-o", work / "never"],
                 ["train", "--init", m, "--data", work / "data", "-o", work / "never"]):
        check_run(6, words, *args)
    check(not (work / "never").exists(), "a model with NaN was written")
    out = check_run(0, "values that are not finite: 3 in 2 tensors; no other command takes the model", "inspect", m)
    check("  blocks.0.mlp.fc2.bias: 2, the first (NaN) at index 0\n  norm.weight: 1, the first (infinite) at index 1\n"
          in out, f"inspect: {out}")
    value = check_json("not_finite kind", "inspect", m)
    check(value["not_finite"] == {"values": 3, "tensors": 2, "first": [
        {"name": "blocks.0.mlp.fc2.bias", "values": 2, "first": 0}, {"name": "norm.weight", "values": 1, "first": 1}]},
        f"inspect: {value}")
    check(value["kind"] == "vit", "inspect: kind")


def test_broken_settings(work):
    """A preprocessor_config.json of ours that is broken is refused by every command."""
    check_run(0, "", "export", FOLDERS / "default-args", "-o", work / "ours")
    (work / "ours/preprocessor_config.json").write_text("{\"image_mean\": [")
    for args in (["classify", work / "ours", PICTURE], ["inspect", work / "ours"]):
        check_run(6, f"{work / 'ours/preprocessor_config.json'}: not valid JSON", *args)


def test_all(work):
    cli.run_tests(work, test_random, test_cache, test_scores, test_not_finite, test_broken_settings)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
