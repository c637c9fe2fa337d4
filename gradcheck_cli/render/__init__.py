"""Solutions and reports as text: for a terminal, as JSON."""
