"""Side-by-side measurements, each one command; the results lie in benchmarks/results."""
