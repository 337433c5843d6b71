"""The Deep-Z networks and the graph that consumers run."""
