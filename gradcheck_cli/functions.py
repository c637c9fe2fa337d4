"""The one table of functions: what may be called, with which arguments, how it is written, where it bends.

A row with `means` is *derived*: it stands for that text in its parameters, and this line is all there is of it.
A row without is *primitive*: each witness (symbolic, tape, probe) has a row of its own for it, and a test
demands that the three tables cover exactly the primitives.

Conventions at a kink (one of the slopes is used; the output says so):
step(0) = 0, so relu'(0) = 0; sign(0) = 0, so abs'(0) = 0; max and min give a tie to the first argument or entry.
"""

from __future__ import annotations

from dataclasses import dataclass

ELEMENTWISE = "elementwise"
REDUCING = ("axis", "keepdims")
_ALONG = "axis=axis, keepdims=keepdims"


@dataclass(frozen=True, slots=True)
class Function:
    """A row of the table.

    `params`   names of the positional parameters; the last one repeats when `variadic`
    `means`    for a derived function: what it stands for, in its parameters
    `defaults` texts of the trailing parameters that may be left out
    `aliases`  other spellings
    `latex`    template of its LaTeX; the parameters' names in double brackets stand for the arguments
    `kinks`    expressions in the parameters: where one of them changes its sign the function bends or jumps
    `domain`   expressions in the parameters that must be positive where the function is defined
    `options`  named arguments it takes
    `shape`    how its shape follows from its arguments': a row of `inference.py`; `elementwise` by NumPy's broadcasting
    `of_rank`  for a derived function: (number of axes, what it stands for where an argument has at least so many)
    """

    name: str
    params: tuple[str, ...]
    means: str = ""
    defaults: tuple[str, ...] = ()
    variadic: bool = False
    aliases: tuple[str, ...] = ()
    latex: str = ""
    kinks: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    shape: str = ELEMENTWISE
    of_rank: tuple[tuple[int, str], ...] = ()

    @property
    def elementwise(self) -> bool:
        """Whether it acts on single numbers, and on arrays entry by entry."""
        return self.shape == ELEMENTWISE

    @property
    def primitive(self) -> bool:
        """Whether each witness needs a rule of its own."""
        return not self.means

    @property
    def backward(self) -> bool:
        """Whether it stands in derivatives only; the last letter of its name is the parameter that it sends to."""
        return self.shape.endswith("_back")

    def accepts(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        least = len(self.params) - len(self.defaults)
        return count >= least and (self.variadic or count <= len(self.params))

    def arity(self) -> str:
        """How many arguments it takes, in words."""
        least, most = len(self.params) - len(self.defaults), len(self.params)
        if self.variadic:
            return f"{least} or more arguments"
        span = f"{least}" if least == most else f"{least} to {most}"
        return f"{span} argument{'s' if most > 1 else ''}"


_ROWS = (
    # operators: written with signs, see parse/ and write/
    Function("add", ("x", "y"), variadic=True),
    Function("neg", ("x",)),
    Function("mul", ("x", "y"), variadic=True),
    Function("div", ("x", "y")),
    Function("pow", ("x", "y")),
    Function("gt", ("x", "y"), kinks=("x - y",)),
    Function("ge", ("x", "y"), kinks=("x - y",)),
    Function("eq", ("x", "y"), kinks=("x - y",)),
    Function("lt", ("x", "y"), means="y > x"),
    Function("le", ("x", "y"), means="y >= x"),
    Function("ne", ("x", "y"), means="1 - (x == y)"),
    # constants
    Function("pi", (), latex=r"\pi"),
    Function("e", (), latex="e"),
    # exponential and logarithm; expand() writes e^x as exp(x)
    Function("exp", ("x",), latex=r"e^{[[x]]}"),
    Function("log", ("x",), aliases=("ln",), latex=r"\log [[x]]", domain=("x",)),
    Function("log2", ("x",), means="log(x)/log(2)", latex=r"\log_2 [[x]]"),
    Function("log10", ("x",), means="log(x)/log(10)", latex=r"\log_{10} [[x]]"),
    Function("sqrt", ("x",), means="x^(1/2)", latex=r"\sqrt{[[x]]}"),
    # trigonometry
    Function("sin", ("x",), latex=r"\sin [[x]]"),
    Function("cos", ("x",), latex=r"\cos [[x]]"),
    Function("tan", ("x",), means="sin(x)/cos(x)", latex=r"\tan [[x]]"),
    Function("asin", ("x",), aliases=("arcsin",), latex=r"\arcsin [[x]]", domain=("1 - x", "1 + x")),
    Function("acos", ("x",), means="pi/2 - asin(x)", aliases=("arccos",), latex=r"\arccos [[x]]"),
    Function("atan", ("x",), aliases=("arctan",), latex=r"\arctan [[x]]"),
    Function("sinh", ("x",), latex=r"\sinh [[x]]"),
    Function("cosh", ("x",), latex=r"\cosh [[x]]"),
    Function("sech", ("x",), means="1/cosh(x)", latex=r"\operatorname{sech} [[x]]"),
    Function("tanh", ("x",), latex=r"\tanh [[x]]"),
    Function("erf", ("x",), latex=r"\operatorname{erf} [[x]]"),
    # activations
    Function("sigmoid", ("x",), aliases=("logistic", "sigma", "σ"), latex=r"\sigma [[x]]"),
    Function("relu", ("x",), aliases=("ReLU",), latex=r"\operatorname{ReLU} [[x]]", kinks=("x",)),
    Function("softplus", ("x",), latex=r"\operatorname{softplus} [[x]]"),
    Function("leaky_relu", ("x", "alpha"), means="where(x > 0, x, alpha*x)", defaults=("0.01",)),
    Function("elu", ("x", "alpha"), means="where(x > 0, x, alpha*(exp(x) - 1))", defaults=("1",)),
    Function("silu", ("x",), means="x*sigmoid(x)", aliases=("swish",)),
    Function("gelu", ("x",), means="x*(1 + erf(x/sqrt(2)))/2"),
    # with kinks
    Function("abs", ("x",), latex=r"\left|[[x]]\right|", kinks=("x",)),
    Function("sign", ("x",), latex=r"\operatorname{sign} [[x]]", kinks=("x",)),
    Function("step", ("x",), aliases=("heaviside",), latex=r"\mathbb{1}\left[[[x]] > 0\right]", kinks=("x",)),
    Function("floor", ("x",), latex=r"\left\lfloor [[x]] \right\rfloor", kinks=("sin(pi*x)",)),
    Function("maximum", ("x", "y"), aliases=("max",), variadic=True, latex=r"\max", kinks=("x - y",)),
    Function("minimum", ("x", "y"), aliases=("min",), variadic=True, latex=r"\min", kinks=("x - y",)),
    Function("where", ("c", "x", "y"), kinks=()),
    Function("clip", ("x", "lo", "hi"), means="minimum(hi, maximum(lo, x))"),
    # losses of one prediction and one target
    Function("mse", ("p", "y"), means="(p - y)^2", of_rank=((1, "mean((p - y)^2)"),)),
    Function(
        "bce",
        ("p", "y"),
        means="-(y*log(p) + (1 - y)*log(1 - p))",
        of_rank=((1, "mean(-(y*log(p) + (1 - y)*log(1 - p)))"),),
    ),
    Function("cross_entropy", ("p", "y"), means="-(y*log(p))", of_rank=((1, "-sum(y*log(p))/samples(p)"),)),
    Function("hinge", ("s", "y"), means="maximum(0, 1 - y*s)", of_rank=((1, "mean(maximum(0, 1 - y*s))"),)),
    # products of arrays
    Function("matmul", ("x", "y"), shape="matmul"),
    Function("transpose", ("x",), shape="transpose"),
    Function("dot", ("x", "y"), means="x @ y", shape="derived"),
    Function("outer", ("x", "y"), latex=r"[[x]] [[y]]^\top", shape="outer"),
    # arrays: over all entries, or along an axis
    Function("sum", ("x",), options=REDUCING, shape="reduce"),
    Function("prod", ("x",), options=REDUCING, shape="reduce"),
    Function("amax", ("x",), options=REDUCING, latex=r"\max", shape="reduce"),
    Function("amin", ("x",), options=REDUCING, latex=r"\min", shape="reduce"),
    Function("logsumexp", ("x",), options=REDUCING, latex=r"\operatorname{logsumexp} [[x]]", shape="reduce"),
    Function("mean", ("x",), options=REDUCING, means=f"sum(x, {_ALONG})/count(x, axis=axis)", shape="derived"),
    Function(
        "var",
        ("x",),
        options=REDUCING,
        means=f"mean((x - mean(x, axis=axis, keepdims=1))^2, {_ALONG})",
        shape="derived",
    ),
    Function(
        "norm",
        ("x",),
        options=REDUCING,
        means=f"sqrt(sum(x^2, {_ALONG}))",
        latex=r"\left\|[[x]]\right\|",
        shape="derived",
    ),
    Function("softmax", ("x",), options=("axis",), latex=r"\operatorname{softmax} [[x]]", shape="along"),
    Function("log_softmax", ("x",), options=("axis",), means="log(softmax(x, axis=axis))", shape="derived"),
    # square matrices
    Function(
        "trace",
        ("x",),
        aliases=("tr", "Tr"),
        means="sum(x*eye(count(x, axis=0)))",
        latex=r"\operatorname{tr} [[x]]",
        shape="derived",
    ),
    Function("det", ("x",), latex=r"\det [[x]]", shape="det"),
    Function("logdet", ("x",), means="log(det(x))", shape="derived"),
    Function("inv", ("x",), latex=r"[[x]]^{-1}", shape="square"),
    Function(
        "diag",
        ("x",),
        means="x*eye(count(x))",
        of_rank=((2, "sum(x*eye(count(x, axis=0)), axis=1)"),),
        shape="derived",
    ),
    # arrays made, and put into other shapes
    Function("reshape", ("x", "n"), variadic=True, shape="reshape"),
    Function("flatten", ("x",), means="reshape(x, count(x))", shape="derived"),
    Function("concat", ("x", "y"), variadic=True, options=("axis",), shape="concat"),
    Function("part", ("x", "start", "n"), options=("axis",), shape="part"),
    Function("array", ("x",), variadic=True, shape="array"),
    Function("ones", ("n",), variadic=True, latex=r"\mathbf{1}", shape="filled"),
    Function("zeros", ("n",), variadic=True, latex=r"\mathbf{0}", shape="filled"),
    Function("eye", ("n",), latex="I", shape="eye"),
    Function("onehot", ("i", "n"), means="eye(n)[i]", shape="derived"),
    Function("delta", ("i", "j"), means="i == j", latex=r"\delta"),
    # sizes: how many entries, or along an axis; the rows of a batch
    Function("count", ("x",), options=("axis",), means="1", shape="size"),
    Function("samples", ("x",), means="1", shape="size"),
    # images, axes (channels, rows, columns): cross-correlation, as deep learning calls convolution
    Function("conv2d", ("x", "k"), options=("stride", "padding", "dilation"), shape="conv2d"),
    Function("maxpool2d", ("x", "n"), options=("stride", "padding"), shape="pool2d"),
    Function("avgpool2d", ("x", "n"), options=("stride", "padding"), shape="pool2d"),
    # what these send back to x or k when g arrives: written in derivatives only, so the tape and the probe need no rule
    Function("vjp_conv2d_x", ("g", "x", "k"), options=("stride", "padding", "dilation"), shape="conv2d_back"),
    Function("vjp_conv2d_k", ("g", "x", "k"), options=("stride", "padding", "dilation"), shape="conv2d_back"),
    Function("vjp_maxpool2d_x", ("g", "x", "n"), options=("stride", "padding"), shape="pool2d_back"),
    Function("vjp_avgpool2d_x", ("g", "x", "n"), options=("stride", "padding"), shape="pool2d_back"),
)

FUNCTIONS: dict[str, Function] = {row.name: row for row in _ROWS}
ALIASES: dict[str, str] = {alias: row.name for row in _ROWS for alias in (row.name, *row.aliases)}
PRIMITIVES: tuple[str, ...] = tuple(row.name for row in _ROWS if row.primitive and row.elementwise)
BACKWARD: tuple[str, ...] = tuple(row.name for row in _ROWS if row.backward)
ARRAY_PRIMITIVES: tuple[str, ...] = tuple(
    row.name for row in _ROWS if row.primitive and not row.elementwise and not row.backward
)
# written with signs; their names are no functions to call
OPERATORS = frozenset(
    {"add", "neg", "mul", "div", "pow", "gt", "ge", "eq", "lt", "le", "ne", "matmul", "array", "amax", "amin"}
)

CONSTANTS = ("pi", "e")

# one array's entries, by the name that several numbers have: max(x) beside max(a, b)
OF_ONE = {"maximum": "amax", "minimum": "amin"}
# what an author may ask, and a student may name in an answer: least and most arguments
QUERIES: dict[str, tuple[int, int]] = {
    "value": (1, 1),
    "d": (2, 2),
    "local": (2, 2),
    "upstream": (1, 2),
    "downstream": (2, 2),
    "shape": (1, 1),
    "size": (1, 1),
    "nodes": (0, 0),
    "edges": (0, 0),
    "params": (0, 0),
    "step": (2, 2),
}
