"""The shorthand for layers: what it expands into, sizes, counts, and what every mistake is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import GradcheckError, ProblemError
from gradcheck_cli.problem import counts, read_problem
from gradcheck_cli.shapes import text_of
from gradcheck_cli.source import Source
from gradcheck_cli.write.text import write

CONVOLUTIONAL = """layers:
  - {input: x, shape: [3, 32, 30]}
  - {conv2d: 8, kernel: [3, 5], padding: 1, activation: relu, name: A}
  - {maxpool2d: 2, name: B}
  - {conv2d: 4, kernel: [4, 6], stride: 2, dilation: 1, bias: false}
  - {avgpool2d: 2, stride: 1}
  - {flatten: true}
  - {dense: k}
  - {activation: softmax, name: p}
inputs: {y: {shape: [k], kind: onehot}}
graph: {L: -sum(y*log(p))}
"""


def read(text):
    return read_problem(Source("p.yaml", "title: T\n" + text), "p")


def complaints(text):
    with pytest.raises(ProblemError) as caught:
        read(text)
    return [line.removeprefix("p.yaml:") for line in str(caught.value).split("\n")]


def test_dense_layers_count_their_parameters():
    layers = "layers:\n  - {input: x, shape: [30]}\n  - {dense: 1024, activation: relu}\n"
    graph = read(layers + "  - {dense: 512, activation: relu}\n  - {dense: 1, activation: sigmoid}\n").graph
    assert {name: share.number for name, share in counts.shares(graph)} == {
        "W1": 30 * 1024, "b1": 1024, "W2": 1024 * 512, "b2": 512, "W3": 512, "b3": 1,
    }  # fmt: skip
    assert counts.params(graph).number == 557_057
    assert counts.in_numbers(counts.params(graph), graph) == 557_057
    assert [(node.name, write(node.expr)) for node in graph.nodes] == [
        ("z1", "x @ W1 + b1"), ("a1", "relu(z1)"), ("z2", "a1 @ W2 + b2"), ("a2", "relu(z2)"), ("z3", "a2 @ W3 + b3"),
        ("a3", "sigmoid(z3)"),
    ]  # fmt: skip
    assert graph.output == "a3"


def test_a_stride_may_leave_a_rest_that_no_window_reaches():
    graph = read(
        "layers:\n  - {input: x, shape: [3, 224, 224]}\n  - {conv2d: 64, kernel: 7, stride: 2, padding: 3}\n"
        "  - {maxpool2d: 3, stride: 2, padding: 1}\n  - {conv2d: 128, kernel: 3, stride: 2, padding: 1}\n"
    ).graph
    assert [text_of(graph.shapes[name]) for name in ("z1", "p1", "z2")] == [
        "(64, 112, 112)",
        "(64, 56, 56)",
        "(128, 28, 28)",
    ]


def test_without_biases_they_are_not_counted():
    graph = read(
        "layers:\n  - {input: x, shape: [30]}\n  - {dense: 4, bias: false}\n  - {dense: 2, bias: false}\n"
    ).graph
    assert counts.params(graph).number == 30 * 4 + 4 * 2


def test_a_convolutional_net_has_its_sizes():
    problem = read(CONVOLUTIONAL)
    graph = problem.graph
    assert {name: text_of(shape) for name, shape in graph.shapes.items()} == {
        "x": "(3, 32, 30)", "W1": "(8, 3, 3, 5)", "b1": "(8, 1, 1)", "z1": "(8, 32, 28)", "A": "(8, 32, 28)",
        "B": "(8, 16, 14)", "W2": "(4, 8, 4, 6)", "z2": "(4, 7, 5)", "p2": "(4, 6, 4)", "f1": "(96,)",
        "W3": "(96, k)", "b3": "(k,)", "z3": "(k,)", "p": "(k,)", "y": "(k,)", "L": "()",
    }  # fmt: skip
    assert str(counts.params(graph)) == f"97*k + {8 * 3 * 3 * 5 + 8 + 4 * 8 * 4 * 6}"
    assert [(node.name, write(node.expr)) for node in graph.nodes][:5] == [
        ("z1", "conv2d(x, W1, padding=1) + b1"), ("A", "relu(z1)"), ("B", "maxpool2d(A, 2)"),
        ("z2", "conv2d(B, W2, stride=2)"), ("p2", "avgpool2d(z2, 2, stride=1)"),
    ]  # fmt: skip
    assert (problem.outputs, graph.dims) == (("L",), (("k", None),))


# sizes by the formula of Dumoulin and Visin, arXiv 1603.07285: floor((W - D*(F - 1) - 1 + 2P)/S) + 1
@pytest.mark.parametrize(
    ("layer", "size"),
    [
        ("{conv2d: 1, kernel: 3}", 10), ("{conv2d: 1, kernel: 3, padding: 1}", 12), ("{conv2d: 1, kernel: 4, stride: 2}", 5),
        ("{conv2d: 1, kernel: 3, dilation: 2}", 8), ("{conv2d: 1, kernel: 2, stride: 2, padding: 2}", 8),
        ("{maxpool2d: 2}", 6), ("{maxpool2d: 5}", 2), ("{maxpool2d: 3, stride: 2}", 5), ("{avgpool2d: 12}", 1),
        ("{avgpool2d: 3, stride: 3, padding: 1}", 4),
    ],
)  # fmt: skip
def test_output_sizes(layer, size):
    graph = read(f"layers:\n  - {{input: x, shape: [1, 12, 12]}}\n  - {layer}\n").graph
    assert text_of(graph.shapes[graph.output]) == f"(1, {size}, {size})"


def test_a_batch_keeps_its_rows():
    graph = read(
        "layers:\n  - {input: X, shape: [m, d]}\n  - {dense: h, activation: tanh}\ngraph: {L: sum(a1)/m}\n"
    ).graph
    assert text_of(graph.shapes["a1"]) == "(m, h)"
    assert [text_of(graph.shapes[name]) for name in ("W1", "b1")] == ["(d, h)", "(h,)"]


def test_layers_may_begin_at_a_declared_input():
    graph = read("inputs: {x: [1, 2]}\nlayers:\n  - {input: x}\n  - {dense: 3, name: h}\n").graph
    assert write(graph.nodes[0].expr) == "x @ W1 + b1"
    assert graph.output == "h"
    assert [leaf.param for leaf in graph.inputs] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("layers: 3\n", '2:9: layers is "3"; write a list: one `- …` an item'),
        ("layers: []\n", "2:9: the graph is empty; add a layer such as {dense: 10}"),
        ("layers:\n  - 3\n", '3:5: layer 1 is "3"; write a mapping with input, dense, conv2d, maxpool2d, avgpool2d, flatten, activation, shape, kernel, stride, padding, dilation, bias, name'),
        ("layers:\n  - {dense: 3}\n", "3:5: layer 1 is dense and no input; begin with {input: x, shape: [30]}, once"),
        ("layers:\n  - {input: x}\n", "3:13: the input x has no shape; add shape: [30], say"),
        ("layers:\n  - {input: x, shape: [3]}\n", "3:3: the graph is empty; add a layer such as {dense: 10}"),
        ("layers:\n  - {input: x, shape: [3]}\n  - {input: y, shape: [3]}\n", "4:5: layer 2 is an input, and the input comes first; begin with {input: x, shape: [30]}, once"),
        ("layers:\n  - {input: x, shape: [3]}\n  - {dense: 0}\n  - {dense: 3}\n", "4:13: dense of layer 2 is 0; write 1 or more"),
        ("layers:\n  - {input: x, shape: [3]}\n  - {dense: 3, kernel: 3}\n", "4:24: layer 2 is dense and has no kernel; it knows activation, bias, name"),
        ("layers:\n  - {input: x, shape: [3]}\n  - {dense: 3, conv2d: 3}\n", "4:5: layer 2 is both dense and conv2d; write a layer for each"),
        ("layers:\n  - {input: x, shape: [3]}\n  - {name: h}\n", "4:5: layer 2 says no kind of layer; write one of input, dense, conv2d, maxpool2d, avgpool2d, flatten, activation"),
        ("layers:\n  - {input: x, shape: [3]}\n  - {dropout: 0.5}\n", "4:6: layer 2 is dropout, which draws at random; leave it out: at the time of use it changes nothing"),
        ("layers:\n  - {input: x, shape: [3]}\n  - {conv2d: 3, kernel: 3}\n", "4:5: layer 2, conv2d, gets x of shape (3,); it takes (channels, rows, columns)"),
        ("layers:\n  - {input: x, shape: [1, 8, 8]}\n  - {conv2d: 3}\n", "4:5: layer 2 has no kernel; add kernel: 3, or [3, 5]"),
        ("layers:\n  - {input: x, shape: [1, 8, 8]}\n  - {conv2d: 3, kernel: [1, 2, 3]}\n", "4:25: the kernel of layer 2 has 3 sizes; write kernel: 3, or [3, 5]"),
        ("layers:\n  - {input: x, shape: [1, 8, 8]}\n  - {conv2d: 3, kernel: 9}\n", "4:5: layer 2 does not fit: a window that reaches over 9 does not fit into 8 with padding 0; use a smaller window or more padding"),
        ("layers:\n  - {input: x, shape: [1, 8, 8]}\n  - {conv2d: 3, kernel: 3, stride: 0}\n", "4:36: stride of layer 2 is 0; write a whole number, 1 or more"),
        ("layers:\n  - {input: x, shape: [1, 8, 8]}\n  - {dense: 3}\n", "4:5: layer 2, dense, gets x of shape (1, 8, 8); put {flatten: true} before it"),
        ("layers:\n  - {input: x, shape: [1, 8, 8]}\n  - {maxpool2d: 9}\n", "4:5: layer 2 does not fit: a window that reaches over 9 does not fit into 8 with padding 0; use a smaller window or more padding"),
        ("layers:\n  - {input: x, shape: [8]}\n  - {maxpool2d: 2}\n", "4:5: layer 2 does not fit: maxpool2d(x, n) pools rows and columns, x has shape (8,); x is (channels, rows, columns)"),
        ("layers:\n  - {input: x, shape: [8]}\n  - {dense: 2, activation: rleu}\n", '4:28: the activation of layer 2 is "rleu"; did you mean relu?'),
        ("layers:\n  - {input: x, shape: [8]}\n  - {dense: 2, activation: relu}\n  - {activation: tanh}\n", "5:5: a1 is declared twice, first in line 4; give one of them another name"),
        ("layers:\n  - {input: x, shape: [8]}\n  - {dense: 2, name: x}\n", "4:5: x is declared twice, first in line 3; give one of them another name"),
        ("layers:\n  - {input: x, shape: [8]}\n  - {dense: 2}\ninputs: {W1: 3}\ngraph: {L: sum(a1)}\n", ["4:5: W1 is declared twice, first in line 5; give one of them another name", '6:16: "a1" is no name or function here; this problem knows x, W1, L']),
        ("layers:\n  - {input: x, shape: [8]}\n  - {dense: x}\n", "4:13: x is the letter of a size here and the name of something else in line 3; remove the other, a size is a number in expressions too; or rename it"),
        ("layers:\n  - {input: x, shape: [8]}\n  - {dens: 2}\n", '4:6: "dens" is no key of layer 2; did you mean dense?'),
        ("layers:\n  - {input: x, shape: [m, 8, 3, 3]}\n", "3:5: the input x of the layers has shape (m, 8, 3, 3); write [30], [m, 30] for a batch, or [channels, rows, columns]"),
        ("layers:\n  - {input: x, shape: [8]}\n  - {flatten: false}\n", "3:3: the graph is empty; add a layer such as {dense: 10}"),
        ("layers:\n  - {input: , shape: [8]}\n", '3:13: "" cannot be the name of an input; use letters, digits and _, a letter first; latex: says how it is printed'),
        ("layers:\n  - {input: x, shape: [8, 8]}\n  - {conv2d: 3, kernel: 3, padding: same}\n", "4:5: layer 2, conv2d, gets x of shape (8, 8); it takes (channels, rows, columns)"),
        ("layers:\n  - {input: x, shape: [1, n, n]}\n  - {conv2d: 3, kernel: 3, stride: 2}\n  - {maxpool2d: 2}\n  - {dense: 3, activation: relu, name: h}\n  - {flatten: true}\ngraph: {L: sum(h*z1*a2*p1*f1)}\n", "4:5: layer 2 does not fit: how often a window of 3 fits into n with stride 2 depends on n; give the size as a number"),
        ("layers:\n  - {input: x, shape: [3]}\n  - {dense: 2, bias: maybe}\n", '4:22: bias of layer 2 is "maybe"; write true or false'),
    ],
)  # fmt: skip
def test_each_mistake_has_its_line(text, expected):
    assert complaints(text) == ([expected] if isinstance(expected, str) else expected)


@given(
    st.integers(0, len(CONVOLUTIONAL) - 1), st.sampled_from(["", "\t", "[", "]", ":", "x", "\n", "{", "0", ",", "-"])
)
def test_damaged_layers_are_read_or_explained(at, change):
    try:
        read(CONVOLUTIONAL[:at] + change + CONVOLUTIONAL[at + 1 :])
    except GradcheckError as error:
        assert str(error).startswith("p.yaml")


_KEYS = ["input", "dense", "conv2d", "maxpool2d", "flatten", "activation", "shape", "kernel", "stride", "bias", "name"]
_VALUES = ["x", "3", "[3]", "[1, 8, 8]", "relu", "true", "k", "-1", "{}", "[[1]]", "''"]


@given(st.lists(st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(_VALUES), max_size=3), max_size=4))
def test_any_list_of_layers_is_read_or_explained(layers):
    lines = [f"  - {{{', '.join(f'{key}: {value}' for key, value in layer.items())}}}\n" for layer in layers]
    try:
        read("layers:\n" + "".join(lines))
    except GradcheckError as error:
        assert str(error).startswith("p.yaml")
