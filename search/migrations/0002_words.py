"""The table of words: FTS5 on SQLite, a tsvector with a GIN index on PostgreSQL."""

import django.db.models.deletion
from django.db import migrations, models

SQLITE = [
    # Words come cut and folded from search/words.py; marks belong to words, so that vowel signs don't split them.
    """CREATE VIRTUAL TABLE search_momentwords USING fts5(
        title, tags, alt, said, other, prefix='2 3 4', detail=full,
        tokenize="unicode61 remove_diacritics 2 categories 'L* M* N* Co'")""",
    "INSERT INTO search_momentwords(search_momentwords, rank) VALUES ('rank', 'bm25(4.0, 4.0, 2.0, 2.0, 1.0)')",
]
POSTGRESQL = [
    # No foreign key: Django's flush truncates only managed tables, which PostgreSQL refuses where another refers to one.
    # Every read joins the moments, and Django deletes the words with them, so a stray row shows nothing.
    "CREATE TABLE search_momentwords (rowid bigint PRIMARY KEY, search_momentwords tsvector NOT NULL)",
    "CREATE INDEX search_momentwords_words ON search_momentwords USING gin (search_momentwords)",
]


def create(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    schema_editor.execute("DROP TABLE IF EXISTS search_momentwords")


class Migration(migrations.Migration):
    dependencies = [("search", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="MomentWords",
            fields=[
                (
                    "moment",
                    models.OneToOneField(
                        db_column="rowid",
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="search.moment",
                    ),
                ),
                ("document", models.TextField(db_column="search_momentwords")),
            ],
            options={"db_table": "search_momentwords", "managed": False},
        ),
        migrations.RunPython(create, drop),
    ]
