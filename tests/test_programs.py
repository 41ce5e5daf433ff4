#!/usr/bin/env python3
"""Runs test programs where they must not pass: test_programs.py TEST_OPS PROGRAM..., all that take names of tests."""
import pathlib
import subprocess
import sys

failures = []


def check_fails(words, program, *args):
    """The program ends with 1, saying these words, which no crash does and no test that ran."""
    done = subprocess.run([program, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
                          check=False)
    line = " ".join((pathlib.Path(program).name, *args))
    if done.returncode == 77:
        print(f"{line}: no device")
        sys.exit(77)
    if done.returncode != 1 or words not in done.stdout:
        failures.append(line)
        print(f"FAILED: {line}: exit code {done.returncode}, lacks \"{words}\": {done.stdout[-300:]}")


def main():
    ops, *programs = sys.argv[1:]
    if len(programs) < 2 or ops not in programs:
        sys.exit("test_programs: wants TEST_OPS and all programs that take names of tests")
    for program in programs:
        check_fails("no test has \"nosuchtest\" in its name", program, "nosuchtest")
        check_fails("takes ", program, "nosuchtest", "2", "3")
    check_fails("no test has \"layernorm\" and \"nosuchnote\" in its name", ops, "layernorm", "nosuchnote")
    # A run that fails is reported, the first as the last.
    for number, name in enumerate(("", "second run: ", "third run: "), 1):
        check_fails(f"{name}run {number} fails because it was asked for", ops, f"--fail-run={number}", "layernorm")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
