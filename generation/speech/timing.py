"""From what eSpeak NG reports (positions and samples) to the time of every word, in the text's own spelling."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from generation.speech.sounds import Samples, audible
from media_processing.engines.base import Word

_LEAST = 0.02  # seconds: the shortest word


def group_silent(tokens: Sequence[str], silent: Sequence[bool]) -> list[list[int]]:
    """Numbers of the tokens that make up each word: what is only punctuation goes with the word before it."""
    groups: list[list[int]] = []
    waiting: list[int] = []
    for number in range(len(tokens)):
        if silent[number] and groups:
            groups[-1].append(number)
        elif silent[number]:
            waiting.append(number)
        else:
            groups.append([*waiting, number])
            waiting = []
    if waiting and not groups:
        groups.append(waiting)
    return groups


def starts_of(places: Sequence[int], events: Sequence[tuple[int, int]], count: int) -> list[int | None]:
    """For each of `count` tokens, the sample of its first event.

    `places` are the positions (in characters from 0) where the tokens begin; `events` are (position, sample).
    """
    starts: list[int | None] = [None] * count
    for position, sample in events:
        at = bisect_right(places, position) - 1
        if 0 <= at < count and starts[at] is None:
            starts[at] = sample
    return starts


def words_from(
    texts: Sequence[str], starts: Sequence[int | None], sound: Samples, *, hertz: int, cut: int
) -> tuple[Word, ...]:
    """Words with their times in the trimmed sound.

    A word ends where the next begins, or where its own sound fades before a pause. The few words without an event
    (eSpeak says "of the" as one) share the time of the word before them by their letters.
    """
    known = [at for at, start in enumerate(starts) if start is not None]
    if not known:
        return ()
    edges = [max(0, int(starts[at] or 0) - cut) for at in known]
    # Speech begins where it is heard; the first event lies at the very beginning. Words before it share its time.
    heard = audible(sound)
    edges[0] = max(edges[0], int(heard[0])) if len(heard) else edges[0]
    known[0] = 0
    words: list[Word] = []
    for index, at in enumerate(known):
        start = edges[index]
        limit = edges[index + 1] if index + 1 < len(edges) else len(sound)
        end = _fades(sound, start, limit, hertz)
        until = known[index + 1] if index + 1 < len(known) else len(texts)
        words += _share(texts[at:until], start / hertz, end / hertz)
    return _in_order(words, len(sound) / hertz)


def _fades(sound: Samples, start: int, limit: int, hertz: int) -> int:
    """Where the sound between `start` and `limit` was last heard (and a little after)."""
    loud = audible(sound[start:limit])
    if not len(loud):
        return limit
    heard = start + int(loud[-1]) + 1
    # A short gap belongs to the word (a closing consonant); only a pause ends it early.
    return limit if limit - heard < 0.06 * hertz else min(limit, heard + int(0.03 * hertz))


def _share(texts: Sequence[str], start: float, end: float) -> list[Word]:
    total = sum(len(text) for text in texts) or 1
    words, at = [], start
    for text in texts:
        until = at + (end - start) * len(text) / total
        words.append(Word(text, at, until))
        at = until
    return words


def _in_order(words: Sequence[Word], seconds: float) -> tuple[Word, ...]:
    """Rounded to milliseconds, never backwards, never past the end, never empty."""
    tidy: list[Word] = []
    before = 0.0
    for word in words:
        start = min(max(word.start, before), max(0.0, seconds - _LEAST))
        end = min(max(word.end, start + _LEAST), seconds)
        tidy.append(Word(word.text, round(start, 3), round(end, 3)))
        before = end if word.end >= word.start else start
    return tuple(tidy)
