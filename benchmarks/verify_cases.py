"""How well homework is judged: right answers in many forms, and wrong ones with one known fault each.

    PYTHONPATH=. python benchmarks/verify_cases.py                   # all bundled problems
    PYTHONPATH=. python benchmarks/verify_cases.py --peer FOLDER     # Math-Verify beside it, where FOLDER holds the package
    PYTHONPATH=. python benchmarks/verify_cases.py --show 20         # the first cases that went wrong, the slowest ones
    PYTHONPATH=. python benchmarks/verify_cases.py --about arrays    # or numbers
    PYTHONPATH=. python benchmarks/verify_cases.py --shares          # how much of the time evaluation takes, of numbers

`scalar_cases.py` composes the cases about numbers, `array_cases.py` those about arrays, each with values of its own.
Processor time.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys

import array_cases
import scalar_cases
from judging import measured, print_off, print_peer, print_shares, print_table

from gradcheck_cli.cli.common import collect_seldom
from gradcheck_cli.problem import bundled, load
from gradcheck_cli.verifying import Examiner


def drawn(cases, name, count):
    """So many of a problem's cases, the same in every run; all without a count."""
    cases = list(dict.fromkeys(cases))
    if count:
        random.Random(name).shuffle(cases)  # noqa: S311 - no secrets
    return cases[: count or None]


def report(about, problems, cases_of, show, *, peer, sample, shares):
    """The tables for problems of one kind."""
    examiners = {name: Examiner(problem) for name, problem in problems.items()}
    cases = [case for name, examiner in examiners.items() for case in drawn(cases_of(examiner), name, sample)]
    gc.collect()
    collect_seldom()
    if shares:
        print_shares(cases, examiners)
        return
    rows, times, off, by_code = measured(cases, examiners)
    print(f"\n{len(cases)} claims about {len(problems)} problems of {about}\n")
    print_table(rows, times, by_code)
    if peer:
        latex = [case for case in cases if case.answer]
        print_peer(latex, measured(latex, examiners)[0])
    print_off(off, times, show)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="a folder with the package math_verify")
    parser.add_argument("--show", type=int, default=0, help="how many cases that went wrong to print")
    parser.add_argument("--only", help="one problem")
    parser.add_argument("--about", choices=("numbers", "arrays"), help="problems of one kind")
    parser.add_argument("--sample", type=int, default=0, help="so many cases of each problem, drawn by chance")
    parser.add_argument("--shares", action="store_true", help="how much of the time goes into values at points")
    options = parser.parse_args()
    if options.peer:
        sys.path.append(options.peer)
    problems = {name: load(name) for name in ([options.only] if options.only else bundled())}
    for about, cases_of, peer in (("numbers", scalar_cases.cases_of, True), ("arrays", array_cases.cases_of, False)):
        chosen = {name: one for name, one in problems.items() if one.arrays == (about == "arrays")}
        if chosen and options.about in (None, about) and not (options.shares and about == "arrays"):
            with_peer = peer and options.peer
            report(
                about,
                chosen,
                cases_of,
                options.show,
                peer=with_peer,
                sample=options.sample,
                shares=options.shares,
            )


if __name__ == "__main__":
    main()
