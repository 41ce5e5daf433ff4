#!/usr/bin/env python3
"""Compiles every public header alone, as C11 and as C++17: check.py CC CXX SOURCE_ROOT BUILD_ROOT.

Internal headers (internal.h, *_internal.h, *_impl.h) must compile alone as C11 only.
"""
import pathlib
import re
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
FUNCTION = re.compile(r"^(?!static|typedef|#)\w[\w *]*\b(vkc|nn|distill|pipeline|pare)_\w+\(", re.M)


def is_internal(header):
    return header.stem == "internal" or header.stem.endswith(("_internal", "_impl"))


def main():
    if len(sys.argv) != 5 or sys.argv[2].endswith("NOTFOUND"):
        sys.exit("headers: wants CC CXX SOURCE_ROOT BUILD_ROOT; is there a C++ compiler?")
    cc, cxx, root, build = sys.argv[1:]
    root = pathlib.Path(root)
    headers = sorted(h for floor in ("include", "vk", "nn", "distill", "pipeline") for h in (root / floor).rglob("*.h"))
    if not headers:
        sys.exit("headers: no header found")
    failed = 0
    for header in headers:
        name = header.relative_to(root).as_posix()
        text = header.read_text()
        public = not is_internal(header)
        if public and FUNCTION.search(text) and 'extern "C"' not in text:
            failed += 1
            print(f'{name}: has no extern "C" block, so a C++ program cannot link what it declares')
        for compiler, language, std in ((cc, "c", "c11"), (cxx, "c++", "c++17")):
            if language == "c++" and not public:
                continue
            # Twice: a header without its guard would fail.
            source = f'#include "{name}"\n#include "{name}"\ntypedef int not_empty;\n'
            done = subprocess.run([compiler, "-x", language, f"-std={std}", *WARNINGS, "-fsyntax-only",
                                   f"-I{root}", f"-I{root}/include", f"-I{build}", "-"], input=source,
                                  text=True, capture_output=True)
            if done.returncode != 0:
                failed += 1
                print(f"{name}: does not compile alone as {std}\n{done.stderr}")
    print(f"{len(headers)} headers, {failed} failures")
    sys.exit(1 if failed else 0)


main()
