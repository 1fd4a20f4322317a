"""Keys act in people's names, are limited and rotated; calls are named; lists are narrowed by language."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def tell_languages(apps, _schema_editor):
    """Write down of what was published before in which language it is."""
    Publication = apps.get_model("creator", "Publication")
    for pk, document in Publication.objects.values_list("pk", "document").iterator():
        Publication.objects.filter(pk=pk).update(language=str(document.get("language", "en"))[:12])


class Migration(migrations.Migration):

    dependencies = [("creator", "0011_notices")]

    operations = [
        migrations.AlterModelOptions(name="apikey", options={"ordering": ("id",)}),
        migrations.AddField(
            "apikey", "person",
            models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="api_keys",
                to=settings.AUTH_USER_MODEL, help_text="in whose name it acts: it may never do more than this person",
            ),
        ),
        migrations.AddField("apikey", "rate", models.PositiveIntegerField(default=600, help_text="requests a minute")),
        migrations.AddField(
            "apikey", "replaced_by",
            models.OneToOneField(
                blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="replaces",
                to="creator.apikey",
            ),
        ),
        migrations.AddField(
            "channel", "public",
            models.BooleanField(default=False, help_text="anybody may read its feeds, without a key"),
        ),
        migrations.AddField("publication", "language", models.CharField(default="en", max_length=12)),
        migrations.RunPython(tell_languages, migrations.RunPython.noop),
        migrations.AddIndex(
            "publication",
            models.Index(fields=("channel", "language", "-published", "id"), name="creator_pub_channel_language"),
        ),
        migrations.CreateModel(
            name="IdempotentCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("digest", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("headers", models.JSONField(default=dict)),
                ("body", models.TextField(blank=True)),
                ("created", models.DateTimeField()),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="calls", to="creator.apikey"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            "idempotentcall",
            models.UniqueConstraint(fields=("key", "name"), name="one_call_per_idempotency_key"),
        ),
        migrations.AddIndex("idempotentcall", models.Index(fields=("created",), name="creator_idempotent_created")),
    ]
