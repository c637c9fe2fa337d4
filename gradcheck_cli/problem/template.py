"""A commented problem file to start from."""

from __future__ import annotations

import re
from pathlib import Path

from gradcheck_cli.errors import FileError
from gradcheck_cli.files import write_beside

TEMPLATE = """\
# A problem for gradcheck. Look at it:   gradcheck solve {path}
# Check your own answers:                gradcheck check {path}
title: "{title}"
description: |
  What the student sees. May hold $math$.

# The leaves of the graph. A number, {{}} for a symbol without a value, or a mapping with
#   value, kind (real, positive, binary, probability, ...), param: true (learnable), latex
inputs:
  w: {{value: 2, param: true}}
  x: -1
  b: {{value: 3, param: true}}

# The nodes, one name: expression a line. Quote an expression that has a # or begins with a bracket.
graph:
  z: w*x + b
  a: {{expr: sigmoid(z), latex: "\\\\alpha"}}

# The node that is differentiated; the last one if left out.
output: a
learning_rate: 0.1

# Queries: d(a, w), local(a, z), upstream(z), downstream(a, z), value(a), step(w), nodes(), lhs == rhs
questions:
  - id: "1"
    ask: local(a, z)
    text: What is the local derivative of the sigmoid?
    answer: a*(1 - a)
  - id: "2"
    ask: d(a, w)
    text: How does the activation move with the weight?
    points: 2
    answer: x*a*(1 - a)
    hints: ["Which node does w feed?"]
"""


def write_template(name: str) -> Path:
    """Write the template to NAME.yaml; FileError where that file exists or cannot be."""
    path = Path(name)
    if not re.fullmatch(r"[\w.-]+", path.name):
        message = f'"{name}" cannot be a file name'
        raise FileError(message, hint="use letters, digits, - and _")
    if path.suffix not in (".yaml", ".yml"):
        path = path.with_name(path.name + ".yaml")
    if path.exists():
        message = f"{path} exists already and was left alone"
        raise FileError(message, hint="choose another name")
    if not path.parent.is_dir():
        message = f"the folder {path.parent} does not exist"
        raise FileError(message, hint="make it first")
    title = re.sub(r"[-_.]+", " ", path.stem).strip().capitalize()
    write_beside(path, TEMPLATE.format(path=path, title=title))
    return path
