#!/usr/bin/env python3
"""Runs pare from outside on data sets of many shapes: classes by name and by place, what is left out, splits of plain
folders, teachers at chance level: test_cli_data.py PARE."""
import json
import os
import pathlib
import shutil
import sys

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_json, check_run, png, run, train

TINY = "vit:image=16,patch=4,dim=32,depth=2,heads=2"


def edit(model, change):
    """Changes config.json, and pare.json where that has labels too."""
    path = model / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def copy_model(work, name, names):
    """The model of the data with other names of its classes; None: without."""
    shutil.copytree(work / "m", work / name)

    def change(config):
        for key in ("label_names", "labels", "label_descriptions"):
            config.pop(key, None)
        if names:
            config["label_names"] = names
    edit(work / name, change)
    return work / name


def copy_data(work, name, **renamed):
    """The data with other names of its class folders; None: without that class."""
    shutil.copytree(work / "data", work / name)
    for split in ("train", "val", "test"):
        for old, new in renamed.items():
            if new is None:
                shutil.rmtree(work / name / split / old)
            else:
                (work / name / split / old).rename(work / name / split / new)
    return work / name


def evaluate(model, data, *more):
    return check_json("top1 images split data", "eval", model, "--data", data, *more)


def said(*args):
    return run(*args)[2]


def test_names(work):
    check_run(0, "", *train(work, "m", "--epochs", "12"))
    right = evaluate(work / "m", work / "data")["top1"]
    check(right > 0.8, f"the model should tell dark from light: {right}")
    turned = copy_model(work, "turned", ["light", "dark"])
    check(abs(evaluate(turned, work / "data")["top1"] - (1 - right)) < 1e-6, "eval: classes are not matched by name")
    check("matched" in said("eval", turned, "--data", work / "data"), "eval: says nothing of another order")
    check(evaluate(turned, work / "data", "--labels", "index")["top1"] == right, "eval --labels index")
    swapped = copy_data(work, "swapped", dark="x", light="dark")
    for split in ("train", "val", "test"):
        (swapped / split / "x").rename(swapped / split / "light")
    check(evaluate(turned, swapped)["top1"] == right, "eval: folders of the same names the other way round")
    # A part of the classes, a synonym, and names that the model does not have.
    part = copy_data(work, "part", dark=None)
    found = evaluate(work / "m", part)
    check(found["images"] == 6 and found["top1"] > 0.5, f"eval: one class of two: {found}")
    check("has 1 of the 2 classes" in said("eval", work / "m", "--data", part), "eval: one class of two in words")
    check_run(6, "1 classes", "eval", work / "m", "--data", part, "--labels", "index")
    words = copy_model(work, "words", ["night, dark", "day, light"])
    check(evaluate(words, work / "data")["top1"] == right, "eval: synonyms")
    other = copy_data(work, "other", dark="black")
    before = cli.tree(work / "m")
    check_run(6, "\"black\" first", "eval", work / "m", "--data", other)
    check_run(6, "--labels index", "eval", work / "m", "--data", other)
    check_run(2, "auto, index, name", "eval", work / "m", "--data", other, "--labels", "order")
    check(evaluate(work / "m", other, "--labels", "index")["top1"] == right, "eval: other names, by place")
    for words in (["distill", work / "m", "--mixer", "conv"], ["retain", work / "m", "--keep", "0.8"],
                  ["tune", work / "m"], ["study", "groups", work / "m", "--mixer", "conv"]):
        check_run(6, "\"black\" first", *words, "--data", other, "-o", work / "refused")
    check(not (work / "refused").exists() and cli.tree(work / "m") == before, "a refused command left something")


def test_natural(work):
    bare = copy_model(work, "bare", None)
    right = evaluate(work / "m", work / "data")["top1"]
    numbers = copy_data(work, "numbers", dark="2", light="10")      # bytewise 10 is before 2
    check(evaluate(bare, numbers)["top1"] == right, "eval: folders 2 and 10 in natural order")
    check("natural order" in said("eval", bare, "--data", numbers), "eval: says nothing of the natural order")
    check("natural order" not in said("eval", bare, "--data", work / "data"), "eval: an order that is both")
    check(abs(evaluate(bare, numbers, "--labels", "index")["top1"] - (1 - right)) < 1e-6, "eval: bytewise")
    check_run(6, "no names", "eval", bare, "--data", numbers, "--labels", "name")
    check_run(6, "no names for them", "eval", bare, "--data", work / "part")


def test_runs(work):
    """Every command that judges by a model takes its classes by name."""
    right = evaluate(work / "m", work / "data")["top1"]
    turned, quick = work / "turned", ["--epochs", "1", "--batch", "8"]
    at = ["--data", work / "swapped"]
    value = check_json("teacher_top1 data", "distill", turned, *at, *quick, "--mixer", "conv", "--max-drop", "100",
                       "--no-timing", "-o", work / "d")
    check(value["teacher_top1"] == right and value["data"]["train"] > 0, f"distill: {value['teacher_top1']}")
    check(value["data"]["bad"] == 2, f"distill: two training pictures are broken: {value['data']}")
    check("2 pictures are broken and left out" in said("tune", work / "d", *at, *quick, "-o", work / "b"),
          "tune: says nothing of broken pictures")
    config = json.loads((work / "d/config.json").read_text())
    check(config["label_names"] == ["light", "dark"], "distill: the student's names")
    value = check_json("teacher_top1", "retain", turned, *at, "--policy", "topk", "--keep", "0.8", "--no-timing", "-o",
                       work / "r")
    check(value["teacher_top1"] == right, f"retain: {value['teacher_top1']}")
    value = check_json("teacher", "tune", work / "d", *at, *quick, "--teacher", turned, "-o", work / "t")
    check(value["teacher"]["test"]["top1"] == right, "tune: the teacher's figures")
    check_run(6, "their outputs cannot be compared", "tune", work / "d", *at, "--teacher", work / "m", "-o",
              work / "t2")
    check_run(6, "their outputs cannot be compared", "distill", work / "m", *at, "--from", work / "d", "-o",
              work / "t2")
    value = check_json("teacher_top1", "study", "groups", turned, *at, *quick, "--split", "test", "--seeds", "1",
                       "--mixer", "conv", "-o", work / "g")
    check(value["teacher_top1"] == right, f"study groups: {value['teacher_top1']}")
    value = check_json("rows", "study", "teachers", turned, work / "r", *at, *quick, "--split", "test", "--seeds", "1",
                       "--mixer", "conv", "-o", work / "k")
    check(value["rows"][0]["teacher_top1"] == right, "study teachers: the teacher's figures")
    check_run(2, "not by all", "study", "groups", turned, *at, "--split", "all", "--mixer", "conv", "-o", work / "g2")
    # A model to start from: the same names keep the head, in its own order.
    begin = ["train", *at, "--init", turned, "--epochs", "1", "--lr", "1e-12", "--batch", "8"]
    value = check_json("test", *begin, "-o", work / "i")
    check(value["test"]["top1"] == right, f"train --init: {value['test']}")
    check(json.loads((work / "i/config.json").read_text())["label_names"] == ["light", "dark"], "train --init: names")
    check("the head starts anew" in said("train", "--data", work / "other", *begin[3:], "-o", work / "i2"),
          "train --init: other names")
    check(json.loads((work / "i2/config.json").read_text())["label_names"] == ["black", "light"], "train: new names")
    value = check_json("test", "train", "--data", work / "other", *begin[3:], "--labels", "index", "-o", work / "i3")
    check(abs(value["test"]["top1"] - right) < 1e-6, "train --init --labels index")
    check_run(2, "goes with --init", "train", *at, "--arch", TINY, "--labels", "name", "-o", work / "i4")


def test_chance(work):
    data = ["--data", "synth:ringed-digit,train=16,val=200,test=16"]
    check_run(0, "", "train", *data, "--arch", TINY.replace("16", "64").replace("patch=4", "patch=16"), "--epochs", "1",
              "--lr", "1e-12", "--batch", "8", "-o", work / "luck")
    quick = ["--epochs", "1", "--batch", "8", "--no-timing"]
    distill = ["distill", work / "luck", *data, *quick, "--mixer", "conv", "--max-drop", "100"]
    retain = ["retain", work / "luck", *data, "--policy", "topk", "--keep", "0.8", "--no-timing"]
    tune = ["tune", work / "luck", *data, "--teacher", work / "luck", "--train", "all", "--similarity", "0", "--kl",
            "1", "--epochs", "1", "--batch", "8"]
    for name, words in (("distill", distill), ("retain", retain), ("tune", tune)):
        check_run(1, "no better than chance", *words, "-o", work / f"luck-{name}")
        check(not (work / f"luck-{name}").exists() and not (work / f"luck-{name}.run").exists(),
              f"{name}: a teacher at chance level left something")
    check_run(0, "", *distill, "--any-teacher", "-o", work / "luck-d")
    check_run(0, "", *retain, "--any-teacher", "-o", work / "luck-r")
    check_run(0, "", *tune, "--any-teacher", "-o", work / "luck-t")


def test_folders(work):
    data = work / "odd"
    shutil.copytree(work / "data", data)
    for folder in ("__MACOSX", ".git", "vacant"):
        (data / "train" / folder).mkdir()
        (data / "train" / folder / "notes.txt").write_text("x")
    shutil.move(data / "test/dark", data / "dark")
    shutil.move(data / "dark", data / "test/dark/below")
    (data / "test/dark/x.psd").write_bytes(b"x")
    os.symlink("nowhere", data / "test/light/gone.png")
    shutil.copy(data / "test/light/0.png", data / "test/astray.png")
    words = ["train", "--data", data, "--arch", TINY, "--epochs", "1", "--batch", "8"]
    check_run(2, "has classes=5, and", *words[:3], "--arch", TINY + ",classes=5", "-o", work / "refused")
    code, out, err = run(*words, "-o", work / "o", "--json")
    check(code == 0 and "1 class folder is without pictures, which keeps its number: vacant" in err, f"empty: {err}")
    check("4 files left out: 1 .txt, 1 .psd, 1 that cannot be read, 1 beside the class folders" in err, f"left: {err}")
    found = json.loads(out)["data"]
    check(found["empty"] == ["vacant"] and found["left_out"]["kinds"] == {".txt": 1, ".psd": 1} and
          found["left_out"]["unreadable"] == 1 and found["left_out"]["files"] == 4, f"train: data is {found}")
    check(json.loads((work / "o.run/run.json").read_text())["results"]["data"] == found, "train: data in run.json")
    names = json.loads((work / "o/config.json").read_text())["label_names"]
    check(names == ["dark", "light", "vacant"], f"train: classes {names}")
    value = evaluate(work / "m", work / "data")
    check("left_out" not in value["data"] and value["images"] == 12, "eval: nothing is left out")
    shutil.rmtree(data / "train/vacant")
    value = evaluate(work / "m", data)
    check(value["images"] == 12 and value["data"]["left_out"]["unreadable"] == 1, f"eval: a nested folder: {value}")
    value = check_json("data split", "sparsity", work / "m", "--data", data)
    check(value["data"]["left_out"]["files"] == 3, "sparsity: what is left out")
    os.mkdir(os.fsencode(data / "train") + b"/caf\xe9")
    check_run(2, "is not UTF-8", *words, "-o", work / "refused")
    check(not (work / "refused").exists() and not (work / "refused.run").exists(), "train: a name left something")
    (data / "valid").mkdir()
    shutil.copytree(data / "val/dark", data / "valid/dark")
    check_run(6, "both val/ and valid/", *words, "-o", work / "refused")
    shutil.rmtree(data / "val")
    os.rmdir(os.fsencode(data / "train") + b"/caf\xe9")
    check(evaluate(work / "m", data, "--split", "val")["images"] == 6, "eval: valid/ is val")


def test_plain(work):
    data, total = work / "plain", 0
    for label, shade in (("dark", 20), ("light", 180)):
        for i in range(20):
            png(data / label / f"{i}.png", shade, f"plain{label}{i}")
    shutil.copy(data / "dark/3.png", data / "dark/copy.png")
    words = ["train", "--data", data, "--arch", TINY, "--epochs", "1", "--batch", "8"]
    code, out, err = run(*words, "-o", work / "p", "--json")
    check(code == 0 and "it is split by what its files hold" in err, f"train on a plain folder: {err}")
    value = json.loads(out)
    sizes = {split: value["data"][split] for split in ("train", "val", "test")}
    check(sum(sizes.values()) == 41 and value["val"]["images"] == sizes["val"] and sizes["val"] >= 6,
          f"train on a plain folder: {sizes}")
    total = sum(sizes.values())
    inputs = json.loads((work / "p.run/run.json").read_text())["inputs"]
    check(inputs["split"]["seed"] == 0 and len(inputs["split"]["contents"]) == 16, f"run.json: {inputs}")
    # It was trained on a part: the test part judges it, wherever the folder is. Others are judged by all.
    value = evaluate(work / "p", data)
    check(value["split"] == "test" and value["images"] == sizes["test"], f"eval by the test part: {value}")
    shutil.move(data, work / "moved")
    check(evaluate(work / "p", work / "moved")["images"] == sizes["test"], "eval: the same files elsewhere")
    value = evaluate(work / "m", work / "moved")
    check(value["split"] == "all" and value["images"] == total, f"eval by all: {value}")
    check("all of it is used" in said("eval", work / "m", "--data", work / "moved"), "eval by all, in words")
    check(evaluate(work / "m", work / "moved", "--split", "train")["images"] == sizes["train"], "eval --split train")
    check(evaluate(work / "p", work / "moved", "--split", "all")["images"] == total, "eval --split all")
    check(evaluate(work / "m", work / "data", "--split", "all")["images"] == 50 - 2, "eval --split all of splits")
    # A model of it is not shown its training pictures as new ones.
    more = ["tune", work / "p", "--data", work / "moved", "--train", "all", "--epochs", "1", "-o", work / "p2"]
    check_run(2, "--split-seed 0", *more, "--split-seed", "5")
    check_run(0, "", *more)
    check_run(2, "another run", *words[:2], work / "moved", *words[3:], "--split-seed", "5", "-o", work / "p",
              "--resume")
    check_run(0, "", *words[:2], work / "moved", *words[3:], "--split-seed", "5", "-o", work / "p5")
    value = evaluate(work / "p5", work / "moved")
    check(value["split"] == "test" and value["data"]["split"]["seed"] == 5, f"eval: the model's own seed: {value}")
    (work / "moved/dark/late.png").write_bytes((work / "data/train/dark/0.png").read_bytes())
    check("not as it was" in said("eval", work / "p5", "--data", work / "moved"), "eval: a folder that has changed")


def test_classify(work):
    good, bad = work / "data/test/dark/0.png", work / "data/train/dark/broken.png"
    (work / "hollow").mkdir()
    # A folder that cannot be listed, here for its depth, loses no other.
    deep = work / "deep"
    (deep / "/".join(["d"] * 70)).mkdir(parents=True)
    shutil.copy(good, deep / "a.png")
    code, out, err = run("classify", work / "m", deep)
    check(code == 6 and "1 of 2 images" in err and len(out.splitlines()) == 1, f"classify: a deep folder: {err}")
    code, out, err = run("classify", work / "m", good, bad, work / "hollow", work / "gone.png", "--json")
    check(code == 6 and "3 of 4 images" in err, f"classify: {code} {err}")
    found = json.loads(out)["images"]
    texts = {pathlib.Path(i["file"]).name: i.get("error", "") for i in found}
    check(sorted(texts) == ["0.png", "broken.png", "gone.png", "hollow"], f"classify --json: {texts}")
    check(texts["0.png"] == "" and all(texts[name] for name in texts if name != "0.png"), f"classify --json: {texts}")
    check([("top" in i) != ("error" in i) for i in found] == [True] * 4, "classify --json: either labels or an error")


def test_all(work):
    cli.run_tests(work, test_names, test_natural, test_runs, test_chance, test_folders, test_plain, test_classify)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
