#!/usr/bin/env python3
"""Runs pare report from outside: pages of runs, finished or not, and of hostile ones: test_cli_report.py PARE."""
import html.parser
import json
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True

import test_cli as cli
from test_cli import check, check_json, check_run, run, train


class Page(html.parser.HTMLParser):
    """Tags that nest, ids that are one of a kind, and nothing that reaches out or runs."""
    VOID = {"meta", "br", "hr", "path", "use", "rect", "circle"}

    def __init__(self, text, name):
        super().__init__()
        self.open, self.ids, self.links, self.name, self.tags = [], [], [], name, {}
        self.feed(text)
        check(not self.open, f"{name}: {self.open} is not closed")
        check(len(self.ids) == len(set(self.ids)), f"{name}: an id is there twice")
        check(set(self.links) <= set(self.ids), f"{name}: links to what is not there")

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        check(tag not in ("script", "link", "img", "iframe", "object", "base"), f"{self.name}: <{tag}>")
        for key, value in attrs:
            check(not key.startswith("on") and key not in ("src", "srcset"), f"{self.name}: {key}={value}")
            if key == "id":
                self.ids.append(value)
            if key == "href":
                check(value.startswith("#"), f"{self.name}: href={value}")
                self.links.append(value[1:])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            check(self.open and self.open[-1] == tag, f"{self.name}: </{tag}> closes {self.open[-1:]}")
            if self.open:
                self.open.pop()


def read_page(path):
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    check(text.startswith("<!DOCTYPE html>") and "http:" not in text and "https:" not in text, f"{path.name}: the page")
    return text, Page(text, path.name)


def test_runs(work):
    data = work / "data"
    args = ["distill", work / "m", "--data", data, "--mixer", "linear", "--max-drop", "100", "--epochs", "2", "--batch",
            "8"]
    runs = {"report-s": [], "report-half": ["--max-steps", "2"]}
    for name, more in runs.items():
        run("--quiet", *args, *more, "-o", work / name)      # options may stand before the command
    done, half = work / "report-s.run", work / "report-half.run"
    value = check_json("report kind finished plots", "report", done)
    check(value.get("kind") == "distill" and value.get("finished") is True, f"report: {value}")
    text, page = read_page(done / "report.html")
    results = json.loads((done / "run.json").read_text())["results"]
    shown = re.sub(r"\s+", " ", text.replace("\xa0", " "))
    for figure in (results["teacher_top1"], results["student_top1"], results["val_top1"]):
        check(f"{100 * figure:.2f} %" in shown, f"report: lacks {figure}")
    check(page.tags.get("table", 0) >= 6 and "by <strong>linear" in text, "report: tables and the answer")
    if shutil.which("gnuplot"):
        check(page.tags.get("svg", 0) == value.get("plots") and value["plots"] >= 3, f"report: pictures {page.tags}")
    check_run(0, "half.html", "report", half, "-o", work / "half.html")
    check("This run is not finished" in read_page(work / "half.html")[0], "report: of a run that is not finished")
    check(not (half / "report.html").exists(), "report -o: another page")
    check_run(0, "gnuplot is not installed", "report", done, "-o", work / "plain.html",
              env={**os.environ, "PATH": str(work / "no-such-folder")})
    text, page = read_page(work / "plain.html")
    check("svg" not in page.tags and "gnuplot was not found" in text, "report without gnuplot: says nothing of it")
    check(page.tags.get("table", 0) >= 6, "report without gnuplot: no tables")
    value = check_json("plots", "report", work / "m.run")
    text, _ = read_page(work / "m.run/report.html")
    results = json.loads((work / "m.run/run.json").read_text())["results"]
    check(f"Kept: epoch <strong>{results['best_epoch']}</strong>" in text, "report: the epoch that was kept")
    check("Top-1 on val of “train”" in text or not shutil.which("gnuplot"), "report: accuracy by epoch is not drawn")
    check("val top-1</th>" in text and text.count("val loss</th>") == 1, "report: accuracy by epoch has no column")
    run(*train(work, "last", "--no-keep-best"))
    fewer = check_json("plots", "report", work / "last.run")
    text, _ = read_page(work / "last.run/report.html")
    check("Kept: epoch" not in text and "val top-1</th>" not in text, "report: a run without a judge kept an epoch")
    check(not shutil.which("gnuplot") or fewer["plots"] + 1 == value["plots"], f"report: plots {value}, {fewer}")


def test_tuned(work):
    """The page of a tuning: losses by their names, and what teacher and student cost."""
    args = ["tune", work / "report-s", "--teacher", work / "m", "--data", work / "data", "--batch", "8", "--epochs",
            "2", "--kl", "1", "--any-teacher"]
    out = check_run(0, "cost of an image", *args, "-o", work / "tuned")
    check(re.search(r"layer 0 +attention +\d+ +\d+ +[\d.]+ +linear +\d+ +\d+ +[\d.]+", out), f"tune: costs {out}")
    lines = (work / "tuned.run/log.jsonl").read_text().splitlines()
    logged = [json.loads(line) for line in lines]
    terms = logged[0]["terms"]
    check(terms[:4] == ["ce", "kl", "similarity, layer 0", "similarity, layer 1"], f"log.jsonl: {terms}")
    check(len(terms) == len(logged[0]["loss"]) and "terms" not in logged[1], f"log.jsonl: {logged}")
    check_run(0, "", "report", work / "tuned.run")
    text, _ = read_page(work / "tuned.run/report.html")
    check(">kl</th>" in text and "similarity, layer 1</th>" in text and "term 0" not in text, "report: names of losses")
    costs = json.loads((work / "tuned.run/run.json").read_text())["results"]["costs"]
    for of in "teacher", "student":
        for one in [costs[of], *costs[of]["layers"]]:
            check(one["ms"] > 0 and f"{one['macs']:,}" in text, f"report: costs {one}")
    check(costs["student_forward"] is None and "Cost by layer" in text, "report: costs of the tuning")
    value = check_json("costs", *args[:2], *args[4:10], "--no-timing", "-o", work / "untimed")
    check(value["costs"]["teacher"] is None and value["costs"]["student"]["ms"] is None, f"tune: {value['costs']}")
    check_run(0, "", "report", work / "untimed.run")
    text, _ = read_page(work / "untimed.run/report.html")
    check("Cost by layer" in text and 'scope="col" class="t">teacher' not in text, "report: costs without a teacher")


def test_bad_input(work):
    done = work / "report-s.run"
    check_run(2, "usage: pare report", "report")
    check_run(6, "there is no folder", "report", work / "no-such")
    check_run(6, "no run.json", "report", work / "data")
    check_run(6, "no/such", "report", done, "-o", work / "no/such/page.html")
    odd = work / "report-odd"
    shutil.copytree(done, odd)
    before = (odd / "report.html").read_bytes()
    good = (odd / "run.json").read_text()
    for bad in "", "{", "[]", '{"format": "pare-run", "x": ' + "[" * 50000, good[:-20], "[" + "1," * 3000000 + "1]":
        (odd / "run.json").write_text(bad)
        check_run(6, "run.json", "report", odd)
    check((odd / "report.html").read_bytes() == before, "report: a refused run changed the page")
    trap = "`touch trap`'; system('touch trap'); # \"</text></svg></style><script>alert(1)</script>\u202e"
    value = json.loads(good)
    value["provenance"] = {key: trap for key in value["provenance"]} | {"command": "pare distill " + trap}
    value["results"].update({"split": trap, "device": trap, "mixers": [trap], "baselines": [
        {"name": trap, "path": [{"layer": 0, "mixer": trap, "top1": 0.5}, {"layer": 1, "top1": 1e300}]}]})
    for step in value["results"]["path"]:
        step["mixer"] = trap
    (odd / "run.json").write_text(json.dumps(value))
    check_run(0, "report.html", "report", odd, cwd=odd)
    text, page = read_page(odd / "report.html")
    check("<script" not in text and "\u202e" not in text, "report: hostile text")
    check(not (odd / "trap").exists(), "report: gnuplot ran a command of run.json")


def test_all(work):
    check_run(0, "", *train(work, "m"))
    cli.run_tests(work, test_runs, test_tuned, test_bad_input)


if __name__ == "__main__":
    sys.exit(cli.main(test_all))
