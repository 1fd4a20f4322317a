"""Queries that are put together once: asked again with other values, they say what the ORM says."""

from __future__ import annotations

import numpy as np
import pytest
from django.utils import timezone

from media_processing.models import Asset
from search import finding, fulltext
from search.models import Embedding, Moment
from tests.search.conftest import Library


def test_rows_are_those_of_this_workspace_that_are_not_archived(library: Library) -> None:
    shown, archived = library.put("boat"), library.put("train")
    Asset.objects.filter(pk=archived.pk).update(archived=timezone.now())
    moments = {moment.asset_id: moment.pk for moment in Moment.objects.all()}
    every = fulltext.listed(list(moments.values()))
    workspace = library.workspace.pk
    assert [row[0] for row in finding.SHOWN_ROWS.rows(workspace, every)] == [moments[shown.pk]]
    assert finding.SHOWN_ROWS.rows(workspace + 1, every) == []
    row = finding.Row(*finding.SHOWN_ROWS.rows(workspace, every)[0][1:])
    assert (row.asset_id, row.kind, row.start) == (shown.pk, "image", 0.0)
    assert 0 <= row.days(timezone.now()) < 1


def test_vectors_are_those_of_one_model(library: Library) -> None:
    library.put("boat")
    embedding = Embedding.objects.get()
    listed = fulltext.listed([embedding.moment_id])
    [(moment, blob)] = finding.STORED.rows(embedding.model, listed)
    assert moment == embedding.moment_id
    assert np.array_equal(np.frombuffer(blob, "<f2"), np.frombuffer(bytes(embedding.vector), "<f2"))
    assert finding.STORED.rows("another", listed) == finding.STORED.rows(embedding.model, fulltext.listed([])) == []


def test_a_value_too_few_is_a_bug_and_no_other_question(library: Library) -> None:
    with pytest.raises(ValueError, match="takes 2 values, not 1"):
        finding.STORED.rows("any")
