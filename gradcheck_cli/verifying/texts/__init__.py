"""Homework as it was written: each formula a claim, found by its left side, with what a text defines and assumes."""
