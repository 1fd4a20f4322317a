"""Pictures that were banned before there were banks go into the workspace's own."""

from django.db import migrations


def fill(apps, _schema_editor):
    Hash, Bank = apps.get_model("moderation", "BannedHash"), apps.get_model("moderation", "PictureBank")
    for workspace in Hash.objects.order_by().values_list("workspace", flat=True).distinct():
        bank, _ = Bank.objects.get_or_create(workspace_id=workspace, name="Banned here")
        Hash.objects.filter(workspace_id=workspace, bank=None).update(bank=bank)


class Migration(migrations.Migration):

    dependencies = [("moderation", "0003_signals")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
