"""What is wrong with a single step of homework, as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Index, Name
from gradcheck_cli.parsing.text import read_quietly
from gradcheck_cli.verifying.arrays.diagnosis.diagnose import equals
from gradcheck_cli.verifying.arrays.letters import factors, is_chain
from gradcheck_cli.verifying.model import WRONG, Diagnosis
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from gradcheck_cli.expr import Expr
    from gradcheck_cli.verifying.arrays.bench import ArrayBench
    from gradcheck_cli.verifying.arrays.texts.names import ArrayNames
    from gradcheck_cli.verifying.match import Read, Truth


def told_of_a_step(bench: ArrayBench, known: ArrayNames, truth: Truth, reads: list[Read]) -> Diagnosis | None:
    """What is wrong with a step of homework: a value for its derivative, the right factors in a senseless order."""
    read = next(read for read in reads if read.member.verdict == WRONG)
    ask = truth.ask.base if isinstance(truth.ask, Index) else truth.ask
    if not isinstance(ask, Call) or ask.function not in ("d", "local") or read.expr is None:
        return None
    top = ask.args[0]
    if isinstance(truth.ask, Index) and isinstance(top, Name):
        top = Index(top, truth.ask.indices[: len(bench.engine.shapes.get(top.id, ()))])
    if equals(bench.matcher, truth, read.expr, top):
        return Diagnosis("wrong-local", f"this is {write(top)} itself, not its derivative")
    if _is_chain(bench, known, read, ask) and read.member.note:
        message = "these are the right factors of the chain rule, in an order whose shapes do not fit"
        return Diagnosis("shape", f"{message}: {read.member.note.partition(':')[0].removesuffix(' do not fit')}")
    return None


def _is_chain(bench: ArrayBench, known: ArrayNames, read: Read, ask: Call) -> bool:
    """Whether a product is one of names for the links of the chain rule, in their order."""
    if read.member.source is None:
        return False
    written = read_quietly(read.member.source, known.own.scope, latex="\\" in read.member.source.text)
    asks = {name: link for name, _, link in known.values if name is not None}
    for expr in written:
        parts = [factor.id if isinstance(factor, Name) else "" for factor in factors(expr)]
        links = [_whole(asks.get(part)) for part in parts]
        joined = Call("mul", tuple(Call("d", link.args) for link in links if isinstance(link, Call)))
        if len(joined.args) == len(links) and is_chain(bench.engine, joined, ask):
            return True
    return False


def _whole(link: Expr | None) -> Expr | None:
    """The derivative of whole arrays that one of an entry or of a sample belongs to."""
    call = link.base if isinstance(link, Index) else link
    if not isinstance(call, Call):
        return call
    return Call(call.function, tuple(arg.base if isinstance(arg, Index) else arg for arg in call.args))
