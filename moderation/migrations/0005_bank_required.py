import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("moderation", "0004_own_banks")]

    operations = [
        migrations.AlterField(
            model_name="bannedhash",
            name="bank",
            field=models.ForeignKey(
                blank=True, on_delete=django.db.models.deletion.CASCADE, related_name="hashes",
                to="moderation.picturebank",
            ),
        ),
    ]
