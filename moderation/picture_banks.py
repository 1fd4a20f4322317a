"""Verbs of banned pictures: banks, their hashes, what they match, and their exchange with others."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from numpy.typing import NDArray
from PIL import Image

from media_processing import pdq, spreadsheets
from media_processing.engine import EngineError
from moderation.models import OWN_BANK, BannedHash, BannedMatch, PictureBank, PictureHash
from moderation.weighing import storable

MOST_ROWS = 1_000_000
"""Hashes of one import."""
AT_ONCE = 5_000
"""Rows of one write, and pictures of one comparison."""
HASH_COLUMNS = ("raw_indicator", "indicator", "hash", "pdq", "signal_value")
"""What the column of the hash is called, in ThreatExchange's answers and elsewhere."""
TYPES = ("HASH_PDQ", "PDQ", "pdq", "")


def own_bank(workspace_id: int) -> PictureBank:
    """The bank of what the team itself bans."""
    return PictureBank.objects.get_or_create(workspace_id=workspace_id, name=OWN_BANK)[0]


def ban(
    workspace_id: int,
    picture: Image.Image,
    *,
    note: str,
    source: str = "",
    expires: datetime | None = None,
    category: str = "banned",
    bank: PictureBank | None = None,
) -> BannedHash:
    """Never let a picture appear again, nor a scaled, recompressed, turned or mirrored copy. Banning it a second time
    renews the note and the date. Raises EngineError for a picture with too little structure to be recognised.

    A picture that matches too many of those that were judged goes to quarantine at once (see `matching`).
    """
    made = pdq.hashed(picture)
    if not made.reliable:
        raise EngineError(
            f"This picture is too plain to be recognised (quality {made.quality} of 100, {pdq.MIN_QUALITY} needed).",
            next_step="Remove it from the library instead.",
            permanent=True,
        )
    said = {"note": note[:300], "source": source[:200], "expires": expires}
    row = BannedHash.objects.update_or_create(
        workspace_id=workspace_id, bank=bank or own_bank(workspace_id), pdq=made.hex, defaults=said,
        create_defaults={**said, "category": category},
    )[0]
    matching(workspace_id, [row])
    return row


# Matching -------------------------------------------------------------------------------------------------------------


def matching(workspace_id: int, rows: Iterable[BannedHash]) -> set[str]:
    """The judged pictures of a workspace that banned hashes match, by content, without looking at a picture again.

    A hash that matches more than its bank allows goes to quarantine and its matches aren't returned.
    """
    wanted = {row.pk: row.pdq for row in rows}
    found: defaultdict[int, dict[str, int]] = defaultdict(dict)
    kept = PictureHash.objects.filter(workspace_id=workspace_id, quality__gte=pdq.MIN_QUALITY).order_by("pk")
    last = 0
    while some := list(kept.filter(pk__gt=last).values_list("pk", "content", "forms")[:AT_ONCE]):
        last = some[-1][0]
        bits = np.frombuffer(b"".join(bytes(forms) for _pk, _content, forms in some), np.uint8)
        shaped = bits.reshape(len(some), len(pdq.FORMS), -1)
        for number, at, distance in _near(wanted, shaped):
            found[number][some[at][1]] = distance
    contents: set[str] = set()
    for row in BannedHash.objects.filter(pk__in=found).select_related("bank"):
        matches = [BannedMatch(banned=row, content=each, distance=far) for each, far in found[row.pk].items()]
        BannedMatch.objects.bulk_create(matches, ignore_conflicts=True, batch_size=AT_ONCE)
        if not _quarantine_where_too_many(row):
            contents.update(found[row.pk])
    return contents


def _near(hashes: Mapping[int, str], pictures: NDArray[np.uint8]) -> Iterator[tuple[int, int, int]]:
    """(row, place of the picture, distance) for each match between hashes by row and (n, 8, 32) pictures; of very many
    hashes the nearest of each picture."""
    if len(hashes) <= len(pictures):
        for number, text in hashes.items():
            distances = pdq.distances(pictures, text)
            yield from ((number, int(at), int(distances[at])) for at in np.flatnonzero(distances <= pdq.NEAR))
        return
    packed = b"".join(bytes.fromhex(text) for text in hashes.values())
    numbers = np.array(list(hashes), np.uint64)
    bank = pdq.HashBank("", pdq.columns_of(packed), numbers, np.zeros(len(hashes), np.uint64), (("", True),))
    for at, forms in enumerate(pictures):
        match = bank.nearest(forms)
        if match is not None and match.distance <= pdq.NEAR:
            yield match.number, at, match.distance


def note_match(banned_id: int, distance: int, content: str) -> bool:
    """Count a picture that a hash matched. Returns whether that sent the hash to quarantine."""
    row = BannedHash.objects.select_related("bank").filter(pk=banned_id).first()
    if row is None or row.quarantined:
        return False
    BannedMatch.objects.bulk_create(
        [BannedMatch(banned=row, content=content, distance=distance)], ignore_conflicts=True
    )
    return _quarantine_where_too_many(row)


def _quarantine_where_too_many(row: BannedHash) -> bool:
    if row.cleared or row.matches.count() <= row.bank.most_matches:
        return False
    row.quarantined = row.quarantined or timezone.now()
    row.save(update_fields=["quarantined"])
    return True


def release(row: BannedHash) -> None:
    """Somebody looked at what a hash matches and it is right: it bans again, whatever it matches."""
    row.quarantined, row.cleared = None, True
    row.save(update_fields=["quarantined", "cleared"])


def in_force(workspace_id: int, now: datetime | None = None) -> Any:
    """The hashes that count now: of banks that are on, and not expired. Those in quarantine too, which weigh less."""
    now = now or timezone.now()
    rows = BannedHash.objects.filter(workspace_id=workspace_id, bank__enabled=True)
    return rows.exclude(expires__lte=now).exclude(bank__expires__lte=now)


# Comparing ------------------------------------------------------------------------------------------------------------


def bank_of(workspace_id: int) -> pdq.HashBank:
    """All hashes that count now as one bank, mapped from a file that is written when they have changed."""
    now = timezone.now()
    banks = PictureBank.objects.filter(workspace_id=workspace_id, enabled=True).exclude(expires__lte=now)
    state = sorted(banks.values_list("pk", "version"))
    if not state:
        return pdq.EMPTY_BANK
    # The index by bank and date makes this quick, however many there are.
    over = BannedHash.objects.filter(bank__in=[number for number, _ in state], expires__lte=now).count()
    name = hashlib.sha256(repr((workspace_id, state, over)).encode()).hexdigest()[:16]
    return _mapped(Path(settings.CACHE_ROOT) / "banks" / str(workspace_id) / name, workspace_id)


@lru_cache(maxsize=16)
def _mapped(folder: Path, workspace_id: int) -> pdq.HashBank:
    if not (folder / "kinds.json").is_file():
        _write(folder, workspace_id)
    kinds = tuple((category, sure) for category, sure in json.loads((folder / "kinds.json").read_text()))
    rows = np.load(folder / "hashes.npy", mmap_mode="r", allow_pickle=False)
    return pdq.HashBank(folder.name, rows[:4], rows[4], rows[5], kinds)


def _write(folder: Path, workspace_id: int) -> None:
    """The file of a bank: four rows of hashes, one of row numbers, one of places in `kinds`. It appears whole."""
    hashes, numbers, codes = bytearray(), [], []
    places: dict[tuple[str, bool], int] = {}
    rows = in_force(workspace_id).order_by("pk").values_list("pk", "pdq", "category", "quarantined")
    for number, text, category, quarantined in rows.iterator(chunk_size=AT_ONCE):
        hashes += bytes.fromhex(text)
        numbers.append(number)
        codes.append(places.setdefault((category, quarantined is None), len(places)))
    table = np.concatenate([pdq.columns_of(bytes(hashes)), np.array([numbers, codes], np.uint64)])
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as scratch:
        made = Path(scratch) / folder.name
        made.mkdir()
        np.save(made / "hashes.npy", table)
        (made / "kinds.json").write_text(json.dumps(list(places)))
        try:
            made.rename(folder)
        except OSError:  # another process was faster with the same
            if not (folder / "kinds.json").is_file():
                raise
    for older in folder.parent.iterdir():  # who has one mapped keeps it
        if older.name != folder.name and not older.name.startswith("."):
            shutil.rmtree(older, ignore_errors=True)


# Exchange -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Imported:
    """What became of a file of hashes."""

    new: int
    known: int
    after: int
    """The new rows' numbers are above this."""
    refused: list[str]
    """Why, for the first ones that were not taken."""
    refused_count: int


def exported(bank: PictureBank, form: str) -> Iterator[str]:
    """A bank as "json" (as ThreatExchange answers: {"data": [{"type", "raw_indicator", ...}]}) or as "csv"."""
    rows = bank.hashes.order_by("pk")
    if form == "csv":
        lines = (
            ("HASH_PDQ", row.pdq, row.category, row.note, row.source, row.expires.isoformat() if row.expires else "")
            for row in rows.iterator(chunk_size=AT_ONCE)
        )
        columns = ("type", "raw_indicator", "tags", "description", "source", "expired_on")
        yield from spreadsheets.lines(columns, lines, mark=False)
        return
    yield '{"data": ['
    for place, row in enumerate(rows.iterator(chunk_size=AT_ONCE)):
        said = {
            "type": "HASH_PDQ", "raw_indicator": row.pdq, "tags": [row.category], "description": row.note,
            "source": row.source, "expired_on": row.expires.isoformat() if row.expires else None,
        }  # fmt: skip
        yield (",\n" if place else "\n") + json.dumps(said, ensure_ascii=False)
    yield "\n]}\n"


def import_hashes(bank: PictureBank, content: bytes) -> Imported:
    """Take the PDQ hashes of a CSV or JSON file into a bank. What is there already stays as it is.

    Raises EngineError for a file that is neither; a line that is no hash is refused by itself, with its number. It is
    written in pieces, so that a million hashes fit into the memory and nobody waits for the database meanwhile; what
    was cut off goes on where the file is taken in again.
    """
    try:
        text = content.decode("utf-8-sig")
        read = partial(_of_json, text) if text.lstrip()[:1] in ("{", "[") else partial(_of_csv, text)
        length = sum(1 for _line in read())  # all of it is read once before anything is written
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error, RecursionError, ValueError) as error:
        raise EngineError(
            f"This is no list of hashes: {error}.",
            next_step="Send CSV with a column raw_indicator, or JSON as ThreatExchange answers it.",
            permanent=True,
        ) from error
    if length > MOST_ROWS:
        what = f"A bank takes {MOST_ROWS:,} hashes at a time; this file has {length:,}."
        raise EngineError(what, next_step="Split it.", permanent=True)
    after = BannedHash.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    refused: list[str] = []
    new = known = count = 0
    lines = enumerate(read(), 1)
    while some := list(islice(lines, AT_ONCE)):
        rows: dict[str, BannedHash] = {}
        for number, said in some:
            try:
                row = _row(bank, said)
            except ValueError as error:
                count += 1
                refused += [f"entry {number}: {error}"] if len(refused) < 20 else []
            else:
                rows.setdefault(row.pdq, row)
        there = set(bank.hashes.filter(pdq__in=rows).values_list("pdq", flat=True))
        wanted = [row for text, row in rows.items() if text not in there]
        BannedHash.objects.bulk_create(wanted, ignore_conflicts=True)
        new, known = new + len(wanted), known + len(there)
    return Imported(new, known, after, refused, count)


def _of_csv(text: str) -> Iterator[Mapping[str, Any]]:
    reader = csv.DictReader(io.StringIO(text))
    if not set(HASH_COLUMNS) & {name.strip() for name in reader.fieldnames or ()}:
        raise ValueError("no column is called raw_indicator")
    for line in reader:
        yield {
            (name or "").strip(): spreadsheets.told(value) if isinstance(value, str) else value
            for name, value in line.items()
        }


def _of_json(text: str) -> Iterator[Mapping[str, Any]]:
    said = json.loads(text)
    found = said.get("data") if isinstance(said, dict) else said
    if not isinstance(found, list):
        raise ValueError("`data` is no list")
    yield from (each if isinstance(each, dict) else {"raw_indicator": each} for each in found)


def _row(bank: PictureBank, said: Mapping[str, Any]) -> BannedHash:
    if str(said.get("type") or said.get("signal_type") or "") not in TYPES:
        raise ValueError(f"it is a {str(said.get('type'))[:30]} and no PDQ hash")
    text = str(next((said[name] for name in HASH_COLUMNS if said.get(name)), "")).strip().lower()
    if len(text) != pdq.BITS // 4 or not all(digit in "0123456789abcdef" for digit in text):
        raise ValueError("a PDQ hash has 64 hexadecimal digits")
    ones = int(text, 16).bit_count()
    if min(ones, pdq.BITS - ones) < LEAST_MIXED:
        raise ValueError("it is the hash of a flat picture, which matches whatever is plain")
    tags = said.get("tags") or said.get("category") or ["banned"]
    tag = str(tags[0] if isinstance(tags, list) else tags).strip() or "banned"
    return BannedHash(
        workspace_id=bank.workspace_id, bank=bank, pdq=text, category=_storable(tag, 40),
        note=_storable(said.get("description") or said.get("note") or "", 300),
        source=_storable(said.get("source") or bank.source or "", 200), expires=_moment(said.get("expired_on")),
    )  # fmt: skip


def _storable(said: Any, most: int) -> str:
    """As a database can hold it."""
    return str(storable({"said": str(said)})["said"])[:most]


LEAST_MIXED = 64
"""Of the 256 bits, half are set in the hash of any picture with structure: the median splits them."""


def _moment(said: Any) -> datetime | None:
    if not said:
        return None
    if isinstance(said, int | float) or str(said).isdigit():
        try:
            return datetime.fromtimestamp(float(said), UTC)
        except (OverflowError, OSError):
            raise ValueError(f"{str(said)[:40]} lies further off than any date") from None
    moment = parse_datetime(str(said))
    if moment is None:
        raise ValueError(f"{str(said)[:40]!r} is no date")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
