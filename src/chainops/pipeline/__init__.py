"""The engine: a graph of stages, a journal of what happened, and the decision what is next."""
