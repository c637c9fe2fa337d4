"""Which mistake a wrong answer about arrays is."""
