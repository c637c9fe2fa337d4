"""Homework about vectors and matrices as it was written."""
