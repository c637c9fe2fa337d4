"""What may stand in a problem file: one table that validates it and becomes the editors' schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

KINDS = (
    "real", "positive", "nonnegative", "integer", "binary", "sign", "probability",
    "onehot", "distribution", "symmetric", "spd", "invertible",
)  # fmt: skip
SCALAR_KINDS = KINDS[:7]
ALONG_KINDS = KINDS[7:9]  # entries sum to 1 along an axis
MATRIX_KINDS = KINDS[9:]
FORMS = ("any", "expression", "value", "both")


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a mapping.

    `holds`  `text`, `expression`, `number`, `flag`, `texts` (one or a list), `numbers` (a number or nested lists),
             `choice` (of `choices`), `names` (one or a list), `size` (a number or a letter), `mapping` (any name ->
             `inside`), `items` (a list of mappings with the fields `inside`), `answer`
    """

    name: str
    holds: str
    about: str
    required: bool = False
    choices: tuple[str, ...] = ()
    inside: str = ""


PROBLEM = (
    Field("title", "text", "What the problem is called.", required=True),
    Field("description", "text", "Markdown; may hold $math$."),
    Field("inputs", "mapping", "The leaves of the graph, by name.", inside="input"),
    Field("constants", "mapping", "Symbols that are no nodes, by name.", inside="input"),
    Field("dims", "mapping", "Numbers for the letters of sizes.", inside="number"),
    Field("let", "mapping", "Names that are no nodes but may appear in answers.", inside="expression"),
    Field("graph", "mapping", "The nodes of the computation graph, by name.", inside="node"),
    Field("layers", "items", "A network's layers; a shorthand that expands into inputs and nodes.", inside="layer"),
    Field("output", "names", "The node that is differentiated; the last one if left out."),
    Field("upstream", "mapping", "A gradient that arrives at a node from outside.", inside="expression"),
    Field("learning_rate", "number", "What step(w) uses."),
    Field("digits", "number", "At least so many significant digits are asked for."),
    Field("questions", "items", "What is asked; without them everything is derived.", inside="question"),
)
INPUT = (
    Field("value", "numbers", "A number or nested lists."),
    Field("shape", "names", "Sizes, as numbers, letters or expressions: [dh, 4*dx]."),
    Field("kind", "choice", "What is known of the values.", choices=KINDS),
    Field("axis", "number", "The axis along which a one-hot or a distribution sums to 1; the last if left out."),
    Field("param", "flag", "Whether it is learnable."),
    Field("latex", "texts", "How it is printed; the rest are spellings also accepted in answers."),
)
ACTIVATIONS = (
    "relu", "sigmoid", "tanh", "softmax", "log_softmax", "leaky_relu", "elu", "softplus", "silu", "gelu", "none",
)  # fmt: skip
LAYER = (
    Field("input", "text", "The input that enters the network: its name."),
    Field("dense", "size", "A fully connected layer: how many units."),
    Field("conv2d", "size", "A convolution: how many filters."),
    Field("maxpool2d", "number", "Max pooling: rows and columns of the window."),
    Field("avgpool2d", "number", "Average pooling: rows and columns of the window."),
    Field("flatten", "flag", "All entries as one vector."),
    Field("activation", "choice", "An activation, by itself or after a dense or conv2d layer.", choices=ACTIVATIONS),
    Field("shape", "names", "The shape of the input: [30], [m, 30] or [channels, rows, columns]."),
    Field("kernel", "names", "Rows and columns of a convolution's window: 3 or [3, 5]."),
    Field("stride", "number", "How far the window moves; 1 if left out, of pooling the window's size."),
    Field("padding", "number", "How many zeros are put around the image; 0 if left out."),
    Field("dilation", "number", "How far apart the entries of the window are; 1 if left out."),
    Field("bias", "flag", "Whether the layer has a bias; true if left out."),
    Field("name", "text", "What the layer's result is called."),
)
NODE = (
    Field("expr", "expression", "How the node is computed.", required=True),
    Field("latex", "texts", "How it is printed; the rest are spellings also accepted in answers."),
)
QUESTION = (
    Field("id", "text", "How answer files name it; 1, 2, 3 … if left out."),
    Field("ask", "expression", "A query: d(L, w), local(y, x), value(a), …", required=True),
    Field("text", "text", "The question in words."),
    Field("points", "number", "What it is worth; 1 if left out."),
    Field("form", "choice", "What kind of answer is wanted; any if left out.", choices=FORMS),
    Field("tolerance", "number", "How far a number may be off; right to the digits given if left out."),
    Field("digits", "number", "At least so many significant digits."),
    Field("answer", "answer", "The author's key: checked against the derivation."),
    Field("hints", "texts", "Hints, the gentlest first."),
)
ANSWERS = (
    Field("problem", "text", "The problem: a bundled name, or a file in this folder or below."),
    Field("student", "text", "Whose answers these are."),
    Field("answers", "mapping", "The answer to each question, by its id.", required=True, inside="answer"),
)
SECTIONS: dict[str, tuple[Field, ...]] = {
    "problem": PROBLEM,
    "input": INPUT,
    "node": NODE,
    "layer": LAYER,
    "question": QUESTION,
    "answers": ANSWERS,
}


def allows(kind: str, value: Fraction) -> bool:
    """Whether a value is of the kind declared for it."""
    tests = {
        "positive": value > 0,
        "nonnegative": value >= 0,
        "integer": value.denominator == 1,
        "binary": value in (0, 1),
        "sign": value in (-1, 1),
        "probability": 0 <= value <= 1,
    }
    return tests.get(kind, True)
