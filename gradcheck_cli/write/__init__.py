"""Expressions to text: plain (`text`), as on paper (`latex`), and the names they use."""
