#!/usr/bin/env python3
"""A second reader of the type table, written from docs/type-table.md alone.

    read_table.py FILE      prints what the table says, one fact a line, sorted

It reads printed tables (`syscribe list`, `schema/table.tt` of a trace): numbers, prototypes, calls with the direction and
type of each argument, every item of every set with its mask, and where the members of objects lie and what they mean. Other
kinds of lines are passed over.
"""

import re
import sys

WORDS = {"number", "proto", "flags", "enum", "type", "bits", "struct", "union", "object", "ctype", "layout", "marker"}
PARAM = re.compile(r"(?:(in|out|inout|pass) )?(\w+)(?:<([^>]*)>)?(?:\{(\w+)\})? (\w+)(.*)", re.S)


def strip_comment(line):
    """The line without its comment; a # between double quotes is none."""
    quoted = escaped = False
    for i, c in enumerate(line):
        if c == '"' and not escaped:
            quoted = not quoted
        if c == "#" and not quoted:
            return line[:i]
        escaped = quoted and c == "\\" and not escaped
    return line


def lines(text):
    """Whole lines: one goes on after a comma and between braces."""
    whole = ""
    for number, line in enumerate(text.split("\n"), 1):
        whole = (whole + " " + strip_comment(line).strip()).strip()
        bare = re.sub(r'"(\\.|[^"\\])*"', '""', whole)
        if whole and not bare.endswith(",") and bare.count("{") == bare.count("}"):
            yield number, whole
            whole = ""
    if whole:
        raise ValueError(f"the last line has no end: {whole[:60]}")


def split(text, comma=","):
    """Parts between commas that are in no parenthesis."""
    parts, depth, part = [], 0, ""
    for c in text:
        depth += (c in "([{") - (c in ")]}")
        if c == comma and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += c
    if part.strip():
        parts.append(part.strip())
    return parts


def head(text):
    """NAME(inside)rest"""
    name, _, rest = text.partition("(")
    depth = 1
    for i, c in enumerate(rest):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0:
            return name, rest[:i], rest[i + 1 :].strip()
    raise ValueError("a parenthesis is not closed")


def integer(word):
    sign, word = (-1, word[1:]) if word.startswith("-") else (1, word)
    return sign * int(word, 0) & 0xFFFFFFFFFFFFFFFF


def set_facts(kind, text):
    declared, _, items = text.partition(" = ")
    name, _, stored = (part.strip() for part in declared.partition(":"))
    yield f"set {name} {kind} {stored.split()[0] if stored else '-'}"
    for order, item in enumerate(split(items)):
        constant, value = item.split(" ", 1)
        value, _, mask = value.partition("/")
        value = integer(value)
        mask = integer(mask) if mask else value if kind == "flags" else 0xFFFFFFFFFFFFFFFF
        yield f"item {name} {order} {constant} {value:#x}/{mask:#x}"


def param_facts(what, params):
    for i, param in enumerate(params):
        for j, choice in enumerate(param.split(" else ")):
            found = PARAM.fullmatch(choice)
            if not found:
                raise ValueError(f"no parameter: {choice}")
            way, ty, kind, member, argument, _ = found.groups()
            yield f"{what} {i}.{j} {way or '-'} {ty}<{kind or ''}>{{{member or ''}}} {argument}"


def memory_facts(kind, text):
    """layout NAME [= KERNEL] SIZE { OFFSET TYPE[N] NAME [: BIT WIDTH]; }, struct NAME [= LAYOUT] { PARAM; ...; }"""
    declared, _, inside = text.partition("{")
    members = split(inside.strip().removesuffix("}"), ";")
    name = declared.split()[0]
    if kind == "layout":
        yield f"layout {name} {declared.split()[-1]}"
        for member in members:
            yield f"place {name} {member}"
    else:
        yield f"struct {name} {members.index('...') if '...' in members else '-'}"
        yield from param_facts(f"member {name}", [member for member in members if member != "..."])


def call_facts(text):
    name, params, rest = head(text)
    yield from param_facts(f"arg {name}", split(params))
    result = re.search(r"(?:^|\s)= (\w+)", rest)
    yield f"call {name} = {result.group(1) if result else '-'}"


def facts(line):
    word, _, rest = line.partition(" ")
    if word not in WORDS:
        # A call, unless it is a variant: NAME.CASE(...).
        if "." not in line.partition("(")[0]:
            yield from call_facts(line)
    elif word in ("flags", "enum"):
        yield from set_facts(word, rest)
    elif word in ("layout", "struct"):
        yield from memory_facts(word, rest)
    elif word == "number":
        yield line
    elif word == "proto":
        name, params, _ = head(rest)
        for i, param in enumerate(split(params)):
            ctype, argument = re.fullmatch(r"(.*?)\s*(\w+)", param).groups()
            yield f"proto {name} {i} {ctype} {argument}"


def main():
    found = []
    with open(sys.argv[1], encoding="utf-8") as file:
        for number, line in lines(file.read()):
            try:
                found.extend(facts(line))
            except (ValueError, AttributeError) as error:
                sys.exit(f"{sys.argv[1]}:{number}: {error}")
    sys.stdout.write("".join(fact + "\n" for fact in sorted(found)))


if __name__ == "__main__":
    main()
