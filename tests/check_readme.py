#!/usr/bin/env python3
"""README's figures are in docs/results, and relative links of all documents lead somewhere, anchors included.

usage: check_readme.py ROOT | check_readme.py --self-test ROOT
A figure (a number with %, M, ms, times or points behind it) in README's prose and tables must be in a row of FIGURES:
the words of README around it, the file that it is from, and words of that file. Every number among the former must be,
rounded to as many digits, among the latter; so one that changes in either place is found. Blocks of code are outputs
of the command that they name.
"""
import pathlib
import re
import sys

FIGURES = [
    ("works on half of them and answers 93 % of the pictures right", "docs/results/retention.md",
     "| halting, patches read too | `... --read-patches 1` | **93.2 %** | 6.36 |"),
    ("64 px, 6 layers, 0.7 M parameters", "docs/results/eurosat.md",
     "64 px in patches of 8, width 96, depth 6, 3 heads, 697,066 parameters"),
    ("| teacher | 92.3 % |", "docs/results/eurosat.md", "| `pare` | 92.3 % |"),
    ("replaced by linear attention | 91.75 % |", "docs/results/eurosat.md",
     "top-1 on test 92.30 % 91.75 % -0.55 points"),
    ("tuned end to end: 92.2 % |", "docs/results/study.md",
     "| top-1 on test, 2,000 pictures | 92.30 % | 91.60 % | **92.20 %** |"),
    ("| 91.3 % | 1.30 to 1.41 times the speed |", "docs/results/retention.md",
     "`--policy topk --at 0 --share 0.64 --epochs 2 --lr 3e-4` | 92.60 % | **91.30 %** | ... "
     "In the runs above a model at keep 0.7 gave 1.30 to 1.41 times the teacher's images a second"),
    ("token pruning, 70 % of the patches kept", "docs/results/retention.md", "at keep 0.7"),
    ("token pruning, 80 % kept, no training at all | 91.25 % |", "docs/results/retention.md",
     "| 80 % | 79.9 % | 91.25 % |"),
    ("At 65 tokens linear attention takes 1.25 times as long as attention does; at 577 it is 1.17 times as fast",
     "docs/results/study.md",
     "at 65 tokens (1.25 times slower), 95 and 105 ms at 257, 244 and 208 ms at 577 (1.17 times faster)"),
]
FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?(?= (?:%|M\b|ms\b|times\b|points\b))")
NUMBER = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)( %| M\b)?")


def flatten(text):
    return " ".join(text.split())


def read_prose(text):
    """Without blocks of code, comments and what links lead to."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    return flatten(re.sub(r"\]\([^)]*\)", "]", text).replace("*", ""))


def list_numbers(text):
    """(value, what half a unit of its last digit is); percents as fractions beside plain numbers."""
    out = []
    for digits, unit in NUMBER.findall(text):
        scale = {" %": 0.01, " M": 1e6, "": 1}[unit]
        half = 0.5 * 10.0 ** -len(digits.partition(".")[2])
        out.append((float(digits.replace(",", "")) * scale, half * scale))
    return out


def check_figures(readme, load):
    faults, prose, covered = [], read_prose(readme), []
    for words, name, source in FIGURES:
        at = prose.find(words)
        if at < 0:
            faults.append(f"README.md has no longer \"{words}\"; its row in tests/check_readme.py is of {name}")
            continue
        covered.append((at, at + len(words)))
        text = flatten(load(name) or "")
        for part in source.split(" ... "):
            if part not in text:
                faults.append(f"README.md: \"{words}\" is from {name}, which has no longer \"{part}\"")
        there = [value for value, _ in list_numbers(source)]
        faults += [f"README.md: {value:g} in \"{words}\" is not in {name}: \"{source}\""
                   for value, half in list_numbers(words)
                   if not any(abs(value - other) <= half * 1.000001 for other in there)]
    for found in FIGURE.finditer(prose):
        if not any(a <= found.start() and found.end() <= b for a, b in covered):
            around = prose[max(0, found.start() - 40):found.end() + 20]
            faults.append(f"README.md: \"...{around}...\" has a figure that no row of tests/check_readme.py is of")
    return faults


def list_anchors(text):
    """As GitHub makes them of headings."""
    out = set()
    for title in re.findall(r"^#+ +(.*?) *#*$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        n = 1
        while (slug if n == 1 else f"{slug}-{n - 1}") in out:
            n += 1
        out.add(slug if n == 1 else f"{slug}-{n - 1}")
    return out


def check_links(name, text, load, exists):
    faults = []
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    text = re.sub(r"`[^`\n]*`", "", text)
    for target in re.findall(r"\]\(\s*<?([^)\s>]+)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        parts = []
        for part in (pathlib.PurePosixPath(name).parent / path).parts if path else pathlib.PurePosixPath(name).parts:
            parts = parts[:-1] if part == ".." else [*parts, part]
        at = "/".join(parts)
        if not exists(at):
            faults.append(f"{name}: the link {target} leads nowhere")
        elif anchor and at.endswith(".md") and anchor not in list_anchors(load(at)):
            faults.append(f"{name}: {at} has no heading #{anchor}")
    return faults


def list_documents(root):
    found = [root / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    for folder in ("docs", "models", "examples", "interop"):
        found += sorted((root / folder).rglob("*.md"))
    return [path.relative_to(root).as_posix() for path in found]


def self_test(root, readme, load):
    faults = []
    for words, name, _ in FIGURES:
        for digit in re.finditer(r"\d(?=[\d.,]* (?:%|M|times))", words):
            other = words[:digit.start()] + str((int(digit.group()) + 5) % 10) + words[digit.end():]
            rows = [(other if row[0] == words else row[0], *row[1:]) for row in FIGURES]
            FIGURES[:], kept = rows, list(FIGURES)
            text = read_prose(readme).replace(words, other)
            if not check_figures(text, load):
                faults.append(f"\"{other}\" is taken for \"{words}\"")
            FIGURES[:] = kept
        if not check_figures(readme, lambda path, bad=name: "" if path == bad else load(path)):
            faults.append(f"{name} may be empty")
    if not check_figures(readme + "\nTwice as good: 99.9 %.\n", load):
        faults.append("a figure may be added without a row")
    tree = {"README.md": "# A b\n", "docs/a.md": "## The `x`, twice\n## The x twice\n"}
    for text, want in (("[a](docs/a.md#the-x-twice-1)", 0), ("[a](docs/a.md#the-x-twice-2)", 1), ("[a](docs/b.md)", 1),
                       ("[a](#a-b)", 0), ("[a](#b)", 1), ("```\n[a](docs/b.md)\n```\n", 0), ("[a](https://x/y)", 0)):
        if len(check_links("README.md", text, lambda at: tree[at], tree.__contains__)) != want:
            faults.append(f"links of {text!r}")
    if check_links("docs/a.md", "[r](../README.md#a-b)", lambda at: tree[at], tree.__contains__):
        faults.append("a link to the folder above")
    return faults


def main():
    is_test = sys.argv[1] == "--self-test"
    root = pathlib.Path(sys.argv[-1])

    def load(name):
        path = root / name
        return path.read_text(encoding="utf-8") if path.is_file() else None

    readme = load("README.md")
    if is_test:
        faults = self_test(root, readme, load)
    else:
        faults = check_figures(readme, load)
        for name in list_documents(root):
            faults += check_links(name, load(name), load, lambda at: (root / at).exists())
    print("\n".join(faults) if faults else "README's figures and all links are as they should be")
    sys.exit(bool(faults))


main()
