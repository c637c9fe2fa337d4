"""Training steps of 784-128-10 side by side: the tape's programs, NumPy by hand, PyTorch, JAX, autograd, C by hand.

    python benchmarks/train.py [--batches 1,2,64,256] [--rounds 9] [--dtype float32] [--python OTHER/bin/python …]

Sigmoid, softmax, mean cross-entropy, p -= 0.01 g, one thread. Each contender is a process of its own; they take turns of
a fifth of a second, so that a busy neighbour disturbs all alike. What is not installed is left out; `--python` names
further interpreters to look in. All contenders have to arrive at the same weights. Rows are MNIST's where
$GRADCHECK_DATA names it, else random with as many zeros.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ONE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ROWS, RATE, TURN, CHECKED = 4096, 0.01, 0.2, 64
ROOT = Path(__file__).resolve().parents[1]


def weights(dtype):
    import numpy as np

    random = np.random.default_rng(1)
    return [
        (random.uniform(-1, 1, shape) * scale).astype(dtype)
        for shape, scale in (((784, 128), 0.08), ((128,), 0.1), ((128, 10), 0.2), ((10,), 0.1))
    ]


def tape(backend):
    def build(x, y, batch, dtype):
        from dataclasses import replace

        import numpy as np

        from gradcheck_cli.train.backends.memory import padded
        from gradcheck_cli.train.engine import Engine
        from gradcheck_cli.train.network import mlp, read_network
        from gradcheck_cli.train.recipes import HOMEWORK

        made = backend()
        recipe = replace(HOMEWORK, dtype=dtype, batch_size=batch)
        network = read_network(mlp((128,), "sigmoid"), "benchmark", 784, 10, (128,))
        params = {}
        for name, array in zip(("W1", "b1", "W2", "b2"), weights(dtype), strict=True):
            params[name] = padded(array.shape, dtype)
            params[name][...] = array
        engine = Engine(network, recipe, made, params, usual=batch)
        _program, bound = engine.program(batch, train=True)
        steps = len(x) // batch
        feeds = {"X": x.reshape(steps, batch, 784), "Y": y.reshape(steps, batch, 10)}
        records = {"logits": np.zeros((steps, batch, 10), dtype)}
        rates = {"lr": np.full(steps, RATE)}

        def run(count):
            bound.run(feeds, count, rates, records)

        return run, lambda: params["W1"]

    return build


def tape_c(*arguments):
    from gradcheck_cli.train.backends.c_backend import CBackend

    return tape(CBackend)(*arguments)


def tape_numpy(*arguments):
    from gradcheck_cli.train.backends.numpy_backend import NumpyBackend

    return tape(NumpyBackend)(*arguments)


def numpy_plain(x, y, batch, dtype):
    import numpy as np

    w1, b1, w2, b2 = weights(dtype)
    losses = []

    def run(count):
        nonlocal w1, b1, w2, b2
        for at in range(0, count * batch, batch):
            xs, ys = x[at : at + batch], y[at : at + batch]
            h = 1 / (1 + np.exp(-(xs @ w1 + b1)))
            z = h @ w2 + b2
            e = np.exp(z - z.max(axis=1, keepdims=True))
            p = e / e.sum(axis=1, keepdims=True)
            losses.append(-np.log((p * ys).sum(axis=1)).mean())
            g = (p - ys) / batch
            d = (g @ w2.T) * h * (1 - h)
            w2 -= RATE * (h.T @ g)
            b2 -= RATE * g.sum(axis=0)
            w1 -= RATE * (xs.T @ d)
            b1 -= RATE * d.sum(axis=0)

    return run, lambda: w1


def numpy_out(x, y, batch, dtype):
    """By hand with out=, nothing allocated."""
    import numpy as np

    w1, b1, w2, b2 = weights(dtype)
    h, d, t = (np.empty((batch, 128), dtype) for _ in range(3))
    z, g = (np.empty((batch, 10), dtype) for _ in range(2))
    m = np.empty((batch, 1), dtype)
    u1, u2, v1, v2 = (np.empty_like(one) for one in (w1, w2, b1, b2))
    rate = np.asarray(RATE / batch, dtype)
    one = np.asarray(1, dtype)
    losses = np.empty(1 << 20, dtype)

    def run(count):
        for step in range(count):
            xs, ys = x[step * batch : (step + 1) * batch], y[step * batch : (step + 1) * batch]
            np.dot(xs, w1, h)
            np.add(h, b1, h)
            np.negative(h, h)
            np.exp(h, h)
            np.add(h, one, h)
            np.reciprocal(h, h)
            np.dot(h, w2, z)
            np.add(z, b2, z)
            np.maximum.reduce(z, 1, None, m, True)
            np.subtract(z, m, z)
            np.exp(z, z)
            np.add.reduce(z, 1, None, m, True)
            np.divide(z, m, z)
            np.multiply(z, ys, g)
            np.add.reduce(g, 1, None, m, True)
            np.log(m, m)
            losses[step] = m.mean()
            np.subtract(z, ys, g)
            np.multiply(g, rate, g)
            np.dot(g, w2.T, d)
            np.subtract(one, h, t)
            np.multiply(t, h, t)
            np.multiply(d, t, d)
            np.dot(h.T, g, u2)
            np.subtract(w2, u2, w2)
            np.add.reduce(g, 0, None, v2)
            np.subtract(b2, v2, b2)
            np.dot(xs.T, d, u1)
            np.subtract(w1, u1, w1)
            np.add.reduce(d, 0, None, v1)
            np.subtract(b1, v1, b1)

    return run, lambda: w1


def torch_trimmed(x, y, batch, dtype):
    import torch

    torch.set_num_threads(1)
    params = [torch.tensor(one, requires_grad=True) for one in weights(dtype)]
    w1, b1, w2, b2 = params
    data, labels = torch.from_numpy(x), torch.from_numpy(y.argmax(axis=1))
    losses = []
    entropy = torch.nn.functional.cross_entropy

    def run(count):
        for at in range(0, count * batch, batch):
            h = torch.sigmoid(torch.addmm(b1, data[at : at + batch], w1))
            loss = entropy(torch.addmm(b2, h, w2), labels[at : at + batch])
            grads = torch.autograd.grad(loss, params)
            with torch.no_grad():
                for param, grad in zip(params, grads, strict=True):
                    param.sub_(grad, alpha=RATE)
            losses.append(loss.detach())

    return run, lambda: w1.detach().numpy()


def torch_module(x, y, batch, dtype):
    import torch
    from torch import nn

    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(784, 128), nn.Sigmoid(), nn.Linear(128, 10)).to(getattr(torch, dtype))
    begin = weights(dtype)
    with torch.no_grad():
        for layer, weight, bias in ((model[0], *begin[:2]), (model[2], *begin[2:])):
            layer.weight.copy_(torch.tensor(weight.T))
            layer.bias.copy_(torch.tensor(bias))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    entropy = nn.CrossEntropyLoss()
    data, labels = torch.from_numpy(x), torch.from_numpy(y.argmax(axis=1))
    losses = []

    def run(count):
        for at in range(0, count * batch, batch):
            optimizer.zero_grad()
            loss = entropy(model(data[at : at + batch]), labels[at : at + batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())

    return run, lambda: model[0].weight.detach().numpy().T


def jax_scan(x, y, batch, dtype):
    import jax
    import jax.numpy as jnp
    import numpy as np

    if dtype == "float64":
        jax.config.update("jax_enable_x64", True)
    params = [jnp.asarray(one) for one in weights(dtype)]

    def loss(params, xs, ys):
        w1, b1, w2, b2 = params
        h = jax.nn.sigmoid(xs @ w1 + b1)
        return -jnp.mean(jnp.sum(ys * jax.nn.log_softmax(h @ w2 + b2), axis=1))

    def step(params, rows):
        value, grads = jax.value_and_grad(loss)(params, *rows)
        return [p - RATE * g for p, g in zip(params, grads, strict=True)], value

    scan = jax.jit(lambda params, xs, ys: jax.lax.scan(step, params, (xs, ys)), donate_argnums=0)
    steps = len(x) // batch
    data = jnp.asarray(x.reshape(steps, batch, 784)), jnp.asarray(y.reshape(steps, batch, 10))
    first = tuple(one[:CHECKED] for one in data)

    def run(count):
        nonlocal params
        rows = data if count == steps else first if count == CHECKED else tuple(one[:count] for one in data)
        params, losses = scan(params, *rows)
        losses.block_until_ready()

    return run, lambda: np.asarray(params[0])


def hips_autograd(x, y, batch, dtype):
    import autograd.numpy as anp
    from autograd import value_and_grad

    params = weights(dtype)
    losses = []

    def loss(params, xs, ys):
        w1, b1, w2, b2 = params
        h = 1 / (1 + anp.exp(-(anp.dot(xs, w1) + b1)))
        z = anp.dot(h, w2) + b2
        top = anp.max(z, axis=1, keepdims=True)
        log_p = z - top - anp.log(anp.sum(anp.exp(z - top), axis=1, keepdims=True))
        return -anp.sum(log_p * ys) / batch

    both = value_and_grad(loss)

    def run(count):
        for at in range(0, count * batch, batch):
            value, grads = both(params, x[at : at + batch], y[at : at + batch])
            losses.append(value)
            for at_param, grad in enumerate(grads):
                params[at_param] -= (RATE * grad).astype(dtype)

    return run, lambda: params[0]


def c_by_hand(x, y, batch, dtype):
    import ctypes

    import numpy as np

    source = Path(__file__).with_name("hand.c")
    target = Path(tempfile.mkdtemp()) / "hand.so"
    flags = ["-O3", "-march=native", "-ffast-math", "-fno-math-errno", "-shared", "-fPIC", "-w"]
    real = "float" if dtype == "float32" else "double"
    command = ["cc", *flags, f"-DR={real}", f"-DB={batch}", "-o", str(target), str(source), "-lm"]
    subprocess.run(command, check=True)
    step = ctypes.CDLL(str(target)).hand_run
    params = []
    for one in weights(dtype):
        columns = -(-one.shape[-1] // 16) * 16
        raw = np.zeros(one.size // one.shape[-1] * columns * one.itemsize + 64, np.uint8)
        begin = -raw.ctypes.data % 64
        whole = raw[begin : begin + len(raw) - 64].view(dtype).reshape(-1, columns)
        whole[:, : one.shape[-1]] = one
        params.append(whole)
    losses = np.empty(len(x) // batch, dtype)
    kept = (x, y, *params, losses)

    def run(count):
        step(ctypes.c_long(count), *(ctypes.c_void_p(one.ctypes.data) for one in kept))

    return run, lambda: params[0]


CONTENDERS = {
    "C by hand": c_by_hand,
    "tape, generated C": tape_c,
    "JAX jit + lax.scan": jax_scan,
    "tape, NumPy": tape_numpy,
    "NumPy by hand, out=": numpy_out,
    "NumPy by hand, plain": numpy_plain,
    "PyTorch eager, trimmed": torch_trimmed,
    "PyTorch nn.Module + SGD": torch_module,
    "HIPS autograd": hips_autograd,
}


def memory(*, fresh=False):
    """kB: the process's peak; `fresh`: what it has now, and the peak begins anew (Linux; elsewhere the old peak counts)."""
    try:
        if fresh:
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
        found = dict(line.split(":", 1) for line in lines)
        return int(found["VmRSS" if fresh else "VmHWM"].split()[0])
    except (OSError, KeyError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak


def work(name, folder, batch, dtype):
    """A contender: a line of JSON for its start, then one for each line that it reads."""
    if hasattr(os, "sched_setaffinity"):  # some libraries take threads whatever they are told
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import numpy as np

    before = time.perf_counter()
    x, y = (np.load(Path(folder) / f"{one}.npy") for one in "xy")
    base = memory(fresh=True)
    try:
        run, first = CONTENDERS[name](x, y, batch, dtype)
        began = time.perf_counter()
        run(min(len(x) // batch, CHECKED))
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    state = {"w1": float(np.linalg.norm(first()[:, :128].astype(float))), "build": began - before}
    print(json.dumps(state), flush=True)
    steps = len(x) // batch
    run(steps)
    for _ in sys.stdin:
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < TURN:
            run(steps)
            count += steps
        each = (time.perf_counter() - began) / count * 1e6
        print(json.dumps({"us": each, "extra": (memory() - base) / 1024}), flush=True)


def rows(dtype):
    import numpy as np

    folder = os.environ.get("GRADCHECK_DATA")
    random = np.random.default_rng(0)
    if folder:
        sys.path.insert(0, str(ROOT))
        from gradcheck_cli.train.data.datasets import load_folder

        found = load_folder(Path(folder))
        images, labels = found.images[:ROWS] / 255, found.labels[:ROWS]
    else:
        images = random.random((ROWS, 784)) * (random.random((ROWS, 784)) < 0.19)
        labels = random.integers(0, 10, ROWS)
    return images.astype(dtype), np.eye(10, dtype=dtype)[labels]


def start(name, folder, batch, dtype, pythons):
    """The process of a contender, from the first interpreter that has what it needs."""
    environment = (
        os.environ
        | dict.fromkeys(ONE, "1")
        | {"PYTHONPATH": str(ROOT), "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
    )
    for python in pythons:
        command = [python, __file__, "--worker", name, folder, str(batch), dtype]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        said = json.loads(process.stdout.readline() or '{"missing": "it failed"}')
        if "missing" not in said:
            return process, said
        process.kill()
    return None, said


def measure(batch, options, folder):
    pythons = [sys.executable, *options.python]
    running = {}
    for name in CONTENDERS:
        process, said = start(name, folder, batch, options.dtype, pythons)
        if process is None:
            print(f"  {name}: left out ({said['missing'][:60]})")
        else:
            running[name] = (process, said, [], [])
    for _ in range(options.rounds):
        for process, _, times, extra in running.values():
            process.stdin.write("go\n")
            process.stdin.flush()
            found = json.loads(process.stdout.readline())
            times.append(found["us"])
            extra.append(found["extra"])
    for process, *_ in running.values():
        process.stdin.close()
        process.wait()
    return {name: (said, times, extra) for name, (_, said, times, extra) in running.items()}


def table(batch, found):
    """Medians, and least times: what a neighbour takes away is in the first, not in the second. Ratios are of the least."""
    print(f"batch {batch}: us a step", "median", "least", "/ tape C", "/ tape NumPy", "MB beyond the data", sep="  |  ")
    ours = [min(found[name][1]) for name in ("tape, generated C", "tape, NumPy") if name in found]
    for name, (said, times, extra) in found.items():
        ratios = "".join(f"{min(times) / mine:10.2f}" for mine in ours)
        print(
            f"  {name:26}{statistics.median(times):10.1f}{min(times):10.1f}{ratios}{max(extra):8.0f}   |W1| {said['w1']:.5f}"
        )
    norms = [said["w1"] for said, *_ in found.values()]
    if max(norms) - min(norms) > 1e-4 * max(norms):
        sys.exit("the contenders do not do the same work")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", default="1,2,64,256")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--python", action="append", default=[])
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        name, folder, batch, dtype = options.worker
        work(name, folder, int(batch), dtype)
        return
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        for name, array in zip("xy", rows(options.dtype), strict=True):
            np.save(Path(folder) / f"{name}.npy", array)
        for batch in map(int, options.batches.split(",")):
            table(batch, measure(batch, options, folder))


if __name__ == "__main__":
    main()
