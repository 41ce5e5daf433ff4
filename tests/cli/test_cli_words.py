#!/usr/bin/env python3
"""The words of a command line: help, order, short options, completions, manual pages: test_cli_words.py PARE."""
import pathlib
import re
import shutil
import subprocess
import sys

PARE = sys.argv[1]
failures = 0


def check(ok, what):
    global failures
    if not ok:
        failures += 1
        print(f"FAILED: {what}")


def run(*args, program=None, text=None):
    done = subprocess.run([program or PARE, *args], input=text, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def list_commands():
    return re.findall(r"^  pare ([a-z]+) ", run("--help")[1], re.M)


def list_options(command):
    return re.findall(r"--([a-z0-9-]+)", "\n".join(re.findall(r"^  (?:-\w, |    )--[a-z0-9-]+", run("help", command)[1],
                                                             re.M)))


def test_help(commands):
    check(len(commands) > 15 and "classify" in commands, f"commands: {commands}")
    for command in commands:
        code, out, _ = run(command, "--help")
        check(code == 0 and out.startswith(f"usage: pare {command}"), f"{command} --help")
        check(run("help", command) == (0, out, ""), f"help {command}")
        check(run("--help", command) == (0, out, ""), f"--help {command}")
        check("--quiet" in out and "--help" in out, f"{command}: what all have is in its help")
    code, out, err = run("help", "clasify")
    check(code == 2 and out == "" and "did you mean classify" in err, f"help clasify: {code} {err}")
    check(run("help")[1] == run("--help")[1] != "", "help and --help")


def test_used(commands):
    # Options that do nothing for a command are neither in its help nor taken.
    for command, absent in (("report", "device seed check-cpu no-cache"), ("mixers", "device seed"),
                            ("completions", "json device"), ("inspect", "seed check-cpu"), ("classify", "seed"),
                            ("selftest", "check-cpu from-cache checkpoint-key"), ("train", "checkpoint-key"),
                            ("devices", "from-cache checkpoint-key")):
        for name in absent.split():
            check(name not in list_options(command), f"{command} has --{name}")
    code, _, err = run("report", "--seed", "3", "somewhere")
    check(code == 2 and "no option --seed" in err, f"report --seed: {code} {err}")
    for command in ("train", "distill", "retain", "tune", "study", "bench", "prune"):
        check({"device", "seed", "json", "check-cpu"} <= set(list_options(command)), f"{command}: shared options")
    for command in ("eval", "classify", "inspect", "export", "sparsity", "distill", "retain", "tune", "study", "prune"):
        check({"from-cache", "checkpoint-key"} <= set(list_options(command)), f"{command}: options of a model")
    check("from-cache" in list_options("train"), "train: --from-cache, for --init")


def test_order():
    code, out, _ = run("mixers", "--json")
    check(code == 0 and out.startswith("{"), "mixers --json")
    for words in (("--json", "mixers"), ("-q", "--json", "mixers"), ("--seed", "3", "--json", "mixers", "--quiet"),
                  ("-vq", "mixers", "--json")):
        code, said, err = run(*words)
        if "--seed" in words:
            check(code == 2 and "no option --seed" in err, f"{words}: {code} {err}")
        else:
            check(code == 0 and said == out, f"{words}: {code}")
    code, _, err = run("-q")
    check(code == 2 and err != "", f"no command: {code}")
    code, _, err = run("classify", "-k0", "M", "x.png")
    check(code == 2 and "--top" in err, f"-k0: {err}")
    code, _, err = run("classify", "-kx", "M", "x.png")
    check(code == 2 and "--top" in err, f"-kx: {err}")


def complete(script, *words):
    quoted = " ".join(f"'{w}'" for w in words)
    code, out, err = run("-c", f"{script}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _pare; "
                         'printf "%s\\n" "${COMPREPLY[@]}"', program="bash")
    check(code == 0 and err == "", f"bash: {err}")
    return out.split()


def test_completions(commands):
    code, script, _ = run("completions", "bash")
    check(code == 0, "completions bash")
    check(set(commands) <= set(complete(script, "pare", "")), "bash: commands")
    check(complete(script, "pare", "classi") == ["classify"], "bash: a command")
    check(complete(script, "pare", "help", "dist") == ["distill"], "bash: help of a command")
    check(complete(script, "pare", "-q", "classify", "--to") == ["--top"], "bash: an option")
    for command in commands:
        have = set(complete(script, "pare", command, "--"))
        check(have == {f"--{name}" for name in list_options(command)}, f"bash: options of {command}: {have}")
    check(complete(script, "pare", "classify", "/etc/host") != [], "bash: files")
    check("/etc/hosts" in complete(script, "pare", "distill", "M", "--from", "/etc/host"), "bash: files behind options")
    for shell, flag in (("zsh", "-n"), ("fish", "--no-execute")):
        code, script, _ = run("completions", shell)
        check(code == 0, f"completions {shell}")
        for command in commands:
            for name in list_options(command):
                check(f"--{name}" in script or f"-l {name}" in script, f"{shell}: --{name} of {command}")
        if shutil.which(shell):
            code, _, err = run(flag, "/dev/stdin", program=shell, text=script)
            check(code == 0, f"{shell}: {err}")
    code, _, err = run("completions", "tcsh")
    check(code == 2 and "bash, zsh or fish" in err, f"completions tcsh: {err}")


def test_manual(commands):
    for command in [None, *commands]:
        code, page, _ = run("man", *([command] if command else []))
        check(code == 0 and page.startswith('.TH PARE') and ".SH NAME" in page, f"man {command}")
        check(all(ord(c) < 128 for c in page), f"man {command}: letters that troff may not know")
        for name in list_options(command) if command else []:
            check("\\fB\\-\\-" + name.replace("-", "\\-") + "\\fR" in page, f"man {command}: --{name}")
        if shutil.which("mandoc"):
            _, out, _ = run("-Tlint", "-Werror", program="mandoc", text=page)
            check(out == "", f"man {command}: {out}")
    code, _, err = run("man", "clasify")
    check(code == 2 and "did you mean classify" in err, f"man clasify: {err}")
    code, _, err = run("man", "woman")
    check(code == 2 and "woman" in err, f"man woman: {err}")


def list_lines(text):
    """Command lines in blocks of a document, joined and without comments."""
    for block in re.findall(r"^```.*?\n(.*?)^```|((?:^    .*\n)+)", text, re.M | re.S):
        for line in re.sub(r"\\\n\s*", "", "".join(block)).splitlines():
            found = re.match(r"\s*(?:\$ )?(?:build/release/)?pare ([a-z]+)\b(.*)", line)
            if found:
                yield found.group(1), re.sub(r"\s#.*", "", found.group(2))


def test_documents(commands):
    """Commands and options that documents show are there."""
    root = pathlib.Path(__file__).resolve().parents[2]
    options, n = {command: {*list_options(command), "help"} for command in commands}, 0
    for path in [root / "README.md", *sorted((root / "docs").rglob("*.md")), *sorted((root / "models").rglob("*.md"))]:
        for command, rest in list_lines(path.read_text(encoding="utf-8")):
            n += 1
            if command != "help":
                check(command in commands, f"{path.name}: pare {command}{rest}")
                for name in re.findall(r"(?<=\s)--([a-z0-9-]+)", rest):
                    check(name in options.get(command, ()), f"{path.name}: pare {command} has no --{name}:{rest}")
    check(n > 60, f"only {n} command lines found in the documents")


def main():
    commands = list_commands()
    test_help(commands)
    test_used(commands)
    test_order()
    test_completions(commands)
    test_manual(commands)
    test_documents(commands)
    print(f"{failures} failures")
    sys.exit(failures > 0)


main()
