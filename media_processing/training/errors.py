"""How far a transcription is from what was said."""

from __future__ import annotations

from collections.abc import Sequence


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest words to change, add and leave out to make one of the other (Levenshtein, 1966).

    Divided by the number of words said, it is the word error rate.
    """
    costs = list(range(len(heard) + 1))
    for row, word in enumerate(said, 1):
        before, costs[0] = costs[0], row
        for column, other in enumerate(heard, 1):
            before, costs[column] = (
                costs[column],
                min(before + (word != other), costs[column] + 1, costs[column - 1] + 1),
            )
    return costs[-1]
