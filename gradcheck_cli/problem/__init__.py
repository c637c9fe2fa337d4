"""Problem files: YAML to a graph with names and questions."""

from gradcheck_cli.problem.bundled import bundled, bundled_folder, find
from gradcheck_cli.problem.loading import load, read_problem
from gradcheck_cli.problem.model import Key, Problem, Question

__all__ = ["Key", "Problem", "Question", "bundled", "bundled_folder", "find", "load", "read_problem"]
