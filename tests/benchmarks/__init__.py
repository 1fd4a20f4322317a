"""Small benchmarks that say what they compare with: `python -m tests.benchmarks [area]`, one JSON object a line."""
