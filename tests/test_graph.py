"""The graph: order, edges, paths, cycles."""

from __future__ import annotations

import pytest

from gradcheck_cli.graph import Node, in_order
from gradcheck_cli.parsing.text import parse
from tests.build import graph_of, names_of


def test_nodes_keep_their_order_where_it_can_be_kept():
    graph = graph_of({"x": 1}, {"a": "x", "b": "x", "c": "b + a", "y": "c"})
    assert [node.name for node in graph.nodes] == ["a", "b", "c", "y"]


def test_nodes_are_put_in_order_where_they_are_not():
    graph = graph_of({"x": 1}, {"y": "c + x", "c": "a", "a": "x"})
    assert [node.name for node in graph.nodes] == ["a", "c", "y"]


def test_what_waits_for_itself_is_left_over():
    vocabulary = names_of("a", "b", "c")
    nodes = [Node(name, parse(text, vocabulary)) for name, text in {"a": "b", "b": "a", "c": "1"}.items()]
    ordered, circular = in_order(nodes)
    assert [node.name for node in ordered] == ["c"]
    assert {node.name for node in circular} == {"a", "b"}


def test_edges_targets_ancestors():
    graph = graph_of({"x": 1, "w": 2}, {"a": "x*w", "y": "a*x + x"})
    assert graph.edges == (("x", "a"), ("w", "a"), ("a", "y"), ("x", "y"))
    assert graph.targets["x"] == ("a", "y")
    assert graph.ancestors["y"] == {"x", "w", "a"}
    assert graph.between("y", "w") == ("w", "a", "y")
    assert graph.between("w", "y") == ()


@pytest.mark.parametrize(
    ("source", "paths"), [("x", (("y", "a", "x"), ("y", "x"))), ("w", (("y", "a", "w"),)), ("y", (("y",),))]
)
def test_paths(source, paths):
    graph = graph_of({"x": 1, "w": 2}, {"a": "x*w", "y": "a*x"})
    assert graph.paths("y", source) == paths


def test_paths_are_bounded():
    nodes = {}
    for k in range(40):
        below = f"c{k - 1}" if k else "x"
        nodes |= {f"a{k}": below, f"b{k}": below, f"c{k}": f"a{k} + b{k}"}
    assert len(graph_of({"x": 1}, nodes).paths("c39", "x", limit=7)) == 7
