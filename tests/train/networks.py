"""Networks and data for the tests of training."""

from __future__ import annotations

import numpy as np

from gradcheck_cli.train.backends.numpy_backend import NumpyBackend
from gradcheck_cli.train.engine import Engine
from gradcheck_cli.train.initial import initial
from gradcheck_cli.train.network import mlp, read_network
from gradcheck_cli.train.recipes import Recipe

LAYER_NORM = """\
title: Layer norm and gelu
inputs:
  X: {shape: [m, dx]}
  Y: {shape: [m, do], kind: onehot}
  W1: {shape: [dx, dh], param: true}
  g: {shape: [dh], param: true}
  W2: {shape: [dh, do], param: true}
graph:
  A: X @ W1
  N: (A - mean(A, axis=1, keepdims=1)) / sqrt(var(A, axis=1, keepdims=1) + 0.001)
  H: gelu(N*(1 + g))
  P: softmax(H @ W2)
  loss: cross_entropy(P, Y) + 0.01*sum(W1^2)
"""
SQUARED = """\
title: Squared error
inputs:
  X: {shape: [m, dx]}
  Y: {shape: [m, do], kind: onehot}
  W1: {shape: [dx, dh], param: true}
  W2: {shape: [dh, do], param: true}
graph:
  P: sigmoid(tanh(X @ W1) @ W2)
  loss: sum((P - Y)^2) / m
"""
ONE_ROW = """\
title: One example a step
inputs:
  x: {shape: [dx]}
  y: {shape: [do], kind: onehot}
  W: {shape: [do, dx], param: true}
  b: {shape: [do], param: true}
graph:
  p: softmax(W @ x + b)
  loss: -sum(y*log(p))
"""
TIED = """\
title: One matrix used twice
inputs:
  X: {shape: [m, dx]}
  Y: {shape: [m, do], kind: onehot}
  W: {shape: [dx, dx], param: true}
  V: {shape: [dx, do], param: true}
graph:
  H: abs(X @ W) + softplus(X @ W.T)
  P: softmax(exp(H/10) @ V)
  loss: -sum(Y*log(P))/m + mean(where(W > 0, W, 0.1*W))
"""
COLUMNS = """\
title: One example a step, in columns
inputs:
  x: {shape: [dx, 1]}
  y: {shape: [do, 1], kind: onehot, axis: 0}
  W1: {shape: [dh, dx], param: true}
  b1: {shape: [dh, 1], param: true}
  W2: {shape: [do, dh], param: true}
  b2: {shape: [do, 1], param: true}
graph:
  z1: W1 @ x + b1
  h: tanh(z1)
  p: sigmoid(W2 @ h + b2)
  loss: sum((p - y)^2)/2
"""
TWO_LAYERS = mlp((24, 12), "relu")
TEXTS = {
    "sigmoid": (mlp((16,), "sigmoid"), (16,)),
    "relu": (TWO_LAYERS, (24, 12)),
    "silu": (mlp((9,), "silu"), (9,)),
    "linear": (mlp((), "relu"), ()),
    "norm": (LAYER_NORM, (10,)),
    "squared": (SQUARED, (7,)),
    "tied": (TIED, ()),
}


def engine(text, hidden=(), *, features=20, classes=5, backend=None, **changes):
    recipe = Recipe(**({"hidden": hidden, "batch_size": 8, "augment": 0.0} | changes))
    network = read_network(text, "test", features, classes, hidden)
    params = initial(network.parameters(), "he", 3, recipe.dtype)
    return Engine(network, recipe, backend or NumpyBackend(), params)


def feeds(network, rows, dtype="float32", seed=0):
    random = np.random.default_rng(seed)
    features = network.sizes.get("dx", 20)
    data = random.random((rows, features)) * (random.random((rows, features)) < 0.4)
    labels = random.integers(0, 5, rows)
    found = {network.data.name: data.astype(dtype), network.target.name: np.eye(5, dtype=dtype)[labels]}
    for name in network.masks:
        found[name] = np.ones((rows, network.sizes[f"h{name[-1]}"]), dtype)
    return found
