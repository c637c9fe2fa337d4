"""Which mistake a wrong answer is: looked up among those that the graph allows."""
