r"""Where mathematics stands in a text, and what it looks like without the things that only lay it out.

What is taken out becomes blanks, so that every place stays where it is. Everything here is linear in the text.
"""

from __future__ import annotations

import re

from gradcheck_cli.parsing.absent import BEHIND
from gradcheck_cli.source import Span

LONGEST = 20_000  # characters between the signs around a formula
LONGEST_GROUP = 2000  # characters between two brackets
PART = "\x1e"  # stands where one claim ends and the next begins
BLOCKS = r"(?:equation|align|alignat|aligned|split|gather|gathered|eqnarray|multline|flalign|math|displaymath)\*?"
_FENCE = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1[^\n]*$", re.DOTALL | re.MULTILINE)
_STRUCK = re.compile(r"~~(?=[^\s~])[^~\n]*[^\s~]~~")
_OPENING = re.compile(rf"\$\$|(?<!\\)\$|\\\[|\\\(|\\begin\{{(?P<name>{BLOCKS})\}}")
_DOLLAR = re.compile(r"(?<!\\)\$")
_TIGHT = re.compile(r"(?<=[^\s\\$])\$(?!\$)")
_CLOSING = {"$$": "$$", "$": "$", r"\[": r"\]", r"\(": r"\)"}
_BLANK = re.compile(r"\n[ \t>]*\n")
_LEAD = re.compile(r"[ \t>#]*(?:[-*•+]\s+|\(?[0-9a-z]{1,2}[).]\s+)?")
_BLOCK = re.compile(rf"\\(?:begin|end)\{{{BLOCKS}\}}")
_TABLE = re.compile(r"\\begin\{array\}\s*\{[^{}]*\}|\\end\{array\}")
_SYSTEM = re.compile(r"^[\s$]*(?:\\left\s*\\\{\s*)?\\begin\{(?:cases|array|matrix)\}(?:\s*\{[^{}]*\})?")
_NESTING = re.compile(r"\\[{}\\]|\\(?P<verb>begin|end)\s*\{[A-Za-z]+\*?\}|[{}]")
_ALIGNMENT = re.compile(r"\\(?P<verb>begin|end)\s*\{[A-Za-z]+\*?\}|\\\\|\\&|&")
_ONLY_RELATION = re.compile(r"\s*(?:=|\\approx|\\equiv|:=|\\leq?|\\geq?)?\s*")
_RELATION_OVER = re.compile(r"\\(?:stackrel|overset|underset)\s*\{(?:[^{}]|\{[^{}]*\})*\}\s*\{\s*(=|\\approx)\s*\}")
_FRAME = re.compile(r"\\(?:boxed|fbox|underline)\s*\{|\\textcolor\s*\{[^{}]*\}\s*\{|\{\s*\\color\s*\{[^{}]*\}")
_REMARK = re.compile(
    r"(?:\\left\s*)?\(\s*(?=\\(?:text|mathrm|textrm|mbox)\s*\{\s*(?:as|since|because|with|where|for|if|when|the|by|from|using)\b)"
)
_SOFT_MAX = re.compile(
    r"(?:\\(?:text|mathrm|operatorname)\s*\{\s*soft\s*\}|(?<![A-Za-z\\])soft)\s*\\max(?![A-Za-z])"
    r"|\\(?:text|mathrm|operatorname)\s*\{\s*soft(?:\\,|\s|-)*max\s*\}"
)
_QUOTE = re.compile(r"\n[ \t]*>")


def pieces(text: str, start: int) -> tuple[list[tuple[Span, bool]], list[Span]]:
    """The stretches of mathematics, and the lines without any, in order: (span, whether it is LaTeX).

    And those that are too long to be read.
    """
    hidden = [Span(*match.span()) for match in _FENCE.finditer(text, start)]
    hidden += [Span(*match.span()) for match in _STRUCK.finditer(text, start) if _outside(text, match)]
    hidden.sort(key=lambda span: span.start)
    found, taken, long = _formulas(text, start, hidden)
    taken = sorted([*taken, *long, *hidden], key=lambda span: span.start)
    at = 0
    begin = start
    for line in text[start:].split("\n"):
        end = begin + len(line)
        while at < len(taken) and taken[at].end <= begin:
            at += 1
        if at < len(taken) and taken[at].start < end:
            pass
        elif len(line) > LONGEST:
            long += [Span(begin, end)] if "=" in line else []
        else:
            lead = _LEAD.match(line)
            body = line[lead.end() if lead else 0 :].rstrip(" \t.,;")
            if body.strip():
                first = begin + (lead.end() if lead else 0)
                found.append((Span(first, first + len(body)), "\\" in body))
        begin = end + 1
    return sorted(found, key=lambda piece: piece[0].start), sorted(long, key=lambda span: span.start)


def _outside(text: str, struck: re.Match[str]) -> bool:
    """Whether a stretch that is struck out holds whole formulas: `~~` within a formula is only space."""
    line = text.rfind("\n", 0, struck.start()) + 1
    before = len(_DOLLAR.findall(text[line : struck.start()]))
    return before % 2 == 0 and "$" in struck.group()


def _formulas(text: str, start: int, hidden: list[Span]) -> tuple[list[tuple[Span, bool]], list[Span], list[Span]]:
    """What stands between the signs of mathematics, the same with its signs, and what is too long between them.

    A blank line ends a formula at the latest.
    """
    found: list[tuple[Span, bool]] = []
    taken: list[Span] = []
    at, behind = start, 0
    blank = -1
    long: list[Span] = []
    searched: dict[str, int] = {}  # how far a closing sign has been looked for in vain
    beyond: dict[str, int] = {}
    while opening := _OPENING.search(text, at):
        while behind < len(hidden) and hidden[behind].end <= opening.start():
            behind += 1
        if behind < len(hidden) and hidden[behind].start <= opening.start():
            at = hidden[behind].end
            continue
        if blank < opening.end():
            following = _BLANK.search(text, opening.end())
            blank = following.start() if following else len(text)
        closing = _CLOSING.get(opening.group()) or f"\\end{{{opening['name']}}}"
        last = min(blank, opening.end() + LONGEST) + 1
        tight = _tight_end(text, opening) if closing == "$" else None
        end = tight or text.find(closing, max(opening.end(), searched.get(closing, 0)), last)
        if end < 0:
            searched[closing] = last - len(closing)
        if end < 0 and last <= blank and beyond.get(closing, 0) <= last:
            far = text.find(closing, last - len(closing), blank + 1)
            beyond[closing] = blank + 1  # there is none before it, or the next is looked for behind
            if far >= 0 and "=" in text[opening.end() : far]:
                at = far + len(closing)
                long.append(Span(opening.start(), at))
                beyond.pop(closing)
                continue
        if end < 0 or end == opening.end():
            at = opening.end()
            continue
        at = end + len(closing)
        if (absent := BEHIND.match(text, at)) is not None:  # $f'(0)$ does not exist
            end = at = absent.end()
        found.append((Span(opening.end(), end), True))
        taken.append(Span(opening.start(), at))
    return found, taken, long


def _tight_end(text: str, opening: re.Match[str]) -> int | None:
    """Where a formula ends on a line with an odd number of `$`: at the first with no space before it."""
    start, end = text.rfind("\n", 0, opening.start()) + 1, text.find("\n", opening.end())
    line = text[start : end if end >= 0 else len(text)]
    if len(line) > LONGEST or len(_DOLLAR.findall(line)) % 2 == 0 or text[opening.end() : opening.end() + 1].isspace():
        return None
    found = _TIGHT.search(text, opening.end(), start + len(line))
    return found.start() if found else None


def levels(text: str) -> list[int]:
    """For every place, and the end, how many braces and environments are open there."""
    found: list[int] = []
    level = 0
    for match in _NESTING.finditer(text):
        found += [level] * (match.start() - len(found))
        sign = match.group()
        opens = sign == "{" or match["verb"] == "begin"
        closes = sign == "}" or match["verb"] == "end"
        if closes:
            level = max(0, level - 1)
        found += [level] * (match.end() - match.start())
        level += opens
    return found + [level] * (len(text) + 1 - len(found))


def in_brackets(text: str) -> list[int]:
    r"""For every place how many brackets are open there, `\{` among them; nowhere any where they do not match."""
    found, level = [], 0
    for at, sign in enumerate(text):
        escaped = text[at - 1 : at] == "\\"
        opens = sign in "([" or (sign == "{" and escaped)
        closes = sign in ")]" or (sign == "}" and escaped)
        level += opens
        found.append(level)
        level -= closes
        if level < 0:
            return [0] * len(text)
    return found if level == 0 else [0] * len(text)


def balanced(text: str) -> bool:
    """Whether every brace and every environment that is opened is closed."""
    level = 0
    for match in _NESTING.finditer(text):
        sign = match.group()
        level += (sign == "{" or match["verb"] == "begin") - (sign == "}" or match["verb"] == "end")
        if level < 0:
            return False
    return level == 0


def cleaned(text: str) -> str:
    """A stretch of LaTeX without alignment, frames and brackets around remarks; as long as before."""
    text = _SOFT_MAX.sub(lambda match: "softmax".rjust(len(match.group())), text)
    text = _BLOCK.sub(blanks, text)
    text = _QUOTE.sub(blanks, text)
    text = _RELATION_OVER.sub(lambda match: match[1].ljust(len(match.group())), text)
    if system := _SYSTEM.match(text):  # equations under one another, not the branches of a value
        ends = re.compile(r"\\end\{(?:cases|array|matrix)\}(?:\s*\\right\s*\.)?")
        text = " " * system.end() + ends.sub(blanks, text[system.end() :], count=1)
    if not re.search(r"\\\{|\\lbrace|[(\[]\s*\\begin\{array\}", text):
        text = _TABLE.sub(blanks, text)
    text = _without_alignment(text)
    for opening in (_FRAME, _REMARK):
        text = _unwrapped(text, opening)
    return text


def blanks(match: re.Match[str]) -> str:
    """So many blanks, so that every place stays where it is."""
    return " " * len(match.group())


def _without_alignment(text: str) -> str:
    """`&` is layout, but not between the cells of cases and matrices; every second one of a row begins another formula."""
    if "&" not in text:
        return text
    letters, level, marks, before = list(text), 0, 0, 0
    for match in _ALIGNMENT.finditer(text):
        if match["verb"]:
            level = max(0, level + (1 if match["verb"] == "begin" else -1))
        elif level or match.group() == r"\&":
            continue
        elif match.group() == "&":
            marks += 1
            between = text[before : match.start()]
            parts = marks % 2 == 0 and not _ONLY_RELATION.fullmatch(between)
            letters[match.start()] = PART if parts else " "
            marks -= marks % 2 == 0 and not parts  # a &=& b
            before = match.end()
        else:
            marks = 0
    return "".join(letters)


def _unwrapped(text: str, opening: re.Pattern[str]) -> str:
    r"""Without frames around equalities (`\boxed{x = 2}`) and brackets around remarks (`(\text{as } x = 2)`)."""
    found = list(opening.finditer(text))[:100]
    if not found:
        return text
    letters = list(text)
    for match in found:
        brace = match.group()[-1] == "}" or match.group().endswith("{")
        closed = closing(text, match.end(), "{}" if brace else "()")
        if closed is None:
            continue
        inside = text[match.end() : closed]
        if brace and "=" not in inside:
            continue
        letters[match.start() : match.end()] = " " * (match.end() - match.start())
        letters[closed] = " " if brace else PART
        if not brace and (right := re.search(r"\\right\s*$", inside)):
            letters[match.end() + right.start() : closed] = " " * (closed - match.end() - right.start())
    return "".join(letters)


def closing(text: str, at: int, pair: str) -> int | None:
    """Where the bracket that is open at a place closes."""
    level = 1
    for place in range(at, min(len(text), at + LONGEST_GROUP)):
        if text[place] in pair and text[place - 1 : place] != "\\":
            level += 1 if text[place] == pair[0] else -1
            if level == 0:
                return place
    return None
