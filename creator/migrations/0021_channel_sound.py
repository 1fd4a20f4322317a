from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('creator', '0020_channel_label_and_origins'),
    ]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='sound',
            field=models.CharField(blank=True, choices=[('before', 'Before'), ('after', 'After')], help_text='videos are offered as sound alone too', max_length=6),
        ),
    ]
