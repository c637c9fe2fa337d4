"""YAML to a tree of nodes that know their place, from the parser's event stream.

Nothing is constructed and nothing guessed: a scalar is its text, and the reader of a field says what it is. So `no` is
text and `0.20` keeps its digits. Depth and number of nodes are bounded while the events arrive; aliases, anchors, tags,
merge keys and duplicate keys are refused. All errors that can be found are found at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import yaml

from gradcheck_cli.errors import GradcheckError, ParseError, ProblemError
from gradcheck_cli.source import Source, Span, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 24
MAX_NODES = 110_000
MAX_DIGITS = 60
MAX_EXPONENT = 400
MAX_ERRORS = 100
_READABLE = 120  # characters of a line that can be taken in at a glance
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPECIAL = re.compile(r"[+-]?(?:\.inf|\.nan|\.Inf|\.NaN|\.INF|\.NAN)")
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = {"x": 4, "u": 6, "U": 10}  # how wide an escape is written; the others have two characters
_EATEN = re.compile(r"^(\s*(?:- )?\s*[^\s:#][^:#]*:\s+|\s*- )(\S.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, list or mapping. `source` is a scalar's text, each character mapped to its place in the file.

    `comment_gap`  how many blanks stand between a plain scalar and a `#` behind it on its line; None without one
    """

    kind: Literal["scalar", "list", "map"]
    span: Span
    text: str = ""
    quoted: bool = False
    source: Source = field(default_factory=lambda: Source("", ""))
    items: tuple[Node, ...] = ()
    entries: tuple[tuple[Node, Node], ...] = ()
    comment_gap: int | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a mapping, in order."""
        return tuple(key.text for key, _ in self.entries)

    def get(self, key: str) -> Node | None:
        """The value of a key of a mapping."""
        return next((value for name, value in self.entries if name.text == key), None)


def read_tree(source: Source) -> Node:
    """The tree of a YAML document; ProblemError with everything that is wrong with it."""
    reader = _Tree(source)
    try:
        node = reader.document()
    except (ValueError, OverflowError) as error:  # lone surrogates, and what PyYAML without C does not expect
        reader.errors.append(_unreadable(source, yaml.YAMLError(str(error))))
        node = None
    except ParseError as error:
        reader.errors.append(error)
        node = None
    except yaml.YAMLError as error:
        reader.errors.append(_syntax_error(source, error))
        node = None
    if node is not None and node.kind == "scalar" and not node.text and not node.quoted:
        node = None
    if reader.errors or node is None:
        raise ProblemError(
            reader.errors or [ParseError("the file holds nothing", hint="write a problem", source=source)]
        )
    return node


class _Tree:
    """Builds the tree of one document with a stack of its own."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.errors: list[GradcheckError] = []
        self.count = 0

    def fail(self, message: str, hint: str, span: Span) -> ParseError:
        return ParseError(message, hint=hint, source=self.source, span=span)

    def document(self) -> Node | None:
        events: Iterator[Any] = self.events()
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    span = _span(event)
                    raise self.fail("a second document begins here", "write one problem a file", span)
            elif isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent, yaml.CollectionStartEvent)):
                root = self.node(event, events)
        return root

    def events(self) -> Iterator[Any]:
        """The parser's events; the depth is checked before the parser goes deeper."""
        depth = 0
        parsed: Iterator[Any] = yaml.parse(self.source.text, Loader=_LOADER)
        for event in parsed:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    span = Span(_span(event).start, _span(event).start + 1)
                    raise self.fail(f"lists or mappings nest more than {MAX_DEPTH} deep", "nest less", span)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            yield event

    def node(self, event: Any, events: Iterator[Any]) -> Node:
        """The node that begins with an event; recursion is bounded by `MAX_DEPTH`."""
        self.count += 1
        span = _span(event)
        if self.count > MAX_NODES:
            raise self.fail(f"the file has more than {MAX_NODES:,} values", "split it", span)
        if isinstance(event, yaml.AliasEvent):
            self.eaten(span, f"*{visible(str(event.anchor), 40)} is a YAML alias")
            return Node("scalar", span, f"*{event.anchor}", quoted=True)
        if event.anchor is not None:
            self.eaten(span, f"&{visible(str(event.anchor), 40)} is a YAML anchor")
        elif event.tag is not None and (event.tag != "!" or not getattr(event, "style", "")):
            self.eaten(span, f'"{_tag(event.tag)}" is a YAML tag')
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, span)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(event, events)
        return self.mapping(event, events)

    def sequence(self, event: Any, events: Iterator[Any]) -> Node:
        items: list[Node] = []
        for inner in events:
            if isinstance(inner, yaml.SequenceEndEvent):
                return Node("list", _span(event).join(_span(inner)), items=tuple(items))
            items.append(self.node(inner, events))
        raise self.fail("the list does not end", "close it", _span(event))

    def mapping(self, event: Any, events: Iterator[Any]) -> Node:
        entries: list[tuple[Node, Node]] = []
        seen: dict[str, Node] = {}
        for inner in events:
            if isinstance(inner, yaml.MappingEndEvent):
                return Node("map", _span(event).join(_span(inner)), entries=tuple(entries))
            key = self.node(inner, events)
            value = self.node(next(events), events)
            self.key(key, seen)
            entries.append((key, value))
        raise self.fail("the mapping does not end", "close it", _span(event))

    def key(self, key: Node, seen: dict[str, Node]) -> None:
        if key.kind != "scalar":
            self.errors.append(self.fail("a key is a list or a mapping", "write a name before the colon", key.span))
        elif key.text == "<<" and not key.quoted:
            self.errors.append(self.fail("<< merges mappings, which is not read", "write the keys out", key.span))
        elif key.text in seen:
            if len(self.errors) >= MAX_ERRORS:
                raise self.fail(f"there are more than {MAX_ERRORS} mistakes", "mend these first", key.span)
            line, _ = self.source.line_column(seen[key.text].span)
            message = f'the key "{visible(key.text, 60)}" occurs twice, first in line {line}'
            self.errors.append(self.fail(message, "keep one of them", key.span))
        else:
            seen[key.text] = key

    def scalar(self, event: Any, span: Span) -> Node:
        for at, character in enumerate(event.value):
            if _UNSHOWABLE.match(character):
                message = f"a text holds the character U+{ord(character):04X}"
                raise self.fail(message, "write text that can be shown", Span(span.start + min(at, 1), span.end))
        quoted = event.style not in (None, "")
        gap = None if quoted else self.comment(span)
        part = self.source.part(event.value, _offsets(self.source.text, event.value, span, event.style))
        return Node("scalar", span, event.value, quoted, part, comment_gap=gap)

    def comment(self, span: Span) -> int | None:
        """The number of blanks before a comment behind a plain scalar on its last line."""
        match = re.compile(r"([ \t]+)#").match(self.source.text, span.end)
        return len(match[1]) if match else None

    def eaten(self, span: Span, what: str) -> None:
        """An error for what YAML takes for itself, with the line in quotes as the way out."""
        if len(self.errors) >= MAX_ERRORS:
            raise self.fail(f"there are more than {MAX_ERRORS} mistakes", "mend these first", span)
        self.errors.append(self.fail(what, quoting(self.source, span.start), span))


def _span(event: Any) -> Span:
    return Span(event.start_mark.index, event.end_mark.index)


def quoting(source: Source, at: int) -> str:
    """The remedy `put the expression in quotes`, with the line's own text in them."""
    line, begin = _line(source, at)
    advice = "put the expression in quotes"
    if len(line) > _READABLE:
        return advice
    match = _EATEN.match(line)
    if match is None or at - begin < match.start(2):  # a key, or nothing that we know
        key = re.match(r"\s*(?:- )?([*&!%@`][^\s:]*)(\s*:.*)$", line)
        return f"{advice}: {_quoted(key[1])}{key[2]}" if key else advice
    lead, value = match.groups()
    value = re.sub(r"\s+#.*$", "", value)
    if at - begin == match.start(2) and re.match(r"\{\s*\w+\s*:", value):
        return "put the expressions in it in quotes and close it with }, or write one `name: …` a line"
    if at - begin > match.start(2) and value[0] in "{[":  # one of several values between brackets
        inner = re.match(r"[*&!][^\s,\]}]*", line[at - begin :])
        return f"{advice}: {_quoted(inner[0])}" if inner else f"{advice}: {lead.strip()} {_quoted(value)}"
    return f"{advice}: {lead.strip()} {_quoted(value)}"


def _quoted(text: str) -> str:
    """A text in the quotes in which YAML leaves it alone."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'" if "\\" in text or '"' in text else f'"{text}"'


def _line(source: Source, at: int) -> tuple[str, int]:
    """The line of the file around a place, and where it begins."""
    begin = source.text.rfind("\n", 0, at) + 1
    end = source.text.find("\n", at)
    return source.text[begin : len(source.text) if end < 0 else end], begin


def _tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")[:40]


def _offsets(text: str, value: str, span: Span, style: str | None) -> tuple[int, ...]:
    """For each character of a scalar its place in the file, escapes and the header of a block stepped over."""
    at = span.start
    if style in ("'", '"'):
        at += 1
    elif style in ("|", ">"):
        at = (text.find("\n", at, span.end) + 1) or span.end
    offsets: list[int] = []
    for character in value:
        at, width = _written(text, at, character, span.end, style)
        offsets.append(at)
        at += width
    return (*offsets, min(at, span.end))


def _written(text: str, at: int, character: str, end: int, style: str | None) -> tuple[int, int]:
    """Where a character of a scalar's value is written, and how wide."""
    if style == "'" and text[at : at + 2] == "''":
        return at, 2
    if style == '"' and text[at : at + 1] == "\\":
        return at, _ESCAPES.get(text[at + 1 : at + 2], 2)
    if text[at : at + 1] == character:
        return at, 1
    wanted = "\n" if character in " \n" else character  # a fold is written as a line break
    found = text.find(wanted, at, min(end, at + 200))
    return (found, 1) if found >= 0 else (at, 0)


def _syntax_error(source: Source, error: yaml.YAMLError) -> ParseError:
    """PyYAML's complaint in our words; where an expression was eaten, how to keep it."""
    if isinstance(error, yaml.reader.ReaderError):
        return _unreadable(source, error)
    context, mark = getattr(error, "context_mark", None), getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", "") or "")
    about = str(getattr(error, "context", "") or "")
    inside = context is not None and ("flow" in about or "quoted scalar" in about)
    place = context if inside else mark or context
    at = min(place.index if place is not None else 0, len(source.text))
    span = Span(at, at)
    if source.text[at : at + 1] == "\t":
        return ParseError("a tab indents this line", hint="indent with spaces", source=source, span=span)
    if "mapping values are not allowed" in problem:
        hint = "put a text with a colon in quotes, or begin a new line for the next key"
        return ParseError("a second colon in one line", hint=hint, source=source, span=span)
    if "quoted scalar" in about and "end of stream" in problem:
        return ParseError("a quote is never closed", hint="close it", source=source, span=span)
    if _looks_eaten(source, at):
        message = f"YAML cannot read this value: {_cause(problem)}"
        return ParseError(message, hint=quoting(source, at), source=source, span=span)
    hint = "check the indentation, the colons and the quotes around here"
    return ParseError(f"this is not YAML: {_cause(problem)}", hint=hint, source=source, span=span)


def _unreadable(source: Source, error: yaml.YAMLError) -> ParseError:
    """A character that YAML does not allow, at its place."""
    found = _UNSHOWABLE.search(source.text)
    at = found.start() if found else min(int(getattr(error, "position", 0) or 0), len(source.text))
    code = f" U+{ord(source.text[at]):04X}" if at < len(source.text) else ""
    message = f"the file holds the control character{code}"
    return ParseError(message, hint="remove it", source=source, span=Span(at, at + 1))


def _looks_eaten(source: Source, at: int) -> bool:
    line = _line(source, at)[0]
    match = _EATEN.match(line) if len(line) <= _READABLE else None
    return match is not None and match[2][0] in "*&@!%`[{|>-'\",}]?"


def _cause(problem: str) -> str:
    causes = {
        "did not find expected alphabetic or numeric character": "* or & begins an alias or an anchor",
        "cannot start any token": "it begins with a character that YAML keeps for itself",
        "block sequence entries are not allowed": "a - begins a list here",
        "did not find expected comment or line break": "| or > begins a block of text",
        "did not find expected <document start>": "the indentation does not fit",
        "did not find expected ',' or ']'": "[ begins a list",
        "did not find expected ',' or '}'": "{ begins a mapping",
        "did not find expected key": "a key should begin here",
        "could not find expected ':'": "a colon is missing",
        "found undefined alias": "* begins an alias",
        "undefined tag handle": "! begins a tag",
    }
    return next((words for part, words in causes.items() if part in problem), problem or "the text ends too early")


# -- what a scalar says


def as_number(node: Node) -> tuple[str, Fraction] | None:
    """A plain scalar as (digits as typed, exact value), by the core rules of YAML 1.2; None where it is no number.

    Raises ParseError for what other readers take for a number and no person does (`1:30`, `1_000`, `0x10`).
    """
    text = node.text.strip()
    if node.quoted:
        return None
    if _NUMBER.fullmatch(text):
        mantissa, _, exponent = text.lower().partition("e")
        if sum(character.isdigit() for character in mantissa) > MAX_DIGITS:
            raise _strange(node, f"a number has more than {MAX_DIGITS} digits", "round it")
        power = exponent.lstrip("+-").lstrip("0")
        if len(power) > 3 or int(power or 0) > MAX_EXPONENT:
            raise _strange(node, f"the exponent of {text[:40]} is out of range", f"at most {MAX_EXPONENT} is read")
        return text, Fraction(f"{mantissa}e{'-' if exponent.startswith('-') else ''}{power or 0}")
    for pattern, message, hint in _STRANGE:
        if re.fullmatch(pattern, text):
            raise _strange(node, message.format(text), hint)
    return None


_STRANGE = (
    (r"[0-9]+(:[0-9]+)+", "{} is a time of day to some readers of YAML, no number", "write a decimal, or quote a text"),
    (r"[+-]?[0-9][0-9]*(_[0-9]+)+(\.[0-9]*)?", "{} has an underscore between digits", "write the digits without it"),
    (r"[+-]?0x[0-9a-fA-F]+|[+-]?0o[0-7]+|[+-]?0b[01]+", "{} is no decimal number", "write it with digits 0 to 9"),
    (_SPECIAL.pattern, "{} is no finite number", "write a number"),
    (r"[+-]?[0-9]+,[0-9]+", "{} has a decimal comma", "write a point"),
)


def _strange(node: Node, message: str, hint: str) -> ParseError:
    return ParseError(message, hint=hint, source=node.source, span=Span(0, len(node.text)))


def is_null(node: Node) -> bool:
    """Whether a scalar says that there is nothing, by the core rules of YAML 1.2."""
    return not node.quoted and node.text in ("", "~", "null", "Null", "NULL")


def as_bool(node: Node) -> bool | None:
    """`true` or `false` as YAML 1.2 spells them; `no`, `on` and `yes` are texts."""
    if node.quoted:
        return None
    return {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}.get(node.text)
