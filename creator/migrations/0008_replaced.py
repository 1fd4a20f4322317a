from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('creator', '0007_pauses'),
    ]

    operations = [
        migrations.AddField(
            model_name='alternative',
            name='replaced',
            field=models.DateTimeField(blank=True, help_text='when the scene last took another in its place', null=True),
        ),
    ]
