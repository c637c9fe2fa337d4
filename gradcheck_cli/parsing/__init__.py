"""Text to expressions: a lexer, a table of names, and a Pratt parser over both."""
