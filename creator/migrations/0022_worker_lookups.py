from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("creator", "0021_channel_sound")]

    operations = [
        migrations.AddField(model_name="worker", name="lookups", field=models.JSONField(blank=True, default=dict)),
    ]
