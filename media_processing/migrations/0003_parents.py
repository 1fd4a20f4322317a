from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("media_processing", "0002_library_depth"),
    ]

    operations = [
        migrations.AddField(
            model_name="asset",
            name="parents",
            field=models.ManyToManyField(blank=True, related_name="children", to="media_processing.asset"),
        ),
    ]
