#!/usr/bin/env python3
"""Checks what a program sees of the library: visible.py NM CC HEADER_FOLDER LIBRARY...

Libraries define no visible symbol but pare_*, the headers no macro but those with the same prefix in capitals, and
every function that a header declares is there.
"""
import pathlib
import re
import subprocess
import sys

STANDARD = "#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n"


def symbols(nm, library):
    flags = ["-D"] if ".so" in library.name else ["-g"]
    out = subprocess.run([nm, *flags, "--defined-only", library], text=True, capture_output=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines() if len(line.split()) == 3}


def macros(cc, folder, text):
    out = subprocess.run([cc, "-std=c11", "-dM", "-E", f"-I{folder}", "-x", "c", "-"], input=text, text=True,
                         capture_output=True, check=True).stdout
    return {re.match(r"#define (\w+)", line).group(1) for line in out.splitlines()}


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    nm, cc, folder, *libraries = sys.argv[1:]
    failed = []
    headers = sorted(pathlib.Path(folder).glob("pare/*.h"))
    text = "".join(header.read_text() for header in headers)
    declared = set(re.findall(r"^PARE_API [\w *]*?\b(pare_\w+)\(", text, re.M))
    if len(headers) > 6 or len(declared) < 20:
        failed.append(f"{len(headers)} headers, at most 6, declare {len(declared)} functions")
    for library in map(pathlib.Path, libraries):
        seen = symbols(nm, library)
        failed += [f"{library.name} shows {name}" for name in sorted(seen) if not name.startswith("pare_")]
        failed += [f"{library.name} lacks {name}" for name in sorted(declared - seen)]
        failed += [f"{library.name} shows {name}, which no header declares" for name in sorted(seen - declared)]
    leaked = macros(cc, folder, "#include <pare/pare.h>\n") - macros(cc, folder, STANDARD)
    failed += [f"the headers leave the macro {name}" for name in sorted(leaked) if not name.startswith("PARE_")]
    if not leaked:
        failed.append("no macro of the headers was found at all")
    print(*failed, f"{len(headers)} headers, {len(declared)} functions, {len(failed)} failures", sep="\n")
    sys.exit(1 if failed else 0)


main()
