#!/usr/bin/env python3
"""Both students of pare distill's search from outside, with trials that are written into the log of a run: where they
go, what is said of them, a tolerance as a share, other orders at equal numbers of layers: test_cli_search.py PARE."""
import json
import shutil
import sys

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_json, check_run, train, tree, weights

# Top-1 on val by the layers that are replaced, of which layer 0 is the best alone: greedy takes 0, 1, 2. The best on
# the way has two layers; it ties with the one that has one.
SCRIPT = {(): 0.8, (0,): 0.9, (1,): 0.85, (2,): 0.7, (0, 1): 0.9, (0, 2): 0.6, (1, 2): 0.95, (0, 1, 2): 0.75}


def distill(work, out, *more):
    return ["distill", work / "m", "--data", work / "data", "-o", work / out, "--epochs", "1", "--batch", "8",
            "--no-timing", "--mixer", "conv", *more]


def plant(work, out, script):
    """The log of a run's search, with these scores."""
    lines = [json.dumps({"layers": 3, "choice": [int(layer in chosen) for layer in range(3)], "metric": metric,
                         "tie": 0.0, "low": metric - script[()], "high": metric - script[()]})
             for chosen, metric in script.items()]
    (work / f"{out}.run/search.jsonl").write_text("\n".join(lines) + "\n")


def scripted(work, out, script, *more):
    """The results of a run that decides by a script."""
    check_run(130, "", *distill(work, out, *more, "--max-steps", "1", "--force"))
    plant(work, out, script)
    return check_json("students path best", *distill(work, out, *more, "--resume"))


def measured(folder):
    return json.loads((folder / "pare.json").read_text())["measured"]


def test_both(work):
    value = scripted(work, "s", SCRIPT, "--max-drop", "100", "--path-test")
    most, best = value["students"]
    check([s["layer"] for s in value["path"]] == [0, 1, 2] and value["trials"] == 7, f"path: {value['path']}")
    check((most["is"], most["replaced"], most["val_top1"], most["asked"], most["written"]) ==
          ("most", [0, 1, 2], 0.75, True, True), f"students: {most}")
    check((best["is"], best["replaced"], best["val_top1"], best["asked"], best["written"]) ==
          ("best", [0, 1], 0.9, False, True), f"students: {best}")
    check(value["student_is"] == "most" and value["student_top1"] == most["top1"] == value["path_test"][2] and
          best["top1"] == value["path_test"][1], f"students: top-1 on test {value['path_test']}, {most}, {best}")
    of_best = measured(work / "s-best")
    check((of_best["student_is"], of_best["chosen"], of_best["replaced"], of_best["layers"]) ==
          ("best", 2, [0, 1], best["layers"]) and of_best["student_params"] == best["params"], f"S-best: {of_best}")
    for student, folder in ((most, "s"), (best, "s-best")):
        got = check_json("top1", "eval", work / folder, "--data", work / "data")
        check(abs(got["top1"] - student["top1"]) < 1e-6, f"{folder}: evaluated {got}, reported {student}")
        got = check_json("layers", "inspect", work / folder)["layers"]
        check([layer["mixer"] for layer in got] == student["layers"], f"{folder}: layers {got}")
        check("This is the search's model" in (work / folder / "README.md").read_text(), f"{folder}: its card")
    check("-best at the end" in (work / "s/README.md").read_text(), "S: the card names the other")
    # The other way round: the same two models.
    value = scripted(work, "b", SCRIPT, "--max-drop", "100", "--best")
    check(value["student_is"] == "best" and value["replaced"] == [0, 1], f"--best: {value['replaced']}")
    check(weights(work / "b") == weights(work / "s-best") and weights(work / "b-most") == weights(work / "s"),
          "--best: other models")
    check(not (work / "b-best").exists() and not (work / "s-most").exists(), "students: one folder too many")
    out = check_run(0, "best on the way", *distill(work, "b", "--max-drop", "100", "--best", "--resume"))
    check("b-most" in out and "90.00 %" in out and "75.00 %" in out, f"students: the table {out[-600:]}")
    # Tuning is of the one that was asked for alone.
    value = scripted(work, "t", SCRIPT, "--max-drop", "100", "--tune-epochs", "1")
    check(weights(work / "t-best") == weights(work / "s-best"), "tuning: the other student changed")
    check(weights(work / "t") != weights(work / "s"), "tuning: the student did not change")
    check(value["students"][0]["top1"] == most["top1"] and value["students"][1]["top1"] == best["top1"],
          "tuning: students of the search are judged untuned")


def test_one(work):
    """One model is both, or the best is the teacher."""
    value = scripted(work, "o", {**SCRIPT, (0, 1, 2): 0.9}, "--max-drop", "100")
    check([s["written"] for s in value["students"]] == [True, False] and value["best"] == 3, f"one model: {value}")
    check((work / "o").is_dir() and not (work / "o-best").exists(), "one model: two folders")
    check("one model is both" in check_run(0, "", *distill(work, "o", "--max-drop", "100", "--resume")),
          "one model: not said")
    low = {key: metric if key == () else metric / 2 for key, metric in SCRIPT.items()}
    value = scripted(work, "o", low, "--max-drop", "100")
    check([(s["replaced"], s["written"]) for s in value["students"]] == [([0, 1, 2], True), ([], False)],
          f"the teacher is the best: {value['students']}")
    check(value["students"][1]["top1"] == value["teacher_top1"], "the teacher is the best: its figures")
    check(not (work / "o-best").exists(), "the teacher is the best: it was written")
    shutil.copytree(work / "s-best", work / "o-best")
    before = tree(work / "o-best")
    check_run(0, "of an earlier run", *distill(work, "o", "--max-drop", "100", "--resume"))
    check(tree(work / "o-best") == before, "an earlier model beside changed")


def test_places(work):
    before = tree(work / "s-best")
    shutil.copytree(work / "s-best", work / "q-best")
    check_run(2, "q-best is there already", *distill(work, "q"))
    (work / "r-best").mkdir()
    (work / "r-best/mine.txt").write_text("mine")
    check_run(2, "r-best is there already, and not a model folder", *distill(work, "r", "--force"))
    check_run(2, "are both", *distill(work, "v", "--run", work / "v-best"))
    check_run(2, "is what is read", *["distill", work / "s-best", *distill(work, "s", "--force", "--resume")[2:]])
    check(tree(work / "s-best") == before and not (work / "q").exists() and not (work / "q.run").exists() and
          (work / "r-best/mine.txt").read_text() == "mine" and not (work / "v.run").exists(),
          "places: a refused command changed something")
    check_run(0, "", *distill(work, "q/", "--force", "--max-drop", "100"))
    check((work / "q/config.json").exists(), "places: a path with a slash at its end")


def test_share(work):
    value = scripted(work, "p", {**SCRIPT, (0,): 0.76, (0, 1): 0.75}, "--min-share", "0.95")
    check([s["layer"] for s in value["path"]] == [1, 2] and value["refused"]["layer"] == 0, f"share: {value['path']}")
    check(value["min_share"] == 0.95 and abs(value["max_drop"] - 0.04) < 1e-6, "share: what is allowed")
    value = scripted(work, "p", {(): 0.8, (0,): 0.76, (1,): 0.7, (2,): 0.6, (0, 1): 0.75, (0, 2): 0.7}, "--min-share",
                     "0.95")
    check(value["replaced"] == [0] and value["refused"]["layer"] == 1, f"share: exactly the share {value['path']}")
    check(json.loads((work / "p/pare.json").read_text())["provenance"]["inputs"]["min_share"] == 0.95, "share: kept")
    check_run(2, "its min_share is 0.95, not 0.9", *distill(work, "p", "--min-share", "0.9", "--resume"))
    check_run(2, "its max_drop is null, not 1", *distill(work, "p", "--resume"))
    check_run(2, "its max_drop is 100.0, not null", *distill(work, "s", "--min-share", "0.9", "--resume"))
    check_run(0, "95 % of the teacher's stay", *distill(work, "p", "--min-share", "0.95", "--resume"))
    low = {key: metric if key == () else metric / 2 for key, metric in SCRIPT.items()}
    check_run(130, "", *distill(work, "p", "--min-share", "0.95", "--max-steps", "1", "--force"))
    plant(work, "p", low)
    check_run(1, "(--min-share)", *distill(work, "p", "--min-share", "0.95", "--resume"))
    for words, more in (("want one of the two", ["--min-share", "0.9", "--max-drop", "1"]),
                        ("min-share", ["--min-share", "0"]), ("min-share", ["--min-share", "1.01"]),
                        ("min-share", ["--min-share", "-1"]), ("min-share", ["--min-share", "nan"]),
                        ("min-share", ["--min-share", "many"])):
        check_run(2, words, *distill(work, "x", *more))
    check(not (work / "x").exists() and not (work / "x.run").exists(), "share: a refused command made a folder")


def test_orders(work):
    """Other orders beside greedy, at the numbers of layers of both students."""
    names = ["one-shot", "impact", "sparsity", "uniform", "random 1", "random 2", "random 3"]
    value = scripted(work, "g", SCRIPT, "--max-drop", "100", "--baselines", "--path-test")
    check([b["name"] for b in value["baselines"]] == names, f"orders: {value['baselines']}")
    check(value["most_trials"] == 6 and value["trials"] == 7, f"orders: {value['trials']} of {value['most_trials']}")
    check([b["trials"] for b in value["baselines"]] == [3, 0, 0, 0, 0, 0, 0], "orders: trials to find each")
    layers = {b["name"]: [s["layer"] for s in b["path"]] for b in value["baselines"]}
    check(layers["one-shot"] == [0, 1, 2] and layers["uniform"][0] == 1, f"orders: {layers}")
    for b in value["baselines"]:
        check(sorted(layers[b["name"]]) == [0, 1, 2], f"orders: {b}")
        got = [s["top1"] for s in b["path"]]
        want = [SCRIPT[tuple(sorted(layers[b["name"]][:n]))] for n in (1, 2, 3)]
        check(got == want, f"orders: {b['name']} on val {got}, want {want}")
        check(b["top1"]["most"] == value["path_test"][2], f"orders: {b['name']} with all layers {b['top1']}")
        if set(layers[b["name"]][:2]) == {0, 1}:
            check(b["top1"]["best"] == value["path_test"][1], f"orders: {b['name']} with the best's layers {b['top1']}")
    scores = value["impact"]["scores"]
    check([s["layer"] for s in scores] == [0, 1, 2] and value["impact"]["train_images"] == 24 and
          value["impact"]["images"] == 12, f"impact: {value['impact']}")
    for s in scores:
        check(s["full"] > 0 and abs(s["impact"] - (1 - (s["linear"] + s["cross"]) / (2 * s["full"]))) < 1e-4,
              f"impact: {s}")
    check(layers["impact"] == sorted(range(3), key=lambda l: scores[l]["impact"]), f"impact: its order {layers}")
    out = check_run(0, "trials to find each", *distill(work, "g", "--max-drop", "100", "--baselines", "--resume"))
    for words in ("impact scores by linear probes", "one-shot     90.00", "greedy       90.00", "none"):
        check(words in out, f"orders: the table lacks {words}: {out[-1500:]}")
    # Among several mixers every order chooses by the first round.
    value = check_json("baselines", *distill(work, "k", "--mixer", "conv,linear", "--max-drop", "100", "--baselines"))
    check([b["trials"] for b in value["baselines"]] == [6] * 7 and value["most_trials"] == 12, "orders of two mixers")
    check(len(value["impact"]["scores"]) == 6, "impact: a score for each mixer")
    # A student that is given needs no train split, and without one there is no order by impact.
    check_run(0, "", *distill(work, "f", "--max-drop", "100"))
    shutil.copytree(work / "data", work / "notrain")
    shutil.rmtree(work / "notrain/train")
    for label in ("dark", "light"):
        (work / "notrain/train" / label).mkdir(parents=True)
    given = ["distill", work / "m", "--data", work / "notrain", "-o", work / "i", "--from", work / "f", "--no-timing",
             "--max-drop", "100", "--baselines"]
    value = check_json("baselines", *given)
    check([b["name"] for b in value["baselines"]] == names[:1] + names[2:] and value["impact"] is None,
          "orders: without train")
    # Where the tolerance ends the search, the orders end too.
    value = scripted(work, "g", SCRIPT, "--max-drop", "10", "--baselines")
    check(value["replaced"] == [0, 1, 2], f"orders: {value['replaced']}")
    value = scripted(work, "g", SCRIPT, "--max-drop", "4", "--baselines")
    check(value["replaced"] == [0, 1] and all(len(b["path"]) == 2 for b in value["baselines"]), "orders: of two layers")
    check(all(b["top1"]["most"] == b["top1"]["best"] for b in value["baselines"]), "orders: one student is both")


def test_all(work):
    deep = cli.ARCH.replace("depth=2", "depth=3")
    check_run(0, "", *train(work, "m", "--arch", deep))
    cli.run_tests(work, test_both, test_one, test_places, test_share, test_orders)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
