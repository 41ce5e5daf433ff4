#!/usr/bin/env python3
"""Runs pare study orders from outside: the order of each mixer and seed, agreement, resuming, students that are given,
the page of the run, bad input: test_cli_orders.py PARE."""
import itertools
import json
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_json, check_run, train, tree

MIXERS = ["linear:features=hedgehog", "conv"]
ORDERS = ["greedy", "one-shot", "impact", "error", "sparsity", "depth"]


def orders(work, out, *more):
    return ["study", "orders", work / "m", "--data", work / "data", "-o", work / out, "--epochs", "1", "--batch", "8",
            "--seeds", "2", *more]


def results(work, out):
    return json.loads((work / out / "run.json").read_text()).get("results")


def tau(a, b):
    """Kendall's of two rows without ties."""
    pairs = list(itertools.combinations(range(len(a)), 2))
    return sum(1 if (a[i] - a[k]) * (b[i] - b[k]) > 0 else -1 for i, k in pairs) / len(pairs)


def ranks(order):
    return [order.index(layer) for layer in sorted(order)]


def test_orders(work):
    keys = ("mixers seeds split teacher_top1 depth layers runs ranks between_mixers with_greedy measure keys sparsity "
            "device driver")
    value = check_json(keys, *orders(work, "o", "--mixer", "linear,conv", "--by", "gini"))
    check(value["mixers"] == MIXERS and value["seeds"] == [0, 1] and value["layers"] == [0, 1, 2], f"orders: {value}")
    check([(r["mixer"], r["seed"]) for r in value["runs"]] == [(m, s) for m in MIXERS for s in (0, 1)], "orders: runs")
    for r in value["runs"]:
        check(list(r["orders"]) == ORDERS, f"orders: {r['orders']}")
        for name, layers in r["orders"].items():
            check(sorted(layers) == [0, 1, 2], f"orders: {name} is {layers}")
        check(r["orders"]["depth"] == [0, 1, 2] and r["trials"] == 7 and len(r["top1"]) == 3, f"orders: {r}")
        check(r["orders"]["greedy"][0] == r["orders"]["one-shot"][0], f"orders: the first step {r['orders']}")
        path = [value["teacher_top1"], *r["top1"]]
        check(path[r["best"]] == max(path), f"orders: the best on the way {r}")
    check(len({tuple(r["orders"]["sparsity"]) for r in value["runs"]}) == 1, "orders: sparsity knows no mixer")
    # The search is that of distill, and the impact scores are too.
    for mixer in ("linear", "conv"):
        check_run(0, "", "distill", work / "m", "--data", work / "data", "--mixer", mixer, "--max-drop", "100",
                  "--epochs", "1", "--batch", "8", "--no-timing", "--baselines", "--seed", "1", "-o", work / mixer)
        other = json.loads((work / f"{mixer}.run/run.json").read_text())["results"]
        run = [r for r in results(work, "o")["runs"] if r["mixer"].startswith(mixer) and r["seed"] == 1][0]
        check(run["orders"]["greedy"] == [s["layer"] for s in other["path"]] and
              run["top1"] == [s["top1"] for s in other["path"]], f"orders: distill's path {other['path']} and {run}")
        names = {b["name"]: [s["layer"] for s in b["path"]] for b in other["baselines"]}
        check(run["orders"]["impact"] == names["impact"] and run["orders"]["one-shot"] == names["one-shot"],
              f"orders: distill's baselines {names} and {run['orders']}")
    value = results(work, "o")
    greedy = {m: [ranks(r["orders"]["greedy"]) for r in value["runs"] if r["mixer"] == m] for m in MIXERS}
    for r in value["ranks"]:
        rows = [ranks(x["orders"][r["order"]]) for x in value["runs"] if x["mixer"] == r["mixer"]]
        want = [1 + sum(column) / 2 for column in zip(*rows)]
        check(r["mean"] == want, f"ranks: {r}, want {want}")
    check([(g["order"], g["a"], g["b"], g["pairs"]) for g in value["between_mixers"][:3]] ==
          [("greedy", MIXERS[0], MIXERS[0], 1), ("greedy", *MIXERS, 4), ("greedy", MIXERS[1], MIXERS[1], 1)],
          f"between mixers: {value['between_mixers'][:3]}")
    itself, other = value["between_mixers"][:2]
    check(itself["tau"] is None and abs(itself["runs_tau"] - tau(*greedy[MIXERS[0]])) < 1e-12, f"runs: {itself}")
    want = sum(tau(a, b) for a in greedy[MIXERS[0]] for b in greedy[MIXERS[1]]) / 4
    check(abs(other["runs_tau"] - want) < 1e-12 and other["n"] == 3, f"runs: {other}, want {want}")
    check(len(value["between_mixers"]) == 12 and len(value["with_greedy"]) == 10, "orders: rows of agreement")
    for g in value["between_mixers"] + value["with_greedy"]:
        for statistic in ("tau", "rho"):
            check(g[statistic] is None or (-1 <= g[statistic] <= 1 and 0 < g[f"{statistic}_p"] <= 1), f"orders: {g}")
    out = check_run(0, "agreement of the greedy orders", *orders(work, "o", "--mixer", "linear,conv", "--by", "gini",
                                                                 "--resume"))
    for words in ("seed 1    greedy", "agreement of mean ranks with greedy's", "itself, other seeds", "+- 0."):
        check(words in out, f"orders: the table lacks {words}: {out}")
    check_run(0, "", "report", work / "o")
    page = (work / "o/report.html").read_text()
    for words in ("In which order are layers replaced?", "Order of replacement", "itself, other seeds"):
        check(words in page, f"orders: the page lacks {words}")


def test_one_mixer(work):
    """One mixer is enough for its seeds and the cheap orders; one seed for the cheap orders."""
    value = check_json("between_mixers", *orders(work, "one", "--mixer", "conv"))
    check({(g["a"], g["b"]) for g in value["between_mixers"]} == {("conv", "conv")} and
          len(value["with_greedy"]) == 5, f"one mixer: {value['between_mixers']}")
    value = check_json("between_mixers", *orders(work, "single", "--mixer", "conv", "--seeds", "1"))
    check(value["between_mixers"] == [] and len(value["with_greedy"]) == 5, "one seed")
    check_run(0, "one seed: not known", *orders(work, "single", "--mixer", "conv", "--seeds", "1", "--resume"))
    check_run(0, "", "report", work / "single")


def test_resume(work):
    args = ["--mixer", "linear,conv", "--by", "gini"]
    check_run(130, "--resume", *orders(work, "r", *args, "--max-steps", "2"))
    check_run(2, "not finished", *orders(work, "r", *args))
    for more in (["--seeds", "3"], ["--by", "hoyer"], ["--split", "test"]):
        check_run(2, "another run", *orders(work, "r", *args, "--resume", *more))
    check_run(2, "another run", "study", "groups", *orders(work, "r", *args, "--resume")[2:])
    command = [cli.pare, *map(str, orders(work, "r", *args, "--resume"))]

    def trials():
        return sum(len(p.read_text().splitlines()) for p in (work / "r").rglob("search.jsonl"))

    for stop in range(3):           # Ctrl-C once some trials more are there, if the study is not through by then
        had = trials()
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as p:
            while p.poll() is None and trials() < had + 3 + stop:
                time.sleep(0.02)
            if p.poll() is None:
                p.send_signal(signal.SIGINT)
            _, err = p.communicate(timeout=120)
        check(p.returncode in (0, 130), f"orders: exit code {p.returncode} after Ctrl-C: {err[-300:]}")
    log = work / "r/study.jsonl"    # a line that is no order is made again, from trials that are there
    log.write_text(log.read_text().replace("\"greedy\":[", "\"greedy\":[7,", 1))
    check_run(0, "", *orders(work, "r", *args, "--resume"))
    for a, b in zip(results(work, "r").items(), results(work, "o").items()):
        check(a == b or a[0] == "data", f"orders: a resumed study has other figures: {a} and {b}")
    check(trials() == 4 * 7, f"orders: {trials()} trials, want 28")
    check_run(0, "", *orders(work, "r", *args, "--force", "--epochs", "2"))
    check(trials() == 4 * 7 and results(work, "r")["epochs"] == 2, "orders: --force starts anew")


def test_from(work):
    given = f"{work / 'linear'},{work / 'conv'}"
    value = check_json("runs", *orders(work, "f", "--from", given))
    check(value["seeds"] == [1] and value["mixers"] == MIXERS, f"--from: {value['mixers']} {value['seeds']}")
    check([r["orders"]["error"] for r in value["runs"]] == [None, None], "--from: an error that nobody knows")
    made = {r["mixer"]: r for r in results(work, "o")["runs"] if r["seed"] == 1}
    for r in results(work, "f")["runs"]:
        check(r["orders"]["greedy"] == made[r["mixer"]]["orders"]["greedy"], f"--from: {r} and {made[r['mixer']]}")
    check_run(0, "no order by impact", *orders(work, "t", "--mixer", "conv", "--seeds", "1", "--split", "train"))
    check(results(work, "t")["runs"][0]["orders"]["impact"] is None, "--split train: impact")


def test_bad_input(work):
    before = tree(work / "m")
    m, data = work / "m", work / "data"
    for words, args in (
            ("usage: pare study", ["study", "orders", "--data", data]),
            ("usage: pare study", ["study", "orders", m, m, "--data", data, "--mixer", "conv", "-o", work / "x"]),
            ("-o is missing", ["study", "orders", m, "--data", data, "--mixer", "conv"]),
            ("either --mixer or --from", orders(work, "x")),
            ("no mixer", orders(work, "x", "--mixer", "magic")),
            ("twice", orders(work, "x", "--mixer", "conv,conv")),
            ("attention is what", orders(work, "x", "--mixer", "attention")),
            ("tunes nothing", orders(work, "x", "--mixer", "conv", "--tune-epochs", "1")),
            ("mass90", orders(work, "x", "--mixer", "conv", "--by", "magic")),
            ("want 1 to", orders(work, "x", "--mixer", "conv", "--seeds", "0")),
            ("not by all", orders(work, "x", "--mixer", "conv", "--split", "all")),
            ("wants two at least", ["study", "orders", work / "flat", *orders(work, "x", "--mixer", "conv")[3:]]),
            ("wants two at least", ["study", "orders", work / "plain", *orders(work, "x", "--mixer", "conv")[3:]])):
        check_run(2, words, *args)
    check_run(6, "no-such", "study", "orders", work / "no-such", *orders(work, "x", "--mixer", "conv")[3:])
    check_run(2, "is there already", *orders(work, "m", "--mixer", "conv"))
    check_run(2, "attention in layer 0", *orders(work, "x", "--from", m))
    (work / "mine").mkdir()
    (work / "mine/notes.txt").write_text("mine")
    check_run(2, "mine", *orders(work, "mine", "--mixer", "conv", "--force"))
    check((work / "mine/notes.txt").read_text() == "mine", "orders: a folder of others changed")
    check(tree(m) == before and not (work / "x").exists(), "orders: a refused command changed something")


def test_all(work):
    deep = cli.ARCH.replace("depth=2", "depth=3")
    check_run(0, "", *train(work, "m", "--arch", deep))
    check_run(0, "", *train(work, "flat", "--arch", deep.replace("depth=3", "depth=1"), "--epochs", "1"))
    check_run(0, "", *train(work, "plain", "--arch", deep + ",mixer=conv", "--epochs", "1"))
    cli.run_tests(work, test_orders, test_one_mixer, test_resume, test_from, test_bad_input)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
