"""Answers about vectors and matrices: read, matched, diagnosed and explained."""
