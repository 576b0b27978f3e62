"""A local server that behaves as the public services are described, faults included."""
