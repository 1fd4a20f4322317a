"""On PostgreSQL, TRUNCATE asks no row's trigger: decisions and the audit log refuse it by one of the whole statement.

SQLite has no TRUNCATE. The functions are those that refuse changes of a row (0002, and creator's 0010).
"""

from django.db import migrations

TABLES = ("moderation_decision", "creator_auditentry")


def hold(_apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}")
            cursor.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
            )


def let_go(_apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}")


class Migration(migrations.Migration):

    dependencies = [("moderation", "0006_queue"), ("creator", "0010_audit")]

    operations = [migrations.RunPython(hold, let_go)]
