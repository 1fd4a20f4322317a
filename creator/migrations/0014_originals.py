"""Publications know which story they are a translation of."""

from django.db import migrations, models


def tell_originals(apps, _schema_editor):
    """Write down of what was published before which story it is a translation of; its own id where it is none."""
    Publication, Job = apps.get_model("creator", "Publication"), apps.get_model("creator", "Job")
    made = Job.objects.filter(kind="make_story").exclude(story=None).order_by("-id").values_list("story", "subject")
    source = {str(story): subject.get("translates") for story, subject in made.iterator()}
    for pk, story in Publication.objects.values_list("pk", "story").iterator():
        first, seen = str(story), set()
        while source.get(first) and first not in seen:
            seen.add(first)
            first = source[first]
        Publication.objects.filter(pk=pk).update(original=first)


class Migration(migrations.Migration):

    dependencies = [("creator", "0013_webhooks")]

    operations = [
        migrations.AddField("publication", "original", models.UUIDField(null=True)),
        migrations.RunPython(tell_originals, migrations.RunPython.noop),
        migrations.AlterField("publication", "original", models.UUIDField()),
        migrations.AddIndex(
            "publication", models.Index(fields=("channel", "original"), name="creator_pub_channel_original")
        ),
    ]
