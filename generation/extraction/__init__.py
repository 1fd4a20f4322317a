"""The parts of the extractive writer: ranking sentences, shortening them, and words for pictures."""
