"""The symbolic witness: local derivatives by SymPy, chained along the edges of the graph by name."""
