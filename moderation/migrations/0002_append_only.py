"""Decisions can't be changed or deleted, whoever asks the database. Only the person may be forgotten.

SQLite drops the triggers of a table that a later migration rebuilds: such a migration must end with
`migrations.RunPython(hold, let_go)` again. tests/moderation/test_append_only.py notices where it doesn't.
"""

from django.db import migrations

TABLE = "moderation_decision"
KEPT = (
    "id", "workspace_id", "review_id", "verb", "reason", "clause", "note", "policy_version", "digests", "created",
)  # fmt: skip

SQLITE = [
    f"""CREATE TRIGGER IF NOT EXISTS {TABLE}_no_update BEFORE UPDATE ON {TABLE}
        WHEN NEW.person_id IS NOT NULL OR {" OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in KEPT)}
        BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS {TABLE}_no_delete BEFORE DELETE ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END""",
    # INSERT OR REPLACE deletes the old row without asking the trigger above.
    f"""CREATE TRIGGER IF NOT EXISTS {TABLE}_no_replace BEFORE INSERT ON {TABLE}
        WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END""",
]
# jsonb compares with IS DISTINCT FROM; plain json doesn't, and Django makes jsonb.
POSTGRESQL = [
    f"""CREATE OR REPLACE FUNCTION {TABLE}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                IF NEW.person_id IS NULL AND NOT ({" OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in KEPT)})
                THEN RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION 'decisions are append-only' USING ERRCODE = 'integrity_constraint_violation';
        END $$""",
    f"DROP TRIGGER IF EXISTS {TABLE}_append_only ON {TABLE}",
    f"""CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE ON {TABLE}
        FOR EACH ROW EXECUTE FUNCTION {TABLE}_append_only()""",
]
UNDO = {
    "sqlite": [f"DROP TRIGGER IF EXISTS {TABLE}_no_{verb}" for verb in ("update", "delete", "replace")],
    "postgresql": [
        f"DROP TRIGGER IF EXISTS {TABLE}_append_only ON {TABLE}",
        f"DROP FUNCTION IF EXISTS {TABLE}_append_only()",
    ],
}


def hold(_apps, schema_editor):
    statements = {"sqlite": SQLITE, "postgresql": POSTGRESQL}[schema_editor.connection.vendor]
    with schema_editor.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def let_go(_apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for statement in UNDO[schema_editor.connection.vendor]:
            cursor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [("moderation", "0001_initial")]

    operations = [migrations.RunPython(hold, let_go)]
