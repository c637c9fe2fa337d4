"""From a graph to a flat program: forward values, adjoints, updates, buffers."""
